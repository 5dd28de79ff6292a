//! Initial weights, drawn on the host from the seed.

use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};

use crate::rng::Stream;

/// Uniform in ±√(6 / (`fan_in` + `fan_out`)) (Glorot and Bengio 2010, equation 16).
pub(crate) fn glorot<const D: usize>(
    shape: [usize; D],
    fan_in: usize,
    fan_out: usize,
    stream: &mut Stream,
    device: &Device,
) -> Param<Tensor<D>> {
    const NUMERATOR: f64 = 6.0;
    uniform(shape, (NUMERATOR / (fan_in + fan_out) as f64).sqrt(), stream, device)
}

/// Uniform in ±`limit`.
pub(crate) fn uniform<const D: usize>(
    shape: [usize; D],
    limit: f64,
    stream: &mut Stream,
    device: &Device,
) -> Param<Tensor<D>> {
    drawn(shape, stream, device, |stream| stream.uniform(-limit, limit))
}

/// All zero.
pub(crate) fn zeros<const D: usize>(shape: [usize; D], device: &Device) -> Param<Tensor<D>> {
    parameter(Tensor::zeros(shape, device))
}

/// A tensor as a parameter; where the device records gradients, one that has a gradient.
pub(crate) fn parameter<const D: usize>(tensor: Tensor<D>) -> Param<Tensor<D>> {
    let tracked = tensor.is_autodiff();
    Param::from_tensor(tensor.set_require_grad(tracked))
}

/// Normal of variance 2 / `fan_out` (He et al. 2015, equation 14).
pub(crate) fn kaiming_normal<const D: usize>(
    shape: [usize; D],
    fan_out: usize,
    stream: &mut Stream,
    device: &Device,
) -> Param<Tensor<D>> {
    normal(shape, (2.0 / fan_out as f64).sqrt(), stream, device)
}

/// Normal of deviation 0.02: how vision transformers begin.
///
/// timm and DINO cut such numbers off at ±2, which is a hundred deviations away.
pub(crate) fn transformer<const D: usize>(
    shape: [usize; D],
    stream: &mut Stream,
    device: &Device,
) -> Param<Tensor<D>> {
    const DEVIATION: f64 = 0.02;
    normal(shape, DEVIATION, stream, device)
}

/// Normal of a standard deviation.
fn normal<const D: usize>(
    shape: [usize; D],
    deviation: f64,
    stream: &mut Stream,
    device: &Device,
) -> Param<Tensor<D>> {
    drawn(shape, stream, device, |stream| deviation * stream.normal())
}

/// Numbers drawn one by one; zeros of a blank stream.
fn drawn<const D: usize>(
    shape: [usize; D],
    stream: &mut Stream,
    device: &Device,
    draw: impl Fn(&mut Stream) -> f64,
) -> Param<Tensor<D>> {
    let count = shape.iter().product();
    let numbers: Vec<f32> = match stream.is_blank() {
        true => vec![0.0; count],
        false => (0..count).map(|_| draw(stream) as f32).collect(),
    };
    parameter(Tensor::from_data(TensorData::new(numbers, shape), device))
}
