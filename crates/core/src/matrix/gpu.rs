//! A product of matrices on a GPU, and its gradients, which are products again.

mod kernel;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::ops::FloatTensorOps;
use burn::backend::{Autodiff, Cube};
use burn::tensor::Tensor;
use cubecl::prelude::{CubeCount, CubeDim};

use self::kernel::{Beside, SIDE, StackLaunch, TILE, products};
use crate::buffers::{Buffer, empty, plain, tensor, tracked};

/// The most matrices of a launch.
const MOST: usize = 32768;

/// The most dimensions.
const MOST_DIMENSIONS: usize = 4;

/// # Shapes
/// As [`super::Times::times`].
pub(super) fn product<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> Tensor<D> {
    if !(a.is_autodiff() || b.is_autodiff()) {
        return tensor(multiplied(&plain(a), &plain(b)));
    }
    let (a, a_node) = tracked(a).into_parts();
    let (b, b_node) = tracked(b).into_parts();
    let result = multiplied(&a, &b);
    let tracked =
        match Multiply.prepare::<NoCheckpointing>([a_node, b_node]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => prepared.finish([a, b], result),
            OpsKind::UnTracked(prepared) => prepared.finish(result),
        };
    Tensor::from_primitive::<Autodiff<Cube>>(tracked)
}

/// The step back through a product.
#[derive(Debug)]
struct Multiply;

impl Backward<Cube, 2> for Multiply {
    type State = [Buffer; 2];

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [a, b] = ops.state;
        let gradient = grads.consume::<Cube>(&ops.node);
        let [a_node, b_node] = ops.parents;
        if let Some(node) = a_node {
            let of_a = multiplied(&gradient, &transposed(&b));
            grads.register::<Cube>(node.id, summed(of_a, &a));
        }
        if let Some(node) = b_node {
            let of_b = multiplied(&transposed(&a), &gradient);
            grads.register::<Cube>(node.id, summed(of_b, &b));
        }
    }
}

/// The same numbers with rows for columns.
fn transposed(x: &Buffer) -> Buffer {
    let last = x.meta.shape().num_dims();
    Cube::float_swap_dims(x.clone(), last - 2, last - 1)
}

/// A gradient summed over what one matrix of a stack met.
fn summed(gradient: Buffer, of: &Buffer) -> Buffer {
    let stack = 0..of.meta.shape().num_dims() - 2;
    stack.fold(gradient, |gradient, dimension| {
        let met = |x: &Buffer| x.meta.shape()[dimension];
        if met(&gradient) == met(of) { gradient } else { Cube::float_sum_dim(gradient, dimension) }
    })
}

/// The product of two stacks.
fn multiplied(a: &Buffer, b: &Buffer) -> Buffer {
    let dimensions = a.meta.shape().num_dims();
    assert!((2..=MOST_DIMENSIONS).contains(&dimensions), "at most two dimensions of a stack");
    let ([a_stack, [rows, depth]], [b_stack, [inner, columns]]) = (sizes(a), sizes(b));
    assert_eq!(depth, inner, "as many columns of the first as rows of the second");
    let stack = [0, 1].map(|k| match (a_stack[k], b_stack[k]) {
        (1, met) | (met, 1) => met,
        (a, b) => {
            assert_eq!(a, b, "stacks of as many matrices");
            a
        }
    });
    let result = room(a, dimensions, [stack, [rows, columns]]);
    let [a_steps, b_steps] = [a, b].map(|x| lying(x, stack));
    let count = stack[0] * stack[1];
    for first in (0..count).step_by(MOST) {
        let [tall, broad] = [rows, columns].map(|side| side.div_ceil(TILE) as u32);
        let matrices = MOST.min(count - first) as u32;
        products::launch(
            &a.client,
            CubeCount::Static(broad, tall, matrices),
            CubeDim::new_1d((SIDE * SIDE) as u32),
            a.clone().into_buffer_arg(),
            b.clone().into_buffer_arg(),
            result.clone().into_buffer_arg(),
            launched(a_steps),
            launched(b_steps),
            stack[1] as u32,
            first as u32,
            rows as u32,
            columns as u32,
            depth as u32,
            beside([a_steps[3], a_steps[2]]),
            beside([b_steps[2], b_steps[3]]),
        );
    }
    result
}

/// Sizes of a stack, with 1 where it has fewer dimensions, and of its matrices.
fn sizes(x: &Buffer) -> [[usize; 2]; 2] {
    parts(&x.meta.shape()[..], 1)
}

