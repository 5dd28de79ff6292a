//! Batch normalisation (Ioffe and Szegedy 2015), under `PyTorch`'s names.

#[cfg(feature = "cpu")]
mod moments;
#[cfg(feature = "cpu")]
mod cpu;
#[cfg(feature = "gpu")]
mod gpu;

use burn::module::{Module, Param, RunningState};
use burn::tensor::module::{batch_norm, batch_norm_train};
use burn::tensor::{Device, Tensor};

use crate::activation::Activation;
use crate::initial;

/// Normalises every channel: over the batch while training, by running statistics otherwise.
///
/// It trains where its parameters record gradients, or, without parameters, where what it is given
/// does; a copy for inference ([`valid`](Module::valid)) never touches the running statistics.
#[derive(Module, Debug)]
pub struct BatchNorm {
    weight: Option<Param<Tensor<1>>>,
    bias: Option<Param<Tensor<1>>>,
    running_mean: RunningState<Tensor<1>>,
    running_var: RunningState<Tensor<1>>,
    #[module(skip)]
    constants: Constants,
    /// Whether the layer before has taken it over.
    #[module(skip)]
    is_folded: bool,
}

/// What two libraries set differently.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Constants {
    /// Share of the batch's statistics in the running ones, a step.
    pub momentum: f64,
    /// Added to the variance.
    pub epsilon: f64,
    /// Whether the running variance is over n - 1 of n numbers, or over n.
    pub unbiased: bool,
}

impl Constants {
    /// `PyTorch`'s. The statistics follow the last ten steps or so, and are warm within the first
    /// epoch.
    pub const PYTORCH: Self = Self { momentum: 0.1, epsilon: 1e-5, unbiased: true };
    /// Keras's, whose momentum of 0.99 is what `PyTorch` calls 0.01. The statistics are those of
    /// the last hundred steps: after an epoch of 78 steps they are still half zeros and ones, and a
    /// network of 27 such layers guesses on them.
    pub const KERAS: Self = Self { momentum: 0.01, epsilon: 1e-3, unbiased: true };
    /// Keras 3's running variance is over n.
    pub const KERAS3: Self = Self { unbiased: false, ..Self::KERAS };
}

impl BatchNorm {
    /// Scale 1, shift 0, `PyTorch`'s constants.
    pub fn new(channels: usize, device: &Device) -> Self {
        let plain = device.clone().inner();
        Self {
            weight: Some(initial::parameter(Tensor::ones([channels], device))),
            bias: Some(initial::zeros([channels], device)),
            running_mean: RunningState::new(Tensor::zeros([channels], &plain)),
            running_var: RunningState::new(Tensor::ones([channels], &plain)),
            constants: Constants::PYTORCH,
            is_folded: false,
        }
    }

    /// The same without scale and shift, which `PyTorch` calls `affine=False`.
    pub fn without_scale(self) -> Self {
        Self { weight: None, bias: None, ..self }
    }

    /// The same with other constants.
    pub fn with(self, constants: Constants) -> Self {
        Self { constants, ..self }
    }

