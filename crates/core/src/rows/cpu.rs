//! Products of few rows with many on the CPU: the many pass by once, from where they lie.

use core::array::from_fn;

use burn::backend::Flex;
use burn::tensor::Tensor;

use crate::array::{array, plain};
use crate::threads;
use crate::vectors::{Loop, widest};

/// Sums that are built side by side: no addition waits for the one before, whatever the vectors' width.
const LANES: usize = 8;

/// Of the many rows, those that are multiplied at the same time: what is read of the few serves them all.
const TOGETHER: usize = 4;

/// Of the many rows, those that a thread multiplies at a time.
const ROWS: usize = 4096;

/// # Shapes
/// - few: `[n, dim]`, many: `[m, dim]`, which record no gradients
/// - result: `[n, m]`
pub(super) fn products(few: Tensor<2>, many: Tensor<2>) -> Tensor<2> {
    let ([n, dim], [m, _]) = (few.dims(), many.dims());
    let (few, many) = (plain(few).to_contiguous(), plain(many).to_contiguous());
    let (few, many) = (few.storage::<f32>(), many.storage::<f32>());
    let mut result = vec![0.0; m * n];
    threads::each_part(&mut result, ROWS * n, |number, part| {
        let many = &many[number * ROWS * dim..][..part.len() / n * dim];
        widest(Dots { few, many, dim, part });
    });
    let result = Tensor::from_primitive::<Flex>(array(result, [m, n]));
    // One row is in its order already.
    if n == 1 { result.reshape([n, m]) } else { result.transpose() }
}

/// Every inner product, `[many, few]`.
struct Dots<'a> {
    few: &'a [f32],
    many: &'a [f32],
    dim: usize,
    part: &'a mut [f32],
}

impl Loop for Dots<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { few, many, dim, part } = self;
        let count = few.len() / dim;
        let (mut rows, mut found) =
            (many.chunks_exact(TOGETHER * dim), part.chunks_exact_mut(TOGETHER * count));
        for (rows, found) in rows.by_ref().zip(found.by_ref()) {
            dots::<TOGETHER>(few, rows, found);
        }
        let rest = found.into_remainder().chunks_exact_mut(count);
        for (row, found) in rows.remainder().chunks_exact(dim).zip(rest) {
            dots::<1>(few, row, found);
        }
    }
}

/// Inner products of `N` rows, `[N, dim]`, with the few, `[few, dim]`: `[N, few]`.
#[inline(always)]
fn dots<const N: usize>(few: &[f32], rows: &[f32], found: &mut [f32]) {
    let (dim, count) = (rows.len() / N, found.len() / N);
    let rows: [&[f32]; N] = from_fn(|row| &rows[row * dim..][..dim]);
    for (place, own) in few.chunks_exact(dim).enumerate() {
        for (row, sum) in dot(own, rows).into_iter().enumerate() {
            found[row * count + place] = sum;
        }
    }
}

/// Inner products of one row with others; each in the same order, whatever the number of others.
#[inline(always)]
fn dot<const N: usize>(own: &[f32], rows: [&[f32]; N]) -> [f32; N] {
    let (own, own_rest) = own.as_chunks::<LANES>();
    let chunks = rows.map(|row| &row.as_chunks::<LANES>().0[..own.len()]);
    let mut sums = [[0.0; LANES]; N];
    for (place, own) in own.iter().enumerate() {
        for (sums, row) in sums.iter_mut().zip(chunks) {
            for lane in 0..LANES {
                sums[lane] += own[lane] * row[place][lane];
            }
        }
    }
    for (sums, row) in sums.iter_mut().zip(rows) {
        let rest = own_rest.iter().zip(row.as_chunks::<LANES>().1);
        sums.iter_mut().zip(rest).for_each(|(sum, (own, other))| *sum += own * other);
    }
    sums.map(|mut sums| {
        let mut width = LANES / 2;
        while width > 0 {
            for lane in 0..width {
                sums[lane] += sums[lane + width];
            }
            width /= 2;
        }
        sums[0]
    })
}
