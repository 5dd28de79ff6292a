//! The one seam through which kith convolves.

#[cfg(feature = "cpu")]
mod patches;
#[cfg(feature = "cpu")]
mod spread;
#[cfg(feature = "cpu")]
mod product;
#[cfg(feature = "cpu")]
mod depthwise_sums;
#[cfg(feature = "cpu")]
mod depthwise;
#[cfg(feature = "cpu")]
mod cpu;
#[cfg(test)]
mod on_gpu;

use burn::module::{Module, Param};
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Tensor};

use crate::activation::Activation;
#[cfg(feature = "gpu")]
use crate::gpu_convolution;
use crate::initial;
use crate::packed::Packed;
use crate::rng::Stream;
use crate::window::Window;

/// A convolution: weight `[out, in / groups, k, k]`, bias `[out]` unless normalisation follows.
#[derive(Module, Debug)]
pub struct Conv {
    weight: Param<Tensor<4>>,
    bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    geometry: Geometry,
    #[module(skip)]
    strided: Strided,
    #[module(skip)]
    packed: Packed,
}

/// Where a convolution of a stride above 1 has its padding. It decides which pixels a kernel sees:
/// weights of one kind are of no use to a network of another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strided {
    /// All around, as the geometry says (`PyTorch`).
    #[default]
    Around,
    /// TensorFlow's `same`: as much as gives one pixel for each stride, the larger half below and to
    /// the right. A kernel of 3 and stride 2 has one row below an even side, and is padded all around
    /// an odd one.
    Same,
    /// One row below and one column to the right (Keras's depthwise layers of `MobileNet`).
    After,
}

impl Strided {
    /// Zeros before and after maps of such a side.
    pub(crate) fn padding(self, side: usize, kernel: usize, geometry: Geometry) -> [usize; 2] {
        match self {
            Self::Around => [geometry.padding; 2],
            Self::Same => same(side, kernel, geometry.stride),
            Self::After => [0, 1],
        }
    }

    /// The images with those zeros that are not all around, and what remains of the geometry.
    fn pad(self, x: Tensor<4>, kernel: usize, geometry: Geometry) -> (Tensor<4>, Geometry) {
        let [_, _, height, width] = x.dims();
        let [above, below] = self.padding(height, kernel, geometry);
        let [left, right] = self.padding(width, kernel, geometry);
        if [below, left, right] == [above; 3] {
            return (x, Geometry { padding: above, ..geometry });
        }
        (x.pad((left, right, above, below), 0.0), Geometry { padding: 0, ..geometry })
    }
}

/// TensorFlow's padding of a side: before and after.
pub(crate) fn same(side: usize, kernel: usize, stride: usize) -> [usize; 2] {
    let reached = side.div_ceil(stride).saturating_sub(1) * stride + kernel;
    let total = reached.saturating_sub(side);
    [total / 2, total - total / 2]
}

/// How kernels go over pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Pixels from one place to the next.
    pub stride: usize,
    /// Pixels of zeros around a picture.
    pub padding: usize,
    /// Groups of channels that do not meet.
    pub groups: usize,
}

/// Side of the usual kernel, in pixels.
pub const KERNEL: usize = 3;

impl Geometry {
    /// Where pictures have no padding and all channels meet.
    pub const fn valid(stride: usize) -> Self {
        Self { stride, padding: 0, groups: 1 }
    }

    /// The same with a kernel a channel, of so many.
    pub const fn of_channels(self, channels: usize) -> Self {
        Self { groups: channels, ..self }
    }

    /// With the padding at which a stride of 1 keeps the size of pictures.
    pub const fn same(kernel: usize, stride: usize) -> Self {
        Self { stride, padding: kernel / 2, groups: 1 }
    }

    /// A kernel of 3×3 a channel, of so many.
    pub const fn depthwise(channels: usize, stride: usize) -> Self {
        Self { groups: channels, ..Self::same(KERNEL, stride) }
    }
}

impl Conv {
    /// 3×3 without padding, with bias: Glorot-uniform weights, zero bias.
    pub fn new(
        [inputs, outputs]: [usize; 2],
        stride: usize,
        stream: &mut Stream,
        device: &Device,
    ) -> Self {
        let field = KERNEL * KERNEL;
        let shape = [outputs, inputs, KERNEL, KERNEL];
        let weight = initial::glorot(shape, field * inputs, field * outputs, stream, device);
        let bias = Some(initial::zeros([outputs], device));
        Self::of((weight, bias), Geometry::valid(stride), Strided::Around)
    }

