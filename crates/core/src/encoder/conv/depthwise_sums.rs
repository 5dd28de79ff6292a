//! The maps of a convolution whose every channel has a kernel of its own.
//!
//! Sums of some pixels that lie beside each other are built in registers, a vector of channels at a time,
//! so that a number of the kernels is read once for all of them. Products are rounded before they are added,
//! so that sums are the same on every processor.

use core::ops::Range;

use pulp::{Simd, WithSimd};

use crate::activation::Activation;
use crate::gemm::activate;
use crate::window::Window;

/// Pixels whose sums are built at once: with the operands, they fit into sixteen registers.
const PIXELS: usize = 8;

/// Kernels and what follows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layer<'a> {
    /// `[k, k, c]`.
    pub(super) kernels: &'a [f32],
    /// `[c]`.
    pub(super) bias: &'a [f32],
    /// k.
    pub(super) kernel: usize,
    pub(super) activation: Activation,
}

/// Maps of one picture.
#[derive(Debug)]
pub(super) struct Sums<'a> {
    /// `[height, width, c]`.
    pub(super) picture: &'a [f32],
    /// Height and width.
    pub(super) sides: [usize; 2],
    /// `[rows, columns, c]`.
    pub(super) maps: &'a mut [f32],
    /// Rows and columns.
    pub(super) grid: [usize; 2],
    pub(super) window: Window,
    pub(super) layer: Layer<'a>,
}

/// Pixels of a map: row, first column, and the rows and columns of a kernel that meet the picture there.
struct Place {
    row: usize,
    column: usize,
    rows: Range<usize>,
    columns: Range<usize>,
}

impl WithSimd for Sums<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        for row in 0..self.grid[0] {
            let rows = self.met(row, 0);
            let mut column = 0;
            while column < self.grid[1] {
                column += self.next(simd, row, column, rows.clone());
            }
        }
    }
}

/// A vector of some numbers, of which the last may be missing.
#[inline(always)]
fn load<S: Simd>(simd: S, numbers: &[f32]) -> S::f32s {
    match S::as_simd_f32s(numbers).0.first() {
        Some(whole) => *whole,
        None => simd.partial_load_f32s(numbers),
    }
}

/// Writes a vector, as far as there is room.
#[inline(always)]
fn store<S: Simd>(simd: S, room: &mut [f32], numbers: S::f32s) {
    match S::as_mut_simd_f32s(room) {
        ([whole, ..], _) => *whole = numbers,
        (_, rest) => simd.partial_store_f32s(rest, numbers),
    }
}

impl Sums<'_> {
    /// As many pixels of a row as go together, from a column on, and how many these are.
    #[inline(always)]
    fn next<S: Simd>(&mut self, simd: S, row: usize, column: usize, rows: Range<usize>) -> usize {
        let (columns, last) = (self.met(column, 1), column + PIXELS - 1);
        let inside = |met: &Range<usize>| met.len() == self.layer.kernel;
        let together = last < self.grid[1] && inside(&columns) && inside(&self.met(last, 1));
        let place = Place { row, column, rows, columns };
        if together {
            self.pixels::<S, PIXELS>(simd, &place);
            return PIXELS;
        }
        self.pixels::<S, 1>(simd, &place);
        1
    }

    /// The rows (axis 0) or columns of a kernel that meet the picture at a row or column of the map.
    #[inline(always)]
    fn met(&self, at: usize, axis: usize) -> Range<usize> {
        let [before, _] = [self.window.rows, self.window.columns][axis];
        let first = at * self.window.stride;
        let end = (self.sides[axis] + before).saturating_sub(first).min(self.layer.kernel);
        before.saturating_sub(first).min(end)..end
    }

    /// All channels of some pixels.
    #[inline(always)]
    fn pixels<S: Simd, const COUNT: usize>(&mut self, simd: S, place: &Place) {
        let channels = self.layer.bias.len();
        for first in (0..channels).step_by(S::F32_LANES) {
            let these = first..channels.min(first + S::F32_LANES);
            let mut sums = [load(simd, &self.layer.bias[these.clone()]); COUNT];
            for y in place.rows.clone() {
                self.add_line(simd, &mut sums, (place, y), these.clone());
            }
            activate(simd, &mut sums, self.layer.activation);
            let map = (place.row * self.grid[1] + place.column) * channels;
            let maps = self.maps[map..].chunks_exact_mut(channels);
            for (map, sum) in maps.zip(sums) {
                store(simd, &mut map[these.clone()], sum);
            }
        }
    }

    /// Adds the products of a row of the kernels.
    #[inline(always)]
    fn add_line<S: Simd, const COUNT: usize>(
        &self,
        simd: S,
        sums: &mut [S::f32s; COUNT],
        (place, y): (&Place, usize),
        these: Range<usize>,
    ) {
        let channels = self.layer.bias.len();
        let Window { stride, rows: [above, _], columns: [left, _], .. } = self.window;
        let line = (place.row * stride + y - above) * self.sides[1];
        for x in place.columns.clone() {
            let kernel = (y * self.layer.kernel + x) * channels;
            let kernel = &self.layer.kernels[kernel + these.start..kernel + these.end];
            let kernel = load(simd, kernel);
            let first = (line + place.column * stride + x - left) * channels;
            let pixels = self.picture[first..].chunks(stride * channels);
            for (sum, pixel) in sums.iter_mut().zip(pixels) {
                let pixel = load(simd, &pixel[these.clone()]);
                *sum = simd.add_f32s(*sum, simd.mul_f32s(pixel, kernel));
            }
        }
    }
}
