//! A convolution on the CPU as products of matrices: gathered patches by the kernels, of any side.
//!
//! Burn's own convolution takes more than twice as long for a training step on the CPU: it finds
//! the gradient of the kernels by convolving all pictures with the gradient as if that were one
//! large kernel, and copies pictures to other layouts and back at every layer. Here pictures keep
//! their channels last from layer to layer, bias and `ReLU` are applied while their operands are
//! in the cache, and every product is one of matrices that suit the cache.

use core::ops::Range;

use burn::backend::Flex;
use burn::backend::ops::FloatTensorOps;
use burn::tensor::{Shape, Slice};

use super::direct;
use super::patches::{Patches, add};
use crate::activation::Activation;
use crate::array::{Array, array};
use crate::vectors::{Loop, widest};
use crate::window::Window;

/// Patches that are multiplied at a time, a whole picture's at least. Of 512 to 6144 with 128
/// channels, the fewest were fastest: their matrix stays in the cache, and its memory is soon used
/// again rather than asked of the system anew.
const GROUP: usize = 512;

const NHWC_FROM_NCHW: [usize; 4] = [0, 2, 3, 1];
const NCHW_FROM_NHWC: [usize; 4] = [0, 3, 1, 2];

/// A convolution with its inputs.
#[derive(Clone, Debug)]
pub(super) struct Convolution {
    /// `[n, h, w, in]`.
    pictures: Array,
    /// `[out, in, k, k]`.
    weight: Array,
    /// `[out]`.
    bias: Array,
    /// Of the pictures with their padding.
    patches: Patches,
    window: Window,
    activation: Activation,
}

/// `[n, c, h, w]` as `[n, h, w, c]`, without a copy if they lie like that already.
pub(super) fn channels_last(x: Array) -> Array {
    Flex::float_permute(x, &NHWC_FROM_NCHW).to_contiguous()
}

/// `[n, h, w, c]` seen as `[n, c, h, w]`.
pub(super) fn channels_first(x: Array) -> Array {
    Flex::float_permute(x, &NCHW_FROM_NHWC)
}

impl Convolution {
    /// # Shapes
    /// - x: `[n, in, h, w]`, weight: `[out, in, k, k]`, bias: `[out]`
    pub(super) fn new(
        [x, weight, bias]: [Array; 3],
        window: Window,
        activation: Activation,
    ) -> Self {
        let pictures = padded(channels_last(x), window);
        let [_, height, width, channels] = pictures.layout().shape().dims();
        let Window { kernel, stride, .. } = window;
        let patches = Patches { height, width, channels, kernel, stride };
        Self { pictures, weight, bias: bias.to_contiguous(), patches, window, activation }
    }

    fn outputs(&self) -> usize {
        self.weight.layout().shape()[0]
    }

    /// The kernels in the order of a patch, `[out, k · k · in]`.
    fn kernels(&self) -> Array {
        let shape = Shape::new([self.outputs(), self.patches.patch()]);
        Flex::float_reshape(channels_last(self.weight.clone()), shape)
    }

    /// Number of pictures.
    fn count(&self) -> usize {
        self.pictures.layout().shape()[0]
    }

    /// Pictures that are multiplied at a time.
    fn group(&self) -> usize {
        (GROUP / self.patches.count()).max(1)
    }

    /// All pictures, group by group.
    fn groups(&self) -> impl Iterator<Item = Range<usize>> {
        let (count, group) = (self.count(), self.group());
        (0..count).step_by(group).map(move |start| start..(start + group).min(count))
    }

    /// What `[n, h, w, out]` holds, as `[n · h · w, out]`.
    fn rows(&self, maps: Array) -> Array {
        let count = self.count() * self.patches.count();
        Flex::float_reshape(maps, Shape::new([count, self.outputs()]))
    }

    /// The patches of a group of pictures, `[patches, k · k · in]`.
    fn gather(&self, group: &Range<usize>) -> Array {
        let picture = self.patches.picture();
        let pictures = &self.pictures.storage()[group.start * picture..group.end * picture];
        let patches = self.patches.gather(pictures);
        array(patches, [group.len() * self.patches.count(), self.patches.patch()])
    }

    /// The gradient at a group of pictures' sums, `[patches, out]`.
    fn gradient_at(&self, group: &Range<usize>, gradient: &Array) -> Array {
        let rows = self.rows(gradient.clone());
        let [start, end] = [group.start, group.end].map(|k| (k * self.patches.count()) as isize);
        Flex::float_slice(rows, &[Slice::new(start, Some(end), 1), Slice::full()])
    }

    /// # Shapes
    /// - result: `[n, h, w, out]`
    pub(super) fn forward(&self) -> Array {
        if direct::FASTER { self.directly() } else { self.by_products() }
    }

    pub(super) fn directly(&self) -> Array {
        let weight = self.weight.to_contiguous();
        let layer = [weight.storage(), self.bias.storage()];
        let maps = direct::convolve(self.pictures.storage(), &self.patches, layer, self.activation);
        self.maps(maps)
    }

    pub(super) fn by_products(&self) -> Array {
        if (self.patches.kernel, self.patches.stride) == (1, 1) {
            return self.of_pixels();
        }
        let map = self.patches.count() * self.outputs();
        let kernels = Flex::float_transpose(self.kernels());
        let mut maps = vec![0.0; self.count() * map];
        for (group, part) in self.groups().zip(maps.chunks_mut(self.group() * map)) {
            let sums = Flex::float_matmul(self.gather(&group), kernels.clone());
            self.finish(sums.storage(), part);
        }
        self.maps(maps)
    }

