//! Pre-training: the page pulls steps.

use std::sync::Arc;

use js_sys::{Float32Array, Object, Uint8Array};
use kith_core::archive::{Archive, Precision};
use kith_core::checkpoint::{Dataset, FORMAT, Meta, Stage};
use kith_core::loader::{Loader, MemoryDataset, MemorySplit};
use kith_core::metrics::Metric;
use kith_core::probe::Features;
use kith_core::recipe::Recipe;
use kith_core::trainer::{Plan, SelfSupervised, Trainer};
use serde::{Deserialize, Serialize};
use tsify::{Ts, Tsify};
use wasm_bindgen::prelude::*;

use crate::convert::{floats, from_object, images, object, set};
use crate::engine::Engine;
use crate::fail::{Result, from_core};

/// A run of pre-training between two steps, with its pictures.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Pretraining {
    trainer: Trainer<SelfSupervised>,
    dataset: MemoryDataset,
    loader: Option<Loader<Arc<MemorySplit>>>,
}

/// What a run is planned for. With 0 steps or epochs, the recipe decides.
#[derive(Debug, Deserialize, Tsify)]
pub struct PlanOptions {
    /// Side of the pictures, in pixels.
    side: usize,
    /// Number of classes; 0 where nothing is labelled.
    classes: usize,
    /// The seed of everything random.
    seed: u64,
    /// Steps an epoch.
    steps: u64,
    /// Epochs.
    epochs: u64,
    /// Unlabelled pictures: one pass over them is an epoch where the recipe does not say.
    pictures: usize,
    /// Labelled pictures: where a batch holds no others, one pass over them is an epoch.
    labelled: usize,
}

/// What a checkpoint says about its pictures, and how it stores numbers.
#[derive(Debug, Deserialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct CheckpointOptions {
    /// What the pictures are called.
    dataset: String,
    /// Names of the classes, if labels were used.
    class_names: Vec<String>,
    /// Numbers take two bytes instead of four.
    half: bool,
}

/// A run of pre-training: how far it is, and what was planned.
#[derive(Debug, Serialize, Tsify)]
pub struct RunInfo {
    /// Steps done.
    steps: u64,
    /// Steps of the whole run.
    total: u64,
    /// The recipe, with every setting.
    toml: String,
    /// What was planned.
    plan: Plan,
    /// What a step measures, in the order in which it is shown.
    metrics: Vec<Metric>,
}

#[wasm_bindgen]
impl Engine {
    /// A new run of a recipe's text and changes to it as on the command line.
    ///
    /// # Errors
    /// `RECIPE` and `SETTING` for a recipe or plan that is not possible.
    pub fn pretraining(
        &self,
        toml: &str,
        changes: Vec<String>,
        options: Ts<PlanOptions>,
    ) -> Result<Pretraining> {
        let recipe = Recipe::parse(toml, &changes).map_err(from_core)?;
        let options: PlanOptions = from_object(&options)?;
        let size = [options.side, options.classes];
        let images = [options.pictures, options.labelled];
        let mut plan = Plan::pretraining(&recipe.pretraining, size, options.seed, images);
        plan.steps = if options.steps > 0 { options.steps } else { plan.steps };
        plan.epochs = if options.epochs > 0 { options.epochs } else { plan.epochs };
        let trainer = Trainer::pretraining(recipe, plan, self.device()).map_err(from_core)?;
        Ok(Pretraining::of(trainer))
    }

    /// The run whose [`state`](Pretraining::state) was saved; its pictures have to be added again.
    ///
    /// # Errors
    /// Core's codes for files that are not the state of a run.
    #[wasm_bindgen(js_name = resumePretraining)]
    pub fn resume_pretraining(&self, state: &[u8]) -> Result<Pretraining> {
        let trainer = Trainer::from_snapshot(state, self.device()).map_err(from_core)?;
        Ok(Pretraining::of(trainer))
    }
}

impl Pretraining {
    fn of(trainer: Trainer<SelfSupervised>) -> Self {
        let dataset = MemoryDataset::new(trainer.plan().side);
        Self { trainer, dataset, loader: None }
    }
}

