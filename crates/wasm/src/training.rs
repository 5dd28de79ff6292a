//! Training: the page pulls steps.

mod options;
mod begin;

use std::sync::Arc;

use js_sys::{Float32Array, Object, Uint8Array};
use kith_core::archive::{Archive, Precision};
use kith_core::checkpoint::Dataset;
use kith_core::loader::{Loader, MemoryDataset, MemorySplit};
use kith_core::probe::Features;
use kith_core::trainer::{SelfSupervised, SemiSupervised, Trainer};
use tsify::Ts;
use wasm_bindgen::prelude::*;

use crate::convert::{floats, from_object, images, object, set};
use crate::fail::{Result, from_core};
use options::{CheckpointOptions, Kept, RunInfo};

/// A run of training between two steps, with its pictures.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Training {
    trainer: AnyTrainer,
    dataset: MemoryDataset,
    loader: Option<Loader<Arc<MemorySplit>>>,
    kept: Kept,
}

/// What is trained.
#[derive(Debug)]
enum AnyTrainer {
    Pretraining(Box<Trainer<SelfSupervised>>),
    SemiSupervised(Box<Trainer<SemiSupervised>>),
}

/// The same of either.
macro_rules! either {
    ($trainer:expr, $name:ident => $value:expr) => {
        match $trainer {
            AnyTrainer::Pretraining($name) => $value,
            AnyTrainer::SemiSupervised($name) => $value,
        }
    };
}

impl From<Trainer<SelfSupervised>> for Training {
    fn from(trainer: Trainer<SelfSupervised>) -> Self {
        Self::of(AnyTrainer::Pretraining(trainer.into()), Kept::default())
    }
}

impl Training {
    fn of(trainer: AnyTrainer, kept: Kept) -> Self {
        either!(&trainer, trainer => trainer.forget_others());
        let dataset = MemoryDataset::new(either!(&trainer, trainer => trainer.plan().side));
        Self { trainer, dataset, loader: None, kept }
    }

    /// Its pictures.
    pub(crate) fn dataset(&self) -> &MemoryDataset {
        &self.dataset
    }

    /// The run, if it is one of pre-training.
    pub(crate) fn self_supervised(&self) -> Option<&Trainer<SelfSupervised>> {
        match &self.trainer {
            AnyTrainer::Pretraining(trainer) => Some(trainer),
            AnyTrainer::SemiSupervised(_) => None,
        }
    }

    fn side(&self) -> usize {
        either!(&self.trainer, trainer => trainer.plan().side)
    }
}