/// Four numbers in pairs, the first ones filled up.
fn parts(numbers: &[usize], missing: usize) -> [[usize; 2]; 2] {
    let mut all = [missing; MOST_DIMENSIONS];
    all[MOST_DIMENSIONS - numbers.len()..].copy_from_slice(numbers);
    let [outer, inner, rows, columns] = all;
    [[outer, inner], [rows, columns]]
}

/// Numbers from one of a stack's matrices, rows and columns to the next.
type Steps = [usize; 4];

/// How a stack lies, of which one matrix in place of a stack is read again and again.
fn lying(x: &Buffer, stack: [usize; 2]) -> Steps {
    let [has, _] = sizes(x);
    let [[outer, inner], [row, column]] = parts(&x.meta.strides()[..], 0);
    let step = |k: usize, own: usize| if has[k] == stack[k] { own } else { 0 };
    [step(0, outer), step(1, inner), row, column]
}

/// What lies side by side, by the numbers from one term, and from one line, to the next.
fn beside([term, line]: [usize; 2]) -> Beside {
    if term <= line { Beside::Terms } else { Beside::Lines }
}

fn launched([outer, inner, row, column]: Steps) -> StackLaunch {
    StackLaunch::new(outer as u32, inner as u32, row as u32, column as u32)
}

/// Room for a stack of so many dimensions.
fn room(beside: &Buffer, dimensions: usize, [stack, matrix]: [[usize; 2]; 2]) -> Buffer {
    let ([outer, inner], [rows, columns]) = (stack, matrix);
    match dimensions {
        2 => empty(beside, matrix),
        3 => empty(beside, [inner, rows, columns]),
        _ => empty(beside, [outer, inner, rows, columns]),
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests run natively and read what they computed")]
mod tests {
    use burn::tensor::{Device, DeviceKind, TensorData};

    use super::super::Times;
    use super::*;

    fn numbers<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
        let values = (0..shape.iter().product()).map(|k| (k as f32 * 0.7).sin()).collect();
        let data = TensorData::new::<f32, _>(values, shape);
        Tensor::from_data(data, &device.clone().autodiff()).require_grad()
    }

    /// The product and the gradients of a sum of it that weighs each number differently, of operands that
    /// lie in order or are transposed.
    fn all<const D: usize>(
        shapes: [[usize; D]; 2],
        turned: [bool; 2],
        device: &Device,
    ) -> [Vec<f32>; 3] {
        let operand = |k: usize| {
            let mut shape = shapes[k];
            if turned[k] {
                shape.swap(D - 2, D - 1);
            }
            numbers(shape, device)
        };
        let own = [operand(0), operand(1)];
        let seen = |k: usize| if turned[k] { own[k].clone().transpose() } else { own[k].clone() };
        let result = seen(0).times(seen(1));
        let plain = seen(0).inner().times(seen(1).inner());
        assert_eq!(values(result.clone()), values(plain), "with gradients and without");
        let weights = numbers(result.dims(), device).detach();
        let gradients = (result.clone() * weights).sum().backward();
        let [a, b] = own.map(|x| values(x.grad(&gradients).unwrap()));
        [values(result), a, b]
    }

    fn values<const D: usize>(x: Tensor<D>) -> Vec<f32> {
        x.into_data().try_to_vec().unwrap()
    }

    fn agree<const D: usize>(shapes: [[usize; D]; 2]) {
        for turned in [[false, false], [true, false], [false, true], [true, true]] {
            let found = all(shapes, turned, &Device::wgpu(DeviceKind::DefaultDevice));
            let expected = all(shapes, turned, &Device::flex());
            for (found, expected) in found.iter().zip(&expected) {
                assert_eq!(found.len(), expected.len());
                let size = expected.iter().fold(1.0, |size: f32, x| size.max(x.abs()));
                let far = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
                let far = far.fold(0.0, f32::max);
                assert!(far <= 2e-5 * size, "{shapes:?}, {turned:?}: off by {far} of {size}");
            }
        }
    }

    #[test]
    fn products_and_gradients_are_the_cpus_on_wgpu() {
        agree([[1, 1], [1, 1]]);
        agree([[70, 3], [3, 130]]);
        agree([[5, 200], [200, 9]]);
        agree([[64, 64], [64, 64]]);
        agree([[3, 17, 33], [3, 33, 20]]);
        agree([[3, 17, 5], [1, 5, 20]]);
        agree([[1, 17, 5], [4, 5, 2]]);
        agree([[2, 3, 9, 18], [2, 3, 18, 7]]);
        agree([[1, 1, 9, 18], [2, 3, 18, 7]]);
        agree([[2, 1, 9, 18], [1, 3, 18, 7]]);
    }
}
