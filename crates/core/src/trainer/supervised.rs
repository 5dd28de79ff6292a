//! Training of an encoder and a fresh linear classifier on labels, from scratch or pre-trained.

use burn::module::Module;
use burn::tensor::{Device, Gradients, Tensor};

use super::classifier::Classifier;
use super::{Plan, Run, Task, Trainer, labels_of};
use crate::archive::Archive;
use crate::checkpoint::Stage;
use crate::dropout;
use crate::encoder::{Encoder, EncoderSettings};
use crate::error::Error;
use crate::freeze::frozen;
use crate::loader::Batch;
use crate::loss::cross_entropy;
use crate::metrics::{self, Metric};
use crate::optimizer::{Optimizer, OptimizerSettings, Slopes};
use crate::recipe::{Finetuning, Recipe};
use crate::rng::Purpose;
use crate::sampler::Visit;

/// One for each part of the network, whose rates may differ.
#[derive(Debug)]
struct Optimizers {
    encoder: Optimizer,
    probe: Optimizer,
}

impl Optimizers {
    const ENCODER: &str = "optimizer.encoder";
    const PROBE: &str = "optimizer.probe";

    fn new(settings: &Finetuning, of: &EncoderSettings) -> Self {
        let encoder = settings.optimizer.clone();
        let learning_rate = encoder.learning_rate * settings.head_rate;
        let probe = OptimizerSettings { learning_rate, ..encoder.clone() };
        Self { encoder: Optimizer::new(encoder).of_encoder(of, ""), probe: Optimizer::new(probe) }
    }

    fn step(&mut self, network: Classifier, gradients: &Gradients, total: u64) -> Classifier {
        let encoder = Slopes::of(&network.encoder, gradients);
        let probe = Slopes::of(&network.probe, gradients);
        Classifier {
            encoder: self.encoder.step(network.encoder, encoder, total),
            probe: self.probe.step(network.probe, probe, total),
        }
    }
}

/// An encoder and a classifier that learn from labels. From a fresh encoder it is the supervised
/// baseline.
#[derive(Debug)]
pub struct Supervised {
    network: Classifier,
    optimizers: Optimizers,
    stage: Stage,
}

impl Trainer<Supervised> {
    /// A run at its start, with fresh weights.
    ///
    /// # Errors
    /// [`Error::Setting`] when the plan does not suit the recipe, [`Error::TooFew`] for fewer than
    /// two classes.
    pub fn supervised(recipe: Recipe, plan: Plan, device: &Device) -> Result<Self, Error> {
        let run = Run::new(recipe, plan, device);
        let network = Classifier::new(&run.recipe, &plan, &run.tracked_device())?;
        let optimizers = Optimizers::new(&run.recipe.finetuning, &run.recipe.encoder);
        Ok(Self::of(Supervised { network, optimizers, stage: Stage::Supervised }, run))
    }

    /// The same run with the encoder of a checkpoint, whose first layers may be frozen; the classifier
    /// stays fresh.
    ///
    /// # Errors
    /// [`Error::MissingTensor`] or [`Error::TensorShape`] when it is of another encoder.
    pub fn with_encoder(mut self, archive: &Archive) -> Result<Self, Error> {
        let Recipe { encoder, finetuning, .. } = &self.run.recipe;
        let mut network = self.task.network;
        network.encoder = archive.restore("encoder", network.encoder)?;
        let freeze = ("finetuning.freeze", finetuning.freeze);
        self.task.network = frozen(network, freeze, encoder)?;
        self.task.stage = Stage::Finetuned;
        Ok(self)
    }
}

impl Task for Supervised {
    const LEARNS_FEATURES: bool = false;

    fn learn(&mut self, batch: &Batch, run: &Run) -> Result<Vec<(Metric, Tensor<1>)>, Error> {
        let (samples, settings) = (&batch.labelled, &run.recipe.finetuning);
        let labels = run.labels(labels_of(samples)?);
        let visits = samples.visits.as_slice();
        let images = samples.images.to_device(&run.device);
        let view = run.view(&settings.view, images, (Purpose::LabelledView, visits));
        let features = run.recipe.precision.of(&self.network.encoder).forward(view);
        let features = thinned(features, settings.dropout, (run.plan.seed, visits));
        let logits = self.network.probe.forward(features);
        let loss = cross_entropy(logits.clone(), labels.clone()).mean();
        let gradients = loss.backward();
        let total = run.plan.total();
        self.network = self.optimizers.step(self.network.clone(), &gradients, total);
        let accuracy = metrics::accuracy(logits, labels);
        Ok(vec![(metrics::CLASSIFIER_LOSS, loss), (metrics::ACCURACY, accuracy)])
    }

    fn metrics(&self) -> Vec<Metric> {
        vec![metrics::CLASSIFIER_LOSS, metrics::ACCURACY]
    }

    fn encoder(&self) -> Encoder {
        self.network.encoder.valid()
    }

    fn logits(&self, images: Tensor<4>) -> Option<Tensor<2>> {
        Some(self.network.valid().forward(images))
    }

    fn stage(&self) -> Stage {
        self.stage
    }

    /// Encoder and classifier.
    async fn store(&self, archive: &mut Archive) -> Result<(), Error> {
        archive.add("", &self.network).await
    }

    async fn store_state(&self, archive: &mut Archive) -> Result<(), Error> {
        self.store(archive).await?;
        self.optimizers.encoder.store(archive, Optimizers::ENCODER).await?;
        self.optimizers.probe.store(archive, Optimizers::PROBE).await
    }

    fn resume(&mut self, archive: &Archive, run: &Run) -> Result<(), Error> {
        self.network = archive.restore("", self.network.clone())?;
        let resumed = |optimizer: &Optimizer, name| {
            optimizer.resumed(run.steps, (archive, name), &run.device)
        };
        let encoder = resumed(&self.optimizers.encoder, Optimizers::ENCODER)?;
        let probe = resumed(&self.optimizers.probe, Optimizers::PROBE)?;
        self.optimizers = Optimizers { encoder, probe };
        Ok(())
    }

    fn images_a_step(recipe: &Recipe) -> usize {
        recipe.finetuning.batch
    }

    fn patience(recipe: &Recipe) -> Option<u64> {
        recipe.finetuning.patience
    }
}

/// Features without those that the classifier does without in this step.
fn thinned(features: Tensor<2>, rate: f64, named: (u64, &[Visit])) -> Tensor<2> {
    if rate == 0.0 {
        return features;
    }
    let [_, dim] = features.dims();
    let mask = dropout::mask(rate, named, dim, &features.device());
    dropout::apply(features, mask, rate)
}
