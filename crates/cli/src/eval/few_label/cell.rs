//! One cell of a study: how so many labels a class are used, and how well.

use serde::{Deserialize, Serialize};

/// How labels are used, and on what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Method {
    /// Linear probe on the checkpoint's features.
    Linear,
    /// Weighted neighbours among the checkpoint's features.
    Knn,
    /// All weights are trained, from the checkpoint's encoder.
    Finetuned,
    /// All weights are trained, from fresh ones: the supervised baseline.
    Supervised,
    /// Linear probe on features of a random encoder.
    RandomLinear,
    /// Weighted neighbours among features of a random encoder.
    RandomKnn,
    /// Linear probe on pixels.
    PixelLinear,
    /// Weighted neighbours among pixels.
    PixelKnn,
}

impl Method {
    /// All, in the order of tables.
    pub(crate) const ALL: [Self; 8] = [
        Self::Finetuned,
        Self::Linear,
        Self::Knn,
        Self::Supervised,
        Self::RandomLinear,
        Self::RandomKnn,
        Self::PixelLinear,
        Self::PixelKnn,
    ];

    /// What people call it.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Linear => "pre-trained, linear probe",
            Self::Knn => "pre-trained, kNN",
            Self::Finetuned => "pre-trained, fine-tuned",
            Self::Supervised => "supervised baseline",
            Self::RandomLinear => "random encoder, linear probe",
            Self::RandomKnn => "random encoder, kNN",
            Self::PixelLinear => "pixels, linear probe",
            Self::PixelKnn => "pixels, kNN",
        }
    }
}

/// What names a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) method: Method,
    /// Labelled images a class.
    pub(crate) labels: usize,
    /// Draws the labelled images, and fresh weights and orders where there are any.
    pub(crate) seed: u64,
}

/// One method with one number of labels and one seed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cell {
    pub(crate) method: Method,
    /// Labelled images a class.
    pub(crate) labels: usize,
    /// Draws the labelled images, and fresh weights and orders where there are any.
    pub(crate) seed: u64,
    /// Share of the test images told right.
    pub(crate) accuracy: f64,
}

impl Cell {
    /// What names it.
    pub(crate) fn key(&self) -> Key {
        let Self { method, labels, seed, .. } = *self;
        Key { method, labels, seed }
    }
}
