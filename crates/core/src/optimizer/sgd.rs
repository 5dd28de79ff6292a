//! Stochastic gradient descent with momentum (Polyak 1964; Nesterov 1983), in `PyTorch`'s form.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::parameter::{At, Parameter};
use crate::error::Error;
use crate::range;

/// Settings of stochastic gradient descent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SgdSettings {
    /// Share of the last change that goes on: higher averages over more steps.
    pub momentum: f64,
    /// Whether the gradient is taken where the momentum leads.
    pub nesterov: bool,
}

impl Default for SgdSettings {
    fn default() -> Self {
        Self { momentum: 0.9, nesterov: false }
    }
}

/// The velocity with a gradient more: v = m·v + g, and g alone at first.
pub(super) fn velocity(momentum: f64, memory: Vec<Tensor<1>>, gradient: Tensor<1>) -> Tensor<1> {
    match memory.into_iter().next() {
        Some(old) => old.mul_scalar(momentum) + gradient,
        None => gradient,
    }
}

impl SgdSettings {
    pub(super) fn check(&self) -> Result<(), Error> {
        range::within("momentum", self.momentum, 0.0..=0.9999, "0 to 0.9999")
    }

    /// θ −= lr·v, or lr·(g + m·v) in Nesterov's form.
    pub(super) fn moved(
        &self,
        parameter: &Parameter,
        memory: Vec<Tensor<1>>,
        at: At,
    ) -> (Tensor<1>, Vec<Tensor<1>>) {
        let gradient = parameter.decayed();
        let velocity = velocity(self.momentum, memory, gradient.clone());
        let change = match self.nesterov {
            true => gradient + velocity.clone().mul_scalar(self.momentum),
            false => velocity.clone(),
        };
        (parameter.weight.clone() - change.mul_scalar(at.rate), vec![velocity])
    }
}
