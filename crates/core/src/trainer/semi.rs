//! Semi-supervised training: a step on labelled and on unlabelled pictures.

mod state;

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::classifier::Classifier;
use super::pretrain::Batch;
use super::{Plan, upload_labels};
use crate::archive::Archive;
use crate::augment::policy::{Draw, Policy};
use crate::encoder::Encoder;
use crate::error::Error;
use crate::metrics::{self, Meter, Readings};
use crate::objective::cross_entropy;
use crate::optimizer::Adam;
use crate::recipe::Recipe;
use crate::rng::Purpose;
use crate::sampler::Visit;
use crate::semi::average::{decay_at, follow, warmed};
use crate::semi::curriculum::Curriculum;
use crate::semi::fixmatch::agreement;
use crate::semi::{Method, SemiSettings, Thresholds};

/// A semi-supervised run between two steps.
#[derive(Debug)]
pub struct SemiTrainer {
    settings: SemiSettings,
    plan: Plan,
    device: Device,
    net: Classifier,
    /// What is tested and kept.
    average: Classifier,
    /// Whether it has running statistics.
    normalises: bool,
    optimizer: Adam,
    curriculum: Option<Curriculum>,
    /// Numbers of the unlabelled pictures, in rising order.
    pool: Vec<u64>,
    meter: Meter,
    steps: u64,
}

impl SemiTrainer {
    /// A run at its start, with fresh weights. `pool` are the numbers of all unlabelled pictures.
    ///
    /// # Errors
    /// [`Error::Setting`] when the plan does not suit the recipe, [`Error::TooFew`] for fewer than
    /// two classes.
    pub fn new(
        recipe: &Recipe,
        plan: Plan,
        mut pool: Vec<u64>,
        device: &Device,
    ) -> Result<Self, Error> {
        let settings = recipe.semi.clone().unwrap_or_default();
        let device = device.clone().inner();
        let net = Classifier::new(recipe, &plan, &device.clone().autodiff())?;
        pool.sort_unstable();
        pool.dedup();
        let curriculum = match settings.method {
            Method::Fixmatch { thresholds: Thresholds::Curriculum } => {
                Some(Curriculum::new(pool.len(), plan.classes, settings.threshold, &device))
            }
            _ => None,
        };
        let (average, optimizer) = (net.valid(), Adam::new(settings.optimizer.clone()));
        Ok(Self {
            normalises: recipe.encoder.normalises(),
            settings,
            plan,
            device,
            net,
            average,
            optimizer,
            curriculum,
            pool,
            meter: Meter::default(),
            steps: 0,
        })
    }

    /// The same run with the encoder of a checkpoint; the classifier stays fresh.
    ///
    /// # Errors
    /// [`Error::MissingTensor`] or [`Error::TensorShape`] when it is of another encoder.
    pub fn with_encoder(mut self, archive: &Archive) -> Result<Self, Error> {
        self.net.encoder = archive.restore("encoder", self.net.encoder)?;
        self.average = self.net.valid();
        Ok(self)
    }

