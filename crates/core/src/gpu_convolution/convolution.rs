//! What a convolution on a GPU and its gradients are made of: which products, of what.

use burn::backend::Cube;
use burn::backend::ops::FloatTensorOps;
use burn::tensor::{DType, Shape, Slice};
use burn_cubecl::kernel::into_contiguous;
use cubecl::prelude::{CubeCount, CubeDim};

use super::gather::{COLUMNS, Patches, Pixels, UNITS};
use super::narrow::{factors_with, largest_number};
use super::product::{ROWS, product};
use super::product_of_rows::product_of_rows;
use crate::activation::Activation;
use crate::buffers::{Buffer, empty, zeros};
use crate::window::Window;

/// Workgroups that are enough to keep a GPU at work.
const ENOUGH: usize = 1024;

/// The fewest rows that are worth a workgroup of their own in a split sum.
const LEAST_ROWS: usize = 256;

/// The most workgroups that a launch has in a row.
const MOST: usize = 32768;

/// `[n, c, h, w]` as `[n, h, w, c]`, without a copy if they lie like that already.
pub(super) fn channels_last(x: Buffer) -> Buffer {
    into_contiguous(Cube::float_permute(x, &[0, 2, 3, 1]))
}

/// `[n, h, w, c]` seen as `[n, c, h, w]`.
pub(super) fn channels_first(x: Buffer) -> Buffer {
    Cube::float_permute(x, &[0, 3, 1, 2])
}

/// A convolution with its inputs.
#[derive(Clone, Debug)]
pub(super) struct Convolution {
    /// `[n, h, w, in']`: with channels of zeros up to whole quads.
    pictures: Buffer,
    /// `[out, in, k, k]`, of four bytes or of two: so are the numbers that are multiplied.
    weight: Buffer,
    /// `[out]`.
    bias: Option<Buffer>,
    /// The largest number of the pictures, where those that are multiplied are of two bytes.
    largest: Option<Buffer>,
    window: Window,
    activation: Activation,
}

impl Convolution {
    /// # Shapes
    /// - x: `[n, in, h, w]`, weight: `[out, in, k, k]`, bias: `[out]`
    pub(super) fn new(
        (x, weight, bias): (Buffer, Buffer, Option<Buffer>),
        window: Window,
        activation: Activation,
    ) -> Self {
        let pictures = whole_quads(channels_last(x), 3);
        let largest = largest_where_narrow(&weight, &pictures);
        let bias = bias.map(into_contiguous);
        Self { pictures, weight, bias, largest, window, activation }
    }

    /// What of a gradient both of its products need to know.
    pub(super) fn largest_of(&self, gradient: &Buffer) -> Option<Buffer> {
        largest_where_narrow(&self.weight, gradient)
    }

    /// Pictures, their rows, columns and channels.
    fn sizes(&self) -> [usize; 4] {
        self.pictures.meta.shape().dims()
    }

    fn outputs(&self) -> usize {
        self.weight.meta.shape()[0]
    }

    fn inputs(&self) -> usize {
        self.weight.meta.shape()[1]
    }

    /// The patches of the pictures.
    fn patches(&self) -> Patches {
        let [images, height, width, channels] = self.sizes();
        let Window { kernel, stride, rows, columns } = self.window;
        Patches {
            images,
            grid: self.window.grid([height, width]),
            source: [height, width, channels],
            step: stride,
            first: [rows, columns].map(|[before, _]| -(before as i32)),
            taps: [kernel; 2],
        }
    }

    /// # Shapes
    /// - result: `[n, h, w, out]`
    pub(super) fn forward(&self) -> Buffer {
        let ([images, ..], outputs) = (self.sizes(), self.outputs());
        let kernels = Cube::float_permute(self.weight.clone(), &[2, 3, 1, 0]);
        let kernels = into_contiguous(whole_quads(kernels, 2));
        let patches = self.patches();
        let [high, wide] = patches.grid;
        let result = empty(&self.pictures, [images, high, wide, outputs]);
        let pixels = Pixels { stride: 1, first: [0; 2], size: [high, wide] };
        product::launch(
            &self.pictures.client,
            tiles(patches.rows(), outputs),
            CubeDim::new_1d(UNITS as u32),
            self.pictures.clone().into_buffer_arg(),
            None.into(),
            self.largest.clone().map(Buffer::into_buffer_arg).into(),
            kernels.into_buffer_arg(),
            self.bias.clone().map(Buffer::into_buffer_arg).into(),
            result.clone().into_buffer_arg(),
            patches.walk(),
            pixels.target(outputs),
            1,
            Activation::Linear,
            self.activation,
            factors_with(&self.weight),
        );
        result
    }

    /// Every `stride`-th pixel of a row and column sees the same taps: those are one product.
    ///
    /// # Shapes
    /// - gradient, maps: `[n, h, w, out]`
    /// - result: `[n, in, h, w]`
    pub(super) fn gradient_of_pictures(
        &self,
        (gradient, largest): (&Buffer, &Option<Buffer>),
        maps: &Buffer,
    ) -> Buffer {
        let ([images, height, width, channels], stride) = (self.sizes(), self.window.stride);
        let result = empty(gradient, [images, height, width, channels]);
        let kernels = Cube::float_permute(self.weight.clone(), &[2, 3, 0, 1]);
        let kernels = into_contiguous(whole_quads(kernels, 3));
        let phases = (0..stride).flat_map(|row| (0..stride).map(move |column| [row, column]));
        for phase in phases.filter(|&[row, column]| row < height && column < width) {
            let (patches, first_taps) = self.seen_by(phase, gradient);
            let kernels = match patches.depth() {
                0 => kernels.clone(),
                _ => into_contiguous(every(kernels.clone(), first_taps, stride)),
            };
            let pixels = Pixels { stride, first: phase, size: [height, width] };
            product::launch(
                &gradient.client,
                tiles(patches.rows(), channels),
                CubeDim::new_1d(UNITS as u32),
                gradient.clone().into_buffer_arg(),
                self.mask(maps).into(),
                largest.clone().map(Buffer::into_buffer_arg).into(),
                kernels.into_buffer_arg(),
                None.into(),
                result.clone().into_buffer_arg(),
                patches.walk(),
                pixels.target(channels),
                -1,
                self.activation,
                Activation::Linear,
                factors_with(&self.weight),
            );
        }
        channels_first(first_channels(result, 3, self.inputs()))
    }

