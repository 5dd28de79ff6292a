//! The one seam through which kith convolves.

use burn::module::{Module, Param};
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Tensor};

use crate::initial;
use crate::rng::Stream;

/// A 3×3 convolution without padding: weight `[out, in, 3, 3]`, bias `[out]`.
#[derive(Module, Debug)]
pub struct Conv {
    weight: Param<Tensor<4>>,
    bias: Param<Tensor<1>>,
    #[module(skip)]
    stride: usize,
}

/// Side of the kernel, in pixels.
pub const KERNEL: usize = 3;

impl Conv {
    /// Glorot-uniform weights, zero bias.
    pub fn new(
        [inputs, outputs]: [usize; 2],
        stride: usize,
        stream: &mut Stream,
        device: &Device,
    ) -> Self {
        let field = KERNEL * KERNEL;
        let shape = [outputs, inputs, KERNEL, KERNEL];
        let weight = initial::glorot(shape, field * inputs, field * outputs, stream, device);
        Self { weight, bias: initial::zeros([outputs], device), stride }
    }

    /// # Shapes
    /// - x: `[n, in, h, w]`
    /// - result: `[n, out, (h - 3) / stride + 1, (w - 3) / stride + 1]`
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let stride = [self.stride; 2];
        let options = ConvOptions::new(stride, [0, 0], [1, 1], 1);
        conv2d(x, self.weight.val(), Some(self.bias.val()), options)
    }
}

/// Side of what a convolution makes of pictures of `side` pixels; `None` if they are too small.
pub fn side_after(side: usize, stride: usize) -> Option<usize> {
    Some(side.checked_sub(KERNEL)? / stride + 1)
}
