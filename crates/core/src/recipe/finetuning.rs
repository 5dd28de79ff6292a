//! The recipe's table of fine-tuning.

use serde::{Deserialize, Serialize};

use crate::augment::policy::Policy;
use crate::error::Error;
use crate::freeze::is_none;
use crate::optimizer::OptimizerSettings;
use crate::range;
use crate::rng::Purpose;
use crate::sampler::{Batches, LastBatch, Sampling, Shuffle};

/// Training of encoder and a fresh linear classifier on labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finetuning {
    /// Epochs of `steps` steps.
    pub epochs: u64,
    /// Steps an epoch; `None` is one pass over the labelled images.
    pub steps: Option<u64>,
    /// Images a step.
    pub batch: usize,
    /// First layers of a checkpoint's encoder that stay as they are, as in pre-training; all layers of an
    /// encoder with fresh weights move.
    #[serde(default, skip_serializing_if = "is_none")]
    pub freeze: usize,
    /// Order of the images.
    pub shuffle: Shuffle,
    /// What becomes of the images of a pass that do not fill a batch.
    #[serde(default)]
    pub last_batch: LastBatch,
    /// How the images are seen.
    pub view: Policy,
    /// Optimizer of all weights.
    pub optimizer: OptimizerSettings,
    /// The classifier's learning rate as a multiple of the encoder's, above 0.
    #[serde(default = "same_rate")]
    pub head_rate: f64,
    /// Share of the features that the classifier does without while it learns, drawn anew for each
    /// image and step, in [0, 1).
    #[serde(default)]
    pub dropout: f64,
    /// Epochs without a lower validation loss after which training ends early; `None` never does, nor
    /// does a run that keeps no images aside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patience: Option<u64>,
}

/// The classifier learns as fast as the encoder.
fn same_rate() -> f64 {
    1.0
}

impl Finetuning {
    /// Whether every setting is in its range.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the first that is not.
    pub fn check(&self) -> Result<(), Error> {
        self.view.check().map_err(|e| e.below("view"))?;
        self.shuffle.check()?;
        range::count("epochs", self.epochs, 1..=range::MOST_STEPS)?;
        range::count("steps", self.steps.unwrap_or(1), 1..=range::MOST_STEPS)?;
        range::count("patience", self.patience.unwrap_or(1), 1..=u64::MAX)?;
        range::count("batch", self.batch as u64, 1..=range::MOST_BATCH)?;
        range::within("dropout", self.dropout, 0.0..=0.99, "0 to 0.99")?;
        range::above_zero("head_rate", self.head_rate)?;
        self.optimizer.check().map_err(|e| e.below("optimizer"))
    }

    /// How so many labelled images are drawn.
    pub fn sampling(&self, count: usize) -> Sampling {
        let Self { batch, shuffle, last_batch, .. } = *self;
        let (batches, purpose) = (Batches::Mixed, Purpose::LabelledOrder);
        Sampling { count, batch, shuffle, last_batch, batches, purpose }
    }
}
