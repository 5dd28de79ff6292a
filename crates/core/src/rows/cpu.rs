//! Products of few rows with many on the CPU: the many pass by once, from where they lie.

use burn::backend::Flex;
use burn::tensor::Tensor;

use crate::array::{array, plain};
use crate::threads;
use crate::vectors::{Loop, widest};

/// Sums that are built side by side: no addition waits for the one before, whatever the vectors' width.
const LANES: usize = 32;

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
        let few = self.few.chunks_exact(self.dim);
        let found = self.part.chunks_exact_mut(few.len());
        for (row, found) in self.many.chunks_exact(self.dim).zip(found) {
            for (own, found) in few.clone().zip(found) {
                *found = dot(own, row);
            }
        }
    }
}

#[inline(always)]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0; LANES];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    for ((sum, a), b) in sums.iter_mut().zip(a_rest).zip(b_rest) {
        *sum += a * b;
    }
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            sums[lane] += sums[lane + width];
        }
        width /= 2;
    }
    sums[0]
}
