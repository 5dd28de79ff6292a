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
        self.norm.forward_with(self.conv.forward(x), activation)
    }
}
