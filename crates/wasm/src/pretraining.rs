//! Pre-training: the page pulls steps.

use js_sys::{Float32Array, Object, Uint8Array};
use kith_core::archive::{Archive, Precision};
use kith_core::checkpoint::{Dataset, FORMAT, Meta, Stage};
use kith_core::probe::Features;
use kith_core::recipe::Recipe;
use kith_core::sampler::Sampler;
use kith_core::trainer::Plan;
use kith_core::trainer::feed::Feed;
use kith_core::trainer::pretrain::Pretrainer;
use serde::Deserialize;
use wasm_bindgen::prelude::*;

use crate::convert::{floats, from_object, images, object, set};
use crate::engine::Engine;
use crate::fail::{Result, from_core};

/// A run of pre-training between two steps, with its pictures.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Pretraining {
    trainer: Pretrainer,
    feed: Feed,
    sampler: Option<Sampler>,
}

/// What a run is planned for; 0 steps or epochs leave it to the recipe.
#[derive(Debug, Deserialize)]
struct Wanted {
    side: usize,
    classes: usize,
    seed: u64,
    steps: u64,
    epochs: u64,
    pictures: usize,
}

/// What a checkpoint is to say of its pictures.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    dataset: String,
    class_names: Vec<String>,
    half: bool,
}

#[wasm_bindgen]
impl Pretraining {
    /// A run at its start: a recipe's text, changes to it as on the command line, and `{ side,
    /// classes, seed, steps, epochs, pictures }`.
    ///
    /// # Errors
    /// `RECIPE` and `SETTING` for a recipe or plan that cannot be.
    pub fn start(engine: &Engine, toml: &str, changes: Vec<String>, plan: JsValue) -> Result<Self> {
        let recipe = Recipe::parse(toml, &changes).map_err(from_core)?;
        let wanted: Wanted = from_object(plan)?;
        let size = [wanted.side, wanted.classes];
        let mut plan = Plan::pretraining(&recipe, size, wanted.seed, wanted.pictures);
        plan.steps = if wanted.steps > 0 { wanted.steps } else { plan.steps };
        plan.epochs = if wanted.epochs > 0 { wanted.epochs } else { plan.epochs };
        Ok(Self::of(Pretrainer::new(recipe, plan, engine.device()).map_err(from_core)?))
    }

    fn of(trainer: Pretrainer) -> Self {
        let feed = Feed::new(trainer.plan().side);
        Self { trainer, feed, sampler: None }
    }

    /// The run that [`state`](Self::state) was taken of; its pictures have to be added again.
    ///
    /// # Errors
    /// Core's codes for files that are no state of a run.
    pub fn resume(engine: &Engine, state: &[u8]) -> Result<Self> {
        Ok(Self::of(Pretrainer::from_snapshot(state, engine.device()).map_err(from_core)?))
    }

    /// `{ side, classes, seed, steps, epochs }`.
    ///
    /// # Errors
    /// None that a caller can cause.
    #[wasm_bindgen(getter)]
    pub fn plan(&self) -> Result<JsValue> {
        object(self.trainer.plan())
    }

    /// Steps done.
    #[wasm_bindgen(getter)]
    pub fn steps(&self) -> f64 {
        self.trainer.steps() as f64
    }

    /// Steps of the whole run.
    #[wasm_bindgen(getter)]
    pub fn total(&self) -> f64 {
        self.trainer.plan().total() as f64
    }

    /// The recipe, every setting written out.
    #[wasm_bindgen(getter)]
    pub fn toml(&self) -> String {
        self.trainer.recipe().to_toml()
    }

    /// Adds unlabelled pictures.
    ///
    /// # Errors
    /// `PIXEL_COUNT` for pictures of another size.
    #[wasm_bindgen(js_name = addPictures)]
    pub fn add_pictures(&mut self, pixels: Vec<u8>, count: usize) -> Result<()> {
        let images = images(pixels, count, self.trainer.plan().side)?;
        self.sampler = None;
        self.feed.add(&images).map_err(from_core)
    }

    /// Adds labelled pictures, which the online probe learns from.
    ///
    /// # Errors
    /// `PIXEL_COUNT` for pictures of another size.
    #[wasm_bindgen(js_name = addLabelled)]
    pub fn add_labelled(&mut self, pixels: Vec<u8>, labels: Vec<u16>) -> Result<()> {
        let images = images(pixels, labels.len(), self.trainer.plan().side)?;
        self.sampler = None;
        self.feed.add_labelled(&images, &labels).map_err(from_core)
    }

    /// Whether the pictures suffice.
    ///
    /// # Errors
    /// `TOO_FEW` pictures for a batch.
    pub fn check(&self) -> Result<()> {
        let (settings, plan) = (&self.trainer.recipe().pretraining, self.trainer.plan());
        self.feed.sampler(settings, plan).map_err(from_core).map(drop)
    }

    /// One step, and what it measured, by name.
    ///
    /// # Errors
    /// `TOO_FEW` pictures for a batch, `DIVERGED`, `DEVICE`.
    pub async fn step(&mut self) -> Result<Object> {
        let (settings, plan) = (&self.trainer.recipe().pretraining, self.trainer.plan());
        let mut sampler = match self.sampler.take() {
            Some(sampler) => sampler,
            None => self.feed.sampler(settings, plan).map_err(from_core)?,
        };
        let batch = self.feed.batch(&mut sampler, self.trainer.steps());
        self.sampler = Some(sampler);
        let readings = self.trainer.checked_step(&batch).await.map_err(from_core)?;
        let measured = Object::new();
        readings.into_iter().for_each(|(name, value)| set(&measured, name, value));
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

    /// A checkpoint that kith opens anywhere; `told` is `{ dataset, classNames,
    /// half }`; `half` stores numbers in two bytes.
    ///
    /// # Errors
    /// `DEVICE` when the device fails, `NOT_FINITE` after a step that diverged, `HALF_OVERFLOW` for
    /// a weight that two bytes cannot hold.
    pub async fn checkpoint(&self, told: JsValue) -> Result<Uint8Array> {
        let Told { dataset, class_names, half } = from_object(told)?;
        let [unlabelled, labelled] = self.feed.sizes();
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
