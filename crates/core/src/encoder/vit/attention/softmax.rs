//! Shares of scores on the CPU.

use crate::vectors::{Loop, exp};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::widest;

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
