//! Training: one step through all of it. Loops live in the front ends; the host pulls.

mod classifier;
mod plan;
mod devices;
mod self_supervised;
mod semi_supervised;
mod state;
mod run_file;
mod supervised;
mod measured;
mod note;

use burn::tensor::activation::softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::archive::Archive;
use crate::augment::policy::{Draw, Policy};
use crate::checkpoint::Stage;
use crate::encoder::Encoder;
use crate::error::Error;
use crate::image::Images;
use crate::loader::{Batch, Samples};
use crate::method::parts::PartDevice;
use crate::metrics::{AverageMeter, Metric, Metrics};
use crate::read::read;
use crate::recipe::Recipe;
use crate::rng::Purpose;
use crate::sampler::Visit;

pub use measured::metrics_of;
pub use plan::Plan;
pub use run_file::{InFile, Losses, RunFile, RunNote};
pub use self_supervised::SelfSupervised;
pub use semi_supervised::{MASK_RATE, SemiSupervised};
pub use state::{Counters, NoMore, STATE_FORMAT, State};
pub use supervised::Supervised;

/// What a trainer learns: networks, their optimizers, and what a batch does to them.
pub trait Task: Sized + core::fmt::Debug {
    /// Whether features are what is learnt, so that neighbours tell how it goes.
    const LEARNS_FEATURES: bool;

    /// One step: learns, and returns what was measured, unread.
    ///
    /// # Errors
    /// [`Error::TooFew`] for labels that are missing.
    fn learn(&mut self, batch: &Batch, run: &Run) -> Result<Vec<(Metric, Tensor<1>)>, Error>;

    /// What a step measures, the loss first, in the order in which it is shown.
    fn metrics(&self) -> Vec<Metric>;

    /// The encoder as it is now, without autodiff.
    fn encoder(&self) -> Encoder;

    /// Logits of images in [0, 1], `[n, classes]`; none where nothing is labelled.
    fn logits(&self, images: Tensor<4>) -> Option<Tensor<2>>;

    /// What a checkpoint of it is called.
    fn stage(&self) -> Stage;

    /// Adds what a checkpoint holds.
    ///
    /// # Errors
    /// [`Error::Device`] when reading fails.
    fn store(&self, archive: &mut Archive) -> impl Future<Output = Result<(), Error>>;

    /// Adds everything that going on later needs.
    ///
    /// # Errors
    /// [`Error::Device`] when reading fails.
    fn store_state(&self, archive: &mut Archive) -> impl Future<Output = Result<(), Error>>;

    /// Goes on from what [`store_state`](Self::store_state) added, after so many steps.
    ///
    /// # Errors
    /// [`Error::MissingTensor`] or [`Error::TensorShape`] when the state is of another run.
    fn resume(&mut self, archive: &Archive, run: &Run) -> Result<(), Error>;

    /// Images that a step of the recipe looks at.
    fn images_a_step(recipe: &Recipe) -> usize;

    /// Epochs without a lower validation loss after which the recipe ends training.
    fn patience(recipe: &Recipe) -> Option<u64>;
}

/// What a run is, and how far it is.
#[derive(Clone, Debug)]
pub struct Run {
    /// What is followed.
    pub recipe: Recipe,
    /// What it is for.
    pub plan: Plan,
    /// Where it computes, without autodiff.
    pub device: Device,
    /// Where images go through the encoder; on its own device where there is none.
    parts_on: Vec<PartDevice>,
    /// Steps done.
    pub steps: u64,
}

impl Run {
    fn new(recipe: Recipe, plan: Plan, device: &Device) -> Self {
        Self { recipe, plan, device: device.clone().inner(), parts_on: Vec::new(), steps: 0 }
    }

    /// Images of a batch as a policy shows them.
    fn view(
        &self,
        policy: &Policy,
        images: Tensor<4>,
        (purpose, visits): (Purpose, &[Visit]),
    ) -> Tensor<4> {
        policy.apply(images, Draw { seed: self.plan.seed, purpose, visits })
    }

    /// The images of both parts of a batch on the device, the unlabelled ones first.
    fn all_images(&self, batch: &Batch) -> Tensor<4> {
        let parts = [&batch.unlabelled, &batch.labelled].into_iter();
        let there = parts.filter(|part| !part.is_empty());
        Tensor::cat(there.map(|part| part.images.to_device(&self.device)).collect(), 0)
    }

    /// The labels of images on the device, `[n]`.
    fn labels(&self, labels: &[i32]) -> Tensor<1, Int> {
        let data = TensorData::new(labels.to_vec(), [labels.len()]);
        Tensor::from_data(data, &self.device)
    }
}

/// The labels of samples, all of them.
///
/// # Errors
/// [`Error::TooFew`] when some are missing.
fn labels_of(samples: &Samples) -> Result<&[i32], Error> {
    let labels = samples.labels.as_deref().unwrap_or_default();
    match labels.len() == samples.len() {
        true => Ok(labels),
        false => {
            let (what, expected) = ("labels of a batch", samples.len());
            Err(Error::TooFew { what, expected, got: labels.len() })
        }
    }
}

