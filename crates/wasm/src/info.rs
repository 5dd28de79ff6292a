//! What a checkpoint says about itself, as a plain object.

use kith_core::archive;
use kith_core::augment::policy::Policy;
use kith_core::checkpoint::{Dataset, Origin, Stage};
use kith_core::encoder::EncoderSettings;
use kith_core::import::Report;
use kith_core::model::Model;
use kith_core::square::Preprocessing;
use serde::Serialize;
use serde_json::{Map, Value};
use tsify::Tsify;

/// What a checkpoint says about itself.
#[derive(Debug, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct EncoderInfo {
    /// Kind of encoder: `conv4`, `conv4_pool`, `resnet`, `mobilenet`, `mobilenet_v3`,
    /// `efficientnet_lite` or `vit`.
    arch: String,
    /// Its settings, as the recipe has them: `{ kind: 'resnet', depth: 18, … }`.
    #[tsify(type = "{ kind: string; [setting: string]: unknown }")]
    encoder: EncoderSettings,
    /// Kind of objective: `nnclr`, `simclr` or `relational`.
    method: String,
    /// How the encoder came about.
    stage: Stage,
    /// Name of the recipe.
    recipe: String,
    /// The recipe with every setting.
    recipe_toml: String,
    /// Numbers of an embedding.
    dim: usize,
    /// Numbers of what the objective compares.
    projection_dim: usize,
    /// Whether the layer `projection` is there; with encoders of others it is not.
    has_projection: bool,
    /// Side of the square that pictures are resized to, in pixels.
    image_size: usize,
    /// Number of weights.
    parameters: usize,
    /// How numbers are stored in the file.
    dtype: Dtype,
    /// Subtracted from red, green, blue in [0, 1]; the encoder does it itself.
    mean: [f64; 3],
    /// Divided by afterwards.
    std: [f64; 3],
    /// How pictures become squares, laid over white.
    resize: Resize,
    /// The shorter side and the filter, where pictures are resized before their middle is cut out.
    preprocessing: Option<Preprocessing>,
    /// Whose weights it began with; null where they were fresh.
    origin: Option<Origin>,
    /// What was taken of a file of other software's, and what was left; null for a checkpoint.
    imported: Option<Report>,
    /// Equal for equal encoder weights.
    fingerprint: String,
    /// Names of the classes, if labels were used.
    class_names: Vec<String>,
    /// Whether a classifier came with it.
    has_classifier: bool,
    /// Rows of the support set; 0 without one.
    support_set: usize,
    /// What the run was trained on.
    dataset: Dataset,
    /// The run's seed: a number, or its decimal digits where a number cannot hold it exactly, above
    /// 2^53 - 1.
    #[tsify(type = "number | string")]
    seed: u64,
    /// Steps done.
    steps: u64,
    /// Version of kith that wrote the checkpoint.
    software: String,
    /// What was measured during the run.
    metrics: CheckpointMetrics,
    /// The augmentations of training; where views are of several kinds, those of the first. Of an encoder
    /// of others they are `simclr`'s.
    views: Policy,
}

/// How numbers are stored; checkpoints of kith's are in `f32` or `f16`.
#[derive(Debug, Serialize, Tsify)]
#[serde(rename_all = "lowercase")]
pub enum Dtype {
    /// Eight bytes, of which the encoder keeps seven decimal digits.
    F64,
    /// Four bytes: exact.
    F32,
    /// Half the bytes, three decimal digits.
    F16,
    /// Half the bytes, two decimal digits.
    Bf16,
}

impl From<archive::Dtype> for Dtype {
    fn from(dtype: archive::Dtype) -> Self {
        match dtype {
            archive::Dtype::F64 => Self::F64,
            archive::Dtype::F16 => Self::F16,
            archive::Dtype::BF16 => Self::Bf16,
            _ => Self::F32,
        }
    }
}

/// How a picture of any size becomes a square.
#[derive(Debug, Serialize, Tsify)]
#[serde(rename_all = "kebab-case")]
pub enum Resize {
    /// The largest square in the middle, resized.
    CentralSquare,
    /// The middle of the resized picture.
    CentreCrop,
}

/// Metrics in a checkpoint, by name.
#[derive(Debug, Serialize, Tsify)]
pub struct CheckpointMetrics {
    /// After the last epoch.
    #[tsify(type = "Record<string, unknown>")]
    last: Map<String, Value>,
    /// Of the best epoch.
    #[tsify(type = "Record<string, unknown>")]
    best: Map<String, Value>,
}

impl EncoderInfo {
    pub(crate) fn of(model: &Model) -> Self {
        let meta = model.meta().clone();
        Self {
            arch: kind(&meta.recipe.encoder),
            method: kind(&meta.recipe.objective),
            recipe_toml: meta.recipe.to_toml(),
            dim: meta.recipe.encoder.features(),
            projection_dim: meta.recipe.compared(),
            has_projection: model.has_projection(),
            parameters: model.parameters(),
            dtype: model.dtype().into(),
            imported: model.imported().cloned(),
            resize: match meta.preprocessing {
                None => Resize::CentralSquare,
                Some(_) => Resize::CentreCrop,
            },
            preprocessing: meta.preprocessing,
            origin: meta.origin,
            fingerprint: model.fingerprint().to_owned(),
            has_classifier: model.has_classifier(),
            support_set: model.support_rows(),
            views: meta.recipe.pretraining.views.first().clone(),
            encoder: meta.recipe.encoder,
            stage: meta.stage,
            recipe: meta.recipe.name,
            image_size: meta.side,
            mean: meta.normalization.mean,
            std: meta.normalization.std,
            class_names: meta.class_names,
            dataset: meta.dataset,
            seed: meta.seed,
            steps: meta.steps,
            software: meta.software,
            metrics: CheckpointMetrics { last: meta.last, best: meta.best },
        }
    }
}

/// The name of a variant, as a recipe has it.
fn kind(settings: &impl Serialize) -> String {
    let written = serde_json::to_value(settings).unwrap_or_default();
    written.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned()
}
