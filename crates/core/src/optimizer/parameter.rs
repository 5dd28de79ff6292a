//! A parameter in a step: what a rule is told of it.

use burn::tensor::Tensor;

/// A parameter in a step, flattened.
pub(super) struct Parameter {
    pub(super) weight: Tensor<1>,
    pub(super) gradient: Tensor<1>,
    pub(super) decay: f64,
    /// Whether LARS leaves it alone.
    pub(super) excluded: bool,
}

impl Parameter {
    /// The gradient with the decay added to it.
    pub(super) fn decayed(&self) -> Tensor<1> {
        match self.decay > 0.0 {
            true => self.gradient.clone() + self.weight.clone().mul_scalar(self.decay),
            false => self.gradient.clone(),
        }
    }
}

/// When a parameter moves, and how far.
#[derive(Clone, Copy)]
pub(super) struct At {
    /// The step, from 1.
    pub(super) step: u64,
    /// The learning rate.
    pub(super) rate: f64,
}
