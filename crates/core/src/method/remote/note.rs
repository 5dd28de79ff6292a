//! What messages say beside their tensors.

use serde::{Deserialize, Serialize};

use super::super::Pass;
use crate::encoder::EncoderSettings;

/// Features that were asked for, `[views · n, features]`.
pub(crate) const FEATURES: &str = "features";
/// The loss's slopes at them.
pub(crate) const SLOPE: &str = "slope";

/// The name of a view, `[n, 3, side, side]`.
pub(crate) fn view_name(number: usize) -> String {
    format!("view.{number}")
}

/// What an encoder is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Built {
    /// Which encoder.
    pub(crate) settings: EncoderSettings,
    /// Side of the images that it is made for, in pixels.
    pub(crate) side: usize,
    /// First layers that stay as they are.
    pub(crate) freeze: usize,
}

/// What is kept of a pass forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kept {
    /// What a pass backward needs.
    Graph,
    /// Nothing.
    Nothing,
}

/// A question or an answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Note {
    /// The first question: whether both are the same software.
    Hello {
        /// kith's version.
        version: String,
    },
    /// They are.
    Welcome {
        /// kith's version.
        version: String,
        /// What the worker computes on, for people.
        device: String,
    },
    /// Asks for the features of views.
    Forward {
        /// Of weights that come along; none for those of the message before.
        encoder: Option<Built>,
        /// How views go through it.
        pass: Pass,
        /// What a later question needs.
        kept: Kept,
    },
    /// They come along.
    Features,
    /// Asks for the gradients at the weights, by slopes at the features that were kept.
    Backward,
    /// They come along, by the names and in the shapes of the weights.
    Gradients,
    /// There is no such answer.
    Failed {
        /// Why.
        reason: String,
        /// The tensor that is not finite, if that is why.
        not_finite: Option<String>,
    },
}

impl Note {
    /// What both sides of a link must be.
    pub(crate) const VERSION: &'static str = env!("CARGO_PKG_VERSION");
}