    /// Without bias, since normalisation follows: normal weights of variance 2 / (k² · out) (He et
    /// al. 2015, equation 14).
    pub fn without_bias(
        [inputs, outputs, kernel]: [usize; 3],
        geometry: Geometry,
        stream: &mut Stream,
        device: &Device,
    ) -> Self {
        let shape = [outputs, inputs / geometry.groups, kernel, kernel];
        let fan_out = kernel * kernel * outputs / geometry.groups;
        let weight = initial::kaiming_normal(shape, fan_out, stream, device);
        Self::of((weight, None), geometry, Strided::Around)
    }

    /// Without bias, as Keras makes it: Glorot-uniform weights, and its padding where the stride is
    /// more than 1.
    ///
    /// Keras counts the fans of a depthwise layer of C channels as k²·C and k².
    pub fn keras(
        [inputs, outputs, kernel]: [usize; 3],
        (geometry, strided): (Geometry, Strided),
        stream: &mut Stream,
        device: &Device,
    ) -> Self {
        let shape = [outputs, inputs / geometry.groups, kernel, kernel];
        let field = kernel * kernel;
        let (fan_in, fan_out) = (field * inputs, field * outputs / geometry.groups);
        let weight = initial::glorot(shape, fan_in, fan_out, stream, device);
        let strided = if geometry.stride > 1 { strided } else { Strided::Around };
        Self::of((weight, None), geometry, strided)
    }

    fn of(
        (weight, bias): (Param<Tensor<4>>, Option<Param<Tensor<1>>>),
        geometry: Geometry,
        strided: Strided,
    ) -> Self {
        Self { weight, bias, geometry, strided, packed: Packed::default() }
    }

    /// The same with another padding where the stride is more than 1.
    pub(super) fn strided(self, strided: Strided) -> Self {
        let strided = if self.geometry.stride > 1 { strided } else { Strided::Around };
        Self { strided, ..self }
    }

    /// The same with a bias of zeros.
    pub(super) fn with_bias(self, device: &Device) -> Self {
        let [outputs, ..] = self.weight.dims();
        Self { bias: Some(initial::zeros([outputs], device)), ..self }
    }

    /// This layer and then an activation, which costs least where the convolution ends.
    ///
    /// # Shapes
    /// As [`Self::forward`].
    pub fn forward_with(&self, x: Tensor<4>, activation: Activation) -> Tensor<4> {
        self.convolve(x, activation)
    }

    /// The kernels, `[out, in / groups, k, k]`.
    pub fn weight(&self) -> Tensor<4> {
        self.weight.val()
    }

    /// # Shapes
    /// - x: `[n, in, h, w]`
    /// - result: `[n, out, (h + 2·padding - k) / stride + 1, (w + 2·padding - k) / stride + 1]`
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.convolve(x, Activation::Linear)
    }

    /// A training step on two cores takes half the time with kith's own convolution, and on GPUs a
    /// thirtieth.
    fn convolve(&self, x: Tensor<4>, activation: Activation) -> Tensor<4> {
        let (weight, bias) = (self.weight.val(), self.bias.as_ref().map(Param::val));
        #[cfg(feature = "cpu")]
        if x.device().inner() == Device::flex() {
            let how = (self.geometry, self.strided);
            return match self.packed.panels().filter(|_| !x.is_autodiff()) {
                Some(kernels) => {
                    let window = window(&x, weight.dims()[3], how);
                    cpu::infer((x, kernels, bias), window, activation)
                }
                None => on_cpu((x, weight, bias), how, activation),
            };
        }
        #[cfg(feature = "gpu")]
        if self.geometry.groups == 1 && gpu_convolution::suits(weight.dims()[0]) {
            let window = window(&x, weight.dims()[3], (self.geometry, self.strided));
            return gpu_convolution::convolve((x, weight, bias), window, activation);
        }
        padded((x, weight, bias), (self.geometry, self.strided), activation)
    }

    /// This layer and the normalisation by fixed statistics behind it as one layer: every output times a
    /// number, plus a number.
    pub(super) fn scaled(&self, [scale, shift]: [Tensor<1>; 2]) -> Self {
        let [outputs, ..] = self.weight.dims();
        let shift = match &self.bias {
            Some(bias) => bias.val() * scale.clone() + shift,
            None => shift,
        };
        // Channels last, as the CPU wants them: no product has to turn them.
        let weight = self.weight.clone().map(|kernels| {
            let turned = kernels.permute([0, 2, 3, 1]);
            (turned * scale.reshape([outputs, 1, 1, 1])).permute([0, 3, 1, 2])
        });
        Self { weight, bias: Some(initial::parameter(shift)), ..self.clone() }.packed()
    }

    /// The same for inference: weights that change are of no more effect.
    pub(super) fn packed(&self) -> Self {
        if self.geometry.groups > 1 {
            return self.clone();
        }
        let weight = self.weight.val().permute([0, 2, 3, 1]);
        let [outputs, kernel, _, inputs] = weight.dims();
        let packed = Packed::of(weight.reshape([outputs, kernel * kernel * inputs]));
        Self { packed, ..self.clone() }
    }
}

