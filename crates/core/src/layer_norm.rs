//! Layer normalisation (Ba, Kiros and Hinton 2016), under `PyTorch`'s names.

#[cfg(feature = "cpu")]
mod cpu;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use crate::initial;

/// Normalises every row by its own mean and variance, while training and afterwards alike.
#[derive(Module, Debug)]
pub struct LayerNorm {
    weight: Param<Tensor<1>>,
    bias: Param<Tensor<1>>,
    #[module(skip)]
    epsilon: f64,
}

impl LayerNorm {
    /// Scale 1, shift 0; `epsilon` is added to variances.
    pub fn new(channels: usize, epsilon: f64, device: &Device) -> Self {
        let weight = initial::parameter(Tensor::ones([channels], device));
        Self { weight, bias: initial::zeros([channels], device), epsilon }
    }

    /// # Shapes
    /// - x, result: `[…, channels]`
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        let shape = x.dims();
        let channels = shape[D - 1];
        let rows = x.reshape([shape.iter().product::<usize>() / channels, channels]);
        let inputs = (rows, self.weight.val(), self.bias.val());
        normalised(inputs, self.epsilon).reshape(shape)
    }
}

/// Rows, weight, bias.
type Inputs = (Tensor<2>, Tensor<1>, Tensor<1>);

fn normalised(inputs: Inputs, epsilon: f64) -> Tensor<2> {
    #[cfg(feature = "cpu")]
    if inputs.0.device().inner() == Device::flex() {
        return cpu::normalised(inputs, epsilon);
    }
    anywhere(inputs, epsilon)
}

/// Burn's way, on any device.
fn anywhere((x, weight, bias): Inputs, epsilon: f64) -> Tensor<2> {
    burn::tensor::module::layer_norm(x, weight, Some(bias), epsilon)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests run natively and read what they computed")]
mod tests {
    use burn::tensor::{DeviceKind, TensorData};

    use super::*;

    const ROWS: usize = 5;
    const CHANNELS: usize = 19;
    const EPSILON: f64 = 1e-3;

    fn numbers(count: usize, step: f64) -> Vec<f32> {
        (0..count).map(|k| (0.4 + 2.0 * (k as f64 * step).sin()) as f32).collect()
    }

    fn inputs(device: &Device) -> Inputs {
        let device = device.clone().autodiff();
        let vector = |step| {
            let data = TensorData::new::<f32, _>(numbers(CHANNELS, step), [CHANNELS]);
            Tensor::from_data(data, &device).require_grad()
        };
        let data = TensorData::new::<f32, _>(numbers(ROWS * CHANNELS, 0.7), [ROWS, CHANNELS]);
        (Tensor::from_data(data, &device).require_grad(), vector(1.3), vector(2.1))
    }

    fn values<const D: usize>(x: Tensor<D>) -> Vec<f32> {
        x.into_data().try_to_vec().unwrap()
    }

    /// Result, and gradients of a sum of it that weighs each number differently.
    fn all(way: fn(Inputs, f64) -> Tensor<2>, device: &Device) -> [Vec<f32>; 4] {
        let (x, weight, bias) = inputs(device);
        let result = way((x.clone(), weight.clone(), bias.clone()), EPSILON);
        let data = TensorData::new::<f32, _>(numbers(ROWS * CHANNELS, 0.37), [ROWS, CHANNELS]);
        let gradients =
            (result.clone() * Tensor::from_data(data, &result.device())).sum().backward();
        let gradient = |x: &Tensor<1>| values(x.grad(&gradients).unwrap());
        [values(result), values(x.grad(&gradients).unwrap()), gradient(&weight), gradient(&bias)]
    }

    /// The formula, in double precision.
    fn naive([x, weight, bias]: [&[f64]; 3]) -> Vec<f64> {
        let of = |row: &[f64]| -> Vec<f64> {
            let mean = row.iter().sum::<f64>() / CHANNELS as f64;
            let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / CHANNELS as f64;
            let numbers = row.iter().zip(weight).zip(bias);
            let deviation = (variance + EPSILON).sqrt();
            numbers.map(|((x, w), b)| (x - mean) / deviation * w + b).collect()
        };
        x.chunks(CHANNELS).flat_map(of).collect()
    }

    /// Slopes of the weighed sum by central differences, at every number of one input.
    fn slopes(which: usize) -> Vec<f64> {
        const STEP: f64 = 1e-6;
        let wide = |x: Vec<f32>| -> Vec<f64> { x.into_iter().map(f64::from).collect() };
        let inputs = [ROWS * CHANNELS, CHANNELS, CHANNELS].into_iter().zip([0.7, 1.3, 2.1]);
        let inputs: Vec<Vec<f64>> =
            inputs.map(|(count, step)| wide(numbers(count, step))).collect();
        let weighs = wide(numbers(ROWS * CHANNELS, 0.37));
        let moved = |place: usize, by: f64| -> f64 {
            let mut inputs = inputs.clone();
            inputs[which][place] += by;
            let result = naive([&inputs[0], &inputs[1], &inputs[2]]);
            result.iter().zip(&weighs).map(|(x, weigh)| x * weigh).sum()
        };
        let slope = |place| (moved(place, STEP) - moved(place, -STEP)) / (2.0 * STEP);
        (0..inputs[which].len()).map(slope).collect()
    }

    fn follows(found: [Vec<f32>; 4], tolerance: f64, what: &str) {
        let wide =
            |step, count| -> Vec<f64> { numbers(count, step).into_iter().map(f64::from).collect() };
        let result =
            naive([&wide(0.7, ROWS * CHANNELS), &wide(1.3, CHANNELS), &wide(2.1, CHANNELS)]);
        let expected = [result, slopes(0), slopes(1), slopes(2)];
        for (which, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(expected) {
                let far = (f64::from(*found) - expected).abs();
                assert!(far < tolerance, "{what}, number {which}: {found}, expected {expected}");
            }
        }
    }

    #[test]
    fn values_and_gradients_are_those_of_the_formula() {
        follows(all(normalised, &Device::flex()), 2e-5, "the CPU's own way");
        follows(all(anywhere, &Device::flex()), 2e-5, "any device's way");
    }

    #[test]
    fn values_and_gradients_are_those_of_the_formula_on_wgpu() {
        follows(all(normalised, &Device::wgpu(DeviceKind::DefaultDevice)), 1e-4, "wgpu");
    }

    #[test]
    fn fresh_rows_have_mean_0_and_variance_1_and_inference_is_the_same() {
        let norm = LayerNorm::new(CHANNELS, 1e-6, &Device::flex().autodiff());
        let (x, ..) = inputs(&Device::flex());
        let found = values(norm.forward(x.clone()));
        for row in found.chunks(CHANNELS) {
            let mean = row.iter().sum::<f32>() / CHANNELS as f32;
            let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / CHANNELS as f32;
            assert!(mean.abs() < 1e-5 && (variance - 1.0).abs() < 1e-4, "{mean}, {variance}");
        }
        let infers = norm.valid().forward(x.inner().reshape([1, ROWS, CHANNELS]));
        assert!(!infers.is_autodiff());
        assert_eq!(values(infers), found);
    }
}
