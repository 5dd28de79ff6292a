//! The nearest of many rows on the CPU: these pass by once, from where they lie.

use std::array;
use std::ops::Range;

use burn::tensor::Tensor;
use pulp::{Simd, WithSimd};

use super::largest::Largest;
use crate::array::plain;
use crate::threads;
use crate::vectors::{load, processor};

/// Sums that are built side by side: as many as a processor adds up at once in the time of one sum.
const SUMS: usize = 16;

/// Parts of the many rows that are read at the same time, a row of each in turn: memory is read ahead
/// along each by itself, which one alone would wait for.
const PARTS: usize = 4;

/// Of each part, the rows whose products are looked at together.
const ROWS: usize = 128;

/// Of the many rows, the `k` with the largest products, for each of the few.
///
/// # Shapes
/// - few: `[n, dim]`, many: `[m, dim]`, which record no gradients
pub(super) fn nearest(few: Tensor<2>, many: Tensor<2>, k: usize) -> Vec<Largest> {
    let ([n, dim], [m, _]) = (few.dims(), many.dims());
    let (few, many) = (plain(few).to_contiguous(), plain(many).to_contiguous());
    let (few, many) = (few.storage::<f32>(), many.storage::<f32>());
    shared(m, |rows| {
        let mut found = vec![Largest::new(k); n];
        offer(&mut found, rows, (few, many), dim);
        found
    })
}

/// What is found among all of some rows, of which each thread looks at a part.
pub(super) fn shared(
    rows: usize,
    find: impl Fn(Range<usize>) -> Vec<Largest> + Send + Sync,
) -> Vec<Largest> {
    let share = rows.div_ceil(threads::count()).max(1);
    let shares = (0..rows).step_by(share).map(|first| first..(first + share).min(rows)).collect();
    let join = |all: Vec<Largest>, next: Vec<Largest>| {
        all.into_iter().zip(next).map(|(all, next)| all.join(next)).collect()
    };
    threads::each(shares, find).into_iter().reduce(join).unwrap_or_default()
}

/// Offers the products of some of the many rows, for each of the few.
fn offer(found: &mut [Largest], rows: Range<usize>, (few, many): (&[f32], &[f32]), dim: usize) {
    let part = rows.len().div_ceil(PARTS);
    let mut products = vec![0.0; PARTS * ROWS * found.len()];
    for done in (0..part).step_by(ROWS) {
        // The last parts may be shorter, or have no rows.
        let blocks: [Range<usize>; PARTS] = array::from_fn(|own| {
            let end = rows.end.min(rows.start + (own + 1) * part);
            let start = end.min(rows.start + own * part + done);
            start..end.min(start + ROWS)
        });
        let many = blocks.each_ref().map(|rows| &many[rows.start * dim..rows.end * dim]);
        processor().dispatch(Dots { few, many, dim, products: &mut products });
        for (found, products) in found.iter_mut().zip(products.chunks(PARTS * ROWS)) {
            for (rows, products) in blocks.iter().zip(products.chunks(ROWS)) {
                found.offer(rows.start, &products[..rows.len()]);
            }
        }
    }
}

/// An inner product, with the bits that it has among others.
pub(super) fn product(a: &[f32], b: &[f32]) -> f32 {
    struct Product<'a>(&'a [f32], &'a [f32]);

    impl WithSimd for Product<'_> {
        type Output = f32;

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> f32 {
            dot(simd, self.0, self.1)
        }
    }

    processor().dispatch(Product(a, b))
}

/// Every inner product of a block of each part.
struct Dots<'a> {
    /// `[n, dim]`
    few: &'a [f32],
    /// `[at most ROWS, dim]` each
    many: [&'a [f32]; PARTS],
    dim: usize,
    /// `[n, PARTS, ROWS]`
    products: &'a mut [f32],
}

impl WithSimd for Dots<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let few = self.few.chunks_exact(self.dim);
        for (own, found) in few.zip(self.products.chunks_exact_mut(PARTS * ROWS)) {
            dots(simd, own, &self.many, found);
        }
    }
}

