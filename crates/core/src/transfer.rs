//! Tensors on their way to another device, in one piece.
//!
//! A copy between devices goes through the host, which waits for all work of the device that it reads:
//! one copy of all weights waits once.

use std::collections::VecDeque;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor};

/// Vectors on a device.
///
/// # Shapes
/// - vectors, result: any lengths
pub(crate) fn moved(vectors: Vec<Tensor<1>>, device: &Device) -> Vec<Tensor<1>> {
    let there = vectors.first().is_none_or(|vector| vector.device() == *device);
    if there {
        return vectors;
    }
    let lengths: Vec<usize> = vectors.iter().map(|vector| vector.dims()[0]).collect();
    let together = Tensor::cat(vectors, 0).to_device(device);
    let mut start = 0;
    let mut next = |length| {
        let vector = together.clone().narrow(0, start, length);
        start += length;
        vector
    };
    lengths.into_iter().map(&mut next).collect()
}

/// A copy of a module on another device. What learns in it learns in the copy, what is frozen is not.
pub(crate) fn copied<M: Module>(module: &M, device: &Device) -> M {
    let mut weights = Weights::default();
    module.visit(&mut weights);
    let weights = moved(weights.0, device).into();
    module.clone().map(&mut Replace { weights })
}

/// All weights in the order of the module, flattened, without autodiff.
#[derive(Default)]
struct Weights(Vec<Tensor<1>>);

impl ModuleVisitor for Weights {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let weight = param.val().inner();
        let count = weight.dims().iter().product::<usize>();
        self.0.push(weight.reshape([count]));
    }
}

/// Puts others in the place of all weights, in the order of the module.
struct Replace {
    weights: VecDeque<Tensor<1>>,
}

impl ModuleMapper for Replace {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(weight) = self.weights.pop_front() else { return param };
        param.map(|old| {
            let weight = weight.reshape(old.dims());
            if old.is_autodiff() {
                weight.autodiff().set_require_grad(old.is_require_grad())
            } else {
                weight
            }
        })
    }
}
