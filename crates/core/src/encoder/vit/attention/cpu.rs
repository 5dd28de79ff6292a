//! Attention on the CPU, for inference: nothing is copied to another layout.

use burn::backend::Flex;
use burn::tensor::Tensor;

use crate::array::{array, plain};
use crate::gemm::{Panels, Product, Row, Runs};
use crate::threads;
use crate::vectors::{Loop, widest};

/// # Shapes
/// - parts: `[n · tokens, 3 · dim]`, of queries, keys and values, each of `heads` times some numbers
/// - result: `[n · tokens, dim]`
pub(super) fn attend(parts: Tensor<2>, tokens: usize, heads: usize) -> Tensor<2> {
    let [rows, width] = parts.dims();
    let dim = width / 3;
    let parts = plain(parts).to_contiguous();
    let parts = parts.storage::<f32>();
    let mut seen = vec![0.0; rows * dim];
    threads::each_part(&mut seen, (tokens * dim).max(1), |image, seen| {
        let parts = &parts[image * tokens * width..][..tokens * width];
        let size = dim / heads;
        for head in 0..heads {
            let whose = Head { parts, tokens, width, size, first: head * size };
            whose.attend(seen);
        }
    });
    Tensor::from_primitive::<Flex>(array(seen, [rows, dim]))
}

/// One head of one image.
struct Head<'a> {
    /// `[tokens, width]`.
    parts: &'a [f32],
    tokens: usize,
    /// Numbers of a token: queries, keys and values of all heads.
    width: usize,
    /// Numbers that the head looks at.
    size: usize,
    /// Its first number among the queries.
    first: usize,
}

impl Head<'_> {
    /// Writes what its tokens see, where it belongs in `[tokens, dim]`.
    fn attend(&self, seen: &mut [f32]) {
        let Self { parts, tokens, width, size, first } = *self;
        let dim = width / 3;
        let scale = 1.0 / (size as f64).sqrt();
        let keys = Panels::new([size, tokens], |place| {
            move |token: usize| {
                let key = parts[token * width + dim + first + place];
                (f64::from(key) * scale) as f32
            }
        });
        let values = Panels::new([tokens, size], |token| {
            let row = &parts[token * width + 2 * dim + first..];
            move |place: usize| row[place]
        });
        let mut scores = vec![0.0; tokens * tokens];
        let rows = |from: usize, [here, there]: [usize; 2], to: usize| -> Vec<Row> {
            let row = |token| Row { from: from + token * here, to: to + token * there };
            (0..tokens).map(row).collect()
        };
        let product = Product::new(parts, whole(size), &keys);
        product.write(&rows(first, [width, tokens], 0), &mut scores);
        widest(Softmax { rows: &mut scores, columns: tokens });
        let product = Product::new(&scores, whole(tokens), &values);
        product.write(&rows(0, [tokens, dim], first), seen);
    }
}

/// A row whose numbers all lie side by side.
fn whole(length: usize) -> Runs {
    Runs { count: 1, length, step: length }
}

/// exp(x) / Σ exp(x) of every row.
struct Softmax<'a> {
    rows: &'a mut [f32],
    columns: usize,
}

impl Loop for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for row in self.rows.chunks_exact_mut(self.columns) {
            let most = most(row);
            for x in row.iter_mut() {
                *x = exp(*x - most);
            }
            let share = 1.0 / sum(row);
            for x in row.iter_mut() {
                *x *= share;
            }
        }
    }
}

/// Numbers that are looked at at once, so that their order does not depend on the processor.
const LANES: usize = 16;

#[inline(always)]
fn most(row: &[f32]) -> f32 {
    let (parts, rest) = row.as_chunks::<LANES>();
    let mut most = [f32::NEG_INFINITY; LANES];
    for part in parts {
        for (most, x) in most.iter_mut().zip(part) {
            *most = if *x > *most { *x } else { *most };
        }
    }
    most.into_iter().chain(rest.iter().copied()).fold(f32::NEG_INFINITY, f32::max)
}

#[inline(always)]
fn sum(row: &[f32]) -> f32 {
    let (parts, rest) = row.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for part in parts {
        for (sum, x) in sums.iter_mut().zip(part) {
            *sum += x;
        }
    }
    sums.into_iter().chain(rest.iter().copied()).sum()
}

/// eˣ for x ≤ 0, to 2e-7 of itself: 2ⁿ · eʳ with |r| ≤ ln 2 / 2, eʳ by the polynomial of the Cephes library
/// (`expf`). NaN stays; below -87 it is 0.
#[inline(always)]
fn exp(x: f32) -> f32 {
    /// Adding it rounds to a whole number.
    const ROUND: f32 = 12_582_912.0;
    /// ln 2 in two parts, so that n · ln 2 is exact enough.
    const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
    const LEAST: f32 = -87.0;
    let clamped = if x < LEAST { LEAST } else { x };
    let shifted = clamped * core::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = clamped - n * LN_2[0] - n * LN_2[1];
    let p = 1.987_569_1e-4;
    let p = p * r + 1.398_199_9e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_5e-1;
    let p = p * r + 0.5;
    let power = p * r * r + r + 1.0;
    // The lowest bits of the shifted number are n; 127 is the exponent's offset.
    let scale = f32::from_bits((shifted.to_bits().wrapping_add(127)) << 23);
    let value = power * scale;
    if x < LEAST { 0.0 } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_e_are_right() {
        let numbers = (0..870_000).map(|k| -1e-4 * k as f32);
        let far = numbers.map(|x| (f64::from(exp(x)) / f64::from(x).exp() - 1.0).abs());
        assert!(far.fold(0.0, f64::max) < 2e-7);
        assert_eq!([exp(0.0), exp(-1e4), exp(f32::NEG_INFINITY)], [1.0, 0.0, 0.0]);
        assert!(exp(f32::NAN).is_nan());
    }

    #[test]
    fn rows_become_shares() {
        for columns in [1, 3, 16, 40] {
            let numbers: Vec<f32> =
                (0..2 * columns).map(|k| (k as f32 * 0.7).sin() * 9.0).collect();
            let mut shares = numbers.clone();
            widest(Softmax { rows: &mut shares, columns });
            for (row, shares) in numbers.chunks(columns).zip(shares.chunks(columns)) {
                let total: f64 = row.iter().map(|&x| f64::from(x).exp()).sum();
                let expected = row.iter().map(|&x| f64::from(x).exp() / total);
                let far = expected.zip(shares).map(|(x, &share)| (x - f64::from(share)).abs());
                assert!(far.fold(0.0, f64::max) < 1e-6, "{columns}");
            }
        }
    }
}
