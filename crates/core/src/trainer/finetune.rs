//! Training of an encoder and a fresh linear classifier on labels, from scratch or pre-trained.

use burn::module::Module;
use burn::tensor::{Device, Gradients, Tensor};

use super::classifier::Classifier;
use super::{Counters, Plan, resume_meter, store_meter, upload_labels};
use crate::archive::Archive;
use crate::augment::policy::Draw;
use crate::dropout;
use crate::encoder::Encoder;
use crate::error::Error;
use crate::image::Images;
use crate::metrics::{self, Meter, Readings};
use crate::objective::cross_entropy;
use crate::optimizer::{Adam, AdamSettings};
use crate::recipe::{Finetuning, Recipe};
use crate::rng::Purpose;
use crate::sampler::Visit;

/// One for each part of the net, whose rates may differ.
#[derive(Debug)]
struct Optimizers {
    encoder: Adam,
    probe: Adam,
}

impl Optimizers {
    const ENCODER: &str = "optimizer.encoder";
    const PROBE: &str = "optimizer.probe";

    fn settings(settings: &Finetuning) -> [AdamSettings; 2] {
        let encoder = settings.optimizer.clone();
        let learning_rate = encoder.learning_rate * settings.head_rate;
        [encoder.clone(), AdamSettings { learning_rate, ..encoder }]
    }

    fn new(settings: &Finetuning) -> Self {
        let [encoder, probe] = Self::settings(settings).map(Adam::new);
        Self { encoder, probe }
    }

    fn step(&mut self, net: Classifier, gradients: &Gradients, total: u64) -> Classifier {
        Classifier {
            encoder: self.encoder.step(net.encoder, gradients, total),
            probe: self.probe.step(net.probe, gradients, total),
        }
    }
}

/// A fine-tuning run between two steps. From a fresh encoder it is the supervised baseline.
#[derive(Debug)]
pub struct Finetuner {
    recipe: Recipe,
    plan: Plan,
    device: Device,
    net: Classifier,
    optimizers: Optimizers,
    meter: Meter,
    steps: u64,
}

impl Finetuner {
    /// A run at its start, with fresh weights.
    ///
    /// # Errors
    /// [`Error::Setting`] when the plan does not suit the recipe, [`Error::TooFew`] for fewer than
    /// two classes.
    pub fn new(recipe: Recipe, plan: Plan, device: &Device) -> Result<Self, Error> {
        let device = device.clone().inner();
        let net = Classifier::new(&recipe, &plan, &device.clone().autodiff())?;
        let optimizers = Optimizers::new(&recipe.finetuning);
        let meter = Meter::default();
        Ok(Self { recipe, plan, device, net, optimizers, meter, steps: 0 })
    }

    /// The same run with the encoder of a checkpoint; the classifier stays fresh.
    ///
    /// # Errors
    /// [`Error::MissingTensor`] or [`Error::TensorShape`] when it is of another encoder.
    pub fn with_encoder(mut self, archive: &Archive) -> Result<Self, Error> {
        self.net.encoder = archive.restore("encoder", self.net.encoder)?;
        Ok(self)
    }

    /// Steps done.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// What the run is for.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The encoder as it is now, without autodiff.
    pub fn encoder(&self) -> Encoder {
        self.net.encoder.valid()
    }

    /// Logits for pictures in [0, 1], `[n, classes]`.
    pub fn predict(&self, images: Tensor<4>) -> Tensor<2> {
        self.net.valid().forward(images)
    }

    /// One step on labelled images; `visits` name their random streams.
    ///
    /// # Errors
    /// [`Error::PictureSize`] for pictures of another size than the encoder's.
    pub fn step(
        &mut self,
        images: &Images,
        visits: &[Visit],
        labels: &[i32],
    ) -> Result<Readings, Error> {
        let ([height, width], side) = (images.size(), self.plan.side);
        if [height, width] != [side, side] {
            return Err(Error::PictureSize { side, got_height: height, got_width: width });
        }
        let (seed, purpose) = (self.plan.seed, Purpose::LabelledView);
        let draw = Draw { seed, purpose, visits };
        let view = self.recipe.finetuning.view.apply(images.to_device(&self.device), draw);
        let features = self.net.encoder.forward(view);
        let logits = self.net.probe.forward(self.thinned(features, visits));
        let labels = upload_labels(labels, &self.device);
        let loss = cross_entropy(logits.clone(), labels.clone()).mean();
        let gradients = loss.backward();
        self.net = self.optimizers.step(self.net.clone(), &gradients, self.plan.total());
        self.steps += 1;
        let accuracy = metrics::accuracy(logits, labels);
        let readings = Readings::new(vec![("loss", loss), ("accuracy", accuracy)]);
        self.meter.add(readings.clone());
        Ok(readings)
    }

    /// Features without those that the classifier does without in this step.
    fn thinned(&self, features: Tensor<2>, visits: &[Visit]) -> Tensor<2> {
        let rate = self.recipe.finetuning.dropout;
        if rate == 0.0 {
            return features;
        }
        let [_, dim] = features.dims();
        let mask = dropout::mask(rate, (self.plan.seed, visits), dim, &features.device());
        dropout::apply(features, mask, rate)
    }

    /// Ends an epoch: what the steps since the last one measured, on average.
    ///
    /// # Errors
    /// [`Error::Device`] when reading fails, [`Error::Diverged`] when the loss is not a number.
    pub async fn finish_epoch(&mut self) -> Result<Vec<(&'static str, f64)>, Error> {
        core::mem::take(&mut self.meter).finish(self.steps).await
    }

    /// Adds what a checkpoint holds: encoder and classifier.
    ///
    /// # Errors
    /// [`Error::Device`] when reading fails.
    pub async fn store(&self, archive: &mut Archive) -> Result<(), Error> {
        archive.add("", &self.net).await
    }

    /// Adds everything that going on later needs.
    ///
    /// # Errors
    /// [`Error::Device`] when reading fails.
    pub async fn store_state(&self, archive: &mut Archive) -> Result<Counters, Error> {
        self.store(archive).await?;
        self.optimizers.encoder.store(archive, Optimizers::ENCODER).await?;
        self.optimizers.probe.store(archive, Optimizers::PROBE).await?;
        let metered = store_meter(archive, &self.meter).await?;
        Ok(Counters { steps: self.steps, metered, random_rows: 0 })
    }

    /// Goes on where [`store_state`](Self::store_state) was called.
    ///
    /// # Errors
    /// [`Error::MissingTensor`] or [`Error::TensorShape`] when the state is of another run.
    pub fn resume(mut self, archive: &Archive, counters: &Counters) -> Result<Self, Error> {
        self.net = archive.restore("", self.net)?;
        let [encoder, probe] = Optimizers::settings(&self.recipe.finetuning);
        let resumed = |settings, prefix| {
            Adam::resumed(settings, counters.steps, (archive, prefix), &self.device)
        };
        let encoder = resumed(encoder, Optimizers::ENCODER)?;
        self.optimizers = Optimizers { encoder, probe: resumed(probe, Optimizers::PROBE)? };
        self.meter = resume_meter(archive, counters.metered, &self.device)?;
        self.steps = counters.steps;
        Ok(self)
    }
}
