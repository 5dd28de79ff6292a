//! A convolution on the CPU that autodiff asks for its gradients.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::{Autodiff, Flex};
use burn::tensor::Tensor;

use super::product::{self, Convolution, channels_first, channels_last};
use crate::activation::Activation;
use crate::array::{Array, bias_or_zeros, plain, tracked};
use crate::gemm::Panels;
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
    let maps = convolution.forward();
    let nodes = [picture_node, weight_node, bias_node];
    let result = channels_first(maps.clone());
    let tracked = match Convolve.prepare::<NoCheckpointing>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => prepared.finish((convolution, maps), result),
        OpsKind::UnTracked(prepared) => prepared.finish(result),
    };
    Tensor::from_primitive::<Autodiff<Flex>>(tracked)
}

/// The same by packed kernels, without a gradient.
///
/// # Shapes
/// - x: `[n, in, h, w]`, kernels: `[k · k · in, out]`, bias: `[out]`
/// - result: `[n, out, …]`, of the window's sides
pub(super) fn infer(
    (x, kernels, bias): (Tensor<4>, &Panels, Option<Tensor<1>>),
    window: Window,
    activation: Activation,
) -> Tensor<4> {
    let bias = bias_or_zeros(bias, kernels.columns());
    let maps = product::infer(plain(x), window, kernels, (&bias, activation));
    Tensor::from_primitive::<Flex>(channels_first(maps))
}

/// The step back through a convolution.
#[derive(Debug)]
struct Convolve;

impl Backward<Flex, 3> for Convolve {
    type State = (Convolution, Array);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (convolution, maps) = ops.state;
        let gradient = channels_last(grads.consume::<Flex>(&ops.node));
        let gradient = convolution.gradient_of_sums(&maps, gradient);
        let [pictures, kernels, bias] = ops.parents;
        // Pictures want no gradient where they are the network's input.
        if let Some(node) = pictures {
            grads.register::<Flex>(node.id, convolution.gradient_of_pictures(&gradient));
        }
        if let Some(node) = kernels {
            grads.register::<Flex>(node.id, convolution.gradient_of_kernels(&gradient));
        }
        if let Some(node) = bias {
            grads.register::<Flex>(node.id, convolution.gradient_of_bias(&gradient));
        }
    }
}
