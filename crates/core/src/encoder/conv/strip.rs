//! The maps of a convolution whose every channel has a kernel of its own, over lines of a picture.
//!
//! Sums of some pixels that lie beside each other are built in registers, a vector of channels at a time, so
//! that a number of the kernels and of the picture is read once for all of them. What belongs to a vector of
//! channels lies together. Products are rounded before they are added, so that sums are the same on every
//! processor.

use pulp::{Simd, WithSimd};

use crate::activation::Activation;
use crate::activation::cpu::activate;
use crate::gemm::lanes;
use crate::vectors::{load, store};

/// Why a slice has the vectors that are taken from it.
const CUT: &str = "it was cut to this length";

/// Kernels and what follows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Depthwise<'a> {
    /// See [`by_vectors`].
    pub(super) kernels: &'a [f32],
    /// `[c]`.
    pub(super) bias: &'a [f32],
    /// k.
    pub(super) kernel: usize,
    pub(super) activation: Activation,
}

impl Depthwise<'_> {
    pub(super) fn channels(&self) -> usize {
        self.bias.len()
    }
}

/// Numbers of so many places, `[places, c]`, as `[c / lanes, places, lanes]`, the last vector filled up with
/// zeros.
pub(super) fn by_vectors(numbers: &[f32], channels: usize) -> Vec<f32> {
    let lanes = lanes();
    let mut found = Vec::with_capacity(numbers.len().next_multiple_of(lanes));
    for first in (0..channels).step_by(lanes) {
        let these = first..channels.min(first + lanes);
        for place in numbers.chunks_exact(channels) {
            found.extend_from_slice(&place[these.clone()]);
            found.extend(core::iter::repeat_n(0.0, lanes - these.len()));
        }
    }
    found
}

/// Pixels of a picture that become part of a line.
pub(super) struct Laid<'a> {
    /// `[pixels, c]`.
    pub(super) pixels: &'a [f32],
    pub(super) channels: usize,
    /// From the first pixel's place in the line on.
    pub(super) line: &'a mut [f32],
    /// Pixels in a line.
    pub(super) width: usize,
}

impl WithSimd for Laid<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { pixels, channels, line, width } = self;
        for (x, pixel) in pixels.chunks_exact(channels).enumerate() {
            for (vector, numbers) in pixel.chunks(S::F32_LANES).enumerate() {
                let place = (vector * width + x) * S::F32_LANES;
                store(simd, &mut line[place..][..S::F32_LANES], load(simd, numbers));
            }
        }
    }
}

/// Lines of a picture with the zeros around it, and the rows of a map that they become.
#[derive(Debug)]
pub(super) struct Strip<'a> {
    /// `[lines, c / lanes, width, lanes]`.
    pub(super) lines: &'a [f32],
    pub(super) width: usize,
    pub(super) stride: usize,
    pub(super) layer: Depthwise<'a>,
    /// `[rows, columns, c]`.
    pub(super) maps: &'a mut [f32],
    pub(super) columns: usize,
}

/// A vector of channels: which, its kernels and biases.
struct Channels<'a, S: Simd> {
    vector: usize,
    kernels: &'a [S::f32s],
    bias: S::f32s,
}

impl WithSimd for Strip<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let channels = self.layer.channels();
        let rows = self.maps.len() / (self.columns * channels).max(1);
        let (kernels, _) = S::as_simd_f32s(self.layer.kernels);
        let kernels = kernels.chunks_exact(self.layer.kernel * self.layer.kernel);
        let biases = self.layer.bias.chunks(S::F32_LANES);
        for (vector, (kernels, bias)) in kernels.zip(biases).enumerate() {
            let these = Channels::<S> { vector, kernels, bias: load(simd, bias) };
            for row in 0..rows {
                self.row(simd, row, &these);
            }
        }
    }
}