    /// # Shapes
    /// - x, result: `[n, channels, …]`
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        self.forward_with(x, Activation::Linear)
    }

    /// [`Self::forward`] and then an activation.
    ///
    /// # Shapes
    /// As [`Self::forward`].
    pub fn forward_with<const D: usize>(&self, x: Tensor<D>, activation: Activation) -> Tensor<D> {
        if self.is_folded {
            return activation.apply(x);
        }
        let epsilon = self.constants.epsilon;
        let trains = self.weight.as_ref().map_or(x.is_autodiff(), |w| w.val().is_autodiff());
        let [weight, bias] = self.weights();
        if !trains {
            let (mean, variance) = (self.running_mean.value(), self.running_var.value());
            return activation.apply(batch_norm(x, weight, bias, mean, variance, epsilon));
        }
        let count = x.dims().iter().product::<usize>() / weight.dims()[0];
        let (result, moments) = over_batch((x, weight, bias), epsilon, activation);
        self.remember(moments, count);
        result
    }

    /// What it does by its running statistics, as a factor and a number to add for each channel, and the
    /// same layer without any effect, for where the one before has taken it over: for inference alone.
    pub(crate) fn folded(&self) -> (Self, [Tensor<1>; 2]) {
        let [weight, bias] = self.weights();
        let (mean, variance) = (self.running_mean.value(), self.running_var.value());
        let scale = weight / variance.add_scalar(self.constants.epsilon).sqrt();
        let shift = bias - mean * scale.clone();
        (Self { is_folded: true, ..self.clone() }, [scale, shift])
    }

    /// Whether the layer before has taken it over.
    pub(crate) fn is_folded(&self) -> bool {
        self.is_folded
    }

    /// Scale and shift, `[channels]` each; ones and zeros where there are none.
    pub fn weights(&self) -> [Tensor<1>; 2] {
        let mean = self.running_mean.value();
        let weight = self.weight.as_ref().map_or_else(|| mean.ones_like(), Param::val);
        let bias = self.bias.as_ref().map_or_else(|| mean.zeros_like(), Param::val);
        [weight, bias]
    }

    /// What is added to the variance.
    pub fn epsilon(&self) -> f64 {
        self.constants.epsilon
    }

    /// Moves the running statistics on, by mean and variance (over n) of n numbers a channel.
    pub(crate) fn remember(&self, [mean, variance]: [Tensor<1>; 2], count: usize) {
        let share = self.constants.momentum;
        let correction = match self.constants.unbiased {
            true => count as f64 / (count.max(2) - 1) as f64,
            false => 1.0,
        };
        let states = [(&self.running_mean, mean), (&self.running_var, variance * correction)];
        for (state, now) in states {
            state.update(state.value().inner() * (1.0 - share) + now * share);
            // Burn keeps an update aside until it is asked for; a save must not miss it.
            let _kept = state.value_sync();
        }
    }
}

/// Pictures or features, weight, bias.
type Inputs<const D: usize> = (Tensor<D>, Tensor<1>, Tensor<1>);

/// Normalised by the batch's own mean and variance, and these.
fn over_batch<const D: usize>(
    inputs: Inputs<D>,
    epsilon: f64,
    activation: Activation,
) -> (Tensor<D>, [Tensor<1>; 2]) {
    #[cfg(feature = "cpu")]
    if inputs.0.device().inner() == Device::flex() {
        return by_rows(cpu::normalise, inputs, epsilon, activation);
    }
    #[cfg(feature = "gpu")]
    if crate::buffers::is_gpu(inputs.0.device()) {
        return by_rows(gpu::normalise, inputs, epsilon, activation);
    }
    anywhere(inputs, epsilon, activation)
}

/// A way to normalise rows of channels.
type Way = fn(Inputs<2>, f64, Activation) -> (Tensor<2>, [Tensor<1>; 2]);

/// With channels last: for maps of kith's convolutions that is how they lie.
fn by_rows<const D: usize>(
    way: Way,
    (x, weight, bias): Inputs<D>,
    epsilon: f64,
    activation: Activation,
) -> (Tensor<D>, [Tensor<1>; 2]) {
    let shape = x.dims();
    let [last, back] = axes::<D>();
    let turned = x.permute(last);
    let turned_shape = turned.dims();
    let channels = shape[1];
    let rows = turned.reshape([shape.iter().product::<usize>() / channels, channels]);
    let (rows, moments) = way((rows, weight, bias), epsilon, activation);
    (rows.reshape(turned_shape).permute(back), moments)
}

/// The order of axes that brings channels last, and the way back.
fn axes<const D: usize>() -> [[isize; D]; 2] {
    let last = core::array::from_fn(|k| match k {
        0 => 0,
        k if k == D - 1 => 1,
        k => k as isize + 1,
    });
    let back = core::array::from_fn(|k| match k {
        0 => 0,
        1 => D as isize - 1,
        k => k as isize - 1,
    });
    [last, back]
}

