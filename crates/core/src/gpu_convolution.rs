//! A convolution on a GPU that autodiff asks for its gradients.

mod gather;
mod narrow;
mod product;
mod product_of_rows;
mod convolution;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::{Autodiff, Cube};
use burn::tensor::Tensor;

use self::convolution::{Convolution, channels_first, channels_last};
use crate::activation::Activation;
use crate::buffers::{Buffer, plain, tensor, tracked};
use crate::window::Window;

/// Pictures, kernels, and bias if there is one.
type Inputs = (Tensor<4>, Tensor<4>, Option<Tensor<1>>);

/// Whether [`convolve`] can: it reads and writes four channels at once.
pub(crate) fn suits(outputs: usize) -> bool {
    outputs.is_multiple_of(4)
}

/// # Shapes
/// - x: `[n, in, h, w]`, weight: `[out, in, k, k]`, bias: `[out]`
/// - result: `[n, out, …]`, of the window's sides
pub(crate) fn convolve(
    (x, weight, bias): Inputs,
    window: Window,
    activation: Activation,
) -> Tensor<4> {
    if !(x.is_autodiff() || weight.is_autodiff()) {
        let inputs = (plain(x), plain(weight), bias.map(plain));
        let maps = Convolution::new(inputs, window, activation).forward();
        return tensor(channels_first(maps));
    }
    let has_bias = bias.is_some();
    // In place of no bias: nothing reads it, and its gradient goes nowhere.
    let bias = bias.unwrap_or_else(|| Tensor::zeros([1], &x.device().inner()));
    let (x, picture_node) = tracked(x).into_parts();
    let (weight, weight_node) = tracked(weight).into_parts();
    let (bias, bias_node) = tracked(bias).into_parts();
    let inputs = (x, weight, has_bias.then_some(bias));
    let convolution = Convolution::new(inputs, window, activation);
    let maps = convolution.forward();
    let nodes = [picture_node, weight_node, bias_node];
    let result = channels_first(maps.clone());
    let tracked = match Convolve.prepare::<NoCheckpointing>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => prepared.finish((convolution, maps), result),
        OpsKind::UnTracked(prepared) => prepared.finish(result),
    };
    Tensor::from_primitive::<Autodiff<Cube>>(tracked)
}

/// The step back through a convolution.
#[derive(Debug)]
struct Convolve;

impl Backward<Cube, 3> for Convolve {
    type State = (Convolution, Buffer);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (convolution, maps) = ops.state;
        let gradient = channels_last(grads.consume::<Cube>(&ops.node));
        let largest = convolution.largest_of(&gradient);
        let gradient = (&gradient, &largest);
        let [pictures, kernels, bias] = ops.parents;
        // Pictures want no gradient where they are the network's input.
        if let Some(node) = pictures {
            grads.register::<Cube>(node.id, convolution.gradient_of_pictures(gradient, &maps));
        }
        if kernels.is_none() && bias.is_none() {
            return;
        }
        let (of_kernels, of_bias) = convolution.gradient_of_kernels(gradient, &maps);
        if let Some(node) = kernels {
            grads.register::<Cube>(node.id, of_kernels);
        }
        if let Some(node) = bias {
            grads.register::<Cube>(node.id, of_bias);
        }
    }
}
