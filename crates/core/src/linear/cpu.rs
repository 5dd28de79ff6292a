//! A fully connected layer on the CPU.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::{Autodiff, Flex};
use burn::tensor::{Device, Tensor};

use crate::activation::Activation;
use crate::array::{Array, array, plain, room, tracked};
use crate::gemm::{Panels, Product, Row, Runs, Transposed, sums_of_columns};
use crate::threads;

/// Rows that a thread multiplies at a time: a multiple of the first, and about the second at most.
const ROWS: [usize; 2] = [12, 256];

/// Rows for which it pays to pack weights that are used once.
const LEAST_ROWS: usize = 32;

/// For inference.
///
/// # Shapes
/// - x: `[n, in]`, weight: `[in, out]`, bias: `[out]`
/// - result: `[n, out]`
pub(super) fn forward(x: Tensor<2>, weight: &Panels, bias: Option<Tensor<1>>) -> Tensor<2> {
    let x = plain(x).to_contiguous();
    let bias = bias.map(|bias| plain(bias).to_contiguous());
    let bias = bias.as_ref().map(Array::storage);
    Tensor::from_primitive::<Flex>(multiplied(&x, weight, bias))
}

/// Whether [`learn`] computes this.
pub(super) fn suits(x: &Tensor<2>, weight: &Tensor<2>) -> bool {
    let learns = x.is_autodiff() || weight.is_autodiff();
    learns && x.device().inner() == Device::flex() && x.dims()[0] >= LEAST_ROWS
}

/// With its gradients.
///
/// # Shapes
/// - x: `[n, in]`, weight: `[out, in]`, bias: `[out]`
/// - result: `[n, out]`
pub(super) fn learn(x: Tensor<2>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<2> {
    let has_bias = bias.is_some();
    let [outputs, inputs] = weight.dims();
    let bias = bias.unwrap_or_else(|| Tensor::zeros([outputs], &Device::flex()));
    let (x, x_node) = tracked(x).into_parts();
    let (weight, weight_node) = tracked(weight).into_parts();
    let (bias, bias_node) = tracked(bias).into_parts();
    let [x, weight, bias] = [x, weight, bias].map(|array| array.to_contiguous());
    let panels = Panels::of_weights(weight.storage(), [inputs, outputs]);
    let result = multiplied(&x, &panels, has_bias.then(|| bias.storage()));
    let nodes = [x_node, weight_node, bias_node];
    let tracked = match Learn.prepare::<NoCheckpointing>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => prepared.finish([x, weight], result),
        OpsKind::UnTracked(prepared) => prepared.finish(result),
    };
    Tensor::from_primitive::<Autodiff<Flex>>(tracked)
}

/// Rows by weights, `[n, out]`.
fn multiplied(x: &Array, weight: &Panels, bias: Option<&[f32]>) -> Array {
    let [n, _] = x.layout().shape().dims();
    written((x, threads::zeros(n * weight.columns())), weight, bias)
}

/// The same, written into room of its size.
fn written((x, mut result): (&Array, Vec<f32>), weight: &Panels, bias: Option<&[f32]>) -> Array {
    let ([n, inputs], outputs) = (x.layout().shape().dims(), weight.columns());
    let runs = Runs { count: 1, length: inputs, step: inputs };
    let mut product = Product::new(x.storage(), runs, weight);
    if let Some(bias) = bias {
        product = product.ending(bias, Activation::Linear);
    }
    let size = threads::share(n, ROWS);
    threads::each_part(&mut result, (size * outputs).max(1), |number, part| {
        let rows = (0..part.len() / outputs)
            .map(|row| Row { from: (number * size + row) * inputs, to: row * outputs });
        product.write(&rows.collect::<Vec<_>>(), part);
    });
    array(result, [n, outputs])
}

/// The step back through a layer.
#[derive(Debug)]
struct Learn;

impl Backward<Flex, 3> for Learn {
    /// What the layer saw, and its weights.
    type State = [Array; 2];

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [x, weight] = ops.state;
        let gradient = grads.consume::<Flex>(&ops.node).to_contiguous();
        let [outputs, inputs] = weight.layout().shape().dims();
        let [x_node, weight_node, bias_node] = ops.parents;
        if let Some(node) = weight_node {
            let [n, _] = x.layout().shape().dims();
            let starts: Vec<usize> = (0..n).map(|row| row * inputs).collect();
            let product = Transposed {
                left: gradient.storage(),
                columns: outputs,
                numbers: x.storage(),
                runs: Runs { count: 1, length: inputs, step: inputs },
                starts: &starts,
            };
            grads.register::<Flex>(node.id, array(product.computed(), [outputs, inputs]));
        }
        if let Some(node) = bias_node {
            let sums = sums_of_columns(gradient.storage(), outputs);
            grads.register::<Flex>(node.id, array(sums, [outputs]));
        }
        // Written over what the layer saw, where nothing else holds that.
        if let Some(node) = x_node {
            let numbers = weight.storage::<f32>();
            let row = |output| &numbers[output * inputs..][..inputs];
            let panels = Panels::of_rows([outputs, inputs], row);
            let count = x.layout().num_elements();
            let found = written((&gradient, room(x, count)), &panels, None);
            grads.register::<Flex>(node.id, found);
        }
    }
}
