//! The gradient of kernels of which every channel has its own.
//!
//! The sums of all places of a kernel are built in registers, a vector of channels at a time. Products are
//! rounded before they are added, so that sums are the same on every processor.

use core::ops::Range;

use pulp::{Simd, WithSimd};

use crate::vectors::{load, store};
use crate::window::Window;

/// Adds a picture times the gradient of its map to the gradient of the kernels.
pub(super) struct Correlated<'a> {
    /// `[k, k, c]`.
    pub(super) sums: &'a mut [f32],
    /// A picture and the gradient of its map.
    pub(super) inputs: [&'a [f32]; 2],
    /// Rows and columns of both.
    pub(super) sides: [[usize; 2]; 2],
    pub(super) window: Window,
    pub(super) channels: usize,
}

impl WithSimd for Correlated<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        for first in (0..self.channels).step_by(S::F32_LANES) {
            let these = first..self.channels.min(first + S::F32_LANES);
            match self.window.kernel {
                3 => self.kernel::<S, 3>(simd, &these),
                5 => self.kernel::<S, 5>(simd, &these),
                _ => self.border(simd, &these, [0..0, 0..0]),
            }
        }
    }
}

impl Correlated<'_> {
    /// All places of a kernel, for some channels.
    #[inline(always)]
    fn kernel<S: Simd, const SIDE: usize>(&mut self, simd: S, these: &Range<usize>) {
        let mut sums = [[simd.splat_f32s(0.0); SIDE]; SIDE];
        let [rows, columns] = [self.inside(0), self.inside(1)];
        for row in rows.clone() {
            let lines: [&[f32]; SIDE] = core::array::from_fn(|y| self.line([row, y]));
            for column in columns.clone() {
                let gradient = self.gradient(simd, [row, column], these);
                let [_, first] = self.met([row, column], [0, 0]);
                let first = first * self.channels + these.start;
                sums = self.joined(simd, sums, lines.map(|line| &line[first..]), gradient);
            }
        }
        for (place, sum) in sums.as_flattened().iter().enumerate() {
            self.add(simd, place, these, *sum);
        }
        self.border(simd, these, [rows, columns]);
    }

    /// The picture's row that a row of the kernel meets from a row of the map.
    #[inline(always)]
    fn line(&self, [row, y]: [usize; 2]) -> &[f32] {
        let [[_, columns], _] = self.sides;
        let [met, _] = self.met([row, self.before()[1]], [y, 0]);
        &self.inputs[0][met * columns * self.channels..][..columns * self.channels]
    }

    /// Sums with what a pixel of the map adds. From the first numbers that it meets on, lines have whole
    /// vectors, or all channels that are left.
    #[inline(always)]
    fn joined<S: Simd, const SIDE: usize>(
        &self,
        simd: S,
        mut sums: [[S::f32s; SIDE]; SIDE],
        lines: [&[f32]; SIDE],
        gradient: S::f32s,
    ) -> [[S::f32s; SIDE]; SIDE] {
        for (sums, line) in sums.iter_mut().zip(lines) {
            for (x, sum) in sums.iter_mut().enumerate() {
                let pixel = load(simd, &line[x * self.channels..]);
                *sum = simd.add_f32s(*sum, simd.mul_f32s(pixel, gradient));
            }
        }
        sums
    }

    /// What the map's pixels outside of some rows and columns add, where not all places of the kernel are in
    /// the picture.
    #[inline(always)]
    fn border<S: Simd>(&mut self, simd: S, these: &Range<usize>, inside: [Range<usize>; 2]) {
        let [_, [rows, columns]] = self.sides;
        let [within, across] = inside;
        for row in 0..rows {
            let skipped = if within.contains(&row) { across.clone() } else { 0..0 };
            for column in (0..columns).filter(|column| !skipped.contains(column)) {
                self.pixel_of_border(simd, these, [row, column]);
            }
        }
    }

    #[inline(always)]
    fn pixel_of_border<S: Simd>(&mut self, simd: S, these: &Range<usize>, at: [usize; 2]) {
        let (side, gradient) = (self.window.kernel, self.gradient(simd, at, these));
        for place in 0..side * side {
            if let Some(met) = self.met_inside(at, [place / side, place % side]) {
                let pixel = self.pixel(simd, met, these);
                self.add(simd, place, these, simd.mul_f32s(pixel, gradient));
            }
        }
    }

    /// Zeros before the picture.
    #[inline(always)]
    fn before(&self) -> [usize; 2] {
        [self.window.rows[0], self.window.columns[0]]
    }

    /// Rows or columns of the map for which all places of the kernel are in the picture.
    #[inline(always)]
    fn inside(&self, axis: usize) -> Range<usize> {
        let Window { kernel, stride, .. } = self.window;
        let [pictures, maps] = self.sides;
        let before = self.before()[axis];
        let end = (pictures[axis] + before).checked_sub(kernel).map_or(0, |last| last / stride + 1);
        before.div_ceil(stride)..end.min(maps[axis])
    }

    /// What a place meets from a pixel of the map, where it is in the picture.
    #[inline(always)]
    fn met(&self, at: [usize; 2], place: [usize; 2]) -> [usize; 2] {
        let before = self.before();
        core::array::from_fn(|axis| at[axis] * self.window.stride + place[axis] - before[axis])
    }

    /// The same; none in the zeros around the picture.
    #[inline(always)]
    fn met_inside(&self, at: [usize; 2], place: [usize; 2]) -> Option<[usize; 2]> {
        let (before, [pictures, _]) = (self.before(), self.sides);
        let inside = (0..2).all(|axis| {
            let met = at[axis] * self.window.stride + place[axis];
            (before[axis]..before[axis] + pictures[axis]).contains(&met)
        });
        inside.then(|| self.met(at, place))
    }

    #[inline(always)]
    fn pixel<S: Simd>(&self, simd: S, [row, column]: [usize; 2], these: &Range<usize>) -> S::f32s {
        let ([picture, _], [[_, columns], _]) = (self.inputs, self.sides);
        let start = (row * columns + column) * self.channels + these.start;
        load(simd, &picture[start..][..these.len()])
    }

    #[inline(always)]
    fn gradient<S: Simd>(
        &self,
        simd: S,
        [row, column]: [usize; 2],
        these: &Range<usize>,
    ) -> S::f32s {
        let ([_, gradient], [_, [_, columns]]) = (self.inputs, self.sides);
        let start = (row * columns + column) * self.channels + these.start;
        load(simd, &gradient[start..][..these.len()])
    }

    #[inline(always)]
    fn add<S: Simd>(&mut self, simd: S, place: usize, these: &Range<usize>, sum: S::f32s) {
        let sums = &mut self.sums[place * self.channels + these.start..][..these.len()];
        let before = load(simd, sums);
        store(simd, sums, simd.add_f32s(before, sum));
    }
}
