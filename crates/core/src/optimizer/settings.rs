//! Settings of an optimizer.

mod written;

use serde::{Deserialize, Serialize};

use super::adam::AdamSettings;
use super::gradients::Clip;
use super::rule::Rule;
use crate::error::Error;
use crate::range;
use crate::schedule::{Schedule, half_cosine};

/// Settings of an optimizer. In a recipe one flat table: `kind` says which rule, `adam` where it is
/// left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "written::Written", into = "written::Written")]
pub struct OptimizerSettings {
    /// Peak learning rate.
    pub learning_rate: f64,
    /// Learning rate over the run.
    pub schedule: Schedule,
    /// Share of each weight that decays: added to its gradient, or for `adamw` taken off the weight
    /// itself at the learning rate.
    pub weight_decay: f64,
    /// What the weight decay becomes by the end of the run, along half a cosine; `None` is what it
    /// starts with (Caron et al. 2021 let it rise).
    pub weight_decay_end: Option<f64>,
    /// Which parameters are left out of decay and of LARS's trust ratio.
    pub exclude: Exclude,
    /// What each layer's rate is multiplied by, going from the heads down to the first layer: 1 moves all
    /// alike, 0.75 moves a pre-trained encoder's first layers least (Clark et al. 2020; Bao et al. 2022).
    pub layer_decay: f64,
    /// The longest that gradients may be.
    pub clip: Option<Clip>,
    /// How gradients become changes.
    pub rule: Rule,
}

/// Which parameters are left out of decay and of LARS's trust ratio.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exclude {
    /// None.
    Nothing,
    /// Those of one dimension: biases, and scale and shift of a normalisation.
    OneDimensional,
}

impl Default for OptimizerSettings {
    fn default() -> Self {
        Self::of(Rule::Adam(AdamSettings::default()))
    }
}

impl OptimizerSettings {
    /// A rule with the rate and the rest that it has where nothing is said.
    pub fn of(rule: Rule) -> Self {
        const LEARNING_RATE: f64 = 1e-3;
        let exclude = match rule {
            Rule::Lars(_) => Exclude::OneDimensional,
            Rule::Adam(_) | Rule::Sgd(_) => Exclude::Nothing,
        };
        Self {
            learning_rate: LEARNING_RATE,
            schedule: Schedule::default(),
            weight_decay: 0.0,
            weight_decay_end: None,
            exclude,
            layer_decay: 1.0,
            clip: None,
            rule,
        }
    }

    /// Whether every setting is in its range.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the first that is not.
    pub fn check(&self) -> Result<(), Error> {
        range::above_zero("learning_rate", self.learning_rate)?;
        self.schedule.check().map_err(|e| e.below("schedule"))?;
        range::within("weight_decay", self.weight_decay, 0.0..=1.0, "0 to 1")?;
        let end = self.weight_decay_end.unwrap_or(self.weight_decay);
        range::within("weight_decay_end", end, 0.0..=1.0, "0 to 1")?;
        range::above_zero("layer_decay", self.layer_decay)?;
        range::within("layer_decay", self.layer_decay, 0.0..=1.0, "above 0 and at most 1")?;
        if let Some(clip) = self.clip {
            clip.check().map_err(|e| e.below("clip"))?;
        }
        self.rule.check()
    }

    /// The weight decay of a parameter of so many dimensions.
    pub(super) fn decay(&self, dimensions: usize, step: u64, total: u64) -> f64 {
        if self.excluded(dimensions) {
            return 0.0;
        }
        let end = self.weight_decay_end.unwrap_or(self.weight_decay);
        end - (end - self.weight_decay) * half_cosine(step, total)
    }

    pub(super) fn excluded(&self, dimensions: usize) -> bool {
        self.exclude == Exclude::OneDimensional && dimensions < 2
    }
}
