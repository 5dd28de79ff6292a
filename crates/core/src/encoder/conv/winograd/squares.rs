//! Squares of pictures and of sums, transformed.

use pulp::{Simd, WithSimd};

use super::{Band, Layer, PIXELS, SIDE};
use crate::activation::cpu::activate;
use crate::vectors::{load, store};

/// Squares, transformed.
pub(super) struct Taken<'a> {
    pub(super) layer: &'a Layer<'a>,
    /// Where they start in the pictures.
    pub(super) corners: &'a [usize],
    /// 16 times `[squares, in]`.
    pub(super) squares: &'a mut [f32],
    /// From one of the 16 to the next.
    pub(super) step: usize,
}

impl WithSimd for Taken<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let channels = self.layer.channels;
        for (number, corner) in self.corners.iter().enumerate() {
            for first in (0..channels).step_by(S::F32_LANES) {
                self.square(simd, corner + first, number * channels + first);
            }
        }
    }
}

impl Taken<'_> {
    /// A vector of channels of a square, from where it starts in the pictures to where it belongs.
    #[inline(always)]
    fn square<S: Simd>(&mut self, simd: S, from: usize, to: usize) {
        let Layer { sides: [_, width], channels, pictures, .. } = *self.layer;
        let mut square = [[simd.splat_f32s(0.0); SIDE]; SIDE];
        for (y, row) in square.iter_mut().enumerate() {
            for (x, pixels) in row.iter_mut().enumerate() {
                *pixels = load(simd, &pictures[from + (y * width + x) * channels..]);
            }
            *row = taken(simd, *row);
        }
        for (x, column) in turned(square).into_iter().enumerate() {
            for (y, numbers) in taken(simd, column).into_iter().enumerate() {
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
        let (columns, rows) = (self.layer.columns, self.band.maps.len() / self.layer.line());
        let across = columns.div_ceil(PIXELS);
        for number in 0..rows.div_ceil(PIXELS) * across {
            let place = [number / across * PIXELS, number % across * PIXELS];
            for first in (0..self.layer.outputs()).step_by(S::F32_LANES) {
                let pixels = self.pixels(simd, number, first);
                self.store(simd, [rows, columns], (place, first), pixels);
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

    /// Writes those that belong to the map.
    #[inline(always)]
    fn store<S: Simd>(
        &mut self,
        simd: S,
        [rows, columns]: [usize; 2],
        ([row, column], first): ([usize; 2], usize),
        pixels: [S::f32s; PIXELS * PIXELS],
    ) {
        for (place, pixel) in pixels.into_iter().enumerate() {
            let (y, x) = (row + place / PIXELS, column + place % PIXELS);
            if y < rows && x < columns {
                let place = (y * columns + x) * self.layer.outputs() + first;
                store(simd, &mut self.band.maps[place..], pixel);
            }
        }
    }
}

/// A row or column of a square, transformed.
#[inline(always)]
fn taken<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; SIDE]) -> [S::f32s; SIDE] {
    [simd.sub_f32s(a, c), simd.add_f32s(b, c), simd.sub_f32s(c, b), simd.sub_f32s(b, d)]
}

/// Two pixels of the sums of a row or column.
#[inline(always)]
fn put<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; SIDE]) -> [S::f32s; PIXELS] {
    let [before, after] = [simd.add_f32s(b, c), simd.sub_f32s(b, c)];
    [simd.add_f32s(a, before), simd.sub_f32s(after, d)]
}

/// Rows as columns.
#[inline(always)]
fn turned<T: Copy>([a, b, c, d]: [[T; SIDE]; SIDE]) -> [[T; SIDE]; SIDE] {
    [
        [a[0], b[0], c[0], d[0]],
        [a[1], b[1], c[1], d[1]],
        [a[2], b[2], c[2], d[2]],
        [a[3], b[3], c[3], d[3]],
    ]
}
