//! How soon batch statistics are those of inference.

use serde::{Deserialize, Serialize};

use crate::norm::Constants;

/// Constants of batch normalisation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Statistics {
    /// `PyTorch`'s: momentum 0.1, epsilon 1e-5.
    #[default]
    Pytorch,
    /// Keras 2's: momentum 0.01 in `PyTorch`'s terms, epsilon 1e-3. Inference lags a hundred steps
    /// behind training.
    Keras,
    /// Keras 3's: the same, but its running variance is over n and not over n - 1.
    Keras3,
}

impl Statistics {
    /// Its numbers.
    pub(crate) fn constants(self) -> Constants {
        match self {
            Self::Pytorch => Constants::PYTORCH,
            Self::Keras => Constants::KERAS,
            Self::Keras3 => Constants::KERAS3,
        }
    }
}
