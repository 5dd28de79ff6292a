//! The relation head: a row of two views to a score.

use burn::module::Module;
use burn::tensor::activation::leaky_relu;
use burn::tensor::{Device, Tensor};

use crate::linear::Linear;
use crate::matrix::Times;
use crate::norm::BatchNorm;
use crate::rng::Stream;

/// Slope of the leaky `ReLU` below 0 (the paper's script).
pub(super) const LEAK: f64 = 0.01;

/// Dense, batch norm, leaky `ReLU`, dense (the paper's appendix and script).
#[derive(Module, Debug)]
pub struct RelationHead {
    hidden: Linear,
    norm: BatchNorm,
    score: Linear,
}

/// What the first layer makes of each view alone: the hidden row of a pair is the first of its left
/// view plus the second of its right view. `[K·n, hidden]` each.
pub(super) struct Halves {
    pub(super) left: Tensor<2>,
    pub(super) right: Tensor<2>,
}

impl RelationHead {
    /// A head with fresh weights, as `PyTorch` draws them by default, on rows of `inputs` numbers.
    pub fn new([inputs, hidden]: [usize; 2], stream: &mut Stream, device: &Device) -> Self {
        Self {
            hidden: Linear::torch(inputs, hidden, stream, device),
            norm: BatchNorm::new(hidden, device),
            score: Linear::torch(hidden, 1, stream, device),
        }
    }

    /// # Shapes
    /// - rows: `[m, inputs]`
    /// - result: `[m]`, above 0 for what looks like the same picture
    pub fn forward(&self, rows: Tensor<2>) -> Tensor<1> {
        let [m, _] = rows.dims();
        let hidden = leaky_relu(self.norm.forward(self.hidden.forward(rows)), LEAK);
        self.score.forward(hidden).reshape([m])
    }

    /// W·\[f‖g\] + b = (U·f + b) + V·g, W being \[U‖V\].
    pub(super) fn halves(&self, features: Tensor<2>) -> Halves {
        let [_, dim] = features.dims();
        let part = |start| self.hidden.weight().narrow(1, start, dim).transpose();
        let left = features.clone().times(part(0)) + self.hidden.bias().unsqueeze();
        Halves { left, right: features.times(part(dim)) }
    }

    /// W·s(f + g) + b = (sW·f + b) + sW·g.
    pub(super) fn twice(&self, features: Tensor<2>, scale: f64) -> Halves {
        let right = features.times(self.hidden.weight().transpose()).mul_scalar(scale);
        Halves { left: right.clone() + self.hidden.bias().unsqueeze(), right }
    }

    /// The first layer.
    pub fn hidden(&self) -> &Linear {
        &self.hidden
    }

    pub(super) fn norm(&self) -> &BatchNorm {
        &self.norm
    }

    /// Weights `[1, hidden]` and bias `[1]` of the score.
    pub(super) fn score(&self) -> (Tensor<2>, Tensor<1>) {
        (self.score.weight(), self.score.bias())
    }
}
