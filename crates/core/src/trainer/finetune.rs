//! Training of an encoder and a fresh linear classifier on labels, from scratch or pre-trained.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::classifier::Classifier;
use super::{Counters, Plan, resume_meter, store_meter, upload_labels};
use crate::archive::Archive;
use crate::augment::policy::Draw;
use crate::encoder::Encoder;
use crate::error::Error;
use crate::image::Images;
use crate::metrics::{self, Meter, Readings};
use crate::objective::cross_entropy;
use crate::optimizer::Adam;
use crate::recipe::Recipe;
use crate::rng::Purpose;

/// A fine-tuning run between two steps. From a fresh encoder it is the supervised baseline.
#[derive(Debug)]
pub struct Finetuner {
    recipe: Recipe,
    plan: Plan,
    device: Device,
    net: Classifier,
    optimizer: Adam,
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
        let optimizer = Adam::new(recipe.finetuning.optimizer.clone());
        let meter = Meter::default();
        Ok(Self { recipe, plan, device, net, optimizer, meter, steps: 0 })
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

    /// One step on labelled pictures; `numbers` name their random streams.
    ///
    /// # Errors
    /// [`Error::PictureSize`] for pictures of another size than the encoder's.
    pub fn step(
        &mut self,
        images: &Images,
        numbers: &[u64],
        labels: &[i32],
    ) -> Result<Readings, Error> {
        let ([height, width], side) = (images.size(), self.plan.side);
        if [height, width] != [side, side] {
            return Err(Error::PictureSize { side, got_height: height, got_width: width });
        }
        let (seed, purpose) = (self.plan.seed, Purpose::LabelledView);
        let epoch = self.steps / self.plan.steps.max(1);
        let draw = Draw { seed, purpose, epoch, images: numbers };
        let view = self.recipe.finetuning.view.apply(images.to_device(&self.device), draw);
        let logits = self.net.forward(view);
        let labels = upload_labels(labels, &self.device);
        let loss = cross_entropy(logits.clone(), labels.clone()).mean();
        let gradients = loss.backward();
        self.net = self.optimizer.step(self.net.clone(), &gradients, self.plan.total());
        self.steps += 1;
        let accuracy = metrics::accuracy(logits, labels);
        let readings = Readings::new(vec![("loss", loss), ("accuracy", accuracy)]);
        self.meter.add(readings.clone());
        Ok(readings)
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
        self.optimizer.store(archive, "optimizer").await?;
        let metered = store_meter(archive, &self.meter).await?;
        Ok(Counters { steps: self.steps, metered, random_rows: 0 })
    }

    /// Goes on where [`store_state`](Self::store_state) was called.
    ///
    /// # Errors
    /// [`Error::MissingTensor`] or [`Error::TensorShape`] when the state is of another run.
    pub fn resume(mut self, archive: &Archive, counters: &Counters) -> Result<Self, Error> {
        self.net = archive.restore("", self.net)?;
        let settings = self.recipe.finetuning.optimizer.clone();
        let from = (archive, "optimizer");
        self.optimizer = Adam::resumed(settings, counters.steps, from, &self.device)?;
        self.meter = resume_meter(archive, counters.metered, &self.device)?;
        self.steps = counters.steps;
        Ok(self)
    }
}
