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
    /// A picture, with the zeros around it, and the gradient of its map.
    pub(super) inputs: [&'a [f32]; 2],
    /// Columns of both.
    pub(super) columns: [usize; 2],
    /// A kernel's side, and steps from one place to the next.
    pub(super) kernel: [usize; 2],
    pub(super) channels: usize,
}

impl WithSimd for Correlated<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let [side, _] = self.kernel;
        for first in (0..self.channels).step_by(S::F32_LANES) {
            let these = first..self.channels.min(first + S::F32_LANES);
            match side {
                3 => self.places::<S, 3>(simd, [0, 0], &these),
                5 => self.places::<S, 5>(simd, [0, 0], &these),
                _ => self.each_place(simd, &these),
            }
        }
    }
}

impl Correlated<'_> {
    /// All places of a kernel of any side.
    #[inline(always)]
    fn each_place<S: Simd>(&mut self, simd: S, these: &Range<usize>) {
        let [side, _] = self.kernel;
        for place in 0..side * side {
            self.places::<S, 1>(simd, [place / side, place % side], these);
        }
    }

    /// A square of places of a kernel from one on, for some channels.
    #[inline(always)]
    fn places<S: Simd, const SIDE: usize>(
        &mut self,
        simd: S,
        [top, left]: [usize; 2],
        these: &Range<usize>,
    ) {
        let ([side, stride], [wide, columns]) = (self.kernel, self.columns);
        let [picture, gradient] = self.inputs;
        let mut sums = [[simd.splat_f32s(0.0); SIDE]; SIDE];
        for (row, gradient) in gradient.chunks_exact(columns * self.channels).enumerate() {
            let lines: [&[f32]; SIDE] = core::array::from_fn(|y| {
                let met = row * stride + top + y;
                &picture[met * wide * self.channels..][..wide * self.channels]
            });
            for (column, gradient) in gradient.chunks_exact(self.channels).enumerate() {
                let gradient = load(simd, &gradient[these.clone()]);
                let first = (column * stride + left) * self.channels + these.start;
                let lines = lines.map(|line| &line[first..]);
                sums = self.joined(simd, sums, lines, gradient);
            }
        }
        for (y, sums) in sums.iter().enumerate() {
            for (x, sum) in sums.iter().enumerate() {
                let place = (top + y) * side + left + x;
                let room = &mut self.sums[place * self.channels + these.start..][..these.len()];
                let before = load(simd, room);
                store(simd, room, simd.add_f32s(before, *sum));
            }
        }
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
}

/// Room for a picture with the zeros around it, which it goes into again and again.
pub(super) struct Around {
    room: Vec<f32>,
    width: usize,
    channels: usize,
    window: Window,
}

impl Around {
    /// For pictures `[height, width, channels]`.
    pub(super) fn new([height, width, channels]: [usize; 3], window: Window) -> Self {
        let [tall, wide] = [(height, window.rows), (width, window.columns)]
            .map(|(side, [before, after])| before + side + after);
        Self { room: vec![0.0; tall * wide * channels], width, channels, window }
    }

    /// Columns, with the zeros.
    pub(super) fn columns(&self) -> usize {
        self.width + self.window.columns.iter().sum::<usize>()
    }

    /// A picture with the zeros around it.
    pub(super) fn put(&mut self, picture: &[f32]) -> &[f32] {
        let (wide, channels) = (self.columns(), self.channels);
        let ([above, _], [left, _]) = (self.window.rows, self.window.columns);
        let lines = self.room.chunks_exact_mut(wide * channels).skip(above);
        for (line, row) in lines.zip(picture.chunks_exact(self.width * channels)) {
            line[left * channels..][..row.len()].copy_from_slice(row);
        }
        &self.room
    }
}
