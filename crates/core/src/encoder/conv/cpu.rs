//! A convolution on the CPU that autodiff asks for its gradients.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::{Autodiff, Flex};
use burn::module::Param;
use burn::tensor::Tensor;

use super::inverted::{Inverted, Pointwise};
use super::patches::{channels_first, channels_last};
use super::product::{self, Convolution};
use super::strip::Depthwise;
use super::winograd::{self, Transformed};
use super::{Bottleneck, Conv, Geometry, depthwise};
use crate::activation::Activation;
use crate::array::{bias_or_zeros, plain, tracked};
use crate::gemm::Panels;
use crate::packed::Packed;
use crate::window::Window;

/// # Shapes
/// - x: `[n, in, h, w]`, weight: `[out, in, k, k]`, bias: `[out]`
/// - result: `[n, out, …]`, of the window's sides
pub(super) fn convolve(
    (x, weight, bias): (Tensor<4>, Tensor<4>, Tensor<1>),
    window: Window,
    activation: Activation,
) -> Tensor<4> {
    if !(x.is_autodiff() || weight.is_autodiff()) {
        let inputs = [plain(x), plain(weight), plain(bias)];
        let maps = Convolution::new(inputs, window, activation).forward();
        return Tensor::from_primitive::<Flex>(channels_first(maps));
    }
    let (x, picture_node) = tracked(x).into_parts();
    let (weight, weight_node) = tracked(weight).into_parts();
    let (bias, bias_node) = tracked(bias).into_parts();
    let convolution = Convolution::new([x, weight, bias], window, activation);
    let (maps, followed) = convolution.forward_noted();
    let nodes = [picture_node, weight_node, bias_node];
    let result = channels_first(maps);
    let tracked = match Convolve.prepare::<NoCheckpointing>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => prepared.finish((convolution, followed), result),
        OpsKind::UnTracked(prepared) => prepared.finish(result),
    };
    Tensor::from_primitive::<Autodiff<Flex>>(tracked)
}

/// The same by packed kernels, without a gradient.
///
/// # Shapes
/// - x: `[n, in, h, w]`, kernels: see [`packed`]; bias: `[out]`
/// - result: `[n, out, …]`, of the window's sides
pub(super) fn infer(
    (x, kernels, bias): (Tensor<4>, &[Panels], Option<Tensor<1>>),
    window: Window,
    activation: Activation,
) -> Tensor<4> {
    let bias = bias_or_zeros(bias, kernels[0].columns());
    let end = (bias.as_slice(), activation);
    let [_, _, height, width] = x.dims();
    let outputs = window.grid([height, width]).iter().product();
    let maps = match winograd::chosen(kernels, window.stride, outputs) {
        [kernels] => product::infer(plain(x), window, kernels, end),
        kernels => product::infer_fewer(plain(x), window, kernels, end),
    };
    Tensor::from_primitive::<Flex>(channels_first(maps))
}

/// Kernels `[out, in / groups, k, k]` in the order in which they are used: as one product `[k · k · in, out]`, as fewer
/// products, or as both, first the one.
pub(super) fn packed(weight: Tensor<4>, geometry: Geometry) -> Packed {
    let shape = weight.dims();
    if [shape[0], shape[1]] == [geometry.groups, 1] {
        return Packed::kernels(weight, |weight| depthwise::packed(weight, shape));
    }
    if geometry.groups > 1 {
        return Packed::None;
    }
    let [outputs, inputs, kernel, _] = shape;
    let weight = weight.permute([0, 2, 3, 1]);
    let patch = kernel * kernel * inputs;
    if winograd::suits([kernel, geometry.stride], [inputs, outputs]) {
        let products = |kernels: &[f32]| {
            let one = || Panels::of_weights(kernels, [patch, outputs]);
            let one = (geometry.stride > 1).then(one);
            let fewer = Transformed::new(kernels, [inputs, outputs], geometry.stride).forward();
            one.into_iter().chain(fewer).collect()
        };
        return Packed::products(weight, products);
    }
    Packed::of(weight.reshape([outputs, patch]))
}

/// An inverted bottleneck for inference, if its layers are packed.
pub(super) fn inverted(x: &Tensor<4>, layers: &Bottleneck<'_>) -> Option<Tensor<4>> {
    let (depthwise, activation) = layers.depthwise;
    let Packed::Kernels(kernels) = &depthwise.packed else { return None };
    let bias = bias(depthwise);
    let kernel = depthwise.weight.dims()[3];
    let projection = Biased::of(layers.projection)?;
    let expansion = match layers.expansion {
        Some(layer) => Some(Biased::of(layer)?),
        None => None,
    };
    let window = super::window(x, kernel, (depthwise.geometry, depthwise.strided));
    let layers = Inverted {
        expansion: expansion.as_ref().map(Biased::pointwise),
        depthwise: Depthwise { kernels, bias: &bias, kernel, activation },
        projection: Some(projection.pointwise()),
        window,
    };
    let maps = layers.of(&channels_last(plain(x.clone())));
    Some(Tensor::from_primitive::<Flex>(channels_first(maps)))
}

fn bias(conv: &Conv) -> Vec<f32> {
    bias_or_zeros(conv.bias.as_ref().map(Param::val), conv.weight.dims()[0])
}

/// A product of channels with its numbers at hand.
struct Biased<'a> {
    weights: &'a Panels,
    bias: Vec<f32>,
    activation: Activation,
}

impl<'a> Biased<'a> {
    fn of((conv, activation): (&'a Conv, Activation)) -> Option<Self> {
        let weights = conv.packed.product()?;
        Some(Self { weights, bias: bias(conv), activation })
    }

    fn pointwise(&self) -> Pointwise<'_> {
        Pointwise { weights: self.weights, bias: &self.bias, activation: self.activation }
    }
}

/// The step back through a convolution.
#[derive(Debug)]
struct Convolve;

impl Backward<Flex, 3> for Convolve {
    /// Which results follow their sums, if the activation stops gradients.
    type State = (Convolution, Option<Vec<bool>>);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (convolution, followed) = ops.state;
        let gradient = channels_last(grads.consume::<Flex>(&ops.node));
        let [pictures, kernels, bias] = ops.parents;
        // Pictures want no gradient where they are the network's input, or layers before them are frozen.
        if let (Some(followed), None, true) = (&followed, &pictures, convolution.has_few_kernels())
        {
            let (of_kernels, of_bias) = convolution.gradients_at_input(followed, &gradient);
            let found = [(kernels, of_kernels), (bias, of_bias)];
            let found = found.into_iter().filter_map(|(node, gradient)| Some((node?, gradient)));
            found.for_each(|(node, gradient)| grads.register::<Flex>(node.id, gradient));
            return;
        }
        let (gradient, of_bias) = match followed {
            Some(followed) => {
                let (gradient, of_bias) = convolution.gradient_of_sums(&followed, gradient);
                (gradient, Some(of_bias))
            }
            None => (gradient, None),
        };
        if let Some(node) = kernels {
            grads.register::<Flex>(node.id, convolution.gradient_of_kernels(&gradient));
        }
        if let Some(node) = bias {
            let of_bias = of_bias.unwrap_or_else(|| convolution.gradient_of_bias(&gradient));
            grads.register::<Flex>(node.id, of_bias);
        }
        if let Some(node) = pictures {
            grads.register::<Flex>(node.id, convolution.gradient_of_pictures(&gradient));
        }
    }
}
