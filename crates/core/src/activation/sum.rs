//! A sum and `ReLU` on the CPU, in one pass forward and one back.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::{Autodiff, Flex};
use burn::tensor::Tensor;

use super::{Activation, parts, stop};
use crate::array::tracked;
use crate::threads;
use crate::vectors::{Loop, widest};

/// Numbers that a thread takes at a time.
const PART: usize = 1 << 15;

/// max(left + right, 0).
///
/// # Shapes
/// - left, right, result: the same
pub(crate) fn relu<const D: usize>(left: Tensor<D>, right: Tensor<D>) -> Tensor<D> {
    let records = left.is_autodiff() || right.is_autodiff();
    let (left, left_node) = tracked(left).into_parts();
    let (right, right_node) = tracked(right).into_parts();
    let (mut sums, right) = (left.to_contiguous(), right.to_contiguous());
    let others = right.storage::<f32>();
    let mut followed = vec![true; if records { others.len() } else { 0 }];
    let pairs = sums.storage_mut().chunks_mut(PART).zip(others.chunks(PART));
    let pairs = pairs.zip(parts(&mut followed, PART));
    threads::each(pairs.collect(), |((sums, others), noted)| {
        widest(Joined { sums: &mut *sums, others });
        if let Some(followed) = noted {
            Activation::Relu.note(followed, sums);
        }
    });
    if !records {
        return Tensor::from_primitive::<Flex>(sums);
    }
    let prepared = Relu.prepare::<NoCheckpointing>([left_node, right_node]);
    let tracked = match prepared.compute_bound().stateful() {
        OpsKind::Tracked(prepared) => prepared.finish(followed, sums),
        OpsKind::UnTracked(prepared) => prepared.finish(sums),
    };
    Tensor::from_primitive::<Autodiff<Flex>>(tracked)
}

struct Joined<'a> {
    sums: &'a mut [f32],
    others: &'a [f32],
}

impl Loop for Joined<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (sum, other) in self.sums.iter_mut().zip(self.others) {
            *sum = Activation::Relu.of(*sum + other);
        }
    }
}

/// The step back.
#[derive(Debug)]
struct Relu;

impl Backward<Flex, 2> for Relu {
    /// Which results follow their sums.
    type State = Vec<bool>;

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let mut gradient = grads.consume::<Flex>(&ops.node).to_contiguous();
        threads::each_part(gradient.storage_mut(), PART, |number, gradients| {
            stop(gradients, &ops.state[number * PART..][..gradients.len()]);
        });
        let [left, right] = ops.parents;
        if let Some(node) = left {
            grads.register::<Flex>(node.id, gradient.clone());
        }
        if let Some(node) = right {
            grads.register::<Flex>(node.id, gradient);
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests run natively and read what they computed")]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    #[test]
    fn sums_and_gradients_are_those_of_burn() {
        let device = Device::flex().autodiff();
        let count = 2 * PART + 3;
        let numbers = |by: f32| -> Tensor<1> {
            let numbers: Vec<f32> = (0..count).map(|k| (k as f32 * by).sin()).collect();
            Tensor::from_data(TensorData::new(numbers, [count]), &device).require_grad()
        };
        let read = |x: Tensor<1>| x.into_data().try_to_vec::<f32>().unwrap();
        let ways: [fn(Tensor<1>, Tensor<1>) -> Tensor<1>; 2] =
            [relu, |left, right| burn::tensor::activation::relu(left + right)];
        let [own, expected] = ways.map(|way| {
            let (left, right) = (numbers(0.7), numbers(1.3));
            let result = way(left.clone(), right.clone());
            let gradients = (result.clone() * numbers(0.3).detach()).sum().backward();
            [result, left.grad(&gradients).unwrap(), right.grad(&gradients).unwrap()].map(read)
        });
        assert_eq!(own, expected);
        let plain = relu(numbers(0.7).inner(), numbers(1.3).inner());
        assert!(!plain.is_autodiff());
        assert_eq!(read(plain), expected[0]);
    }
}
