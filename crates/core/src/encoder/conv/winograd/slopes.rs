//! The gradient of kernels by the same products.
//!
//! What comes of a square is linear in its 16 sums, and these in the 16 numbers of a kernel; so the gradient at
//! these numbers is a product, too, of the transformed gradient by the transformed squares, over all squares.

use super::super::KERNEL;
use super::kernels::back;
use super::squares::{Seen, Slopes, Squares, Transform};
use super::{GAP, PRODUCTS, SIDE, corners, evened};
use crate::array::Array;
use crate::gemm::{Runs, Transposed};
use crate::threads;
use crate::vectors::processor;

/// Squares that are transformed together.
const TOGETHER: usize = 128;

/// Parts of squares that wait for their products, at most: so much memory is needed besides.
const WAITING: usize = 16;

/// # Shapes
/// - pictures: `[n, h + 2, w + 2, in]`, where odd sides of maps have one row or column more
/// - gradient: `[n, h, w, out]`
/// - result: `[out, 3, 3, in]`
pub(in super::super) fn gradient_of_kernels(pictures: &Array, gradient: &Array) -> Vec<f32> {
    let [_, rows, columns, _] = gradient.layout().shape().dims();
    let grid = [rows, columns];
    let gradient = evened(gradient.clone(), grid);
    let [seen, slopes] = [pictures, &gradient].map(|maps| Maps::of(maps, grid));
    let (inputs, outputs) = (seen.channels, slopes.channels);
    let mut sums: Vec<Vec<f32>> = vec![vec![0.0; outputs * inputs]; PRODUCTS];
    let starts: Vec<usize> = (0..TOGETHER).map(|square| square * inputs).collect();
    let all: Vec<_> = seen.corners.chunks(TOGETHER).zip(slopes.corners.chunks(TOGETHER)).collect();
    for parts in all.chunks(threads::count().min(WAITING)) {
        let parts = threads::each(parts.to_vec(), |(of_seen, of_slopes)| {
            [seen.squares(Seen, of_seen), slopes.squares(Slopes, of_slopes)]
        });
        threads::each(sums.iter_mut().enumerate().collect(), |(product, sums)| {
            for [seen, slopes] in &parts {
                let (left, numbers) = (slopes.of_product(product), seen.of_product(product));
                let product = Transposed {
                    left,
                    columns: outputs,
                    numbers,
                    runs: Runs { count: 1, length: inputs, step: inputs },
                    starts: &starts[..numbers.len() / inputs],
                };
                product.onto(sums);
            }
        });
    }
    kernels(&sums, [inputs, outputs])
}

/// Maps in squares.
struct Maps<'a> {
    /// `[n, h, width, channels]`.
    numbers: &'a [f32],
    width: usize,
    channels: usize,
    corners: Vec<usize>,
}

impl<'a> Maps<'a> {
    fn of(maps: &'a Array, grid: [usize; 2]) -> Self {
        let [count, height, width, channels] = maps.layout().shape().dims();
        let firsts = (0..count).map(|picture| picture * height);
        let corners = firsts.flat_map(|first| corners(grid, first, [width, channels])).collect();
        Self { numbers: maps.storage(), width, channels, corners }
    }

    /// Some of them.
    fn squares<T: Transform<K>, const K: usize>(&self, of: T, corners: &[usize]) -> Part {
        let size = corners.len() * self.channels;
        let step = size + GAP;
        let mut numbers = vec![0.0; PRODUCTS * step];
        let Self { numbers: maps, width, channels, .. } = *self;
        let squares = &mut numbers;
        processor().dispatch(Squares { of, maps, width, channels, corners, squares, step });
        Part { numbers, size }
    }
}

/// Squares, transformed.
struct Part {
    /// 16 times `[squares, channels]`, with gaps.
    numbers: Vec<f32>,
    /// Numbers of each of the 16.
    size: usize,
}

impl Part {
    /// `[squares, channels]`.
    fn of_product(&self, product: usize) -> &[f32] {
        &self.numbers[product * (self.size + GAP)..][..self.size]
    }
}

/// `[out, 3, 3, in]` of 16 times `[out, in]`.
fn kernels(sums: &[Vec<f32>], [inputs, outputs]: [usize; 2]) -> Vec<f32> {
    let mut kernels = vec![0.0; outputs * KERNEL * KERNEL * inputs];
    threads::each_part(&mut kernels, KERNEL * KERNEL * inputs, |output, kernel| {
        for input in 0..inputs {
            let at = |place: usize| sums[place][output * inputs + input];
            for (place, number) in kernel_of(at).as_flattened().iter().enumerate() {
                kernel[place * inputs + input] = *number;
            }
        }
    });
    kernels
}

/// One kernel of its 16 numbers.
fn kernel_of(at: impl Fn(usize) -> f32) -> [[f32; KERNEL]; KERNEL] {
    let rows: [[f32; KERNEL]; SIDE] =
        core::array::from_fn(|y| back(core::array::from_fn(|x| at(y * SIDE + x))));
    let columns: [[f32; KERNEL]; KERNEL] =
        core::array::from_fn(|x| back(core::array::from_fn(|y| rows[y][x])));
    core::array::from_fn(|y| core::array::from_fn(|x| columns[x][y]))
}