/// Pictures, kernels, and bias if there is one.
type Inputs = (Tensor<4>, Tensor<4>, Option<Tensor<1>>);

/// How kernels of such a side go over maps.
fn window(x: &Tensor<4>, kernel: usize, (geometry, strided): (Geometry, Strided)) -> Window {
    let [_, _, height, width] = x.dims();
    let [rows, columns] = [height, width].map(|side| strided.padding(side, kernel, geometry));
    Window { kernel, stride: geometry.stride, rows, columns }
}

/// Each kind of kernel the way that suits it.
#[cfg(feature = "cpu")]
fn on_cpu(
    (x, weight, bias): Inputs,
    (geometry, strided): (Geometry, Strided),
    activation: Activation,
) -> Tensor<4> {
    let [outputs, inputs, kernel, _] = weight.dims();
    let window = window(&x, kernel, (geometry, strided));
    let records = x.is_autodiff() || weight.is_autodiff();
    match (kernel, geometry.groups) {
        (_, 1) => {
            let none = || Tensor::zeros([outputs], &x.device().inner());
            cpu::convolve((x.clone(), weight, bias.unwrap_or_else(none)), window, activation)
        }
        _ if inputs == 1 && geometry.groups == outputs && !records => {
            depthwise::infer((x, weight, bias), window, activation)
        }
        _ if inputs == 1 && geometry.groups == outputs && bias.is_none() => {
            activation.apply(depthwise::convolve(x, weight, window))
        }
        _ => padded((x, weight, bias), (geometry, strided), activation),
    }
}

/// Burn's convolution of maps with zeros where they are not all around.
fn padded(
    (x, weight, bias): Inputs,
    (geometry, strided): (Geometry, Strided),
    activation: Activation,
) -> Tensor<4> {
    let (x, geometry) = strided.pad(x, weight.dims()[3], geometry);
    anywhere((x, weight, bias), geometry, activation)
}

/// Burn's convolution, on any device.
fn anywhere((x, weight, bias): Inputs, geometry: Geometry, activation: Activation) -> Tensor<4> {
    let Geometry { stride, padding, groups } = geometry;
    let options = ConvOptions::new([stride; 2], [padding; 2], [1, 1], groups);
    activation.apply(conv2d(x, weight, bias, options))
}

