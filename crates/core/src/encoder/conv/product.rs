//! A convolution on the CPU as products of matrices: patches by kernels, of any side.
//!
//! Burn's own convolution takes several times as long for a training step on the CPU: it finds
//! the gradient of the kernels by convolving all pictures with the gradient as if that were one
//! large kernel, and copies pictures to other layouts and back at every layer. Here pictures keep
//! their channels last from layer to layer, bias and `ReLU` are applied while their operands are
//! in the cache, and nothing is gathered: products take patches from where they lie.

use burn::backend::Flex;
use burn::backend::ops::FloatTensorOps;

use super::patches::{Patches, padded};
use super::spread::Spread;
use crate::activation::Activation;
use crate::array::{Array, array};
use crate::gemm::{Panels, Product, Row, Transposed};
use crate::threads;
use crate::vectors::{Loop, widest};
use crate::window::Window;

/// Patches that a thread multiplies at a time.
const PATCHES: usize = 512;

const NHWC_FROM_NCHW: [usize; 4] = [0, 2, 3, 1];
const NCHW_FROM_NHWC: [usize; 4] = [0, 3, 1, 2];

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
        let patches = Patches::of(&pictures, window);
        let (kernels, bias) = (channels_last(weight), bias.to_contiguous());
        Self { pictures, kernels, bias, patches, window, activation }
    }

    fn outputs(&self) -> usize {
        self.kernels.layout().shape()[0]
    }

    /// # Shapes
    /// - result: `[n, h, w, out]`
    pub(super) fn forward(&self) -> Array {
        let shape = [self.patches.patch(), self.outputs()];
        let kernels = Panels::of_columns(self.kernels.storage(), shape);
        multiplied(&self.pictures, self.patches, &kernels, (self.bias.storage(), self.activation))
    }

    /// The gradient at the sums of products, before the activation.
    ///
    /// # Shapes
    /// - maps, gradient, result: `[n, h, w, out]`
    pub(super) fn gradient_of_sums(&self, maps: &Array, mut gradient: Array) -> Array {
        if self.activation != Activation::Linear {
            let maps = maps.storage::<f32>();
            let part = PATCHES * self.outputs();
            threads::each_part(gradient.storage_mut(), part, |number, gradient| {
                self.activation.stop(gradient, &maps[number * part..][..gradient.len()]);
            });
        }
        gradient
    }

    /// # Shapes
    /// - gradient: `[n, h, w, out]`
    /// - result: `[n, in, h, w]`
    pub(super) fn gradient_of_pictures(&self, gradient: &Array) -> Array {
        let (kernels, count) = (self.kernels.storage(), self.pictures.layout().shape()[0]);
        let spread = Spread::new(self.patches, self.window, kernels, count);
        channels_first(spread.of(gradient))
    }

    /// # Shapes
    /// - gradient: `[n, h, w, out]`
    /// - result: `[out, in, k, k]`
    pub(super) fn gradient_of_kernels(&self, gradient: &Array) -> Array {
        let Patches { kernel, channels, .. } = self.patches;
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

    /// # Shapes
    /// - gradient: `[n, h, w, out]`
    /// - result: `[out]`
    pub(super) fn gradient_of_bias(&self, gradient: &Array) -> Array {
        array(sums_of_columns(gradient.storage(), self.outputs()), [self.outputs()])
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
    multiplied(&pictures, Patches::of(&pictures, window), kernels, end)
}

/// Patches of `[n, h, w, in]` by kernels, plus a bias, through an activation.
fn multiplied(
    pictures: &Array,
    patches: Patches,
    kernels: &Panels,
    (bias, activation): (&[f32], Activation),
) -> Array {
    let (outputs, count) = (kernels.columns(), pictures.layout().shape()[0]);
    let starts = patches.starts(count);
    let mut maps = vec![0.0; starts.len() * outputs];
    let product = Product::new(pictures.storage(), patches.runs(), kernels);
    let product = product.ending(bias, activation);
    threads::each_part(&mut maps, (PATCHES * outputs).max(1), |number, part| {
        let starts = starts[number * PATCHES..].iter().take(PATCHES).enumerate();
        let rows = starts.map(|(row, &from)| Row { from, to: row * outputs });
        product.write(&rows.collect::<Vec<_>>(), part);
    });
    let [rows, columns] = patches.grid();
    array(maps, [count, rows, columns, outputs])
}

/// The sums over all rows of `[rows, columns]`, `[columns]`.
fn sums_of_columns(numbers: &[f32], columns: usize) -> Vec<f32> {
    let mut sums = vec![0.0; columns];
    for part in threads::each(numbers.chunks(PATCHES * columns.max(1)).collect(), |part| {
        let mut sums = vec![0.0; columns];
        widest(Summed { sums: &mut sums, rows: part });
        sums
    }) {
        widest(Summed { sums: &mut sums, rows: &part });
    }
    sums
}

/// Adds rows to sums.
struct Summed<'a> {
    sums: &'a mut [f32],
    rows: &'a [f32],
}

impl Loop for Summed<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for row in self.rows.chunks_exact(self.sums.len()) {
            for (sum, number) in self.sums.iter_mut().zip(row) {
                *sum += number;
            }
        }
    }
}
