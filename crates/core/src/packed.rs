//! Weights in the order in which the CPU uses them, for inference.

use burn::tensor::Tensor;

#[cfg(feature = "cpu")]
use std::sync::Arc;

#[cfg(feature = "cpu")]
use burn::tensor::Device;

#[cfg(feature = "cpu")]
use crate::array::plain;
#[cfg(feature = "cpu")]
use crate::gemm::Panels;

/// Packed weights, if there are any. They do not follow the weights: only a network that learns no more
/// may have them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Packed {
    #[cfg(feature = "cpu")]
    panels: Option<Arc<Panels>>,
}

impl Packed {
    /// Of weights `[out, in]` on the CPU without autodiff; none of others.
    pub(crate) fn of(weight: Tensor<2>) -> Self {
        #[cfg(feature = "cpu")]
        if !weight.is_autodiff() && weight.device() == Device::flex() {
            let [columns, depth] = weight.dims();
            let weight = plain(weight).to_contiguous();
            let panels = Panels::of_columns(weight.storage(), [depth, columns]);
            return Self { panels: Some(Arc::new(panels)) };
        }
        let _unused = weight;
        Self::default()
    }

    #[cfg(feature = "cpu")]
    pub(crate) fn panels(&self) -> Option<&Panels> {
        self.panels.as_deref()
    }
}
