//! What products of numbers of two bytes see, computed in four: how a CPU learns what a GPU does.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind, unary};
use burn::backend::ops::FloatTensorOps;
use burn::backend::{Autodiff, Flex};
use burn::tensor::{Tensor, TensorData};
use half::f16;
use half::slice::HalfFloatSliceExt;

use super::{passing, recorded, wide};
use crate::array::{Array, tracked};
use crate::threads::{self, PIECE};

/// As [`super::widened`].
pub(super) fn widened<const D: usize>(weight: Tensor<D>) -> Tensor<D> {
    made(weight, wide::<Flex>)
}

/// Numbers as products see them.
pub(super) fn rounded<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    made(x, narrow)
}

fn made<const D: usize>(x: Tensor<D>, of: impl FnOnce(Array) -> Array) -> Tensor<D> {
    recorded(x, |x| Tensor::from_primitive::<Autodiff<Flex>>(passing::<Flex>(tracked(x), of)))
}

/// The same numbers, whose gradient products see.
pub(super) fn with_rounded_gradient<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    recorded(x, |x| {
        let (x, node) = tracked(x).into_parts();
        let tracked = match Round.prepare::<NoCheckpointing>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => prepared.finish((), x),
            OpsKind::UnTracked(prepared) => prepared.finish(x),
        };
        Tensor::from_primitive::<Autodiff<Flex>>(tracked)
    })
}

/// The step back.
#[derive(Debug)]
struct Round;

impl Backward<Flex, 1> for Round {
    type State = ();

    fn backward(self, ops: Ops<(), 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        unary::<Flex, _>(ops.parents, ops.node, grads, narrow);
    }
}

/// The same as arrays. Pictures keep their channels last, where convolutions want them.
fn narrow(x: Array) -> Array {
    const LAST: [usize; 4] = [0, 2, 3, 1];
    const FIRST: [usize; 4] = [0, 3, 1, 2];
    match x.layout().shape().num_dims() {
        4 => Flex::float_permute(narrow_rows(&Flex::float_permute(x, &LAST)), &FIRST),
        _ => narrow_rows(&x),
    }
}

/// The same in row-major order.
fn narrow_rows(x: &Array) -> Array {
    let x = x.to_contiguous();
    let numbers = x.storage::<f32>();
    let [factor, inverse] = factors(largest(numbers));
    let values = threads::mapped(numbers, |_, numbers, values| {
        let mut scaled = [0.0; PIECE];
        let mut narrow = [f16::ZERO; PIECE];
        let (scaled, narrow) = (&mut scaled[..numbers.len()], &mut narrow[..numbers.len()]);
        numbers.iter().zip(&mut *scaled).for_each(|(x, scaled)| *scaled = x * factor);
        narrow.convert_from_f32_slice(scaled);
        narrow.convert_to_f32_slice(values);
        values.iter_mut().for_each(|value| *value *= inverse);
    });
    let shape = x.layout().shape().clone();
    Flex::float_from_data(TensorData::new(values, shape), &Default::default())
}

/// The largest of some numbers without their signs; that of NaN is not known.
fn largest(numbers: &[f32]) -> f32 {
    numbers.iter().fold(0.0, |largest: f32, x| largest.max(x.abs()))
}

/// The power of two that brings such a number to between 16 and 32, as far as there is one, and its inverse.
fn factors(largest: f32) -> [f32; 2] {
    /// Where the exponent of a number begins among its bits.
    const EXPONENT: u32 = 23;
    let exponent = (largest.to_bits() >> EXPONENT).clamp(5, 254);
    [258 - exponent, exponent - 4].map(|exponent| f32::from_bits(exponent << EXPONENT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_powers_of_two_and_inverse() {
        for largest in [1e-36, 3e-7, 0.99, 1.0, 1.01, 31.9, 32.0, 4e9, 1e38] {
            let [factor, inverse] = factors(largest);
            let scaled = largest * factor;
            assert!((16.0..32.0).contains(&scaled), "{largest}: {scaled}");
            assert_eq!(factor * inverse, 1.0, "{largest}");
        }
        for largest in [0.0, f32::MIN_POSITIVE / 4.0, f32::INFINITY] {
            let [factor, inverse] = factors(largest);
            assert!(factor.is_normal() && inverse.is_normal() && factor * inverse == 1.0);
        }
    }
}
