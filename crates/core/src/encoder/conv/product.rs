//! A convolution on the CPU as products of matrices: patches by kernels, of any side.
//!
//! Burn's own convolution takes several times as long for a training step on the CPU: it finds
//! the gradient of the kernels by convolving all pictures with the gradient as if that were one
//! large kernel, and copies pictures to other layouts and back at every layer. Here pictures keep
//! their channels last from layer to layer, bias and `ReLU` are applied while their operands are
//! in the cache, and nothing is gathered: products take patches from where they lie.

use burn::backend::Flex;
use burn::backend::ops::FloatTensorOps;
use burn::tensor::Shape;

use super::patches::{Patches, channels_first, channels_last, padded};
use super::spread::Spread;
use super::winograd::{Plan, Transformed};
use crate::activation::{self, Activation};
use crate::array::{Array, array, room};
use crate::gemm::{Panels, Product, Row, Transposed, sums_of_changed_columns, sums_of_columns};
use crate::threads;
use crate::window::Window;

/// Patches that a thread multiplies at a time: a multiple of the first, and about the second at most.
const PATCHES: [usize; 2] = [48, 512];

/// Numbers of kernels that stay in the innermost cache, and of maps that are made by them at a time: so many have the
/// same number of rows of a tile for most widths.
const FEW: usize = 1 << 13;
const PIECE: usize = 3 << 10;

