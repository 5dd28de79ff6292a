//! What the training loop asks of whoever learns.

use kith_core::archive::Archive;
use kith_core::checkpoint::{Meta, Stage};
use kith_core::encoder::Encoder;
use kith_core::metrics::Readings;
use kith_core::recipe::Recipe;
use kith_core::trainer::finetune::Finetuner;
use kith_core::trainer::pretrain::{Batch, Pretrainer};
use kith_core::trainer::semi::SemiTrainer;
use kith_core::trainer::{Counters, Plan};
use kith_core::{Device, Error, Tensor};
use serde_json::{Map, Value, json};

/// Means over an epoch, by name.
pub(crate) type Means = Vec<(&'static str, f64)>;

/// Means as a record keeps them; what has no value in this epoch is left out.
pub(crate) fn as_map(means: &Means) -> Map<String, Value> {
    let known = means.iter().filter(|(_, mean)| mean.is_finite());
    known.map(|(name, mean)| ((*name).to_owned(), json!(mean))).collect()
}

/// Pre-training or fine-tuning, between two steps.
pub(crate) trait Learner: Sized {
    fn plan(&self) -> &Plan;
    fn steps(&self) -> u64;
    fn step(&mut self, batch: &Batch) -> Result<Readings, Error>;
    fn finish_epoch(&mut self) -> Result<Means, Error>;
    /// Logits of pictures in [0, 1]; none where nothing is labelled.
    fn logits(&self, images: Tensor<4>) -> Option<Tensor<2>>;
    /// The encoder, where its features are what is learnt.
    fn features(&self) -> Option<Encoder> {
        None
    }
    fn store(&self, archive: &mut Archive) -> Result<(), Error>;
    fn store_state(&self, archive: &mut Archive) -> Result<Counters, Error>;
    fn resume(self, archive: &Archive, counters: &Counters) -> Result<Self, Error>;
    /// What a checkpoint of it is called.
    fn stage(&self) -> Stage;
    /// Pictures that a step of the recipe looks at.
    fn pictures_a_step(recipe: &Recipe) -> usize;
    /// Epochs without a lower validation loss after which the recipe ends training.
    fn patience(recipe: &Recipe) -> Option<u64>;
    /// Which reading says how often it is right, with a word for it.
    const ACCURACIES: &'static [(&'static str, &'static str)];
}

impl Learner for Pretrainer {
    const ACCURACIES: &'static [(&'static str, &'static str)] = &[
        ("contrastive_accuracy", "contrast"),
        ("correlation_accuracy", "correlation"),
        ("pair_accuracy", "pairs"),
        ("probe_accuracy", "probe"),
    ];

    fn plan(&self) -> &Plan {
        self.plan()
    }

    fn steps(&self) -> u64 {
        self.steps()
    }

    fn step(&mut self, batch: &Batch) -> Result<Readings, Error> {
        self.step(batch)
    }

    fn finish_epoch(&mut self) -> Result<Means, Error> {
        pollster::block_on(self.finish_epoch())
    }

    fn logits(&self, images: Tensor<4>) -> Option<Tensor<2>> {
        self.predict(images)
    }

    fn features(&self) -> Option<Encoder> {
        Some(self.encoder())
    }

    fn store(&self, archive: &mut Archive) -> Result<(), Error> {
        pollster::block_on(self.store(archive))
    }

    fn store_state(&self, archive: &mut Archive) -> Result<Counters, Error> {
        pollster::block_on(self.store_state(archive))
    }

    fn resume(self, archive: &Archive, counters: &Counters) -> Result<Self, Error> {
        self.resume(archive, counters)
    }

    fn stage(&self) -> Stage {
        Stage::Pretrained
    }

    fn pictures_a_step(recipe: &Recipe) -> usize {
        recipe.pretraining.unlabelled_batch + recipe.pretraining.labelled_batch
    }

    fn patience(_: &Recipe) -> Option<u64> {
        None
    }
}

/// Fine-tuning, and what it started from.
#[derive(Debug)]
pub(crate) struct Tuning {
    pub(crate) tuner: Finetuner,
    pub(crate) stage: Stage,
}

impl Tuning {
    /// At its start: from a checkpoint's encoder, or from fresh weights.
    pub(crate) fn new(
        recipe: &Recipe,
        plan: Plan,
        start: Option<&(Meta, Archive)>,
        device: &Device,
    ) -> Result<Self, Error> {
        let tuner = Finetuner::new(recipe.clone(), plan, device)?;
        Ok(match start {
            Some((_, archive)) => {
                Self { tuner: tuner.with_encoder(archive)?, stage: Stage::Finetuned }
            }
            None => Self { tuner, stage: Stage::Supervised },
        })
    }
}

impl Learner for Tuning {
    const ACCURACIES: &'static [(&'static str, &'static str)] = &[("accuracy", "training")];

    fn plan(&self) -> &Plan {
        self.tuner.plan()
    }

    fn steps(&self) -> u64 {
        self.tuner.steps()
    }

    fn step(&mut self, batch: &Batch) -> Result<Readings, Error> {
        self.tuner.step(&batch.images, &batch.visits, &batch.labels)
    }

    fn finish_epoch(&mut self) -> Result<Means, Error> {
        pollster::block_on(self.tuner.finish_epoch())
    }

    fn logits(&self, images: Tensor<4>) -> Option<Tensor<2>> {
        Some(self.tuner.predict(images))
    }

    fn store(&self, archive: &mut Archive) -> Result<(), Error> {
        pollster::block_on(self.tuner.store(archive))
    }

    fn store_state(&self, archive: &mut Archive) -> Result<Counters, Error> {
        pollster::block_on(self.tuner.store_state(archive))
    }

    fn resume(self, archive: &Archive, counters: &Counters) -> Result<Self, Error> {
        Ok(Self { tuner: self.tuner.resume(archive, counters)?, stage: self.stage })
    }

    fn stage(&self) -> Stage {
        self.stage
    }

    fn pictures_a_step(recipe: &Recipe) -> usize {
        recipe.finetuning.batch
    }

    fn patience(recipe: &Recipe) -> Option<u64> {
        recipe.finetuning.patience
    }
}

impl Learner for SemiTrainer {
    const ACCURACIES: &'static [(&'static str, &'static str)] =
        &[("accuracy", "training"), ("believed", "believed")];

    fn plan(&self) -> &Plan {
        self.plan()
    }

    fn steps(&self) -> u64 {
        self.steps()
    }

    fn step(&mut self, batch: &Batch) -> Result<Readings, Error> {
        self.step(batch)
    }

    fn finish_epoch(&mut self) -> Result<Means, Error> {
        pollster::block_on(self.finish_epoch())
    }

    fn logits(&self, images: Tensor<4>) -> Option<Tensor<2>> {
        Some(self.predict(images))
    }

    fn store(&self, archive: &mut Archive) -> Result<(), Error> {
        pollster::block_on(self.store(archive))
    }

    fn store_state(&self, archive: &mut Archive) -> Result<Counters, Error> {
        pollster::block_on(self.store_state(archive))
    }

    fn resume(self, archive: &Archive, counters: &Counters) -> Result<Self, Error> {
        self.resume(archive, counters)
    }

    fn stage(&self) -> Stage {
        Stage::SemiSupervised
    }

    fn pictures_a_step(recipe: &Recipe) -> usize {
        let settings = recipe.semi.clone().unwrap_or_default();
        settings.labelled_batch + settings.unlabelled_batch
    }

    fn patience(recipe: &Recipe) -> Option<u64> {
        recipe.semi.as_ref()?.patience
    }
}