#[wasm_bindgen]
impl Training {
    /// How far the run is, and what was planned.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn info(&self) -> Result<Ts<RunInfo>> {
        either!(&self.trainer, trainer => object(&RunInfo {
            steps: trainer.steps(),
            total: trainer.plan().total(),
            toml: trainer.recipe().to_toml(),
            plan: *trainer.plan(),
            metrics: trainer.metrics(),
        }))
    }

    /// Adds unlabelled pictures.
    ///
    /// # Errors
    /// `PIXEL_COUNT` for pictures of another size.
    #[wasm_bindgen(js_name = addPictures)]
    pub fn add_pictures(&mut self, pixels: Vec<u8>, count: usize) -> Result<()> {
        let images = images(pixels, count, self.side())?;
        self.loader = None;
        self.dataset.add(&images).map_err(from_core)
    }

    /// Adds labelled pictures.
    ///
    /// # Errors
    /// `PIXEL_COUNT` for pictures of another size.
    #[wasm_bindgen(js_name = addLabelled)]
    pub fn add_labelled(&mut self, pixels: Vec<u8>, labels: Vec<u16>) -> Result<()> {
        let images = images(pixels, labels.len(), self.side())?;
        self.loader = None;
        self.dataset.add_labelled(&images, &labels).map_err(from_core)
    }

    /// Says of which domain each picture is, those without labels and those with.
    ///
    /// # Errors
    /// `TOO_FEW` where there are not as many as pictures.
    #[wasm_bindgen(js_name = setDomains)]
    pub fn set_domains(&mut self, unlabelled: Vec<u16>, labelled: Vec<u16>) -> Result<()> {
        self.loader = None;
        self.dataset.set_domains(unlabelled, labelled).map_err(from_core)
    }

    /// Whether the pictures suffice.
    ///
    /// # Errors
    /// `TOO_FEW` pictures for a batch.
    pub fn check(&self) -> Result<()> {
        either!(&self.trainer, trainer => trainer.loader(&self.dataset))
            .map_err(from_core)
            .map(drop)
    }

    /// One step, and what it measured, by name.
    ///
    /// # Errors
    /// `TOO_FEW` pictures for a batch, `DIVERGED`, `DEVICE`.
    #[wasm_bindgen(unchecked_return_type = "Record<string, number>")]
    pub async fn step(&mut self) -> Result<Object> {
        let metrics = either!(&mut self.trainer, trainer => {
            let mut loader = match self.loader.take() {
                Some(loader) => loader,
                None => trainer.loader(&self.dataset).map_err(from_core)?,
            };
            let Ok(batch) = loader.batch(trainer.steps());
            self.loader = Some(loader);
            trainer.checked_step(&batch).await.map_err(from_core)?
        });
        let measured = Object::new();
        metrics.into_iter().for_each(|(name, value)| set(&measured, name, value));
        Ok(measured)
    }

    /// Features of pictures by the encoder as it is now, `[count, dim]`.
    ///
    /// # Errors
    /// `PIXEL_COUNT`, `DEVICE`.
    pub async fn embed(&self, pixels: Vec<u8>, count: usize) -> Result<Float32Array> {
        let images = images(pixels, count, self.side())?;
        let mut features = Features::default();
        let (encoder, device) =
            either!(&self.trainer, trainer => (trainer.encoder(), trainer.device().clone()));
        features.add(&encoder, &images, &device).await.map_err(from_core)?;
        Ok(floats(&features.values))
    }

    /// Probabilities of classes of pictures by the classifier as it is now, `[count, classes]`; empty
    /// where nothing is labelled.
    ///
    /// # Errors
    /// `PIXEL_COUNT`, `DEVICE`.
    pub async fn classify(&self, pixels: Vec<u8>, count: usize) -> Result<Float32Array> {
        let images = images(pixels, count, self.side())?;
        let shares = either!(&self.trainer, trainer => trainer.probabilities(&images).await);
        let shares = shares.map_err(from_core)?.unwrap_or_default();
        Ok(floats(&shares))
    }

    /// A checkpoint that kith opens anywhere.
    ///
    /// # Errors
    /// `DEVICE` when the device fails, `NOT_FINITE` after a step that diverged, `HALF_OVERFLOW` for
    /// a weight that two bytes cannot hold.
    pub async fn checkpoint(&self, options: Ts<CheckpointOptions>) -> Result<Uint8Array> {
        let CheckpointOptions { dataset, class_names, half } = from_object(&options)?;
        let [unlabelled, labelled] = self.dataset.sizes();
        let dataset = Dataset { name: dataset, labelled, validation: 0, unlabelled, test: 0 };
        let archive = either!(&self.trainer, trainer => {
            let meta = trainer.meta(dataset, class_names, self.kept.origin.clone());
            let mut archive = Archive { note: meta.to_note(), ..Default::default() };
            trainer.store(&mut archive).await.map_err(from_core)?;
            archive
        });
        let precision = if half { Precision::Half } else { Precision::Single };
        let bytes = archive.to_bytes(precision).map_err(from_core)?;
        Ok(Uint8Array::from(bytes.as_slice()))
    }

    /// Everything that going on after a reload needs, but for the pictures.
    ///
    /// # Errors
    /// `DEVICE` when the device fails.
    pub async fn state(&self) -> Result<Uint8Array> {
        let kept = self.kept.clone();
        let state = either!(&self.trainer, trainer => trainer.state(kept).await);
        let bytes = state.and_then(|state| state.to_bytes(Precision::Single)).map_err(from_core)?;
        Ok(Uint8Array::from(bytes.as_slice()))
    }
}
