//! A convolution and the normalisation after it, which makes its bias needless.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::conv::{Conv, Geometry, Strided};
use crate::activation::Activation;
use crate::norm::{BatchNorm, Constants};
use crate::rng::Stream;

/// Convolution without bias, batch normalisation, activation.
#[derive(Module, Debug)]
pub(super) struct ConvNorm {
    conv: Conv,
    norm: BatchNorm,
}

impl ConvNorm {
    /// Inputs, outputs, side of the kernel.
    pub(super) fn new(
        shape: [usize; 3],
        geometry: Geometry,
        stream: &mut Stream,
        device: &Device,
    ) -> Self {
        let conv = Conv::without_bias(shape, geometry, stream, device);
        Self { conv, norm: BatchNorm::new(shape[1], device) }
    }

    /// Inputs, outputs, side of the kernel; made as Keras makes it.
    pub(super) fn keras(
        shape: [usize; 3],
        place: (Geometry, Strided),
        stream: &mut Stream,
        device: &Device,
    ) -> Self {
        let conv = Conv::keras(shape, place, stream, device);
        Self { conv, norm: BatchNorm::new(shape[1], device) }
    }

    /// The same with other constants of its normalisation.
    pub(super) fn with_constants(self, constants: Constants) -> Self {
        Self { norm: self.norm.with(constants), ..self }
    }

    /// # Shapes
    /// - x: `[n, inputs, h, w]`
    /// - result: `[n, outputs, …]`, smaller by the stride
    pub(super) fn forward(&self, x: Tensor<4>, activation: Activation) -> Tensor<4> {
        normalized((&self.conv, &self.norm), x, activation)
    }

    /// The convolution alone, which does all once this is folded.
    pub(super) fn conv(&self) -> &Conv {
        &self.conv
    }

    /// For inference: one convolution.
    pub(super) fn folded(&self) -> Self {
        let (conv, norm) = folded(&self.conv, &self.norm);
        Self { conv, norm }
    }
}

/// A convolution, the normalisation behind it, and an activation.
///
/// # Shapes
/// - x: `[n, inputs, h, w]`
/// - result: `[n, outputs, …]`, smaller by the stride
pub(super) fn normalized(
    (conv, norm): (&Conv, &BatchNorm),
    x: Tensor<4>,
    activation: Activation,
) -> Tensor<4> {
    match norm.is_folded() {
        true => conv.forward_with(x, activation),
        false => norm.forward_with(conv.forward(x), activation),
    }
}

/// A convolution that does what the normalisation behind it did by its running statistics, which does
/// nothing any more: for inference.
pub(super) fn folded(conv: &Conv, norm: &BatchNorm) -> (Conv, BatchNorm) {
    let (norm, does) = norm.folded();
    (conv.scaled(does), norm)
}
