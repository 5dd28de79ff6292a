//! The one seam through which kith convolves.

mod geometry;
#[cfg(feature = "cpu")]
mod patches;
#[cfg(feature = "cpu")]
mod axis;
#[cfg(feature = "cpu")]
mod spread;
#[cfg(feature = "cpu")]
mod winograd;
#[cfg(feature = "cpu")]
mod product;
#[cfg(feature = "cpu")]
mod strip;
#[cfg(feature = "cpu")]
mod inverted;
#[cfg(feature = "cpu")]
mod correlated;
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

pub use geometry::{Geometry, KERNEL, Strided, side_after};

use crate::activation::Activation;
#[cfg(feature = "gpu")]
use crate::gpu_convolution;
use crate::initial;
use crate::packed::Packed;
use crate::precision;
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
            let window = window(&x, weight.dims()[3], how);
            return match &self.packed {
                Packed::Products(kernels) if !x.is_autodiff() => {
                    cpu::infer((x, kernels, bias), window, activation)
                }
                Packed::Kernels(kernels) if !x.is_autodiff() => {
                    depthwise::infer_packed((x, kernels, bias), window, activation)
                }
                _ if self.geometry.groups > 1 => {
                    on_cpu((x, precision::widened(weight), bias), how, activation)
                }
                _ => precision::on_cpu(x, weight, |x, weight| {
                    on_cpu((x, weight, bias), how, activation)
                }),
            };
        }
        #[cfg(feature = "gpu")]
        if self.geometry.groups == 1 && gpu_convolution::suits(weight.dims()[0]) {
            let window = window(&x, weight.dims()[3], (self.geometry, self.strided));
            return gpu_convolution::convolve((x, weight, bias), window, activation);
        }
        let weight = precision::widened(weight);
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
        #[cfg(feature = "cpu")]
        let packed = cpu::packed(self.weight.val(), self.geometry);
        #[cfg(not(feature = "cpu"))]
        let packed = Packed::None;
        Self { packed, ..self.clone() }
    }
}

