//! The recipe's table of evaluation.

use serde::{Deserialize, Serialize};

use crate::augment::policy::Policy;
use crate::error::Error;
use crate::probe::LinearProtocol;
use crate::range;

/// How results are measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evaluation {
    /// Share of the labelled training images kept aside to choose the best epoch by, in [0, 0.5].
    /// Test images are then looked at once, after the last epoch, by the last network and by the
    /// best. With 0 they are looked at each epoch and the best is chosen on them, as the Keras
    /// examples do.
    pub validation: f64,
    /// What is done to test images. Empty is right; the Keras NNCLR example perturbs them.
    pub test_view: Policy,
    /// What the report measures of the last encoder besides.
    #[serde(default)]
    pub linear: LinearProtocol,
    /// Least steps of fine-tuning with few labels; whole passes over the images are made. The same
    /// number however many labels there are, so that these alone differ.
    #[serde(default = "few_label_steps")]
    pub few_label_steps: u64,
}

/// Enough for 5,000 images to be seen two and a half times in batches of 25, as the Keras examples'
/// are, and for ten to be known by heart.
fn few_label_steps() -> u64 {
    500
}

impl Evaluation {
    /// Whether every setting is in its range.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the first that is not.
    pub fn check(&self) -> Result<(), Error> {
        self.test_view.check().map_err(|e| e.below("test_view"))?;
        range::within("validation", self.validation, 0.0..=0.5, "0 to 0.5")?;
        range::count("few_label_steps", self.few_label_steps, 1..=range::MOST_STEPS)
    }
}
