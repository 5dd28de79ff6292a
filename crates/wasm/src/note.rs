//! What a checkpoint says of itself, as a plain object.

use kith_core::archive::Precision;
use kith_core::augment::policy::Policy;
use kith_core::checkpoint::{Dataset, Stage};
use kith_core::encoder::EncoderSettings;
use kith_core::model::Model;
use serde::Serialize;
use serde_json::{Map, Value};

/// A checkpoint's note, with what its tensors add.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Note {
    arch: String,
    encoder: EncoderSettings,
    method: String,
    stage: Stage,
    recipe: String,
    toml: String,
    dim: usize,
    projection_dim: usize,
    side: usize,
    parameters: usize,
    half_precision: bool,
    mean: [f32; 3],
    std: [f32; 3],
    fingerprint: String,
    class_names: Vec<String>,
    probe: bool,
    queue: usize,
    dataset: Dataset,
    seed: u64,
    steps: u64,
    software: String,
    last: Map<String, Value>,
    best: Map<String, Value>,
    views: Policy,
}

impl Note {
    pub(crate) fn of(model: &Model) -> Self {
        let meta = model.meta().clone();
        Self {
            arch: kind(&meta.recipe.encoder),
            method: kind(&meta.recipe.objective),
            toml: meta.recipe.to_toml(),
            dim: meta.recipe.encoder.features(),
            projection_dim: meta.recipe.compared(),
            parameters: model.parameters(),
            half_precision: model.precision() == Precision::Half,
            fingerprint: model.fingerprint().to_owned(),
            probe: model.has_classifier(),
            queue: model.support_rows(),
            views: meta.recipe.pretraining.views,
            encoder: meta.recipe.encoder,
            stage: meta.stage,
            recipe: meta.recipe.name,
            side: meta.side,
            mean: meta.normalization.mean,
            std: meta.normalization.std,
            class_names: meta.class_names,
            dataset: meta.dataset,
            seed: meta.seed,
            steps: meta.steps,
            software: meta.software,
            last: meta.last,
            best: meta.best,
        }
    }
}

/// The name of a variant, as a recipe has it.
fn kind(settings: &impl Serialize) -> String {
    let written = serde_json::to_value(settings).unwrap_or_default();
    written.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned()
}
