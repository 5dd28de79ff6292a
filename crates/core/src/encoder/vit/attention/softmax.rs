//! Shares of scores on the CPU.

use crate::vectors::Loop;

/// exp(x) / Σ exp(x) of every row.
pub(super) struct Softmax<'a> {
    pub(super) rows: &'a mut [f32],
    pub(super) columns: usize,
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

/// The gradient of scores from that of shares: share · (g − Σ share · g), times the scale.
pub(super) struct Slopes<'a> {
    pub(super) slopes: &'a mut [f32],
    pub(super) shares: &'a [f32],
    pub(super) columns: usize,
    pub(super) scale: f32,
}

impl Loop for Slopes<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let rows = self.slopes.chunks_exact_mut(self.columns);
        for (slopes, shares) in rows.zip(self.shares.chunks_exact(self.columns)) {
            for (slope, share) in slopes.iter_mut().zip(shares) {
                *slope *= share;
            }
            let mean = sum(slopes);
            for (slope, share) in slopes.iter_mut().zip(shares) {
                *slope = self.scale * (*slope - share * mean);
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
    use crate::vectors::widest;

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
