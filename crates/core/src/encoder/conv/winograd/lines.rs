//! Maps of points.

use core::ops::Range;

use pulp::{Simd, WithSimd};

use super::Plan;
use super::band::{Band, Row, Strip};
use super::sums::{Placed, Sums};
use super::tiling::Tile;
use crate::activation::Activation;
use crate::activation::cpu::activate;
use crate::vectors::processor;

/// Maps that are wanted.
pub(super) struct Wanted<'a> {
    plan: &'a Plan,
    band: &'a Band,
    channels: usize,
    /// Rows and columns as sums of points.
    sums: [&'a Sums; 2],
    /// Rows that a tile makes.
    rows: fn(&Tile) -> Range<usize>,
    /// Bias and activation.
    end: Option<(&'a [f32], Activation)>,
}

impl<'a> Wanted<'a> {
    /// Maps `[n, rows, columns, out]`, with a bias, through an activation.
    pub(super) fn maps(plan: &'a Plan, band: &'a Band, end: (&'a [f32], Activation)) -> Self {
        let sums = [&plan.rows.to_outputs, &plan.columns.to_outputs];
        let rows = |tile: &Tile| tile.outputs.clone();
        Self { plan, band, channels: plan.channels[1], sums, rows, end: Some(end) }
    }

    /// The gradient of pictures `[n, h, w, in]`.
    pub(super) fn pictures(plan: &'a Plan, band: &'a Band) -> Self {
        let sums = [&plan.rows.to_pixels, &plan.columns.to_pixels];
        let rows = |tile: &Tile| tile.pixels.clone();
        Self { plan, band, channels: plan.channels[0], sums, rows, end: None }
    }

    /// Of the sums that each product has, `[points, channels]`, with room for rows of maps.
    pub(super) fn write(self, points: &[f32], room: &mut Vec<f32>, target: Target<'_>) {
        let (places, _) = self.band.places(self.channels);
        let line = self.sums[1].0.len() * self.channels;
        let most = self.plan.rows.tiles.iter().map(|tile| tile.points.len()).max();
        // A row of each point, and one that is added to another.
        room.resize((most.unwrap_or_default() + 1) * line, 0.0);
        let (added, rows) = room.split_at_mut(line);
        processor().dispatch(Lines { of: self, places: &places, points, rows, added, target });
    }
}

/// Where maps are written.
pub(super) struct Target<'a> {
    /// Of `[n, height, width, channels]`, from one on.
    pub(super) numbers: &'a mut [f32],
    /// Which the first is.
    pub(super) first: usize,
    /// Height and width.
    pub(super) sides: [usize; 2],
    /// Rows above and columns to the left that are made, but not written.
    pub(super) before: [usize; 2],
}

/// Makes maps as sums of columns, and then of rows.
struct Lines<'a> {
    of: Wanted<'a>,
    /// Where the points of each product begin.
    places: &'a [usize],
    points: &'a [f32],
    /// Room for a row of each of a strip's points.
    rows: &'a mut [f32],
    added: &'a mut [f32],
    target: Target<'a>,
}

impl WithSimd for Lines<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        for strip in &self.of.band.strips {
            self.columns(simd, strip);
            for row in (self.of.rows)(&self.of.plan.rows.tiles[strip.tile]) {
                self.row(simd, strip, row);
            }
        }
    }
}

impl Lines<'_> {
    /// For each of a strip's points along the rows all columns.
    #[inline(always)]
    fn columns<S: Simd>(&mut self, simd: S, strip: &Strip) {
        let Wanted { plan, channels, sums: [_, sums], .. } = &self.of;
        let (points, counts) = (&plan.columns.points, &plan.columns.counts);
        let rows = self.rows.chunks_exact_mut(self.added.len());
        for (Row { kind, at, .. }, row) in strip.points.iter().zip(rows) {
            let place = |point: usize| {
                let point = points[point];
                let first = self.places[kind * counts.len() + point.kind];
                first + (at * counts[point.kind] + point.at) * channels
            };
            for (terms, to) in sums.0.iter().zip(row.chunks_exact_mut(*channels)) {
                Placed::of(terms, place).write(simd, to, self.points);
            }
        }
    }

    /// A row, to which the strip above may have added something before.
    #[inline(always)]
    fn row<S: Simd>(&mut self, simd: S, strip: &Strip, row: usize) {
        let Self { of: Wanted { plan, channels, sums, end, .. }, target, .. } = self;
        let Target { first, sides: [height, width], before: [above, left], .. } = *target;
        let Some(y) = row.checked_sub(above).filter(|y| *y < height) else { return };
        let place = (strip.picture * height + y) * width * *channels - first;
        let line = &mut target.numbers[place..][..width * *channels];
        let made = sums[1].0.len().saturating_sub(left).min(width);
        let (line, beyond) = line.split_at_mut(made * *channels);
        beyond.fill(0.0);
        let points = &plan.rows.tiles[strip.tile].points;
        let all = &sums[0].0[row];
        let here = all.iter().filter(|(point, _)| points.contains(point));
        let room = |point: &usize| (point - points.start) * self.added.len() + left * *channels;
        let sum: Placed = here.map(|(point, by)| (room(point), *by)).collect();
        let is_shared = all.iter().any(|(point, _)| *point < points.start);
        let added = &mut self.added[..line.len()];
        sum.write(simd, if is_shared { &mut *added } else { &mut *line }, self.rows);
        if is_shared {
            line.iter_mut().zip(added).for_each(|(number, added)| *number += *added);
        }
        if let Some((bias, activation)) = *end {
            line.chunks_exact_mut(*channels).for_each(|pixel| ended(simd, pixel, bias, activation));
        }
    }
}

/// Adds a bias and applies an activation.
#[inline(always)]
fn ended<S: Simd>(simd: S, pixel: &mut [f32], bias: &[f32], activation: Activation) {
    let (pixel, bias) = (S::as_mut_simd_f32s(pixel).0, S::as_simd_f32s(bias).0);
    for (number, bias) in pixel.iter_mut().zip(bias) {
        let mut sum = [simd.add_f32s(*number, *bias)];
        activate(simd, &mut sum, activation);
        [*number] = sum;
    }
}
