//! Objectives: pure functions of projections that say how unlike the views of a picture still are.

pub mod nnclr;
pub mod relational;
pub mod simclr;

use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};

use nnclr::NnclrSettings;
use relational::RelationalSettings;
use simclr::SimclrSettings;

/// Which objective, with its own settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Objective {
    /// Views of a picture attract, other pictures repel.
    Simclr(SimclrSettings),
    /// As `SimCLR`, with a view's nearest neighbour in its place.
    Nnclr(NnclrSettings),
    /// A head tells pairs of views of one picture from pairs of different pictures.
    Relational(RelationalSettings),
}

impl Objective {
    /// Views of each picture that it compares.
    pub fn views(&self) -> usize {
        match self {
            Self::Simclr(_) | Self::Nnclr(_) => 2,
            Self::Relational(settings) => settings.views,
        }
    }
}

/// How the terms of a batch become one number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reduction {
    /// Their mean, as the papers have it.
    #[default]
    Mean,
    /// Their sum, as the Keras examples train: Keras differentiates the unreduced vector. With Adam only the
    /// size of epsilon tells the two apart.
    Sum,
}

/// What an objective gives for a batch.
#[derive(Clone, Debug)]
pub struct Terms {
    /// One loss an anchor and direction, `[m]`.
    pub losses: Tensor<1>,
    /// What was looked up in a support set, if the objective has one.
    pub neighbours: Option<Neighbours>,
}

/// What a batch found in the support set.
#[derive(Clone, Debug)]
pub struct Neighbours {
    /// Index of the neighbour of each first and of each second view, `[n]` each.
    pub indices: [Tensor<1, Int>; 2],
    /// Unit projections of the first views, to be pushed after the step, `[n, dim]`.
    pub newest: Tensor<2>,
}

impl Terms {
    /// The number to differentiate, `[1]`.
    pub fn reduced(&self, reduction: Reduction) -> Tensor<1> {
        match reduction {
            Reduction::Mean => self.losses.clone().mean(),
            Reduction::Sum => self.losses.clone().sum(),
        }
    }
}

/// Cross-entropy of each row with its label: −log softmax(logits)[label], `[n]`.
pub fn cross_entropy(logits: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<1> {
    let [n, _] = logits.dims();
    log_softmax(logits, 1).gather(1, labels.reshape([n, 1])).neg().reshape([n])
}

/// Cross-entropy of each row whose right column is the row's own number: −log softmax(S)ᵢᵢ, `[n]`.
fn diagonal_cross_entropy(similarities: Tensor<2>) -> Tensor<1> {
    let [n, _] = similarities.dims();
    let own = Tensor::<1, Int>::arange(0..n as i64, &similarities.device());
    cross_entropy(similarities, own)
}

#[cfg(test)]
pub(crate) mod oracle;
