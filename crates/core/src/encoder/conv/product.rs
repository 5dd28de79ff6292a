//! A convolution on the CPU as products of matrices: gathered patches by the kernels.
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

use super::patches::{Patches, add};
use super::{Geometry, KERNEL, direct};
use crate::activation::Activation;
use crate::array::{Array, array};

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
    /// `[out, in, 3, 3]`.
    weight: Array,
    /// `[out]`.
    bias: Array,
    /// Of the pictures with their padding.
    patches: Patches,
    /// Pixels of zeros around every picture.
    padding: usize,
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
    /// - x: `[n, in, h, w]`, weight: `[out, in, 3, 3]`, bias: `[out]`
    pub(super) fn new(
        [x, weight, bias]: [Array; 3],
        Geometry { stride, padding, .. }: Geometry,
        activation: Activation,
    ) -> Self {
        let (pictures, weight) = (padded(channels_last(x), padding), weight.to_contiguous());
        let [_, height, width, channels] = pictures.layout().shape().dims();
        let patches = Patches { height, width, channels, stride };
        Self { pictures, weight, bias: bias.to_contiguous(), patches, padding, activation }
    }

    fn outputs(&self) -> usize {
        self.weight.layout().shape()[0]
    }

    /// The kernels in the order of a patch, `[out, 3 · 3 · in]`.
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

    /// The patches of a group of pictures, `[patches, 3 · 3 · in]`.
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
        let layer = [self.weight.storage(), self.bias.storage()];
        let maps = direct::convolve(self.pictures.storage(), &self.patches, layer, self.activation);
        self.maps(maps)
    }

    pub(super) fn by_products(&self) -> Array {
        let map = self.patches.count() * self.outputs();
        let kernels = Flex::float_transpose(self.kernels());
        let mut maps = vec![0.0; self.count() * map];
        for (group, part) in self.groups().zip(maps.chunks_mut(self.group() * map)) {
            let sums = Flex::float_matmul(self.gather(&group), kernels.clone());
            self.finish(sums.storage(), part);
        }
        self.maps(maps)
    }

    fn maps(&self, maps: Vec<f32>) -> Array {
        let [rows, columns] = self.patches.grid();
        array(maps, [self.count(), rows, columns, self.outputs()])
    }

    /// Bias and activation.
    fn finish(&self, sums: &[f32], part: &mut [f32]) {
        let bias = self.bias.storage::<f32>();
        for (sums, part) in sums.chunks(bias.len()).zip(part.chunks_mut(bias.len())) {
            for ((part, sum), bias) in part.iter_mut().zip(sums).zip(bias) {
                *part = self.activation.of(sum + bias);
            }
        }
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
        channels_first(cropped(found, self.padding))
    }

    /// # Shapes
    /// - gradient: `[n, h, w, out]`
    /// - result: `[out, in, 3, 3]`
    pub(super) fn gradient_of_kernels(&self, gradient: &Array) -> Array {
        let shape = [self.outputs(), KERNEL, KERNEL, self.patches.channels];
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

/// `[n, h, w, c]` with so many pixels of zeros on every side.
fn padded(pictures: Array, padding: usize) -> Array {
    if padding == 0 {
        return pictures;
    }
    let [n, height, width, channels] = pictures.layout().shape().dims();
    let [tall, wide] = [height, width].map(|side| side + 2 * padding);
    let (line, margin) = (width * channels, padding * channels);
    let mut around = vec![0.0; n * tall * wide * channels];
    let rows = pictures.storage::<f32>().chunks_exact(height * line);
    for (picture, around) in rows.zip(around.chunks_exact_mut(tall * wide * channels)) {
        let lines = around.chunks_exact_mut(wide * channels).skip(padding);
        for (line, around) in picture.chunks_exact(line).zip(lines) {
            around[margin..margin + line.len()].copy_from_slice(line);
        }
    }
    array(around, [n, tall, wide, channels])
}

/// What [`padded`] was made of.
fn cropped(around: Array, padding: usize) -> Array {
    let [_, tall, wide, _] = around.layout().shape().dims::<4>();
    let inside = |size: usize| Slice::new(padding as isize, Some((size - padding) as isize), 1);
    match padding {
        0 => around,
        _ => Flex::float_slice(around, &[Slice::full(), inside(tall), inside(wide), Slice::full()]),
    }
}
