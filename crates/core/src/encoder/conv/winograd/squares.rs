//! Squares of pictures and of sums, transformed.

use pulp::{Simd, WithSimd};

use super::{Band, Layer, PIXELS, SIDE};
use crate::activation::cpu::activate;
use crate::vectors::{load, store};

/// Squares of some maps, transformed.
pub(super) struct Squares<'a, T, const PIXELS: usize> {
    pub(super) of: T,
    /// `[…, width, channels]`.
    pub(super) maps: &'a [f32],
    pub(super) width: usize,
    pub(super) channels: usize,
    /// Where squares start in the maps.
    pub(super) corners: &'a [usize],
    /// 16 times `[squares, channels]`.
    pub(super) squares: &'a mut [f32],
    /// From one of the 16 to the next.
    pub(super) step: usize,
}

/// What a row or column of a square becomes.
pub(super) trait Transform<const PIXELS: usize> {
    fn line<S: Simd>(&self, simd: S, pixels: [S::f32s; PIXELS]) -> [S::f32s; SIDE];
}

/// Of what a layer sees.
pub(super) struct Seen;

impl Transform<SIDE> for Seen {
    #[inline(always)]
    fn line<S: Simd>(&self, simd: S, [a, b, c, d]: [S::f32s; SIDE]) -> [S::f32s; SIDE] {
        [simd.sub_f32s(a, c), simd.add_f32s(b, c), simd.sub_f32s(c, b), simd.sub_f32s(b, d)]
    }
}

/// Of the gradient of what comes of it: the transpose of [`put`].
pub(super) struct Slopes;

impl Transform<PIXELS> for Slopes {
    #[inline(always)]
    fn line<S: Simd>(&self, simd: S, [a, b]: [S::f32s; PIXELS]) -> [S::f32s; SIDE] {
        [a, simd.add_f32s(a, b), simd.sub_f32s(a, b), simd.neg_f32s(b)]
    }
}

impl<T: Transform<PIXELS>, const PIXELS: usize> WithSimd for Squares<'_, T, PIXELS> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        for (number, corner) in self.corners.iter().enumerate() {
            for first in (0..self.channels).step_by(S::F32_LANES) {
                self.square(simd, corner + first, number * self.channels + first);
            }
        }
    }
}

impl<T: Transform<PIXELS>, const PIXELS: usize> Squares<'_, T, PIXELS> {
    /// A vector of channels of a square, from where it starts in the maps to where it belongs.
    #[inline(always)]
    fn square<S: Simd>(&mut self, simd: S, from: usize, to: usize) {
        let mut rows = [[simd.splat_f32s(0.0); SIDE]; PIXELS];
        for (y, row) in rows.iter_mut().enumerate() {
            let mut pixels = [simd.splat_f32s(0.0); PIXELS];
            for (x, pixel) in pixels.iter_mut().enumerate() {
                *pixel = load(simd, &self.maps[from + (y * self.width + x) * self.channels..]);
            }
            *row = self.of.line(simd, pixels);
        }
        for x in 0..SIDE {
            let column = self.of.line(simd, rows.map(|row| row[x]));
            for (y, numbers) in column.into_iter().enumerate() {
                let product = (y * SIDE + x) * self.step;
                store(simd, &mut self.squares[product + to..], numbers);
            }
        }
    }
}

/// Maps of sums.
pub(super) struct Put<'a, 'b> {
    pub(super) layer: &'a Layer<'a>,
    /// 16 times `[squares, out]`.
    pub(super) sums: &'a [f32],
    /// From one of the 16 to the next.
    pub(super) step: usize,
    pub(super) band: &'a mut Band<'b>,
}

impl WithSimd for Put<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let [rows, squares] = self.layer.rows(self.band);
        let (line, across) = (self.layer.line(), self.layer.across());
        let pictures = self.band.maps.len() / (rows * line);
        for number in 0..pictures * squares {
            let (picture, square) = (number / squares, number % squares);
            let place = [square / across * PIXELS, square % across * PIXELS];
            for first in (0..self.layer.outputs()).step_by(S::F32_LANES) {
                let pixels = self.pixels(simd, number, first);
                self.store(simd, rows, (place, picture * rows * line + first), pixels);
            }
        }
    }
}

impl Put<'_, '_> {
    /// A vector of outputs of the four pixels of a square.
    #[inline(always)]
    fn pixels<S: Simd>(&self, simd: S, number: usize, first: usize) -> [S::f32s; PIXELS * PIXELS] {
        let start = number * self.layer.outputs() + first;
        let mut halves = [[simd.splat_f32s(0.0); PIXELS]; SIDE];
        for (x, half) in halves.iter_mut().enumerate() {
            let mut column = [simd.splat_f32s(0.0); SIDE];
            for (y, sum) in column.iter_mut().enumerate() {
                *sum = load(simd, &self.sums[(y * SIDE + x) * self.step + start..]);
            }
            *half = put(simd, column);
        }
        let [a, b, c, d] = halves;
        let above = put(simd, [a[0], b[0], c[0], d[0]]);
        let below = put(simd, [a[1], b[1], c[1], d[1]]);
        let (bias, activation) = self.layer.end;
        let bias = load(simd, &bias[first..]);
        let mut pixels = [above[0], above[1], below[0], below[1]];
        for pixel in &mut pixels {
            *pixel = simd.add_f32s(*pixel, bias);
        }
        activate(simd, &mut pixels, activation);
        pixels
    }

    /// Writes those that belong to the map, whose numbers begin at `first`.
    #[inline(always)]
    fn store<S: Simd>(
        &mut self,
        simd: S,
        rows: usize,
        ([row, column], first): ([usize; 2], usize),
        pixels: [S::f32s; PIXELS * PIXELS],
    ) {
        let columns = self.layer.grid[1];
        for (place, pixel) in pixels.into_iter().enumerate() {
            let (y, x) = (row + place / PIXELS, column + place % PIXELS);
            if y < rows && x < columns {
                let place = (y * columns + x) * self.layer.outputs() + first;
                store(simd, &mut self.band.maps[place..], pixel);
            }
        }
    }
}

/// Two pixels of the sums of a row or column.
#[inline(always)]
fn put<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; SIDE]) -> [S::f32s; PIXELS] {
    let [before, after] = [simd.add_f32s(b, c), simd.sub_f32s(b, c)];
    [simd.add_f32s(a, before), simd.sub_f32s(after, d)]
}
