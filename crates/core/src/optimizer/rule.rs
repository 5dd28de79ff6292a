//! Which rule turns gradients into changes.

use burn::tensor::Tensor;

use super::adam::AdamSettings;
use super::lars::LarsSettings;
use super::parameter::{At, Parameter};
use super::sgd::SgdSettings;
use crate::error::Error;

/// How gradients become changes.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// Adam, with decay added to the gradient or apart from it (`AdamW`).
    Adam(AdamSettings),
    /// Stochastic gradient descent with momentum.
    Sgd(SgdSettings),
    /// Gradients as long as their weights, for large batches.
    Lars(LarsSettings),
}

impl Rule {
    /// What it remembers of each parameter, by name.
    pub(super) fn slots(&self) -> &'static [&'static str] {
        match self {
            Self::Adam(_) => &["mean", "square"],
            Self::Sgd(_) | Self::Lars(_) => &["velocity"],
        }
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        match self {
            Self::Adam(adam) => adam.check(),
            Self::Sgd(sgd) => sgd.check(),
            Self::Lars(lars) => lars.check(),
        }
    }

    /// The weight after a step, and what to remember; at first nothing is.
    pub(super) fn moved(
        &self,
        parameter: Parameter,
        memory: Vec<Tensor<1>>,
        at: At,
    ) -> (Tensor<1>, Vec<Tensor<1>>) {
        match self {
            Self::Adam(adam) => adam.moved(parameter, memory, at),
            Self::Sgd(sgd) => sgd.moved(&parameter, memory, at),
            Self::Lars(lars) => lars.moved(parameter, memory, at),
        }
    }
}