/// A convolution with its inputs.
#[derive(Clone, Debug)]
pub(super) struct Convolution {
    /// `[n, h, w, in]`.
    pictures: Array,
    /// In the order of a patch, `[out, k, k, in]`.
    kernels: Array,
    /// `[out]`.
    bias: Array,
    /// Of the pictures with their padding.
    patches: Patches,
    window: Window,
    activation: Activation,
    /// How fewer products give the same; none where they do not.
    fewer: Option<Plan>,
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
        let patches = Patches::of(&pictures, window);
        let (kernels, bias) = (channels_last(weight), bias.to_contiguous());
        let [count, height, width, inputs] = pictures.layout().shape().dims();
        let channels = [inputs, kernels.layout().shape()[0]];
        let fewer = Plan::learning(window, [count, height, width], channels);
        Self { pictures, kernels, bias, patches, window, activation, fewer }
    }

    fn outputs(&self) -> usize {
        self.kernels.layout().shape()[0]
    }

    /// Channels of pictures and of maps.
    fn channels(&self) -> [usize; 2] {
        [self.patches.channels, self.outputs()]
    }

    /// Whether all kernels stay in a cache, as those of a network's first layer do.
    pub(super) fn has_few_kernels(&self) -> bool {
        self.fewer.is_none() && self.kernels.layout().num_elements() <= FEW
    }

    fn transformed(&self) -> Transformed {
        Transformed::new(self.kernels.storage(), self.channels(), self.window.stride)
    }

    /// # Shapes
    /// - result: `[n, h, w, out]`
    pub(super) fn forward(&self) -> Array {
        self.maps(&mut [])
    }

    /// The same, and which numbers follow their sums, where the activation stops the gradients of others.
    pub(super) fn forward_noted(&self) -> (Array, Option<Vec<bool>>) {
        if self.activation == Activation::Linear {
            return (self.forward(), None);
        }
        if self.has_few_kernels() && PIECE.is_multiple_of(self.outputs()) {
            let (maps, followed) = self.pieces();
            return (maps, Some(followed));
        }
        let [rows, columns] = self.patches.grid();
        let count = self.pictures.layout().shape()[0];
        let mut followed = vec![true; count * rows * columns * self.outputs()];
        (self.maps(&mut followed), Some(followed))
    }

    /// By kernels that stay in a cache, a few patches at a time, whose maps are written once.
    fn pieces(&self) -> (Array, Vec<bool>) {
        let (outputs, count) = (self.outputs(), self.pictures.layout().shape()[0]);
        let (starts, kernels) = (self.patches.starts(count), self.panels());
        let product = Product::new(self.pictures.storage(), self.patches.runs(), &kernels);
        let product = product.ending(self.bias.storage(), self.activation);
        let made = |first: usize, maps: &mut [f32], followed: &mut [bool]| {
            let starts = &starts[first / outputs..][..maps.len() / outputs];
            product.write(&rows(starts, outputs), maps);
            self.activation.note(followed, maps);
        };
        let (maps, followed) = threads::pieces::<PIECE>(starts.len() * outputs, made);
        let [rows, columns] = self.patches.grid();
        (array(maps, [count, rows, columns, outputs]), followed)
    }

    fn panels(&self) -> Panels {
        Panels::of_weights(self.kernels.storage(), [self.patches.patch(), self.outputs()])
    }

    /// Notes which numbers follow their sums, if there is room for it.
    fn maps(&self, followed: &mut [bool]) -> Array {
        let end = (self.bias.storage(), self.activation);
        if let Some(plan) = &self.fewer {
            let kernels = self.transformed().forward();
            let maps = plan.maps(self.pictures.storage(), &kernels, end, followed);
            let [rows, columns] = plan.grid();
            let count = self.pictures.layout().shape()[0];
            return array(maps, [count, rows, columns, self.outputs()]);
        }
        multiplied((&self.pictures, self.patches), &self.panels(), end, followed)
    }

    /// The gradient at the sums of products, before an activation that stops some, and that of the bias.
    ///
    /// # Shapes
    /// - followed, gradient, first result: `[n, h, w, out]`
    /// - second result: `[out]`
    pub(super) fn gradient_of_sums(
        &self,
        followed: &[bool],
        mut gradient: Array,
    ) -> (Array, Array) {
        let outputs = self.outputs();
        let of_bias =
            sums_of_changed_columns(gradient.storage_mut(), outputs, |first, gradient| {
                activation::stop(gradient, &followed[first..][..gradient.len()]);
            });
        (gradient, array(of_bias, [outputs]))
    }

    /// # Shapes
    /// - gradient: `[n, h, w, out]`
    /// - result: `[out]`
    pub(super) fn gradient_of_bias(&self, gradient: &Array) -> Array {
        array(sums_of_columns(gradient.storage(), self.outputs()), [self.outputs()])
    }

    /// Written over the pictures, where nothing else holds them.
    ///
    /// # Shapes
    /// - gradient: `[n, h, w, out]`
    /// - result: `[n, in, h, w]`
    pub(super) fn gradient_of_pictures(self, gradient: &Array) -> Array {
        if let Some(plan) = &self.fewer {
            let kernels = self.transformed().backward();
            let [count, height, width, inputs] = self.pictures.layout().shape().dims();
            let [height, width] = self.window.inside([height, width]);
            let mut found = room(self.pictures, count * height * width * inputs);
            plan.gradient_of_pictures(gradient.storage(), &kernels, self.window, &mut found);
            return channels_first(array(found, [count, height, width, inputs]));
        }
        let count = self.pictures.layout().shape()[0];
        let spread = Spread::new(self.patches, self.window, self.kernels.storage(), count);
        channels_first(spread.of(gradient, self.pictures))
    }

    /// # Shapes
    /// - gradient: `[n, h, w, out]`
    /// - result: `[out, in, k, k]`
    pub(super) fn gradient_of_kernels(&self, gradient: &Array) -> Array {
        if let Some(plan) = &self.fewer {
            let found = plan.gradient_of_kernels(self.pictures.storage(), gradient.storage());
            return self.array_of_kernels(found);
        }
        let starts = self.patches.starts(self.pictures.layout().shape()[0]);
        self.array_of_kernels(self.by_patches(gradient, &starts).computed())
    }

    /// Those of few kernels and of the bias where pictures want none: of a gradient that an activation stops, in one pass
    /// over it.
    ///
    /// # Shapes
    /// - followed, gradient: `[n, h, w, out]`
    /// - results: `[out, in, k, k]`, `[out]`
    pub(super) fn gradients_at_input(&self, followed: &[bool], gradient: &Array) -> (Array, Array) {
        let starts = self.patches.starts(self.pictures.layout().shape()[0]);
        let (found, sums) = self.by_patches(gradient, &starts).computed_of(followed);
        (self.array_of_kernels(found), array(sums, [self.outputs()]))
    }

    /// The product of the gradient, transposed, by patches that start there.
    fn by_patches<'a>(&'a self, gradient: &'a Array, starts: &'a [usize]) -> Transposed<'a> {
        Transposed {
            left: gradient.storage(),
            columns: self.outputs(),
            numbers: self.pictures.storage(),
            runs: self.patches.runs(),
            starts,
        }
    }

    /// `[out, in, k, k]` of `[out, k, k, in]`.
    fn array_of_kernels(&self, found: Vec<f32>) -> Array {
        let Patches { kernel, channels, .. } = self.patches;
        let (outputs, places) = (self.outputs(), kernel * kernel);
        // Turned by all threads, as pictures are whose channels come last.
        let turned = channels_last(array(found, [outputs, places, channels, 1]));
        Flex::float_reshape(turned, Shape::new([outputs, channels, kernel, kernel]))
    }
}

