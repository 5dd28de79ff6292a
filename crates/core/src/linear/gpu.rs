//! A fully connected layer on a GPU: a convolution of pictures of one pixel.

use burn::tensor::Tensor;

use crate::activation::Activation;
use crate::window::Window;
use crate::{buffers, gpu_convolution};

/// Whether [`forward`] can.
pub(super) fn suits(x: &Tensor<2>, weight: &Tensor<2>) -> bool {
    buffers::is_gpu(x.device()) && gpu_convolution::suits(weight.dims()[0])
}

/// # Shapes
/// - x: `[n, in]`, weight: `[out, in]`, bias: `[out]`
/// - result: `[n, out]`
pub(super) fn forward(x: Tensor<2>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<2> {
    let ([n, inputs], [outputs, _]) = (x.dims(), weight.dims());
    let pixels = x.reshape([n, inputs, 1, 1]);
    let kernels = weight.reshape([outputs, inputs, 1, 1]);
    let all = (pixels, kernels, bias);
    gpu_convolution::convolve(all, Window::valid(1, 1), Activation::Linear).reshape([n, outputs])
}
