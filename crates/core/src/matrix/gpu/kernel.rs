//! The kernel. A workgroup computes a tile of one matrix of the result, a thread every sixteenth row and
//! column of it.

use cubecl::prelude::*;
use cubecl::std::FastDivmod;

/// Side of the square of threads.
pub(super) const SIDE: usize = 16;

/// Rows and columns of a thread.
const OWN: usize = 4;

/// Rows and columns of a tile.
pub(super) const TILE: usize = SIDE * OWN;

/// Numbers of each row that are multiplied between two barriers.
const SLAB: usize = 16;

/// Numbers from one line of a tile to the next: lines begin in different banks of the memory.
const LINE: usize = TILE + 1;

/// What of a tile lies side by side in memory, and is read so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Beside {
    /// Numbers that are multiplied and added up.
    Terms,
    /// Its lines: rows of the first operand, columns of the second.
    Lines,
}

/// How a stack of matrices lies: numbers from one to the next.
#[derive(CubeLaunch, CubeType, Clone, Copy)]
pub(super) struct Stack {
    /// Of the stack's first dimension.
    outer: u32,
    /// Of its second.
    inner: u32,
    /// Of a matrix's rows.
    row: u32,
    /// Of its columns.
    column: u32,
}

/// `result[stack, row, column] = sum of a[stack, row, k] · b[stack, k, column]`, of the matrices from
/// `first` on.
#[cube(launch)]
pub(super) fn products(
    a: &[f32],
    b: &[f32],
    result: &mut [f32],
    a_stack: Stack,
    b_stack: Stack,
    inner: FastDivmod<u32>,
    first: u32,
    rows: u32,
    columns: u32,
    depth: u32,
    #[comptime] a_beside: Beside,
    #[comptime] b_beside: Beside,
) {
    let mut left = Shared::<[f32]>::new_slice(comptime![SLAB * LINE]);
    let mut right = Shared::<[f32]>::new_slice(comptime![SLAB * LINE]);
    let matrix = first + CUBE_POS_Z;
    let (outer, within) = inner.div_mod(matrix);
    let a_first = outer * a_stack.outer + within * a_stack.inner;
    let b_first = outer * b_stack.outer + within * b_stack.inner;
    let (row, column) = (CUBE_POS_Y * TILE as u32, CUBE_POS_X * TILE as u32);
    let x = (UNIT_POS % SIDE as u32) as usize;
    let y = (UNIT_POS / SIDE as u32) as usize;

    let mut sums = Array::<f32>::new(comptime![OWN * OWN]);
    #[unroll]
    for own in 0..comptime![OWN * OWN] {
        sums[own] = 0.0f32;
    }
    let slabs = depth.div_ceil(SLAB as u32);
    for slab in 0..slabs {
        let k = slab * SLAB as u32;
        bring(
            &mut left,
            a,
            (a_first, a_stack.row, a_stack.column),
            (row, rows),
            (k, depth),
            a_beside,
        );
        bring(
            &mut right,
            b,
            (b_first, b_stack.column, b_stack.row),
            (column, columns),
            (k, depth),
            b_beside,
        );
        sync_cube();
        multiply(&left, &right, &mut sums, (x, y));
        sync_cube();
    }
    #[unroll]
    for tall in 0..OWN {
        #[unroll]
        for broad in 0..OWN {
            let own_row = row + (y + SIDE * tall) as u32;
            let own_column = column + (x + SIDE * broad) as u32;
            if own_row < rows && own_column < columns {
                let at = (matrix * rows + own_row) * columns + own_column;
                result[at as usize] = sums[tall * OWN + broad];
            }
        }
    }
}

/// Adds a slab's products to a thread's sums.
#[cube]
fn multiply(
    left: &Shared<[f32]>,
    right: &Shared<[f32]>,
    sums: &mut Array<f32>,
    seat: (usize, usize),
) {
    let (x, y) = seat;
    #[unroll]
    for k in 0..SLAB {
        #[unroll]
        for tall in 0..OWN {
            let number = left[k * LINE + y + SIDE * tall];
            #[unroll]
            for broad in 0..OWN {
                let other = right[k * LINE + x + SIDE * broad];
                sums[tall * OWN + broad] = fma(number, other, sums[tall * OWN + broad]);
            }
        }
    }
}

/// Brings a slab of a tile into the workgroup's memory, `[k, line]`: neighbouring threads read what lies
/// side by side. Beyond the end there are zeros.
#[cube]
fn bring(
    shared: &mut Shared<[f32]>,
    numbers: &[f32],
    lies: (u32, u32, u32),
    lines: (u32, u32),
    depths: (u32, u32),
    #[comptime] beside: Beside,
) {
    let (first, line_step, k_step) = lies;
    let (first_line, end) = lines;
    let (first_k, depth) = depths;
    #[unroll]
    for part in 0..OWN {
        let number = UNIT_POS + (part * SIDE * SIDE) as u32;
        let (line, k) = if comptime![beside == Beside::Terms] {
            (number / SLAB as u32, number % SLAB as u32)
        } else {
            (number % TILE as u32, number / TILE as u32)
        };
        let there = first_line + line < end && first_k + k < depth;
        let at = first + (first_line + line) * line_step + (first_k + k) * k_step;
        let at = select(there, at, first);
        let found = numbers[at as usize];
        shared[k as usize * LINE + line as usize] = select(there, found, 0.0f32);
    }
}
