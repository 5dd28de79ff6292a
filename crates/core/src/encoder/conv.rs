//! The one seam through which kith convolves.

#[cfg(feature = "cpu")]
mod cpu;
#[cfg(feature = "cpu")]
mod direct;
#[cfg(feature = "cpu")]
mod lanes;
#[cfg(feature = "cpu")]
mod patches;
#[cfg(feature = "cpu")]
mod product;

use burn::module::{Module, Param};
use burn::tensor::activation::relu;
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

    /// The kernels, `[out, in, 3, 3]`.
    pub fn weight(&self) -> Tensor<4> {
        self.weight.val()
    }

    /// # Shapes
    /// - x: `[n, in, h, w]`
    /// - result: `[n, out, (h - 3) / stride + 1, (w - 3) / stride + 1]`
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.convolve(x, After::Nothing)
    }

    /// [`Self::forward`] and then `ReLU`, which costs least where the convolution ends.
    ///
    /// # Shapes
    /// As [`Self::forward`].
    pub fn forward_relu(&self, x: Tensor<4>) -> Tensor<4> {
        self.convolve(x, After::Relu)
    }

    /// A training step on two cores takes half the time with kith's own convolution; on GPUs,
    /// burn's chooses among kernels made for them.
    fn convolve(&self, x: Tensor<4>, after: After) -> Tensor<4> {
        let inputs = (x, self.weight.val(), self.bias.val());
        #[cfg(feature = "cpu")]
        if inputs.0.device() == Device::flex() {
            return cpu::convolve(inputs, self.stride, after);
        }
        anywhere(inputs, self.stride, after)
    }
}

/// What comes after the sums of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    Nothing,
    Relu,
}

#[cfg(feature = "cpu")]
impl After {
    /// Unlike a maximum with 0, lets a NaN pass: divergence must show.
    fn of(self, x: f32) -> f32 {
        match self {
            Self::Relu if x < 0.0 => 0.0,
            Self::Nothing | Self::Relu => x,
        }
    }
}

/// Burn's convolution, on any device.
fn anywhere(
    (x, weight, bias): (Tensor<4>, Tensor<4>, Tensor<1>),
    stride: usize,
    after: After,
) -> Tensor<4> {
    let maps = conv2d(x, weight, Some(bias), ConvOptions::new([stride; 2], [0, 0], [1, 1], 1));
    match after {
        After::Nothing => maps,
        After::Relu => relu(maps),
    }
}

/// Side of what a convolution makes of pictures of `side` pixels; `None` if they are too small.
pub fn side_after(side: usize, stride: usize) -> Option<usize> {
    Some(side.checked_sub(KERNEL)? / stride + 1)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests run natively and read what they computed")]
mod tests {
    use burn::tensor::TensorData;

    use super::*;

    type Inputs = (Tensor<4>, Tensor<4>, Tensor<1>);

    fn numbers<const D: usize>(shape: [usize; D]) -> Tensor<D> {
        let values = (0..shape.iter().product()).map(|k| (k as f32 * 0.7).sin()).collect();
        let data = TensorData::new::<f32, _>(values, shape);
        Tensor::from_data(data, &Device::flex().autodiff()).require_grad()
    }

    fn values<const D: usize>(x: Tensor<D>) -> Vec<f32> {
        x.into_data().try_to_vec().unwrap()
    }

    /// The result and the three gradients of a sum of it that weighs each number differently.
    fn all(
        convolve: fn(Inputs, usize, After) -> Tensor<4>,
        stride: usize,
        after: After,
    ) -> [Vec<f32>; 4] {
        let (x, weight, bias) = (numbers([9, 3, 12, 17]), numbers([5, 3, 3, 3]), numbers([5]));
        let maps = convolve((x.clone(), weight.clone(), bias.clone()), stride, after);
        let weights = numbers(maps.dims()).detach();
        let gradients = (maps.clone() * weights).sum().backward();
        let found = [values(x.grad(&gradients).unwrap()), values(weight.grad(&gradients).unwrap())];
        let [x, weight] = found;
        [values(maps), x, weight, values(bias.grad(&gradients).unwrap())]
    }

    #[test]
    fn the_cpus_own_way_computes_what_burn_does() {
        for (stride, after) in
            [(1, After::Nothing), (1, After::Relu), (2, After::Nothing), (2, After::Relu)]
        {
            let (own, expected) = (all(cpu::convolve, stride, after), all(anywhere, stride, after));
            for (what, (own, expected)) in
                ["result", "x", "weight", "bias"].iter().zip(own.iter().zip(&expected))
            {
                assert_eq!(own.len(), expected.len(), "{what}");
                let size = expected.iter().fold(1.0, |size: f32, x| size.max(x.abs()));
                let far = own.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(
                    far <= 1e-5 * size,
                    "{what}, stride {stride}, {after:?}: off by {far} of {size}"
                );
            }
        }
    }

    #[test]
    fn nothing_is_recorded_without_autodiff() {
        let inputs =
            (numbers([2, 3, 7, 7]).inner(), numbers([4, 3, 3, 3]).inner(), numbers([4]).inner());
        assert!(!cpu::convolve(inputs, 2, After::Relu).is_autodiff());
    }

    #[test]
    fn relu_lets_a_nan_pass() {
        let inputs = (
            numbers([1, 3, 3, 3]).inner() * f32::NAN,
            numbers([1, 3, 3, 3]).inner(),
            numbers([1]).inner(),
        );
        assert!(values(cpu::convolve(inputs, 1, After::Relu))[0].is_nan());
    }
}