/// Layers of an inverted bottleneck, each with what follows it: channels are made more (if they are), seen one
/// by one, and made few again.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "cpu"), expect(dead_code, reason = "only the CPU takes them at once"))]
pub(super) struct Bottleneck<'a> {
    pub(super) expansion: Option<(&'a Conv, Activation)>,
    pub(super) depthwise: (&'a Conv, Activation),
    pub(super) projection: (&'a Conv, Activation),
}

impl Bottleneck<'_> {
    /// What all layers give, for inference on the CPU: there it takes less time than layer by layer. `None`
    /// elsewhere.
    ///
    /// # Shapes
    /// - x: `[n, inputs, h, w]`
    /// - result: `[n, outputs, …]`, smaller by the stride
    #[cfg(feature = "cpu")]
    pub(super) fn infer(&self, x: &Tensor<4>) -> Option<Tensor<4>> {
        let here = !x.is_autodiff() && x.device() == Device::flex();
        here.then(|| cpu::inverted(x, self)).flatten()
    }

    /// There is no CPU in this build.
    #[cfg(not(feature = "cpu"))]
    #[expect(clippy::unused_self, reason = "the other build has one")]
    pub(super) fn infer(&self, _: &Tensor<4>) -> Option<Tensor<4>> {
        None
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
    fn all(way: Way, [inputs, outputs, kernel]: [usize; 3], how: How) -> Vec<Vec<f32>> {
        let (geometry, _) = how;
        let x = numbers([9, inputs, 12, 17]);
        let weight = numbers([outputs, inputs / geometry.groups, kernel, kernel]);
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
        let valid = strides.map(|stride| ([4, 5, KERNEL], Geometry::valid(stride)));
        let same = strides.map(|stride| ([4, 5, KERNEL], Geometry::same(KERNEL, stride)));
        let stem = strides.map(|stride| ([4, 5, 7], Geometry::same(7, stride)));
        let pointwise = [([4, 6, 1], Geometry::same(1, 1)), ([4, 7, 1], Geometry::same(1, 2))];
        let depthwise = strides.map(|stride| ([4, 4, KERNEL], Geometry::depthwise(4, stride)));
        let wide = strides.map(|stride| ([4, 4, 5], Geometry::same(5, stride).of_channels(4)));
        // Enough channels and pixels for squares, of odd and even sides.
        let squares = [[32, 48, KERNEL], [64, 32, KERNEL]];
        let squares = squares.map(|sizes| (sizes, Geometry::same(KERNEL, 1)));
        let without = [([48, 32, KERNEL], Geometry::valid(1))];
        let all_kinds =
            [&valid[..], &same, &stem, &pointwise, &depthwise, &wide, &squares, &without].concat();
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

    /// The gradients of a layer's inputs, whose maps other layers see.
    fn seen(way: Way, activation: Activation) -> [Vec<f32>; 2] {
        let same = (Geometry::same(KERNEL, 1), Strided::Around);
        let depthwise = |stride| (Geometry::depthwise(8, stride), Strided::Around);
        let once = (Geometry::same(1, 1), Strided::Around);
        let (x, weight) = (numbers([3, 4, 6, 7]), numbers([8, 4, KERNEL, KERNEL]));
        let maps = way((x.clone(), weight.clone(), None), same, activation);
        let mut sum = maps.clone().sum();
        for (how, shape) in [
            (depthwise(1), [8, 1, KERNEL, KERNEL]),
            (once, [5, 8, 1, 1]),
            (depthwise(2), [8, 1, KERNEL, KERNEL]),
            (once, [8, 8, 1, 1]),
        ] {
            let seen = way((maps.clone(), numbers(shape), None), how, Activation::Linear);
            sum = sum + (seen.clone() * seen).sum();
        }
        let gradients = (maps.clone() * maps).sum().add(sum).backward();
        [x, weight].map(|inputs| values(inputs.grad(&gradients).unwrap()))
    }

    /// Maps that two layers see: neither may write over them, whichever comes first on the way back.
    #[test]
    fn maps_of_two_layers_stay() {
        for activation in [Activation::Linear, Activation::Relu] {
            let [own, expected] = [on_cpu as Way, padded].map(|way| seen(way, activation));
            for (own, expected) in own.iter().zip(&expected) {
                let size = expected.iter().fold(1.0, |size: f32, x| size.max(x.abs()));
                let far = own.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(far <= 1e-5 * size, "{activation:?}: off by {far} of {size}");
            }
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
    fn activations_let_a_nan_pass() {
        for activation in [Activation::Relu, Activation::Relu6] {
            let found = on_cpu(nine(f32::NAN), PLAIN, activation);
            assert!(values(found)[0].is_nan(), "{activation:?}");
            // A vector of sums as well as a single one.
            let (x, weight) = (numbers([1, 3, 3, 3]).inner(), numbers([40, 3, 3, 3]).inner());
            let found = on_cpu((x * f32::NAN, weight, None), PLAIN, activation);
            assert!(values(found).iter().all(|x| x.is_nan()), "{activation:?}");
        }
    }

    fn layer([outputs, inputs, kernel]: [usize; 3], geometry: Geometry, strided: Strided) -> Conv {
        let parameter = |x: Tensor<4>| Param::from_tensor(x.inner());
        let weight = parameter(numbers([outputs, inputs / geometry.groups, kernel, kernel]));
        let bias = Param::from_tensor(numbers([outputs]).inner());
        Conv::of((weight, Some(bias)), geometry, strided)
    }

    #[test]
    fn packed_kernels_compute_the_same_on_maps_of_all_sizes() {
        for (stride, side) in [(1, 5), (1, 20), (2, 20), (2, 40), (2, 41)] {
            let conv = layer([48, 32, KERNEL], Geometry::same(KERNEL, stride), Strided::Around);
            let x = numbers([2, 32, side, side]).inner();
            let found = values(conv.packed().forward_with(x.clone(), Activation::Relu));
            let expected = values(alone((&conv, Activation::Relu), x));
            let size = expected.iter().fold(1.0, |size: f32, x| size.max(x.abs()));
            let far = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(found.len() == expected.len() && far <= 1e-5 * size, "{stride} {side}: {far}");
        }
    }

    /// As a network that is not packed does it.
    fn alone((conv, activation): (&Conv, Activation), x: Tensor<4>) -> Tensor<4> {
        let inputs = (x, conv.weight.val(), conv.bias.as_ref().map(Param::val));
        padded(inputs, (conv.geometry, conv.strided), activation)
    }

    type Sizes = ([usize; 3], usize, usize, [usize; 2]);

    /// What a bottleneck of these channels, kernel, stride and sides gives for three pictures, what it gives for
    /// the second alone, and what its layers give one by one.
    fn bottlenecks((channels, kernel, stride, sides): Sizes, strided: Strided) -> [Vec<f32>; 3] {
        let [inputs, wide, outputs] = channels;
        let each = Geometry::same(kernel, stride).of_channels(wide);
        let all = Geometry::same(1, 1);
        let expansion = layer([wide, inputs, 1], all, strided);
        let depthwise = layer([wide, wide, kernel], each, strided);
        let projection = layer([outputs, wide, 1], all, strided);
        let relu6 = Activation::Relu6;
        let x = numbers([3, inputs, sides[0], sides[1]]).inner();
        let seen = match wide == inputs {
            true => x.clone(),
            false => alone((&expansion, relu6), x.clone()),
        };
        let seen = alone((&depthwise, relu6), seen);
        let expected = values(alone((&projection, Activation::Linear), seen));
        let [expansion, depthwise, projection] =
            [expansion, depthwise, projection].map(|conv| conv.packed());
        let bottleneck = Bottleneck {
            expansion: (wide != inputs).then_some((&expansion, relu6)),
            depthwise: (&depthwise, relu6),
            projection: (&projection, Activation::Linear),
        };
        let found = |x: &Tensor<4>| values(bottleneck.infer(x).expect("all is packed"));
        [found(&x), found(&x.clone().narrow(0, 1, 1)), expected]
    }

    /// With lines that lie in one band and in several, channels that fill their vectors or do not, and more
    /// of them than are multiplied at once.
    #[test]
    fn a_bottleneck_gives_what_its_layers_do() {
        for sizes in [
            ([5, 30, 7], 3, 1, [9, 11]),
            ([16, 96, 24], 3, 2, [70, 71]),
            ([24, 400, 40], 5, 2, [14, 13]),
            ([8, 24, 8], 5, 1, [3, 3]),
            ([400, 420, 16], 5, 1, [8, 9]),
            ([40, 40, 16], 3, 1, [20, 21]),
            ([40, 40, 16], 3, 2, [20, 21]),
            ([6, 12, 4], 7, 1, [9, 9]),
        ] {
            for strided in [Strided::Around, Strided::Same] {
                let [all, second, expected] = bottlenecks(sizes, strided);
                let size = expected.iter().fold(1.0, |size: f32, x| size.max(x.abs()));
                let far = all.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(far < 1e-5 * size, "{sizes:?}: off by {far} of {size}");
                assert_eq!(all.len(), expected.len(), "{sizes:?}");
                assert_eq!(second, all[second.len()..2 * second.len()], "{sizes:?}");
            }
        }
    }
}
