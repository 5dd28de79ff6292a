//! Tensors on the CPU as the arrays that they are, for operations that kith computes itself there.

use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Flex};
use burn::tensor::{Tensor, TensorData};

use crate::threads;

/// A tensor on the CPU, without autodiff.
pub(crate) type Array = FloatTensor<Flex>;

/// Why a tensor is what it is taken for.
const ON_CPU: &str = "the caller asks for the CPU with tensors on the CPU";

/// Numbers in row-major order.
pub(crate) fn array<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> Array {
    Flex::float_from_data(TensorData::new(values, shape), &Default::default())
}

/// Room for numbers, which are to be written: that of an array, if nothing else holds it, with what is in
/// there, else zeros.
pub(crate) fn room(of: Array, count: usize) -> Vec<f32> {
    let suits = of.is_unique() && of.is_contiguous() && of.layout().num_elements() >= count;
    match suits.then(|| of.into_data().try_into_vec::<f32>()) {
        Some(Ok(mut room)) => {
            room.truncate(count);
            room
        }
        _ => threads::zeros(count),
    }
}

/// A tensor that records no gradient.
pub(crate) fn plain<const D: usize>(x: Tensor<D>) -> Array {
    x.try_into_primitive::<Flex>().expect(ON_CPU)
}

/// The numbers of a bias on the CPU that records no gradient; as many zeros where there is none.
pub(crate) fn bias_or_zeros(bias: Option<Tensor<1>>, count: usize) -> Vec<f32> {
    match bias {
        Some(bias) => plain(bias).to_contiguous().storage::<f32>().to_vec(),
        None => vec![0.0; count],
    }
}

/// A tensor with its node in the graph of gradients.
pub(crate) fn tracked<const D: usize>(x: Tensor<D>) -> FloatTensor<Autodiff<Flex>> {
    x.autodiff().try_into_primitive::<Autodiff<Flex>>().expect(ON_CPU)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nothing_else_holds_is_room() {
        let numbers = || array(vec![1.0; 12], [3, 4]);
        assert_eq!(room(numbers(), 10), [1.0; 10]);
        assert_eq!(room(numbers(), 13), [0.0; 13]);
        let held = numbers();
        room(held.clone(), 12).fill(5.0);
        assert_eq!(held.storage::<f32>(), [1.0; 12]);
        assert_eq!(room(Flex::float_permute(numbers(), &[1, 0]), 12), [0.0; 12]);
    }
}