impl Strip<'_> {
    /// A vector of channels of a row, by code for the usual kernels.
    #[inline(always)]
    fn row<S: Simd>(&mut self, simd: S, row: usize, these: &Channels<'_, S>) {
        // Eight sums and what they see, or four, fit into the registers.
        let most = if S::REGISTER_COUNT > 16 { 8 } else { 4 };
        let count = [8, 4].into_iter().find(|&count| count <= self.columns.min(most));
        let usual = matches!((self.layer.kernel, self.stride), (3 | 5, 1 | 2));
        let count = count.filter(|_| usual).unwrap_or(1);
        let mut column = 0;
        while column < self.columns {
            // The last pixels may be computed twice, since eight at once take hardly longer than one.
            let place = [row, column.min(self.columns - count)];
            match (count, self.layer.kernel, self.stride) {
                (8, 3, 1) => self.pixels::<S, 8, 3, 10>(simd, place, these),
                (8, 3, 2) => self.pixels::<S, 8, 3, 17>(simd, place, these),
                (8, 5, 1) => self.pixels::<S, 8, 5, 12>(simd, place, these),
                (8, 5, 2) => self.pixels::<S, 8, 5, 19>(simd, place, these),
                (4, 3, 1) => self.pixels::<S, 4, 3, 6>(simd, place, these),
                (4, 3, 2) => self.pixels::<S, 4, 3, 9>(simd, place, these),
                (4, 5, 1) => self.pixels::<S, 4, 5, 8>(simd, place, these),
                (4, 5, 2) => self.pixels::<S, 4, 5, 11>(simd, place, these),
                _ => self.pixel(simd, place, these),
            }
            column += count;
        }
    }

    /// `COUNT` pixels of a row, from a column on: kernels of side `SIDE` see `SPAN` pixels of each line, which
    /// tells the stride.
    #[inline(always)]
    fn pixels<S: Simd, const COUNT: usize, const SIDE: usize, const SPAN: usize>(
        &mut self,
        simd: S,
        [row, column]: [usize; 2],
        these: &Channels<'_, S>,
    ) {
        let stride = const { (SPAN - SIDE) / (COUNT - 1) };
        let mut sums = [these.bias; COUNT];
        for (y, kernels) in these.kernels.as_chunks::<SIDE>().0.iter().enumerate() {
            let start = self.start::<S>([row * stride + y, column * stride], these.vector);
            let (seen, _) = S::as_simd_f32s(&self.lines[start..][..SPAN * S::F32_LANES]);
            let seen = seen.first_chunk::<SPAN>().expect(CUT);
            for (x, kernel) in kernels.iter().enumerate() {
                add::<S, COUNT>(simd, &mut sums, *kernel, |pixel| seen[pixel * stride + x]);
            }
        }
        self.put(simd, [row, column], these.vector, sums);
    }

    /// One pixel, of any kernel.
    #[inline(always)]
    fn pixel<S: Simd>(&mut self, simd: S, [row, column]: [usize; 2], these: &Channels<'_, S>) {
        let (mut sum, side) = (these.bias, self.layer.kernel);
        for (place, kernel) in these.kernels.iter().enumerate() {
            let at = [row * self.stride + place / side, column * self.stride + place % side];
            let numbers = load(simd, &self.lines[self.start::<S>(at, these.vector)..]);
            sum = simd.add_f32s(sum, simd.mul_f32s(numbers, *kernel));
        }
        self.put(simd, [row, column], these.vector, [sum]);
    }

    /// Where a vector of channels of a pixel starts.
    #[inline(always)]
    fn start<S: Simd>(&self, [line, column]: [usize; 2], vector: usize) -> usize {
        let vectors = self.layer.channels().div_ceil(S::F32_LANES);
        ((line * vectors + vector) * self.width + column) * S::F32_LANES
    }

    #[inline(always)]
    fn put<S: Simd, const COUNT: usize>(
        &mut self,
        simd: S,
        [row, column]: [usize; 2],
        vector: usize,
        mut sums: [S::f32s; COUNT],
    ) {
        activate(simd, &mut sums, self.layer.activation);
        let (channels, first) = (self.layer.channels(), vector * S::F32_LANES);
        let count = S::F32_LANES.min(channels - first);
        let map = (row * self.columns + column) * channels + first;
        for (pixel, sum) in sums.into_iter().enumerate() {
            store(simd, &mut self.maps[map + pixel * channels..][..count], sum);
        }
    }
}

/// Adds the products of what some pixels see with a number of the kernels.
#[inline(always)]
fn add<S: Simd, const COUNT: usize>(
    simd: S,
    sums: &mut [S::f32s; COUNT],
    kernel: S::f32s,
    seen: impl Fn(usize) -> S::f32s,
) {
    for (pixel, sum) in sums.iter_mut().enumerate() {
        *sum = simd.add_f32s(*sum, simd.mul_f32s(seen(pixel), kernel));
    }
}