/// Side of what a 3×3 convolution without padding makes of pictures of `side` pixels; `None` if
/// they are too small.
pub fn side_after(side: usize, stride: usize) -> Option<usize> {
    Some(side.checked_sub(KERNEL)? / stride + 1)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests run natively and read what they computed")]
mod tests {
    use burn::tensor::TensorData;

    use super::*;

    fn numbers<const D: usize>(shape: [usize; D]) -> Tensor<D> {
        let values = (0..shape.iter().product()).map(|k| (k as f32 * 0.7).sin()).collect();
        let data = TensorData::new::<f32, _>(values, shape);
        Tensor::from_data(data, &Device::flex().autodiff()).require_grad()
    }

    fn values<const D: usize>(x: Tensor<D>) -> Vec<f32> {
        x.into_data().try_to_vec().unwrap()
    }

    type How = (Geometry, Strided);
    type Way = fn(Inputs, How, Activation) -> Tensor<4>;

    /// The result and the gradients of a sum of it that weighs each number differently.
    fn all(way: Way, [outputs, kernel]: [usize; 2], how: How) -> Vec<Vec<f32>> {
        let (geometry, _) = how;
        const CHANNELS: usize = 4;
        let x = numbers([9, CHANNELS, 12, 17]);
        let weight = numbers([outputs, CHANNELS / geometry.groups, kernel, kernel]);
        let bias = (geometry.groups == 1 && outputs != 6).then(|| numbers([outputs]));
        let activation = if bias.is_some() { Activation::Relu } else { Activation::Linear };
        let maps = way((x.clone(), weight.clone(), bias.clone()), how, activation);
        let weights = numbers(maps.dims()).detach();
        let gradients = (maps.clone() * weights).sum().backward();
        let mut found = vec![values(maps), values(x.grad(&gradients).unwrap())];
        found.push(values(weight.grad(&gradients).unwrap()));
        found.extend(bias.map(|bias| values(bias.grad(&gradients).unwrap())));
        found
    }

    #[test]
    fn the_cpus_own_ways_compute_what_burn_does() {
        let strides = [1, 2];
        let valid = strides.map(|stride| ([5, KERNEL], Geometry::valid(stride)));
        let same = strides.map(|stride| ([5, KERNEL], Geometry::same(KERNEL, stride)));
        let stem = strides.map(|stride| ([5, 7], Geometry::same(7, stride)));
        let pointwise = [([6, 1], Geometry::same(1, 1)), ([7, 1], Geometry::same(1, 2))];
        let depthwise = strides.map(|stride| ([4, KERNEL], Geometry::depthwise(4, stride)));
        let wide = strides.map(|stride| ([4, 5], Geometry::same(5, stride).of_channels(4)));
        let all_kinds = [valid, same, stem, pointwise, depthwise, wide].concat();
        let paddings = [Strided::Around, Strided::Same, Strided::After];
        for ((sizes, geometry), strided) in
            all_kinds.into_iter().flat_map(|kind| paddings.map(|strided| (kind, strided)))
        {
            let how = (geometry, strided);
            let (own, expected) = (all(on_cpu, sizes, how), all(padded, sizes, how));
            for (which, (own, expected)) in own.iter().zip(&expected).enumerate() {
                assert_eq!(own.len(), expected.len(), "{which}");
                let size = expected.iter().fold(1.0, |size: f32, x| size.max(x.abs()));
                let far = own.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(
                    far <= 1e-5 * size,
                    "number {which} of result and gradients, {sizes:?}, {how:?}: off by {far} of {size}"
                );
            }
        }
    }

    /// TensorFlow's rule, by its own documentation.
    #[test]
    fn the_larger_half_of_the_padding_comes_after() {
        for (side, kernel, stride, expected) in [
            (56, 3, 2, [0, 1]),
            (57, 3, 2, [1, 1]),
            (56, 5, 2, [1, 2]),
            (57, 5, 2, [2, 2]),
            (8, 5, 1, [2, 2]),
            (1, 5, 2, [2, 2]),
            (6, 1, 2, [0, 0]),
        ] {
            assert_eq!(same(side, kernel, stride), expected, "{side} {kernel} {stride}");
        }
    }

    /// What has no gradient is computed in another way, with bias and activation in it.
    #[test]
    fn inference_computes_what_training_does() {
        for (outputs, kernel, geometry) in [
            (6, 1, Geometry::same(1, 1)),
            (6, 1, Geometry::same(1, 2)),
            (5, KERNEL, Geometry::same(KERNEL, 2)),
            (24, 5, Geometry::same(5, 2).of_channels(24)),
            (21, KERNEL, Geometry::depthwise(21, 1)),
        ] {
            let inputs = geometry.groups.max(4);
            let x = numbers([2, inputs, 9, 8]).inner();
            let weight = numbers([outputs, inputs / geometry.groups, kernel, kernel]).inner();
            let bias = numbers([outputs]).inner();
            for activation in [Activation::Linear, Activation::Relu, Activation::Relu6] {
                let all = (x.clone(), weight.clone(), Some(bias.clone()));
                let own = values(on_cpu(all.clone(), (geometry, Strided::Same), activation));
                let expected = values(padded(all, (geometry, Strided::Same), activation));
                let far = own.iter().zip(&expected).map(|(a, b)| (a - b).abs());
                assert!(far.fold(0.0, f32::max) < 1e-5, "{geometry:?} {activation:?}");
                assert!(own.len() == expected.len() && own.iter().any(|x| *x > 0.0));
            }
        }
    }

    const PLAIN: How = (Geometry::valid(1), Strided::Around);

    fn nine(factor: f32) -> Inputs {
        let x = numbers([1, 3, 3, 3]).inner() * factor;
        (x, numbers([1, 3, 3, 3]).inner(), Some(numbers([1]).inner()))
    }

    #[test]
    fn nothing_is_recorded_without_autodiff() {
        assert!(!on_cpu(nine(1.0), PLAIN, Activation::Relu).is_autodiff());
    }

    #[test]
    fn relu_lets_a_nan_pass() {
        assert!(values(on_cpu(nine(f32::NAN), PLAIN, Activation::Relu))[0].is_nan());
    }
}
