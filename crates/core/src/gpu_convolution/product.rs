//! A convolution's result, and the gradient of its pictures: patches by kernels. A workgroup computes a
//! tile of the result, a thread eight rows of it.

use cubecl::prelude::*;

use super::gather::{Factors, Quad, SIDE, SLAB, Target, UNITS, Walk, place, seat, seen, tap};
use super::narrow::{gathered, scale, scaled};
use crate::activation::Activation;
use crate::activation::gpu::activated;

/// Rows of a tile of the result.
pub(super) const ROWS: usize = 128;

/// Rows of a tile that a thread computes.
const OWN: usize = ROWS / SIDE;

/// `result[row, out] = sum of patch[row, k] · kernels[k, out]`, then bias and an activation.
///
/// With a mask, the source is a gradient behind the activation `before`, of which it has the results.
///
/// What is multiplied next is read from memory before the last slab is multiplied.
///
/// With the largest number of the source, numbers of type `N` are multiplied, of two bytes.
#[cube(launch)]
pub(super) fn product<N: Float>(
    source: &[Quad],
    mask: ComptimeOption<&[Quad]>,
    largest: ComptimeOption<&[f32]>,
    kernels: &[Factors<N>],
    bias: ComptimeOption<&[Quad]>,
    result: &mut [Quad],
    walk: Walk,
    target: Target,
    #[comptime] direction: i32,
    #[comptime] before: Activation,
    #[comptime] after: Activation,
    #[define(N)] _factors: ElemType,
) {
    let mut left = Shared::<[Factors<N>]>::new_slice(comptime![ROWS * SLAB / 4]);
    let mut right = Shared::<[Factors<N>]>::new_slice(comptime![SLAB * SIDE]);
    let is_narrow = comptime![largest.is_some()];
    let (factor, inverse) = scale(&largest);
    let first = (CUBE_POS_Y + CUBE_POS_Z * CUBE_COUNT_Y) * comptime![ROWS as u32];
    let column = CUBE_POS_X * SIDE as u32;

    // The two rows of patches that this thread brings, and its column of kernels.
    let near = place(&walk, first + UNIT_POS / 4, walk.rows);
    let far = place(&walk, first + UNIT_POS / 4 + 64, walk.rows);
    let brought = column + UNIT_POS % SIDE as u32;
    let size = (walk.depth * 4, target.channels);
    let mut quad = UNIT_POS % 4;
    let mut line = UNIT_POS / SIDE as u32;
    let own = tap(&walk, quad);
    let mut ahead_near = seen(source, &mask, &walk, (near, own), direction, before);
    let mut ahead_far = seen(source, &mask, &walk, (far, own), direction, before);
    let mut ahead = weights(kernels, (line, brought), size);

    // The quads of two rows fill all banks of the memory; every two rows have theirs in another order,
    // so that four rows' quads of one column lie in different banks.
    let place = ((UNIT_POS / 4) * 4 + ((UNIT_POS % 4) ^ ((UNIT_POS / 8) % 4))) as usize;
    let mut own_sums = Array::<Factors<N>>::new(OWN);
    let mut sums = Array::<Quad>::new(OWN);
    let slabs = walk.depth.div_ceil(4);
    for slab in 0..slabs {
        left[place] = scaled::<N>(ahead_near, factor);
        left[place + UNITS] = scaled::<N>(ahead_far, factor);
        right[UNIT_POS as usize] = ahead;
        sync_cube();
        if slab + 1 < slabs {
            quad += 4;
            line += SLAB as u32;
            let own = tap(&walk, quad);
            ahead_near = seen(source, &mask, &walk, (near, own), direction, before);
            ahead_far = seen(source, &mask, &walk, (far, own), direction, before);
            ahead = weights(kernels, (line, brought), size);
        }
        multiply(&left, &right, &mut own_sums);
        if is_narrow {
            gathered(&mut own_sums, &mut sums, OWN);
        }
        sync_cube();
    }
    if !is_narrow {
        gathered(&mut own_sums, &mut sums, OWN);
    }
    #[unroll]
    for row in 0..OWN {
        sums[row] *= Quad::new(inverse);
    }
    write(result, &mut sums, &bias, &walk, &target, (first, column), after);
}

/// The quad of kernels that a thread brings of a slab, 0 outside them.
#[cube]
fn weights<N: Float>(kernels: &[Factors<N>], at: (u32, u32), size: (u32, u32)) -> Factors<N> {
    let (row, column) = at;
    let (rows, columns) = size;
    let row = select(column < columns, row, rows);
    let mut found = Factors::<N>::new(N::new(0.0));
    if row < rows {
        found = kernels[(row * columns + column) as usize];
    }
    found
}

/// Adds a slab's products to a thread's sums.
#[cube]
fn multiply<N: Float>(
    left: &Shared<[Factors<N>]>,
    right: &Shared<[Factors<N>]>,
    sums: &mut Array<Factors<N>>,
) {
    let (x, y) = seat(UNIT_POS);
    let order = (y / 2) % 4;
    #[unroll]
    for quad in 0..4usize {
        let mut rows = Array::<Factors<N>>::new(OWN);
        #[unroll]
        for row in 0..OWN {
            rows[row] = left[(y + SIDE * row) * 4 + (quad ^ order)];
        }
        #[unroll]
        for k in 0..4usize {
            let weights = right[(quad * 4 + k) * SIDE + x];
            #[unroll]
            for row in 0..OWN {
                sums[row] = fma(Factors::<N>::new(rows[row].extract(k)), weights, sums[row]);
            }
        }
    }
}

/// Writes a thread's sums where they belong.
#[cube]
fn write(
    result: &mut [Quad],
    sums: &mut Array<Quad>,
    bias: &ComptimeOption<&[Quad]>,
    walk: &Walk,
    target: &Target,
    at: (u32, u32),
    #[comptime] activation: Activation,
) {
    let (x, y) = seat(UNIT_POS);
    let (first, column) = at;
    let out = column + x as u32;
    #[unroll]
    for own in 0..OWN {
        let row = first + (y + SIDE * own) as u32;
        // A column beyond the last is treated as a row beyond the last.
        let row = select(out < target.channels, row, walk.rows);
        if row < walk.rows {
            let mut sum = sums[own];
            #[comptime]
            match bias {
                ComptimeOption::Some(bias) => sum += bias[out as usize],
                ComptimeOption::None => {}
            }
            let at = pixel(walk, target, row) * target.channels + out;
            result[at as usize] = finished(sum, activation);
        }
    }
}

/// The pixel of the target that a row is.
#[cube]
fn pixel(walk: &Walk, target: &Target, row: u32) -> u32 {
    let (rest, x) = walk.grid_width.div_mod(row);
    let (image, y) = walk.grid_height.div_mod(rest);
    let (y, x) = (y * target.step + target.row, x * target.step + target.column);
    (image * target.height + y) * target.width + x
}

/// Sums after the activation.
#[cube]
fn finished(sums: Quad, #[comptime] activation: Activation) -> Quad {
    let mut finished = sums;
    #[unroll]
    for k in 0..4usize {
        finished.insert(k, activated(sums.extract(k), activation));
    }
    finished
}
