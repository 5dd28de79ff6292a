//! Tensors on the CPU as the arrays that they are, for operations that kith computes itself there.

use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Flex};
use burn::tensor::{Tensor, TensorData};

/// A tensor on the CPU, without autodiff.
pub(crate) type Array = FloatTensor<Flex>;

/// Why a tensor is what it is taken for.
const ON_CPU: &str = "the caller asks for the CPU with tensors on the CPU";

/// Numbers in row-major order.
pub(crate) fn array<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> Array {
    Flex::float_from_data(TensorData::new(values, shape), &Default::default())
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
