//! The activation of transformers: GELU (Hendrycks and Gimpel 2016), exactly and not by a tanh.

#[cfg(feature = "cpu")]
mod cpu;

use core::f64::consts::SQRT_2;

use burn::tensor::Tensor;

#[cfg(feature = "cpu")]
use burn::tensor::Device;

/// x · Φ(x), with the normal distribution's Φ.
///
/// # Shapes
/// - x, result: any
pub fn gelu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    #[cfg(feature = "cpu")]
    if x.device().inner() == Device::flex() {
        return cpu::gelu(x);
    }
    anywhere(x)
}

/// By the error function, on any device. On GPUs the gradient of burn's own GELU is that of its
/// approximation by a tanh.
fn anywhere<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let twice = x.clone().div_scalar(SQRT_2).erf().add_scalar(1.0);
    (x * twice).mul_scalar(0.5)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests run natively and read what they computed")]
mod tests {
    use burn::tensor::{DeviceKind, TensorData};

    use super::*;

    const FROM: f32 = -12.0;
    const STEP: f32 = 0.013;
    const COUNT: usize = 1_850;

    /// Values, and gradients of their sum.
    fn all(way: fn(Tensor<2>) -> Tensor<2>, device: &Device) -> [Vec<f32>; 2] {
        let numbers = (0..COUNT).map(|k| FROM + STEP * k as f32).collect();
        let data = TensorData::new::<f32, _>(numbers, [COUNT / 2, 2]);
        let x = Tensor::from_data(data, &device.clone().autodiff()).require_grad();
        let values = way(x.clone());
        let gradients = values.clone().sum().backward();
        let read = |x: Tensor<2>| x.into_data().try_to_vec().unwrap();
        [read(values), read(x.grad(&gradients).expect("x has a gradient"))]
    }

    /// The normal distribution's function by 20,000 trapezoids, in double precision.
    fn naive(x: f64) -> [f64; 2] {
        let density = |t: f64| (-0.5 * t * t).exp() / core::f64::consts::TAU.sqrt();
        let pieces = 20_000;
        let width = x / f64::from(pieces);
        let inner: f64 = (1..pieces).map(|k| density(width * f64::from(k))).sum();
        let below = 0.5 + width * (inner + 0.5 * (density(0.0) + density(x)));
        [x * below, below + x * density(x)]
    }

    fn follows(found: [Vec<f32>; 2], tolerance: f64, what: &str) {
        for place in (0..COUNT).step_by(7) {
            let x = f64::from(FROM + STEP * place as f32);
            for (expected, found) in naive(x).iter().zip(&found) {
                let far = (f64::from(found[place]) - expected).abs();
                assert!(far < tolerance * x.abs().max(1.0), "{what} at {x}: off by {far}");
            }
        }
    }

    #[test]
    fn values_and_gradients_are_those_of_the_normal_distribution() {
        follows(all(gelu, &Device::flex()), 5e-7, "the CPU's own way");
        follows(all(anywhere, &Device::flex()), 5e-7, "any device's way");
    }

    #[test]
    fn values_and_gradients_are_those_of_the_normal_distribution_on_wgpu() {
        follows(all(gelu, &Device::wgpu(DeviceKind::DefaultDevice)), 1e-5, "wgpu");
    }

    #[test]
    fn without_autodiff_values_are_the_same_and_nothing_is_recorded() {
        let x =
            Tensor::<1>::from_data([-1e30_f32, -2.0, -0.0, 0.3, 1e30, f32::NAN], &Device::flex());
        let found = gelu(x.clone());
        assert!(!found.is_autodiff());
        let read = |x: Tensor<1>| x.into_data().try_to_vec::<f32>().unwrap();
        let (found, tracked) = (read(found), read(gelu(x.autodiff())));
        assert_eq!(found[..5], tracked[..5]);
        assert_eq!([found[0], found[4]], [0.0, 1e30]);
        assert!(found[5].is_nan() && tracked[5].is_nan(), "divergence must show");
    }
}
