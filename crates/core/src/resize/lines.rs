//! Lines of samples as weighted sums of others, along both axes of a plane.

use std::ops::Range;

use crate::vectors::{Loop, widest};

/// What one target pixel takes from a line of source pixels.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tap {
    /// The first source pixel.
    pub start: usize,
    /// Weights of it and the following ones; they sum to 1.
    pub weights: Vec<f32>,
}

impl Tap {
    /// The source pixel after the last one.
    fn end(&self) -> usize {
        self.start + self.weights.len()
    }
}

/// The source pixels that taps take from.
pub(crate) fn taken(taps: &[Tap]) -> Range<usize> {
    let start = taps.iter().map(|tap| tap.start).min().unwrap_or(0);
    start..taps.iter().map(Tap::end).max().unwrap_or(0)
}

/// Lines that are narrowed at once, side by side, so that a processor's vectors take them.
pub(super) const LINES: usize = 8;

/// Writes the samples of a line into its place among those that are narrowed at once.
pub(super) fn put(line: &[impl Copy + Into<f32>], numbers: &mut [[f32; LINES]], place: usize) {
    line.iter().zip(numbers).for_each(|(&sample, numbers)| numbers[place] = sample.into());
}

/// The lines of `numbers` with as many pixels as there are taps, one after the other, for as many as
/// there is room for.
pub(super) fn narrow_lines(numbers: &[[f32; LINES]], taps: &[Tap], narrowed: &mut [f32]) {
    widest(Narrowed { numbers, taps, narrowed });
}

/// [`narrow_lines`] in wide vectors.
struct Narrowed<'a> {
    numbers: &'a [[f32; LINES]],
    taps: &'a [Tap],
    narrowed: &'a mut [f32],
}

impl Loop for Narrowed<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { numbers, taps, narrowed } = self;
        for (x, tap) in taps.iter().enumerate() {
            let mut sums = [0.0; LINES];
            for (&weight, numbers) in tap.weights.iter().zip(&numbers[tap.start..]) {
                add(&mut sums, weight, numbers);
            }
            for (line, sum) in narrowed.chunks_exact_mut(taps.len()).zip(sums) {
                line[x] = sum;
            }
        }
    }
}

/// Adds weighted samples to their sums.
#[inline(always)]
fn add(sums: &mut [f32], weight: f32, samples: &[f32]) {
    sums.iter_mut().zip(samples).for_each(|(sum, sample)| *sum += weight * sample);
}

/// Adds some narrowed lines of a plane, of `width` pixels each, to the sums of those rows that take from
/// them.
pub(super) fn add_lines(
    sums: &mut [f32],
    rows: &[Tap],
    (narrowed, lines): (&[f32], &Range<usize>),
    width: usize,
) {
    widest(Added { sums, rows, narrowed, lines, width });
}

/// [`add_lines`] in wide vectors.
struct Added<'a> {
    sums: &'a mut [f32],
    rows: &'a [Tap],
    narrowed: &'a [f32],
    lines: &'a Range<usize>,
    width: usize,
}

impl Loop for Added<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { sums, rows, narrowed, lines, width } = self;
        for (tap, sums) in rows.iter().zip(sums.chunks_exact_mut(width)) {
            for y in lines.start.max(tap.start)..lines.end.min(tap.end()) {
                let narrow = &narrowed[(y - lines.start) * width..][..width];
                add(sums, tap.weights[y - tap.start], narrow);
            }
        }
    }
}

/// Planes `[planes, height, width]` with as many rows and columns as there are taps for them.
pub(crate) fn resample(
    source: &[f32],
    [height, width]: [usize; 2],
    (rows, columns): (&[Tap], &[Tap]),
) -> Vec<f32> {
    let (needed, wide) = (taken(rows), columns.len());
    let planes = source.chunks_exact(height * width);
    let mut numbers = vec![[0.0; LINES]; width];
    let mut narrowed = vec![0.0; needed.len() * wide];
    let mut target = vec![0.0; planes.len() * rows.len() * wide];
    for (source, sums) in planes.zip(target.chunks_exact_mut(rows.len() * wide)) {
        let source = &source[needed.start * width..needed.end * width];
        for (lines, narrow) in source.chunks(LINES * width).zip(narrowed.chunks_mut(LINES * wide)) {
            for (place, line) in lines.chunks_exact(width).enumerate() {
                put(line, &mut numbers, place);
            }
            narrow_lines(&numbers, columns, narrow);
        }
        add_lines(sums, rows, (&narrowed, &needed), wide);
    }
    target
}
