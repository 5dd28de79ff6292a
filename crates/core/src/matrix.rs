//! Products of matrices, alone and in stacks.
//!
//! On a GPU by a kernel of kith's own, which reads its operands as they lie: burn's are chosen among a
//! dozen, all of which would be part of what a browser downloads.

#[cfg(feature = "gpu")]
mod gpu;

use burn::tensor::Tensor;

#[cfg(feature = "gpu")]
use crate::buffers;

/// What can be multiplied.
pub(crate) trait Times {
    /// The product with another matrix, for stacks matrix by matrix; one in place of a stack meets all of
    /// the other's.
    ///
    /// # Shapes
    /// - self: `[…, n, k]`, other: `[…, k, m]`
    /// - result: `[…, n, m]`
    fn times(self, other: Self) -> Self;
}

impl<const D: usize> Times for Tensor<D> {
    fn times(self, other: Self) -> Self {
        #[cfg(feature = "gpu")]
        if buffers::is_gpu(self.device()) {
            return gpu::product(self, other);
        }
        on_cpu(self, other)
    }
}

#[cfg(feature = "cpu")]
fn on_cpu<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> Tensor<D> {
    a.matmul(b)
}

#[cfg(not(feature = "cpu"))]
fn on_cpu<const D: usize>(_: Tensor<D>, _: Tensor<D>) -> Tensor<D> {
    unreachable!("this build computes on GPUs alone")
}
