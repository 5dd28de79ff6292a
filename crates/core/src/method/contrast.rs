//! What methods that compare two views of an image share: losses by term, and accuracies.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::metrics::{self, Correlations, Metric, Unit};

/// The loss of methods that contrast views.
pub const CONTRASTIVE_LOSS: Metric = Metric::loss("Contrastive loss", Unit::Loss);

/// The first two views, `[n, dim]` each.
pub type Pair = [Tensor<2>; 2];

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

/// What contrastive accuracy compares: the two are not comparable with each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccuracyOn {
    /// The encoder's features (the Keras NNCLR example).
    #[default]
    Features,
    /// Projections (the Keras `SimCLR` example).
    Projections,
}

/// Losses of a batch.
#[derive(Clone, Debug)]
pub struct Terms {
    /// One loss an anchor and direction, `[m]`.
    pub losses: Tensor<1>,
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

/// The first two views of n images each, of rows of all views.
pub fn first_two(rows: Tensor<2>, n: usize) -> Pair {
    [rows.clone().narrow(0, 0, n), rows.narrow(0, n, n)]
}

/// What [`measured`] gives, in its order.
pub const METRICS: [Metric; 6] = [
    CONTRASTIVE_LOSS,
    metrics::CONTRASTIVE_ACCURACY,
    metrics::CORRELATION_ACCURACY,
    metrics::KERAS_CORRELATION_ACCURACY,
    metrics::DEAD_UNITS,
    metrics::FEATURE_SPREAD,
];

/// Measures a batch: its mean loss, how views find each other by features or by projections, and what
/// units do.
pub fn measured(
    losses: &Tensor<1>,
    [features, projections]: [Pair; 2],
    accuracy_on: AccuracyOn,
) -> Vec<(Metric, Tensor<1>)> {
    let [left, right] = match accuracy_on {
        AccuracyOn::Features => features.clone(),
        AccuracyOn::Projections => projections,
    };
    let [first, second] = features;
    let correlations = Correlations::of(first.clone(), second);
    let values = [
        losses.clone().mean(),
        metrics::contrastive_accuracy(left, right),
        correlations.accuracy(),
        correlations.accuracy_by_keras(),
        correlations.dead_units(),
        metrics::feature_spread(first),
    ];
    METRICS.into_iter().zip(values).collect()
}
