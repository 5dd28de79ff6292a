//! Weights in the order in which the CPU uses them, for inference.

use burn::tensor::Tensor;

#[cfg(feature = "cpu")]
use std::sync::Arc;

#[cfg(feature = "cpu")]
use burn::tensor::Device;

#[cfg(feature = "cpu")]
use crate::array::{Array, plain};
#[cfg(feature = "cpu")]
use crate::gemm::Panels;

/// Packed weights, if there are any. They do not follow the weights: only a network that learns no more
/// may have them.
#[derive(Clone, Debug, Default)]
pub(crate) enum Packed {
    /// There are none.
    #[default]
    None,
    /// The right side of each product that a layer is.
    #[cfg(feature = "cpu")]
    Products(Arc<[Panels]>),
    /// Kernels of a channel each, `[k · k, c]`.
    #[cfg(feature = "cpu")]
    Kernels(Arc<[f32]>),
}

impl Packed {
    /// A layer that is one product with weights `[out, in]`, on the CPU without autodiff; none of others.
    pub(crate) fn of(weight: Tensor<2>) -> Self {
        #[cfg(feature = "cpu")]
        {
            let [columns, depth] = weight.dims();
            Self::products(weight, |numbers| vec![Panels::of_weights(numbers, [depth, columns])])
        }
        #[cfg(not(feature = "cpu"))]
        {
            let _unused = weight;
            Self::None
        }
    }

    /// The products that a layer is, from weights on the CPU without autodiff; none of others.
    #[cfg(feature = "cpu")]
    pub(crate) fn products<const D: usize>(
        weight: Tensor<D>,
        of: impl FnOnce(&[f32]) -> Vec<Panels>,
    ) -> Self {
        numbers(weight).map_or(Self::None, |weight| Self::Products(of(weight.storage()).into()))
    }

    /// Kernels of a channel each, from weights on the CPU without autodiff; none of others.
    #[cfg(feature = "cpu")]
    pub(crate) fn kernels<const D: usize>(
        weight: Tensor<D>,
        of: impl FnOnce(&[f32]) -> Vec<f32>,
    ) -> Self {
        numbers(weight).map_or(Self::None, |weight| Self::Kernels(of(weight.storage()).into()))
    }

    /// The right side of a layer that is one product.
    #[cfg(feature = "cpu")]
    pub(crate) fn product(&self) -> Option<&Panels> {
        match self {
            Self::Products(panels) if panels.len() == 1 => Some(&panels[0]),
            _ => None,
        }
    }
}

#[cfg(feature = "cpu")]
fn numbers<const D: usize>(weight: Tensor<D>) -> Option<Array> {
    let here = !weight.is_autodiff() && weight.device() == Device::flex();
    here.then(|| plain(weight).to_contiguous())
}