    /// The same run with the encoder and the classifier of a checkpoint.
    ///
    /// # Errors
    /// [`Error::MissingTensor`] or [`Error::TensorShape`] when it is of another network.
    pub fn with_network(mut self, archive: &Archive) -> Result<Self, Error> {
        self.net = archive.restore("", self.net)?;
        self.average = self.net.valid();
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

    /// The averaged encoder as it is now, without autodiff.
    pub fn encoder(&self) -> Encoder {
        self.average.encoder.clone()
    }

    /// Logits of the averaged network for pictures in [0, 1], `[n, classes]`.
    pub fn predict(&self, images: Tensor<4>) -> Tensor<2> {
        self.average.forward(images)
    }

    /// One step. The batch's labels are those of its labelled pictures and, before them, of the
    /// unlabelled ones where a teacher gave them any.
    ///
    /// # Errors
    /// [`Error::PictureSize`] for pictures of another size than the encoder's, [`Error::TooFew`] for
    /// labels that are missing.
    pub fn step(&mut self, batch: &Batch) -> Result<Readings, Error> {
        let ([height, width], side) = (batch.images.size(), self.plan.side);
        if [height, width] != [side, side] {
            return Err(Error::PictureSize { side, got_height: height, got_width: width });
        }
        let taught = matches!(self.settings.method, Method::NoisyStudent { .. });
        let expected = if taught { batch.images.len() } else { batch.labelled.len() };
        if batch.labels.len() != expected {
            let (what, got) = ("labels of a batch", batch.labels.len());
            return Err(Error::TooFew { what, expected, got });
        }
        let images = batch.images.to_device(&self.device);
        let count = batch.images.len() - batch.labelled.len();
        let weak = (self.normalises || !taught).then(|| {
            let named = (Purpose::WeakView, &batch.visits[..count]);
            self.see(&self.settings.weak, images.clone().narrow(0, 0, count), named)
        });
        let (loss, readings) = match &weak {
            Some(weak) if !taught => self.fixmatch(batch, images, weak.clone()),
            _ => self.student(batch, images),
        };
        if let Some(learnt) = self.learnt(self.steps) {
            self.update(&loss, learnt);
        }
        if let Some(weak) = weak.filter(|_| self.normalises) {
            self.average = warmed(self.average.clone(), |network| {
                let _logits = network.forward(weak);
            });
        }
        self.steps += 1;
        let readings = Readings::new(readings);
        self.meter.add(readings.clone());
        Ok(readings)
    }

    /// Steps in which weights moved before `step`; none while batch statistics alone do.
    fn learnt(&self, step: u64) -> Option<u64> {
        step.checked_sub(self.settings.statistics_warm_up)
    }

    /// Moves the weights, and their average after them.
    fn update(&mut self, loss: &Tensor<1>, learnt: u64) {
        let total = self.plan.total().saturating_sub(self.settings.statistics_warm_up);
        self.net = self.optimizer.step(self.net.clone(), &loss.backward(), total);
        let decay = decay_at(self.settings.average, learnt);
        self.average = follow(self.average.clone(), &self.net.valid(), decay);
    }

    /// The supervised loss of weak views and the agreement of strong views with weak ones.
    ///
    /// Each kind of view is normalised by its own statistics.
    fn fixmatch(
        &mut self,
        batch: &Batch,
        images: Tensor<4>,
        weak: Tensor<4>,
    ) -> (Tensor<1>, Vec<(&'static str, Tensor<1>)>) {
        let [count, ..] = weak.dims();
        let (free, own) = batch.visits.split_at(count);
        let labelled_images = images.clone().narrow(0, count, own.len());
        let weak = self.net.forward(weak);
        let named = (Purpose::StrongView, free);
        let strong = self.see(&self.settings.strong, images.narrow(0, 0, count), named);
        let strong = self.net.forward(strong);
        let thresholds = match &self.curriculum {
            Some(curriculum) => curriculum.thresholds(),
            None => Tensor::full([self.plan.classes], self.settings.threshold, &self.device),
        };
        let found = agreement(weak, strong, thresholds);
        if let Some(curriculum) = &mut self.curriculum {
            let place = |visit: &Visit| self.pool.binary_search(&visit.image).ok();
            curriculum.note(&free.iter().filter_map(place).collect::<Vec<_>>(), &found);
        }
        let (logits, labels) = self.labelled(labelled_images, own, &batch.labels);
        let labelled = cross_entropy(logits.clone(), labels.clone()).mean();
        let unlabelled = found.losses.mean();
        let loss =
            labelled.clone() + unlabelled.clone().mul_scalar(self.settings.unlabelled_weight);
        let readings = vec![
            ("loss", loss.clone()),
            ("labelled_loss", labelled),
            ("unlabelled_loss", unlabelled),
            ("accuracy", metrics::accuracy(logits, labels)),
            ("believed", found.believed.mean()),
        ];
        (loss, readings)
    }

    /// The loss of strong views of all pictures with the labels of a person or of the teacher (Xie et
    /// al. 2020, equation 2), in which the teacher's weigh as the settings say.
    fn student(
        &self,
        batch: &Batch,
        images: Tensor<4>,
    ) -> (Tensor<1>, Vec<(&'static str, Tensor<1>)>) {
        let named = (Purpose::StrongView, batch.visits.as_slice());
        let logits = self.net.forward(self.see(&self.settings.strong, images, named));
        let labels = upload_labels(&batch.labels, &self.device);
        let own = batch.labelled.len();
        let taught = vec![self.settings.unlabelled_weight as f32; batch.labels.len() - own];
        let weights: Vec<f32> = taught.into_iter().chain(vec![1.0; own]).collect();
        let weights = Tensor::<1>::from_floats(weights.as_slice(), &self.device);
        let loss = (cross_entropy(logits.clone(), labels.clone()) * weights).mean();
        let accuracy = metrics::accuracy(logits, labels);
        (loss.clone(), vec![("loss", loss), ("accuracy", accuracy)])
    }

    fn labelled(
        &self,
        images: Tensor<4>,
        visits: &[Visit],
        labels: &[i32],
    ) -> (Tensor<2>, Tensor<1, burn::tensor::Int>) {
        let view = self.see(&self.settings.weak, images, (Purpose::LabelledView, visits));
        (self.net.forward(view), upload_labels(labels, &self.device))
    }

    fn see(
        &self,
        policy: &Policy,
        images: Tensor<4>,
        (purpose, visits): (Purpose, &[Visit]),
    ) -> Tensor<4> {
        policy.apply(images, Draw { seed: self.plan.seed, purpose, visits })
    }

    /// Ends an epoch: what the steps since the last one measured, on average.
    ///
    /// # Errors
    /// [`Error::Device`] when reading fails, [`Error::Diverged`] when the loss is not a number.
    pub async fn finish_epoch(&mut self) -> Result<Vec<(&'static str, f64)>, Error> {
        core::mem::take(&mut self.meter).finish(self.steps).await
    }
}
