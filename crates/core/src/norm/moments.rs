//! Means and variances of channels, and other sums over rows, on the CPU.

use crate::threads;
use crate::vectors::{Loop, widest};

/// Rows whose sums are built in single precision, before they go into double.
const BLOCK: usize = 64;

/// Numbers that a thread takes at a time, about, so that they are read from memory once: sums do not depend
/// on the number of threads.
const PART: usize = 1 << 15;

/// Numbers of the rows that a thread takes at a time.
pub(super) fn part_of(channels: usize) -> usize {
    (PART / channels).next_multiple_of(BLOCK).max(BLOCK) * channels
}

/// Why a row has the numbers that are taken from it.
const WHOLE: &str = "only whole groups of channels are taken";

/// Channel by channel.
pub(super) fn added(left: Vec<f64>, right: &[f64]) -> Vec<f64> {
    left.iter().zip(right).map(|(left, right)| left + right).collect()
}

/// Of every channel of some rows.
pub(super) struct Moments {
    /// How many rows.
    pub(super) count: f64,
    pub(super) means: Vec<f64>,
    /// Sums of squares of what is left without the mean.
    pub(super) squares: Vec<f64>,
}

impl Moments {
    fn of(rows: &[f32], channels: usize) -> Self {
        let count = (rows.len() / channels) as f64;
        let none: [&[f32]; 0] = [];
        let [sums] = column_sums([rows, rows], (channels, none), |x, _, []| [x]);
        let means: Vec<f64> = sums.iter().map(|sum| sum / count).collect();
        let centres: Vec<f32> = means.iter().map(|mean| *mean as f32).collect();
        let [squares] =
            column_sums([rows, rows], (channels, [&centres]), |x, _, [c]| [(x - c) * (x - c)]);
        Self { count, means, squares }
    }

    /// Of these rows and others (Chan, Golub and `LeVeque` 1983).
    fn and(mut self, other: &Self) -> Self {
        let count = self.count + other.count;
        let share = other.count / count;
        let own = self.means.iter_mut().zip(&mut self.squares);
        for ((mean, squares), (means, more)) in own.zip(other.means.iter().zip(&other.squares)) {
            let far = means - *mean;
            *mean += far * share;
            *squares += more + far * far * self.count * share;
        }
        Self { count, ..self }
    }

    /// Of all rows.
    pub(super) fn of_all(rows: &[f32], channels: usize) -> Self {
        let parts = rows.chunks(part_of(channels)).collect();
        let parts = threads::each(parts, |rows| Self::of(rows, channels));
        let none = Self { count: 0.0, means: vec![0.0; channels], squares: vec![0.0; channels] };
        parts.iter().fold(none, Self::and)
    }
}

/// Sums over rows, for each channel, of terms of the numbers of two arrays there and of some numbers of the
/// channel's.
pub(super) fn column_sums<const N: usize, const K: usize>(
    [left, right]: [&[f32]; 2],
    (channels, numbers): (usize, [&[f32]; K]),
    terms: impl Fn(f32, f32, [f32; K]) -> [f32; N] + Copy,
) -> [Vec<f64>; N] {
    let mut totals = [(); N].map(|()| vec![0.0; channels]);
    let block = BLOCK * channels;
    for (left, right) in left.chunks(block).zip(right.chunks(block)) {
        widest(Summed { rows: [left, right], channels, numbers, totals: &mut totals, terms });
    }
    totals
}

struct Summed<'a, const N: usize, const K: usize, F> {
    /// Of two arrays.
    rows: [&'a [f32]; 2],
    channels: usize,
    /// Some numbers for each channel.
    numbers: [&'a [f32]; K],
    totals: &'a mut [Vec<f64>; N],
    terms: F,
}

impl<const N: usize, const K: usize, F> Loop for Summed<'_, N, K, F>
where
    F: Fn(f32, f32, [f32; K]) -> [f32; N] + Copy,
{
    type Output = ();

    #[inline(always)]
    fn run(mut self) {
        let next = self.columns::<32>(0);
        let next = self.columns::<8>(next);
        self.columns::<1>(next);
    }
}

impl<const N: usize, const K: usize, F> Summed<'_, N, K, F>
where
    F: Fn(f32, f32, [f32; K]) -> [f32; N] + Copy,
{
    /// So many channels at a time, row by row as they lie in memory; those that remain begin at the result.
    #[inline(always)]
    fn columns<const LANES: usize>(&mut self, from: usize) -> usize {
        let channels = self.channels;
        let mut sums = vec![[[0.0; LANES]; N]; (channels - from) / LANES];
        let [left, right] = self.rows.map(|rows| rows.chunks_exact(channels));
        for (left, right) in left.zip(right) {
            for (group, sums) in sums.iter_mut().enumerate() {
                let first = from + group * LANES;
                let numbers = taken(self.numbers, first);
                *sums = self.joined(*sums, taken([left, right], first), numbers);
            }
        }
        for (group, sums) in sums.iter().enumerate() {
            for (totals, sums) in self.totals.iter_mut().zip(sums) {
                let totals = totals[from + group * LANES..].iter_mut().zip(sums);
                totals.for_each(|(total, sum)| *total += f64::from(*sum));
            }
        }
        from + sums.len() * LANES
    }

    /// Sums with the terms of a row. They are values, so that they stay in registers.
    #[inline(always)]
    fn joined<const LANES: usize>(
        &self,
        mut sums: [[f32; LANES]; N],
        [left, right]: [&[f32; LANES]; 2],
        numbers: [&[f32; LANES]; K],
    ) -> [[f32; LANES]; N] {
        for lane in 0..LANES {
            let mut own = [0.0; K];
            for (own, numbers) in own.iter_mut().zip(&numbers) {
                *own = numbers[lane];
            }
            let terms = (self.terms)(left[lane], right[lane], own);
            for (sums, term) in sums.iter_mut().zip(terms) {
                sums[lane] += term;
            }
        }
        sums
    }
}

/// Some numbers of each array, from one on, which all have so many.
#[inline(always)]
fn taken<const LANES: usize, const K: usize>(
    arrays: [&[f32]; K],
    first: usize,
) -> [&[f32; LANES]; K] {
    let mut taken = [&[0.0; LANES]; K];
    for (taken, array) in taken.iter_mut().zip(arrays) {
        *taken = array[first..].first_chunk().expect(WHOLE);
    }
    taken
}