    /// Of kernels of one pixel: pictures are their own patches.
    fn of_pixels(&self) -> Array {
        let rows = [self.count() * self.patches.count(), self.patches.channels];
        let rows = Flex::float_reshape(self.pictures.clone(), Shape::new(rows));
        let mut sums = Flex::float_matmul(rows, Flex::float_transpose(self.kernels()));
        let (bias, activation) = (self.bias.storage::<f32>(), self.activation);
        widest(Finished { sums: sums.storage_mut(), bias, activation });
        let [rows, columns] = self.patches.grid();
        Flex::float_reshape(sums, Shape::new([self.count(), rows, columns, self.outputs()]))
    }

    fn maps(&self, maps: Vec<f32>) -> Array {
        let [rows, columns] = self.patches.grid();
        array(maps, [self.count(), rows, columns, self.outputs()])
    }

    /// Bias and activation.
    fn finish(&self, sums: &[f32], part: &mut [f32]) {
        let (bias, activation) = (self.bias.storage::<f32>(), self.activation);
        part.copy_from_slice(sums);
        widest(Finished { sums: part, bias, activation });
    }

    /// The gradient at the sums of products, before the activation.
    ///
    /// # Shapes
    /// - maps, gradient, result: `[n, h, w, out]`
    pub(super) fn gradient_of_sums(&self, maps: &Array, mut gradient: Array) -> Array {
        if self.activation != Activation::Linear {
            self.activation.stop(gradient.storage_mut(), maps.storage());
        }
        gradient
    }

    /// # Shapes
    /// - gradient: `[n, h, w, out]`
    /// - result: `[n, in, h, w]`
    pub(super) fn gradient_of_pictures(&self, gradient: &Array) -> Array {
        let picture = self.patches.picture();
        let kernels = self.kernels();
        let mut found = vec![0.0; self.count() * picture];
        for (group, part) in self.groups().zip(found.chunks_mut(self.group() * picture)) {
            let gradient = self.gradient_at(&group, gradient);
            let patches = Flex::float_matmul(gradient, kernels.clone());
            self.patches.scatter(patches.storage(), part);
        }
        let Patches { height, width, channels, .. } = self.patches;
        let found = array(found, [self.count(), height, width, channels]);
        channels_first(cropped(found, self.window))
    }

    /// # Shapes
    /// - gradient: `[n, h, w, out]`
    /// - result: `[out, in, k, k]`
    pub(super) fn gradient_of_kernels(&self, gradient: &Array) -> Array {
        let Patches { kernel, channels, .. } = self.patches;
        let shape = [self.outputs(), kernel, kernel, channels];
        let mut found = vec![0.0; shape.iter().product()];
        for group in self.groups() {
            let gradient = Flex::float_transpose(self.gradient_at(&group, gradient));
            add(&mut found, Flex::float_matmul(gradient, self.gather(&group)).storage());
        }
        channels_first(array(found, shape))
    }

    /// # Shapes
    /// - gradient: `[n, h, w, out]`
    /// - result: `[out]`
    pub(super) fn gradient_of_bias(&self, gradient: Array) -> Array {
        let sums = Flex::float_sum_dim(self.rows(gradient), 0);
        Flex::float_reshape(sums, Shape::new([self.outputs()]))
    }
}

/// Bias and activation for sums in place.
struct Finished<'a> {
    sums: &'a mut [f32],
    bias: &'a [f32],
    activation: Activation,
}

impl Loop for Finished<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { sums, bias, activation } = self;
        for sums in sums.chunks_exact_mut(bias.len()) {
            for (sum, bias) in sums.iter_mut().zip(bias) {
                *sum = activation.of(*sum + bias);
            }
        }
    }
}

/// `[n, h, w, c]` with the zeros of a window around it.
fn padded(pictures: Array, window: Window) -> Array {
    if !window.has_padding() {
        return pictures;
    }
    let Window { rows: [above, below], columns: [left, right], .. } = window;
    let [n, height, width, channels] = pictures.layout().shape().dims();
    let [tall, wide] = [above + height + below, left + width + right];
    let (line, margin) = (width * channels, left * channels);
    let mut around = vec![0.0; n * tall * wide * channels];
    let rows = pictures.storage::<f32>().chunks_exact(height * line);
    for (picture, around) in rows.zip(around.chunks_exact_mut(tall * wide * channels)) {
        let lines = around.chunks_exact_mut(wide * channels).skip(above);
        for (line, around) in picture.chunks_exact(line).zip(lines) {
            around[margin..margin + line.len()].copy_from_slice(line);
        }
    }
    array(around, [n, tall, wide, channels])
}

/// What [`padded`] was made of.
fn cropped(around: Array, window: Window) -> Array {
    if !window.has_padding() {
        return around;
    }
    let [_, tall, wide, _] = around.layout().shape().dims::<4>();
    let inside = |size: usize, [before, after]: [usize; 2]| {
        Slice::new(before as isize, Some((size - after) as isize), 1)
    };
    let [rows, columns] = [inside(tall, window.rows), inside(wide, window.columns)];
    Flex::float_slice(around, &[Slice::full(), rows, columns, Slice::full()])
}
