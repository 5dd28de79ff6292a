//! The nearest of many rows on the CPU: these pass by once, from where they lie.

use burn::tensor::Tensor;

use super::largest::Largest;
use crate::array::plain;
use crate::threads;
use crate::vectors::{Loop, widest};

/// Sums that are built side by side. More of them leave a browser's registers.
const LANES: usize = 8;

/// Of the many rows, those whose products are looked at together.
const ROWS: usize = 512;

/// Of the many rows, the `k` with the largest products, for each of the few.
///
/// # Shapes
/// - few: `[n, dim]`, many: `[m, dim]`, which record no gradients
pub(super) fn nearest(few: Tensor<2>, many: Tensor<2>, k: usize) -> Vec<Largest> {
    let ([n, dim], [m, _]) = (few.dims(), many.dims());
    let (few, many) = (plain(few).to_contiguous(), plain(many).to_contiguous());
    let (few, many) = (few.storage::<f32>(), many.storage::<f32>());
    let share = m.div_ceil(threads::count());
    let shares = (0..m).step_by(share).map(|first| (first, share.min(m - first))).collect();
    let found = threads::each(shares, |(first, count)| {
        let mut found = vec![Largest::new(k); n];
        let mut products = vec![0.0; ROWS.min(count) * n];
        let rows = &many[first * dim..][..count * dim];
        for (block, rows) in rows.chunks(ROWS * dim).enumerate() {
            let count = rows.len() / dim;
            let products = &mut products[..count * n];
            widest(Dots { few, many: rows, dim, products });
            for (found, products) in found.iter_mut().zip(products.chunks(count)) {
                found.offer(first + block * ROWS, products);
            }
        }
        found
    });
    let join = |all: Vec<Largest>, next: Vec<Largest>| {
        all.into_iter().zip(next).map(|(all, next)| all.join(next)).collect()
    };
    found.into_iter().reduce(join).unwrap_or_default()
}

/// Every inner product, `[few, many]`.
struct Dots<'a> {
    few: &'a [f32],
    many: &'a [f32],
    dim: usize,
    products: &'a mut [f32],
}

impl Loop for Dots<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let count = self.many.len() / self.dim;
        for (own, found) in
            self.few.chunks_exact(self.dim).zip(self.products.chunks_exact_mut(count))
        {
            for (row, found) in self.many.chunks_exact(self.dim).zip(found) {
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