/// The maps of pictures by packed kernels, for inference.
///
/// # Shapes
/// - x: `[n, in, h, w]`, kernels: `[k · k · in, out]`
/// - result: `[n, h, w, out]`
pub(super) fn infer(
    x: Array,
    window: Window,
    kernels: &Panels,
    end: (&[f32], Activation),
) -> Array {
    let pictures = padded(channels_last(x), window);
    multiplied((&pictures, Patches::of(&pictures, window)), kernels, end, &mut [])
}

/// The same by fewer products.
///
/// # Shapes
/// - x: `[n, in, h, w]`, kernels: see [`Transformed::forward`]
/// - result: `[n, h, w, out]`
pub(super) fn infer_fewer(
    x: Array,
    window: Window,
    kernels: &[Panels],
    end: (&[f32], Activation),
) -> Array {
    let pictures = padded(channels_last(x), window);
    let [count, height, width, inputs] = pictures.layout().shape().dims();
    let outputs = kernels[0].columns();
    let plan = Plan::new(window, [height, width], [inputs, outputs]);
    let maps = plan.maps(pictures.storage(), kernels, end, &mut []);
    let [rows, columns] = plan.grid();
    array(maps, [count, rows, columns, outputs])
}

/// Patches of `[n, h, w, in]` by kernels, plus a bias, through an activation. Notes which numbers follow their sums,
/// if there is room for it, while they are at hand.
fn multiplied(
    (pictures, patches): (&Array, Patches),
    kernels: &Panels,
    (bias, applied): (&[f32], Activation),
    followed: &mut [bool],
) -> Array {
    let (outputs, count) = (kernels.columns(), pictures.layout().shape()[0]);
    let starts = patches.starts(count);
    let mut maps = threads::zeros(starts.len() * outputs);
    let product = Product::new(pictures.storage(), patches.runs(), kernels);
    let product = product.ending(bias, applied);
    let size = threads::share(starts.len(), PATCHES);
    let part = (size * outputs).max(1);
    let noted = activation::parts(followed, part);
    let parts = maps.chunks_mut(part).zip(noted).zip(starts.chunks(size.max(1)));
    threads::each(parts.collect(), |((maps, noted), starts)| {
        product.write(&rows(starts, outputs), maps);
        if let Some(followed) = noted {
            applied.note(followed, maps);
        }
    });
    let [rows, columns] = patches.grid();
    array(maps, [count, rows, columns, outputs])
}

/// Rows of a product whose sums lie side by side.
fn rows(starts: &[usize], outputs: usize) -> Vec<Row> {
    let rows = starts.iter().enumerate();
    rows.map(|(row, &from)| Row { from, to: row * outputs }).collect()
}
