//! A convolution on the CPU as products of matrices: patches by kernels, of any side.
//!
//! Burn's own convolution takes several times as long for a training step on the CPU: it finds
//! the gradient of the kernels by convolving all pictures with the gradient as if that were one
//! large kernel, and copies pictures to other layouts and back at every layer. Here pictures keep
//! their channels last from layer to layer, bias and `ReLU` are applied while their operands are
//! in the cache, and nothing is gathered: products take patches from where they lie.

use super::patches::{Patches, channels_first, channels_last, padded};
use super::spread::Spread;
use super::winograd::{self, Transformed, evened};
use crate::activation::{self, Activation};
use crate::array::{Array, array};
use crate::gemm::{Panels, Product, Row, Transposed, sums_of_changed_columns, sums_of_columns};
use crate::threads;
use crate::window::Window;

/// Patches that a thread multiplies at a time: a multiple of the first, and about the second at most.
const PATCHES: [usize; 2] = [48, 512];

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
        Self { pictures, kernels, bias, patches, window, activation }
    }

    fn outputs(&self) -> usize {
        self.kernels.layout().shape()[0]
    }

    /// Channels of pictures and of maps.
    fn channels(&self) -> [usize; 2] {
        [self.patches.channels, self.outputs()]
    }

    /// How kernels go over the gradient where fewer products give the same; none where they do not.
    fn squares(&self) -> Option<Window> {
        let Window { kernel, stride, .. } = self.window;
        let [height, width] = self.patches.grid();
        let maps = [self.pictures.layout().shape()[0], height, width];
        let suits = winograd::suits_learning([kernel, stride], self.channels(), maps);
        self.window.turned().filter(|_| suits)
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
        let [rows, columns] = self.patches.grid();
        let count = self.pictures.layout().shape()[0];
        let mut followed = vec![true; count * rows * columns * self.outputs()];
        (self.maps(&mut followed), Some(followed))
    }

    /// Notes which numbers follow their sums, if there is room for it.
    fn maps(&self, followed: &mut [bool]) -> Array {
        let end = (self.bias.storage(), self.activation);
        if self.squares().is_some() {
            let kernels = Transformed::new(self.kernels.storage(), self.channels()).forward();
            let grid = self.patches.grid();
            let pictures = evened(self.pictures.clone(), grid);
            let maps = winograd::maps(&pictures, grid, &kernels, end);
            let part = PATCHES[1] * self.outputs();
            threads::each_part(followed, part, |number, followed| {
                let results = &maps.storage()[number * part..][..followed.len()];
                self.activation.note(followed, results);
            });
            return maps;
        }
        let (numbers, patch) = (self.kernels.storage::<f32>(), self.patches.patch());
        let kernel = |output| &numbers[output * patch..][..patch];
        let kernels = Panels::of_columns([patch, self.outputs()], kernel);
        multiplied((&self.pictures, self.patches), &kernels, end, followed)
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
        if let Some(window) = self.squares() {
            return channels_first(self.squares_of_pictures(gradient, window));
        }
        let count = self.pictures.layout().shape()[0];
        let spread = Spread::new(self.patches, self.window, self.kernels.storage(), count);
        channels_first(spread.of(gradient, self.pictures))
    }

    /// The gradient of the pictures `[n, h, w, in]`, which is a convolution by the kernels, turned.
    fn squares_of_pictures(&self, gradient: &Array, window: Window) -> Array {
        let channels = self.channels();
        let kernels = Transformed::new(self.kernels.storage(), channels).backward();
        let none = vec![0.0; channels[0]];
        winograd::infer(
            channels_first(gradient.clone()),
            window,
            &kernels,
            (&none, Activation::Linear),
        )
    }

    /// # Shapes
    /// - gradient: `[n, h, w, out]`
    /// - result: `[out, in, k, k]`
    pub(super) fn gradient_of_kernels(&self, gradient: &Array) -> Array {
        let Patches { kernel, channels, .. } = self.patches;
        if self.squares().is_some() {
            let pictures = evened(self.pictures.clone(), self.patches.grid());
            let found = winograd::gradient_of_kernels(&pictures, gradient);
            let found = array(found, [self.outputs(), kernel, kernel, channels]);
            return channels_first(found).to_contiguous();
        }
        let (outputs, starts) =
            (self.outputs(), self.patches.starts(self.pictures.layout().shape()[0]));
        let product = Transposed {
            left: gradient.storage(),
            columns: outputs,
            numbers: self.pictures.storage(),
            runs: self.patches.runs(),
            starts: &starts,
        };
        let found = array(product.computed(), [outputs, kernel, kernel, channels]);
        channels_first(found).to_contiguous()
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
        let rows = starts.iter().enumerate();
        let rows: Vec<Row> = rows.map(|(row, &from)| Row { from, to: row * outputs }).collect();
        product.write(&rows, maps);
        if let Some(followed) = noted {
            applied.note(followed, maps);
        }
    });
    let [rows, columns] = patches.grid();
    array(maps, [count, rows, columns, outputs])
}