/// The inner products of one row, `[PARTS, ROWS]`: with a row of each part in turn.
#[inline(always)]
fn dots<S: Simd>(simd: S, own: &[f32], many: &[&[f32]; PARTS], found: &mut [f32]) {
    // No part has more rows than the first.
    for row in 0..many[0].len() / own.len() {
        for (part, many) in many.iter().enumerate() {
            if let Some(many) = many.get(row * own.len()..(row + 1) * own.len()) {
                found[part * ROWS + row] = dot(simd, own, many);
            }
        }
    }
}

/// An inner product, with as many vectors as hold all sums.
#[inline(always)]
fn dot<S: Simd>(simd: S, a: &[f32], b: &[f32]) -> f32 {
    match S::F32_LANES {
        SUMS => by_vectors::<S, 1>(simd, a, b),
        8 => by_vectors::<S, { SUMS / 8 }>(simd, a, b),
        4 => by_vectors::<S, { SUMS / 4 }>(simd, a, b),
        _ => by_vectors::<S, SUMS>(simd, a, b),
    }
}

/// An inner product. The sums are added up by halves, so that vectors of all widths give the same bits.
#[inline(always)]
fn by_vectors<S: Simd, const VECTORS: usize>(simd: S, a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [simd.splat_f32s(0.0); VECTORS];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<SUMS>(), b.as_chunks::<SUMS>());
    for (a, b) in a.iter().zip(b) {
        let (a, b) = (S::as_simd_f32s(a).0, S::as_simd_f32s(b).0);
        for ((sum, &a), &b) in sums.iter_mut().zip(a).zip(b) {
            *sum = simd.add_f32s(*sum, simd.mul_f32s(a, b));
        }
    }
    let rest = a_rest.chunks(S::F32_LANES).zip(b_rest.chunks(S::F32_LANES));
    for (sum, (a, b)) in sums.iter_mut().zip(rest) {
        *sum = simd.add_f32s(*sum, simd.mul_f32s(load(simd, a), load(simd, b)));
    }
    let mut half = VECTORS / 2;
    while half > 0 {
        for place in 0..half {
            sums[place] = simd.add_f32s(sums[place], sums[place + half]);
        }
        half /= 2;
    }
    simd.reduce_sum_f32s(sums[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sixteen sums, added up by halves.
    fn expected(a: &[f32], b: &[f32]) -> f32 {
        let mut sums = [0.0; SUMS];
        a.iter().zip(b).enumerate().for_each(|(place, (a, b))| sums[place % SUMS] += a * b);
        for half in [8, 4, 2, 1] {
            (0..half).for_each(|place| sums[place] += sums[place + half]);
        }
        sums[0]
    }

    /// A single row, in the first part.
    fn single<'a>(a: &'a [f32], b: &'a [f32], products: &'a mut [f32]) -> Dots<'a> {
        Dots { few: a, many: [b, &[], &[], &[]], dim: a.len(), products }
    }

    /// [`dot`] in vectors of one width.
    fn in_vectors<S: Simd>(simd: S, a: &[f32], b: &[f32]) -> f32 {
        let mut products = [0.0; PARTS * ROWS];
        single(a, b, &mut products).with_simd(simd);
        products[0]
    }

    #[test]
    fn vectors_of_all_widths_give_the_same_bits() {
        let numbers = |seed: u32| move |k: u32| ((k * seed) as f32).sin();
        for dim in [1, 3, 4, 15, 16, 17, 31, 64, 75, 128, 500] {
            let (a, b): (Vec<_>, Vec<_>) =
                ((0..dim).map(numbers(7)).collect(), (0..dim).map(numbers(11)).collect());
            let mut products = [0.0; PARTS * ROWS];
            processor().dispatch(single(&a, &b, &mut products));
            let expected = expected(&a, &b).to_bits();
            let found = [
                products[0],
                in_vectors(pulp::Scalar, &a, &b),
                in_vectors(pulp::Scalar128b, &a, &b),
                in_vectors(pulp::Scalar256b, &a, &b),
                in_vectors(pulp::Scalar512b, &a, &b),
            ];
            assert_eq!(found.map(f32::to_bits), [expected; 5], "{dim} numbers");
        }
    }
}