/// Burn's way, on any device.
fn anywhere<const D: usize>(
    (x, weight, bias): Inputs<D>,
    epsilon: f64,
    activation: Activation,
) -> (Tensor<D>, [Tensor<1>; 2]) {
    let found = batch_norm_train(x, weight, bias, epsilon);
    (activation.apply(found.output), [found.mean.inner(), found.variance.inner()])
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests run natively and read what they computed")]
mod tests {
    use burn::tensor::{DeviceKind, TensorData};

    use super::*;

    fn numbers<const D: usize>(shape: [usize; D], step: f32) -> Tensor<D> {
        numbers_on(&Device::flex(), shape, step)
    }

    fn numbers_on<const D: usize>(device: &Device, shape: [usize; D], step: f32) -> Tensor<D> {
        let values = (0..shape.iter().product()).map(|k| 1.0 + (k as f32 * step).sin()).collect();
        let data = TensorData::new::<f32, _>(values, shape);
        Tensor::from_data(data, &device.clone().autodiff()).require_grad()
    }

    fn values<const D: usize>(x: Tensor<D>) -> Vec<f32> {
        x.into_data().try_to_vec().unwrap()
    }

    type AnyWay<const D: usize> = fn(Inputs<D>, f64, Activation) -> (Tensor<D>, [Tensor<1>; 2]);

    /// Result, moments and gradients of a sum of the result that weighs each number differently.
    fn all<const D: usize>(
        way: AnyWay<D>,
        shape: [usize; D],
        activation: Activation,
        device: &Device,
    ) -> Vec<Vec<f32>> {
        let x = numbers_on(device, shape, 0.7);
        let channels = [shape[1]];
        let (weight, bias) = (numbers_on(device, channels, 1.3), numbers_on(device, channels, 2.1));
        let (result, [mean, variance]) =
            way((x.clone(), weight.clone(), bias.clone()), 1e-3, activation);
        let weights = numbers_on(device, shape, 0.37).detach();
        let gradients = (result.clone() * weights).sum().backward();
        vec![
            values(result),
            values(mean),
            values(variance),
            values(x.grad(&gradients).unwrap()),
            values(weight.grad(&gradients).unwrap()),
            values(bias.grad(&gradients).unwrap()),
        ]
    }

    fn close(own: &[Vec<f32>], expected: &[Vec<f32>], what: &str) {
        for (which, (own, expected)) in own.iter().zip(expected).enumerate() {
            assert_eq!(own.len(), expected.len(), "{what}");
            let size = expected.iter().fold(1.0, |size: f32, x| size.max(x.abs()));
            let far = own.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(far <= 1e-4 * size, "{what}, number {which}: off by {far} of {size}");
        }
    }

    /// A device's own way beside burn's on the CPU.
    fn computes_what_burn_does(device: &Device) {
        for activation in [Activation::Linear, Activation::Relu, Activation::Relu6] {
            let maps = [7, 37, 6, 4];
            close(
                &all(over_batch::<4>, maps, activation, device),
                &all(anywhere::<4>, maps, activation, &Device::flex()),
                &format!("maps, {activation:?}"),
            );
            let rows = [300, 3];
            close(
                &all(over_batch::<2>, rows, activation, device),
                &all(anywhere::<2>, rows, activation, &Device::flex()),
                &format!("rows, {activation:?}"),
            );
        }
    }

    #[test]
    fn the_cpus_own_way_computes_what_burn_does() {
        computes_what_burn_does(&Device::flex());
    }

    #[test]
    fn the_gpus_own_way_computes_what_burn_does_on_wgpu() {
        computes_what_burn_does(&Device::wgpu(DeviceKind::DefaultDevice));
    }

    #[test]
    fn running_statistics_are_those_of_the_formula_and_inference_uses_them() {
        let norm = BatchNorm::new(1, &Device::flex().autodiff());
        let x = Tensor::<2>::from_data([[1.0_f32], [2.0], [6.0]], &Device::flex());
        let _trained = norm.forward(x.clone());
        let infer = norm.valid();
        // Mean 3, unbiased variance 7: a tenth of them, nine tenths of 0 and 1.
        let (mean, variance) = (0.3_f64, 0.9_f64 + 0.7);
        let got = values(infer.forward(x));
        for (got, x) in got.into_iter().zip([1.0, 2.0, 6.0]) {
            let expected = (x - mean) / (variance + 1e-5).sqrt();
            assert!((f64::from(got) - expected).abs() < 1e-5, "expected {expected}, got {got}");
        }
    }

    #[test]
    fn inference_leaves_the_running_statistics_alone_and_copies_do_not_share_them() {
        let norm = BatchNorm::new(2, &Device::flex().autodiff());
        let copy = norm.valid();
        let _inferred = copy.forward(numbers([5, 2], 0.7).inner());
        let _trained = norm.forward(numbers([5, 2], 0.7).inner());
        assert_eq!(values(copy.running_mean.value()), [0.0, 0.0]);
        assert_ne!(values(norm.running_mean.value()), [0.0, 0.0]);
    }
}
