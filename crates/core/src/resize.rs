//! Pictures in another size: bilinear with half-pixel centres, averaging where they shrink.
//!
//! The kernel is a triangle as wide as one source pixel, or as one target pixel where that is
//! more. Enlarging so is plain bilinear interpolation as `tf.image.resize` does it; shrinking does
//! not skip pixels.

mod lines;
pub mod pillow;

use lines::{LINES, add_lines, narrow_lines, put};
pub(crate) use lines::{Tap, resample};
use serde::{Deserialize, Serialize};

/// How pixels are weighed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum Filter {
    /// A triangle.
    #[default]
    Bilinear,
    /// The cubic of Keys (1981) with his a = -½, as Pillow's.
    Bicubic,
}

/// What each of `target` pixels takes from `source`: interpolation, or a mean where it shrinks.
pub(crate) fn bilinear(source: usize, target: usize) -> Vec<Tap> {
    let tap = |(start, weights): (usize, Vec<f64>)| Tap {
        start,
        weights: weights.into_iter().map(|weight| weight as f32).collect(),
    };
    taps(source, target, Filter::Bilinear).into_iter().map(tap).collect()
}

/// Resizes planes from `[planes, height, width]` to `[planes, side, side]`; `target` holds as many
/// planes as `source`.
pub fn resize(source: &[u8], [height, width]: [usize; 2], target: &mut [u8], side: usize) {
    if [height, width] == [side, side] {
        target.copy_from_slice(source);
        return;
    }
    let (rows, columns) = (bilinear(height, side), bilinear(width, side));
    let mut numbers = vec![[0.0; LINES]; width];
    let mut narrowed = vec![0.0; height * side];
    let mut sums = vec![0.0; side * side];
    let planes = source.chunks_exact(height * width).zip(target.chunks_exact_mut(side * side));
    for (source, target) in planes {
        for (lines, narrow) in source.chunks(LINES * width).zip(narrowed.chunks_mut(LINES * side)) {
            for (place, line) in lines.chunks_exact(width).enumerate() {
                put(line, &mut numbers, place);
            }
            narrow_lines(&numbers, &columns, narrow);
        }
        sums.fill(0.0);
        add_lines(&mut sums, &rows, (&narrowed, &(0..height)), side);
        target.iter_mut().zip(&sums).for_each(|(pixel, &sum)| *pixel = rounded(sum));
    }
}

/// Resizes planes whose lines come one at a time: `line(y, samples)` fills line y of every plane,
/// `[planes, width]`. The numbers are those of [`resize`], the memory is that of the result.
pub fn resize_lines(
    planes: usize,
    [height, width]: [usize; 2],
    side: usize,
    mut line: impl FnMut(usize, &mut [u8]),
) -> Vec<u8> {
    if [height, width] == [side, side] {
        return of_lines(planes, side, line);
    }
    let (rows, columns) = (bilinear(height, side), bilinear(width, side));
    let mut samples = vec![0; planes * width];
    let mut numbers = vec![vec![[0.0; LINES]; width]; planes];
    let mut narrowed = vec![0.0; planes * LINES * side];
    let mut sums = vec![0.0; planes * side * side];
    for first in (0..height).step_by(LINES) {
        let lines = first..height.min(first + LINES);
        for y in lines.clone() {
            line(y, &mut samples);
            for (line, numbers) in samples.chunks_exact(width).zip(&mut numbers) {
                put(line, numbers, y - first);
            }
        }
        for (plane, numbers) in numbers.iter().enumerate() {
            let narrowed = &mut narrowed[plane * LINES * side..][..LINES * side];
            narrow_lines(numbers, &columns, narrowed);
            let sums = &mut sums[plane * side * side..][..side * side];
            add_lines(sums, &rows, (narrowed, &lines), side);
        }
    }
    sums.into_iter().map(rounded).collect()
}

/// The lines as they are.
fn of_lines(planes: usize, side: usize, mut line: impl FnMut(usize, &mut [u8])) -> Vec<u8> {
    let mut samples = vec![0; planes * side];
    let mut target = vec![0; planes * side * side];
    for y in 0..side {
        line(y, &mut samples);
        let planes = target.chunks_exact_mut(side * side);
        for (samples, plane) in samples.chunks_exact(side).zip(planes) {
            plane[y * side..][..side].copy_from_slice(samples);
        }
    }
    target
}

/// A sample that is not negative, rounded as [`f32::round`] does it, which calls the C library.
fn rounded(sum: f32) -> u8 {
    let below = sum as u8;
    if sum - f32::from(below) >= 0.5 { below.saturating_add(1) } else { below }
}

