//! Pictures in another size with Pillow's arithmetic, to the last bit: weights are whole numbers, and
//! lines are rounded to bytes before columns are summed.

use super::{Filter, taps};

/// Bits after the point of a weight: a sum of bytes and of what a cubic overshoots by fits into 32.
const BITS: u32 = 22;
const HALF: i64 = 1 << (BITS - 1);

/// A part of a resized picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Height and width of the whole resized picture.
    pub target: [usize; 2],
    /// Row and column where the part begins.
    pub start: [usize; 2],
    /// Rows and columns of the part.
    pub side: usize,
}

/// What one target pixel takes from a line of source pixels, in whole numbers.
struct Tap {
    start: usize,
    weights: Vec<i64>,
}

impl Tap {
    fn of((start, weights): (usize, Vec<f64>)) -> Self {
        let one = f64::from(1_u32 << BITS);
        let weights = weights.into_iter().map(|weight| (weight * one).round() as i64).collect();
        Self { start, weights }
    }

    fn end(&self) -> usize {
        self.start + self.weights.len()
    }

    /// The weighted sum of its samples.
    fn sum(&self, samples: &[u8]) -> i64 {
        let terms = self.weights.iter().zip(&samples[self.start..]);
        terms.map(|(weight, sample)| weight * i64::from(*sample)).sum()
    }
}

/// A sum as a byte.
fn byte(sum: i64) -> u8 {
    ((sum + HALF) >> BITS).clamp(0, u8::MAX.into()) as u8
}

/// A window of resized planes whose lines come one at a time: `line(y, samples)` fills line y of every
/// plane, `[planes, width]`. Only lines that the window sees are asked for.
///
/// # Shapes
/// - result: `[planes, side, side]`
pub fn resize_lines(
    planes: usize,
    [height, width]: [usize; 2],
    (window, filter): (Window, Filter),
    mut line: impl FnMut(usize, &mut [u8]),
) -> Vec<u8> {
    let Window { target: [rows, columns], start: [top, left], side } = window;
    let part = |source: usize, target: usize, start: usize| -> Vec<Tap> {
        taps(source, target, filter).into_iter().skip(start).take(side).map(Tap::of).collect()
    };
    let (rows, columns) = (part(height, rows, top), part(width, columns, left));
    let (first, last) = (rows.first().map_or(0, |tap| tap.start), rows.last().map_or(0, Tap::end));
    let mut samples = vec![0; planes * width];
    let mut narrowed = vec![0; planes * side];
    let mut sums = vec![0_i64; planes * side * side];
    let mut open = 0;
    for y in first..last.min(height) {
        line(y, &mut samples);
        for (samples, narrow) in samples.chunks_exact(width).zip(narrowed.chunks_exact_mut(side)) {
            columns.iter().zip(narrow).for_each(|(tap, sample)| *sample = byte(tap.sum(samples)));
        }
        open += rows[open..].iter().take_while(|row| row.end() <= y).count();
        let reached = rows[open..].iter().take_while(|row| row.start <= y).count();
        for (row, tap) in rows.iter().enumerate().skip(open).take(reached) {
            let weight = tap.weights[y - tap.start];
            for (plane, narrow) in narrowed.chunks_exact(side).enumerate() {
                let sums = sums[(plane * side + row) * side..].iter_mut();
                sums.zip(narrow).for_each(|(sum, &sample)| *sum += weight * i64::from(sample));
            }
        }
    }
    sums.into_iter().map(byte).collect()
}
