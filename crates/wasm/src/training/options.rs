//! What a run is asked for, and what it says of itself.

use kith_core::Error;
use kith_core::archive::Archive;
use kith_core::checkpoint::Origin;
use kith_core::metrics::Metric;
use kith_core::trainer::Plan;
use serde::{Deserialize, Serialize};
use tsify::Tsify;

use crate::fail::{Result, from_core};

/// What a run is planned for. With 0 steps or epochs, the recipe decides.
#[derive(Debug, Deserialize, Tsify)]
pub struct PlanOptions {
    /// Side of the pictures, in pixels; 0 for that of the encoder that it begins with.
    pub(super) side: usize,
    /// Number of classes; 0 where nothing is labelled.
    pub(super) classes: usize,
    /// The seed of everything random.
    pub(super) seed: u64,
    /// Steps an epoch.
    pub(super) steps: u64,
    /// Epochs.
    pub(super) epochs: u64,
    /// Unlabelled pictures: one pass over them is an epoch where the recipe does not say.
    pub(super) pictures: usize,
    /// Labelled pictures: where a batch holds no others, one pass over them is an epoch.
    pub(super) labelled: usize,
    /// What to call the file of the encoder that it begins with.
    #[serde(default)]
    pub(super) file: String,
    /// What is told of that file, in JSON: other readers of it would make the module larger.
    #[tsify(optional)]
    pub(super) told: Option<String>,
}

/// What a state keeps besides what the core needs.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Kept {
    /// Whose weights the run began with; none of fresh ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) origin: Option<Origin>,
}

/// What a checkpoint says about its pictures, and how it stores numbers.
#[derive(Debug, Deserialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct CheckpointOptions {
    /// What the pictures are called.
    pub(super) dataset: String,
    /// Names of the classes, if labels were used.
    pub(super) class_names: Vec<String>,
    /// Numbers take two bytes instead of four.
    pub(super) half: bool,
}

/// A run of pre-training: how far it is, and what was planned.
#[derive(Debug, Serialize, Tsify)]
pub struct RunInfo {
    /// Steps done.
    pub(super) steps: u64,
    /// Steps of the whole run.
    pub(super) total: u64,
    /// The recipe, with every setting.
    pub(super) toml: String,
    /// What was planned.
    pub(super) plan: Plan,
    /// What a step measures, in the order in which it is shown.
    pub(super) metrics: Vec<Metric>,
}

impl Kept {
    /// What is kept in the state of a run.
    pub(super) fn of(state: &Archive) -> Result<Self> {
        let reason = |e: serde_json::Error| Error::Metadata { reason: e.to_string() };
        serde_json::from_str(&state.note).map_err(reason).map_err(from_core)
    }
}

impl PlanOptions {
    /// A plan with the steps and epochs that are asked for.
    pub(super) fn length_of(&self, plan: Plan) -> Plan {
        let asked = |asked: u64, own: u64| if asked > 0 { asked } else { own };
        Plan {
            steps: asked(self.steps, plan.steps),
            epochs: asked(self.epochs, plan.epochs),
            ..plan
        }
    }
}