    /// What pixels of a phase see of the gradient, and the first tap that they see.
    fn seen_by(&self, phase: [usize; 2], gradient: &Buffer) -> (Patches, [usize; 2]) {
        let [images, height, width, _] = self.sizes();
        let [_, high, wide, outputs] = gradient.meta.shape().dims();
        let Window { kernel, stride, rows, columns } = self.window;
        let reach = [phase[0] + rows[0], phase[1] + columns[0]];
        let first_taps = reach.map(|reach| reach % stride);
        let grid = [height - phase[0], width - phase[1]].map(|side| side.div_ceil(stride));
        let patches = Patches {
            images,
            grid,
            source: [high, wide, outputs],
            step: 1,
            first: reach.map(|reach| (reach / stride) as i32),
            taps: first_taps.map(|first| kernel.saturating_sub(first).div_ceil(stride)),
        };
        (patches, first_taps)
    }

    /// # Shapes
    /// - gradient, maps: `[n, h, w, out]`
    /// - results: `[out, in, k, k]`, `[out]`
    pub(super) fn gradient_of_kernels(
        &self,
        (gradient, largest): (&Buffer, &Option<Buffer>),
        maps: &Buffer,
    ) -> (Buffer, Buffer) {
        let ([.., channels], outputs) = (self.sizes(), self.outputs());
        let (patches, kernel) = (self.patches(), self.window.kernel);
        let depth = patches.depth();
        let [tall, broad] = [depth, outputs].map(|count| count.div_ceil(COLUMNS));
        let enough = ENOUGH.div_ceil(tall * broad).min(patches.rows().div_ceil(LEAST_ROWS)).max(1);
        let of_split = patches.rows().div_ceil(enough).max(1).next_multiple_of(16);
        let splits = patches.rows().div_ceil(of_split);
        let result = empty(gradient, [splits, depth * outputs]);
        let totals = empty(gradient, [splits, outputs]);
        product_of_rows::launch(
            &gradient.client,
            CubeCount::Static(tall as u32, broad as u32, splits as u32),
            CubeDim::new_1d(UNITS as u32),
            self.pictures.clone().into_buffer_arg(),
            gradient.clone().into_buffer_arg(),
            self.mask(maps).into(),
            self.largest.clone().map(Buffer::into_buffer_arg).into(),
            largest.clone().map(Buffer::into_buffer_arg).into(),
            result.clone().into_buffer_arg(),
            totals.clone().into_buffer_arg(),
            patches.walk(),
            (outputs / 4) as u32,
            of_split as u32,
            self.activation,
            factors_with(&self.weight),
        );
        let sum = |parts, shape| Cube::float_reshape(Cube::float_sum_dim(parts, 0), shape);
        let result = sum(result, Shape::new([kernel, kernel, channels, outputs]));
        let result = first_channels(result, 2, self.inputs());
        let result = into_contiguous(Cube::float_permute(result, &[3, 2, 0, 1]));
        (result, sum(totals, Shape::new([outputs])))
    }

    /// What tells where the activation lets a gradient pass.
    fn mask(&self, maps: &Buffer) -> Option<cubecl::prelude::BufferArg> {
        (self.activation != Activation::Linear).then(|| maps.clone().into_buffer_arg())
    }
}

/// The largest of some numbers that are multiplied with such weights, if those are of two bytes.
fn largest_where_narrow(weight: &Buffer, numbers: &Buffer) -> Option<Buffer> {
    (weight.dtype == DType::F16).then(|| largest_number(numbers))
}

/// Workgroups of a product.
fn tiles(rows: usize, columns: usize) -> CubeCount {
    let tall = rows.div_ceil(ROWS);
    let deep = tall.div_ceil(MOST).max(1);
    let broad = columns.div_ceil(COLUMNS);
    CubeCount::Static(broad as u32, tall.div_ceil(deep) as u32, deep as u32)
}

/// Every `stride`-th row and column of kernels.
fn every(kernels: Buffer, first: [usize; 2], stride: usize) -> Buffer {
    let [rows, columns] = first.map(|first| Slice::new(first as isize, None, stride as isize));
    Cube::float_slice(kernels, &[rows, columns, Slice::full(), Slice::full()])
}

/// A dimension with zeros up to a multiple of four.
fn whole_quads(x: Buffer, dimension: usize) -> Buffer {
    let mut shape: [usize; 4] = x.meta.shape().dims();
    let missing = shape[dimension].next_multiple_of(4) - shape[dimension];
    if missing == 0 {
        return x;
    }
    shape[dimension] = missing;
    let zeros = zeros(&x, shape);
    Cube::float_cat(vec![x, zeros], dimension)
}

/// A dimension without what [`whole_quads`] added.
fn first_channels(x: Buffer, dimension: usize, count: usize) -> Buffer {
    if x.meta.shape()[dimension] == count {
        return x;
    }
    let mut slices = [Slice::full(); 4];
    slices[dimension] = Slice::new(0, Some(count as isize), 1);
    Cube::float_slice(x, &slices)
}