/// The visits of a whole batch, the unlabelled images' first.
fn all_visits(batch: &Batch) -> Vec<Visit> {
    [batch.unlabelled.visits.as_slice(), &batch.labelled.visits].concat()
}

/// A run between two steps.
#[derive(Debug)]
pub struct Trainer<T> {
    run: Run,
    task: T,
    meter: AverageMeter,
}

impl<T: Task> Trainer<T> {
    fn of(task: T, run: Run) -> Self {
        Self { run, task, meter: AverageMeter::default() }
    }

    /// Steps done.
    pub fn steps(&self) -> u64 {
        self.run.steps
    }

    /// Where it computes, without autodiff.
    pub fn device(&self) -> &Device {
        &self.run.device
    }

    /// The recipe that is followed.
    pub fn recipe(&self) -> &Recipe {
        &self.run.recipe
    }

    /// What the run is for.
    pub fn plan(&self) -> &Plan {
        &self.run.plan
    }

    /// [`Task::metrics`].
    pub fn metrics(&self) -> Vec<Metric> {
        self.task.metrics()
    }

    /// [`Task::encoder`].
    pub fn encoder(&self) -> Encoder {
        self.task.encoder()
    }

    /// [`Task::logits`].
    pub fn logits(&self, images: Tensor<4>) -> Option<Tensor<2>> {
        self.task.logits(images)
    }

    /// Probabilities of the classes of images, `[n, classes]`; none where nothing is labelled.
    ///
    /// # Errors
    /// [`Error::Device`] when the device fails.
    pub async fn probabilities(&self, images: &Images) -> Result<Option<Vec<f32>>, Error> {
        match self.logits(images.to_device(&self.run.device)) {
            Some(logits) => read(softmax(logits, 1)).await.map(Some),
            None => Ok(None),
        }
    }

    /// [`Task::stage`].
    pub fn stage(&self) -> Stage {
        self.task.stage()
    }

    /// Images that a step looks at.
    pub fn images_a_step(&self) -> usize {
        T::images_a_step(&self.run.recipe)
    }

    /// Epochs without a lower validation loss after which training ends.
    pub fn patience(&self) -> Option<u64> {
        T::patience(&self.run.recipe)
    }

    /// One step: augments, learns, and returns what was measured, unread.
    ///
    /// # Errors
    /// [`Error::PictureSize`] for images of another size than the encoder's, [`Error::TooFew`] for an
    /// empty batch and for labels that are missing.
    pub fn step(&mut self, batch: &Batch) -> Result<Metrics, Error> {
        let side = self.run.plan.side;
        let parts = [&batch.unlabelled, &batch.labelled];
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            let [got_height, got_width] = part.images.size();
            if [got_height, got_width] != [side, side] {
                return Err(Error::PictureSize { side, got_height, got_width });
            }
        }
        if parts.into_iter().all(Samples::is_empty) {
            return Err(Error::TooFew { what: "images of a batch", expected: 1, got: 0 });
        }
        let measured = self.task.learn(batch, &self.run)?;
        Ok(self.count(measured))
    }

    /// [`step`](Self::step), and its metrics once they are there.
    ///
    /// # Errors
    /// Those of [`step`](Self::step), [`Error::Device`], [`Error::Diverged`] when a metric is not a
    /// number.
    pub async fn checked_step(&mut self, batch: &Batch) -> Result<Vec<(&'static str, f64)>, Error> {
        let step = self.run.steps;
        let metrics = self.step(batch)?.read().await?;
        match metrics.iter().find(|(_, value)| !value.is_finite()) {
            Some(&(_, value)) => Err(Error::Diverged { step, got: value as f32 }),
            None => Ok(metrics),
        }
    }

    /// Counts a step that measured so much.
    fn count(&mut self, measured: Vec<(Metric, Tensor<1>)>) -> Metrics {
        self.run.steps += 1;
        let metrics = Metrics::new(measured);
        self.meter.add(metrics.clone());
        metrics
    }

    /// Ends an epoch: what the steps since the last one measured, on average.
    ///
    /// # Errors
    /// [`Error::Device`] when reading fails, [`Error::Diverged`] when the loss is not a number.
    pub async fn finish_epoch(&mut self) -> Result<Vec<(&'static str, f64)>, Error> {
        core::mem::take(&mut self.meter).finish(self.run.steps).await
    }

    /// [`Task::store`].
    ///
    /// # Errors
    /// [`Error::Device`] when reading fails.
    pub async fn store(&self, archive: &mut Archive) -> Result<(), Error> {
        self.task.store(archive).await
    }
}

/// A recipe's own encoder with fresh weights: the random encoder against which results are held.
///
/// # Errors
/// [`Error::Setting`] when the side does not suit the encoder.
pub fn random_encoder(
    recipe: &Recipe,
    side: usize,
    seed: u64,
    device: &Device,
) -> Result<Encoder, Error> {
    recipe.encoder.init(side, seed, device)
}