/// For each of `target` pixels the first of `source` that it takes from, and the weights of it and the
/// following ones, which sum to 1.
fn taps(source: usize, target: usize, filter: Filter) -> Vec<(usize, Vec<f64>)> {
    let scale = source as f64 / target as f64;
    let spread = scale.max(1.0);
    let reach = spread * filter.reach();
    let tap = |place: usize| {
        let centre = (place as f64 + 0.5) * scale - 0.5;
        let start = (centre - reach).ceil().max(0.0) as usize;
        let end = ((centre + reach).floor() as usize).min(source - 1);
        let weights: Vec<f64> =
            (start..=end).map(|i| filter.weight((i as f64 - centre) / spread)).collect();
        let sum: f64 = weights.iter().sum();
        (start, weights.into_iter().map(|weight| weight / sum).collect())
    };
    (0..target).map(tap).collect()
}

impl Filter {
    /// Pixels that it reaches to either side.
    fn reach(self) -> f64 {
        match self {
            Self::Bilinear => 1.0,
            Self::Bicubic => 2.0,
        }
    }

    /// What a pixel so far away weighs.
    fn weight(self, distance: f64) -> f64 {
        const A: f64 = -0.5;
        match (self, distance.abs()) {
            (Self::Bilinear, x) => (1.0 - x).max(0.0),
            (Self::Bicubic, x) if x < 1.0 => ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0,
            (Self::Bicubic, x) if x < 2.0 => A * (((x - 5.0) * x + 8.0) * x - 4.0),
            (Self::Bicubic, _) => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resized(source: &[u8], size: [usize; 2], side: usize) -> Vec<u8> {
        let mut target = vec![0; source.len() / (size[0] * size[1]) * side * side];
        resize(source, size, &mut target, side);
        target
    }

    /// Bilinear interpolation with half-pixel centres and clamped edges, one sample at a time.
    fn naive(source: &[u8], side: usize, target: usize) -> Vec<f64> {
        let at = |y: f64, x: f64| {
            let clamp = |v: f64| v.clamp(0.0, (side - 1) as f64) as usize;
            f64::from(source[clamp(y) * side + clamp(x)])
        };
        let centre = |i: usize| (i as f64 + 0.5) * side as f64 / target as f64 - 0.5;
        let sample = |n: usize| {
            let (y, x) = (centre(n / target), centre(n % target));
            let (top, left) = (y.floor(), x.floor());
            let (down, right) = (y - top, x - left);
            (1.0 - down) * ((1.0 - right) * at(top, left) + right * at(top, left + 1.0))
                + down * ((1.0 - right) * at(top + 1.0, left) + right * at(top + 1.0, left + 1.0))
        };
        (0..target * target).map(sample).collect()
    }

    #[test]
    fn halves_are_rounded_up() {
        let below = |x: f32| f32::from_bits(x.to_bits() - 1);
        for sum in [0.0, 0.5, below(0.5), 1.5, below(2.5), 254.5, below(254.5), 255.0, 255.4, 255.7]
        {
            assert_eq!(rounded(sum), sum.round() as u8, "{sum}");
        }
    }

    #[test]
    fn enlarging_is_bilinear_interpolation() {
        let source: Vec<u8> = (0..7 * 7).map(|i| (i * 37 % 251) as u8).collect();
        for side in [8, 14, 24] {
            for (got, expected) in
                resized(&source, [7, 7], side).iter().zip(naive(&source, 7, side))
            {
                let error = (f64::from(*got) - expected).abs();
                assert!(error <= 0.51, "expected {expected}, got {got}");
            }
        }
    }

    #[test]
    fn shrinking_averages_and_keeps_planes_apart() {
        let checks: Vec<u8> =
            (0..64).map(|i| if (i / 8 + i % 8) % 2 == 0 { 0 } else { 200 }).collect();
        let source: Vec<u8> = checks.iter().copied().chain([50; 64]).collect();
        let small = resized(&source, [8, 8], 2);
        assert!(small[..4].iter().all(|p| (95..=105).contains(p)), "expected about 100: {small:?}");
        assert_eq!(small[4..], [50; 4]);
    }

    #[test]
    fn lines_that_come_one_at_a_time_give_the_same() {
        for ([height, width], side) in
            [([9, 7], 3), ([7, 9], 16), ([5, 5], 5), ([1, 40], 4), ([40, 1], 4), ([1, 1], 2)]
        {
            let source: Vec<u8> = (0..2 * height * width).map(|i| (i * 97 % 256) as u8).collect();
            let lines = resize_lines(2, [height, width], side, |y, line| {
                let (first, second) = line.split_at_mut(width);
                first.copy_from_slice(&source[y * width..][..width]);
                second.copy_from_slice(&source[(height + y) * width..][..width]);
            });
            assert_eq!(
                lines,
                resized(&source, [height, width], side),
                "{height}x{width} to {side}"
            );
        }
    }

    #[test]
    fn the_same_size_changes_nothing() {
        let source: Vec<u8> = (0..48).collect();
        assert_eq!(resized(&source, [4, 4], 4), source);
    }
}
