//! Tensors on a GPU as the buffers that they are, for kernels of kith's own.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Cube};
use burn::tensor::{DType, Device, Shape, Tensor};
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::ops::numeric::{empty_device_contiguous_dtype, zeros_client};
use burn_cubecl::tensor::CubeTensor;

/// A tensor on a GPU, without autodiff.
pub(crate) type Buffer = CubeTensor;

/// Why a tensor is what it is taken for.
pub(crate) const ON_GPU: &str = "the caller asks for the GPU with tensors on the GPU";

/// Whether kernels of kith's own run there.
#[cfg(feature = "cpu")]
pub(crate) fn is_gpu(device: Device) -> bool {
    device.inner() != Device::flex()
}

/// Whether kernels of kith's own run there: there is nothing else.
#[cfg(not(feature = "cpu"))]
pub(crate) fn is_gpu(_: Device) -> bool {
    true
}

/// A tensor that records no gradient.
pub(crate) fn plain<const D: usize>(x: Tensor<D>) -> Buffer {
    x.try_into_primitive::<Cube>().expect(ON_GPU)
}

/// A tensor with its node in the graph of gradients.
pub(crate) fn tracked<const D: usize>(x: Tensor<D>) -> FloatTensor<Autodiff<Cube>> {
    x.autodiff().try_into_primitive::<Autodiff<Cube>>().expect(ON_GPU)
}

/// A tensor's numbers in row-major order, without gaps.
pub(crate) fn rows<const D: usize>(x: Tensor<D>) -> Buffer {
    into_contiguous(plain(x))
}

/// What a buffer holds as a tensor.
pub(crate) fn tensor<const D: usize>(x: Buffer) -> Tensor<D> {
    Tensor::from_primitive::<Cube>(x)
}

/// Room for numbers beside others.
pub(crate) fn empty<const D: usize>(beside: &Buffer, shape: [usize; D]) -> Buffer {
    let (client, device) = (beside.client.clone(), beside.device.clone());
    empty_device_contiguous_dtype(client, device, Shape::new(shape), DType::F32)
}

/// Zeros beside other numbers, of their type.
pub(crate) fn zeros<const D: usize>(beside: &Buffer, shape: [usize; D]) -> Buffer {
    let (client, device) = (beside.client.clone(), beside.device.clone());
    zeros_client(client, device, Shape::new(shape), beside.dtype)
}