#[wasm_bindgen]
impl Pretraining {
    /// How far the run is, and what was planned.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn info(&self) -> Result<Ts<RunInfo>> {
        object(&RunInfo {
            steps: self.trainer.steps(),
            total: self.trainer.plan().total(),
            toml: self.trainer.recipe().to_toml(),
            plan: *self.trainer.plan(),
            metrics: self.trainer.metrics(),
        })
    }

    /// Adds unlabelled pictures.
    ///
    /// # Errors
    /// `PIXEL_COUNT` for pictures of another size.
    #[wasm_bindgen(js_name = addPictures)]
    pub fn add_pictures(&mut self, pixels: Vec<u8>, count: usize) -> Result<()> {
        let images = images(pixels, count, self.trainer.plan().side)?;
        self.loader = None;
        self.dataset.add(&images).map_err(from_core)
    }

    /// Adds labelled pictures, which the online probe learns from.
    ///
    /// # Errors
    /// `PIXEL_COUNT` for pictures of another size.
    #[wasm_bindgen(js_name = addLabelled)]
    pub fn add_labelled(&mut self, pixels: Vec<u8>, labels: Vec<u16>) -> Result<()> {
        let images = images(pixels, labels.len(), self.trainer.plan().side)?;
        self.loader = None;
        self.dataset.add_labelled(&images, &labels).map_err(from_core)
    }

    /// Whether the pictures suffice.
    ///
    /// # Errors
    /// `TOO_FEW` pictures for a batch.
    pub fn check(&self) -> Result<()> {
        self.trainer.loader(&self.dataset).map_err(from_core).map(drop)
    }

    /// One step, and what it measured, by name.
    ///
    /// # Errors
    /// `TOO_FEW` pictures for a batch, `DIVERGED`, `DEVICE`.
    #[wasm_bindgen(unchecked_return_type = "Record<string, number>")]
    pub async fn step(&mut self) -> Result<Object> {
        let mut loader = match self.loader.take() {
            Some(loader) => loader,
            None => self.trainer.loader(&self.dataset).map_err(from_core)?,
        };
        let Ok(batch) = loader.batch(self.trainer.steps());
        self.loader = Some(loader);
        let metrics = self.trainer.checked_step(&batch).await.map_err(from_core)?;
        let measured = Object::new();
        metrics.into_iter().for_each(|(name, value)| set(&measured, name, value));
        Ok(measured)
    }

    /// Features of pictures by the encoder as it is now, `[count, dim]`.
    ///
    /// # Errors
    /// `PIXEL_COUNT`, `DEVICE`.
    pub async fn embed(&self, pixels: Vec<u8>, count: usize) -> Result<Float32Array> {
        let images = images(pixels, count, self.trainer.plan().side)?;
        let mut features = Features::default();
        let device = self.trainer.device();
        features.add(&self.trainer.encoder(), &images, device).await.map_err(from_core)?;
        Ok(floats(&features.values))
    }

    /// A checkpoint that kith opens anywhere.
    ///
    /// # Errors
    /// `DEVICE` when the device fails, `NOT_FINITE` after a step that diverged, `HALF_OVERFLOW` for
    /// a weight that two bytes cannot hold.
    pub async fn checkpoint(&self, options: Ts<CheckpointOptions>) -> Result<Uint8Array> {
        let CheckpointOptions { dataset, class_names, half } = from_object(&options)?;
        let [unlabelled, labelled] = self.dataset.sizes();
        let meta = Meta {
            format: FORMAT,
            software: env!("CARGO_PKG_VERSION").into(),
            stage: Stage::Pretrained,
            recipe: self.trainer.recipe().clone(),
            side: self.trainer.plan().side,
            normalization: self.trainer.recipe().encoder.pixels().into(),
            class_names,
            dataset: Dataset { name: dataset, labelled, validation: 0, unlabelled, test: 0 },
            seed: self.trainer.plan().seed,
            steps: self.trainer.steps(),
            last: Default::default(),
            best: Default::default(),
            preprocessing: None,
            origin: None,
        };
        let mut archive = Archive { note: meta.to_note(), ..Default::default() };
        self.trainer.store(&mut archive).await.map_err(from_core)?;
        let precision = if half { Precision::Half } else { Precision::Single };
        let bytes = archive.to_bytes(precision).map_err(from_core)?;
        Ok(Uint8Array::from(bytes.as_slice()))
    }

    /// Everything that going on after a reload needs, but for the pictures.
    ///
    /// # Errors
    /// `DEVICE` when the device fails.
    pub async fn state(&self) -> Result<Uint8Array> {
        let bytes = self.trainer.snapshot().await.map_err(from_core)?;
        Ok(Uint8Array::from(bytes.as_slice()))
    }
}
