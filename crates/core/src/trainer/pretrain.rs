//! Pre-training without labels, with an online probe that never touches the encoder.

mod state;

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::{Plan, upload_labels};
use crate::augment::policy::{Draw, Policy};
use crate::encoder::Encoder;
use crate::error::Error;
use crate::head::Head;
use crate::image::Images;
use crate::linear::Linear;
use crate::metrics::{self, Meter, Readings};
use crate::objective::{Neighbours, Objective, cross_entropy};
use crate::optimizer::Adam;
use crate::recipe::{AccuracyOn, Recipe};
use crate::rng::{Purpose, stream};
use crate::support::{SupportSet, UNKNOWN};

/// Everything that the contrastive optimizer moves.
#[derive(Module, Debug)]
struct Net {
    encoder: Encoder,
    projection: Head,
    predictor: Option<Head>,
}

/// A pre-training run between two steps.
#[derive(Debug)]
pub struct Pretrainer {
    recipe: Recipe,
    plan: Plan,
    device: Device,
    net: Net,
    optimizer: Adam,
    probe: Option<Linear>,
    probe_optimizer: Adam,
    support: Option<SupportSet>,
    meter: Meter,
    steps: u64,
}

/// Sets the streams of labelled pictures apart from those of unlabelled ones.
pub const LABELLED: u64 = 1 << 32;

/// The pictures of one step: first the unlabelled ones, then the labelled ones.
#[derive(Clone, Debug)]
pub struct Batch {
    /// All pictures.
    pub images: Images,
    /// A number a picture that names its random streams, the same in every epoch.
    pub numbers: Vec<u64>,
    /// The labelled pictures among them, once more.
    pub labelled: Images,
    /// Their labels.
    pub labels: Vec<i32>,
}

impl Pretrainer {
    /// A run at its start.
    ///
    /// # Errors
    /// [`Error::Setting`] when the plan does not suit the recipe.
    pub fn new(recipe: Recipe, plan: Plan, device: &Device) -> Result<Self, Error> {
        let device = device.clone().inner();
        let tracked = device.clone().autodiff();
        let encoder = recipe.encoder.init(plan.side, plan.seed, &tracked)?;
        let mut weights = stream(plan.seed, Purpose::Weights, 0, 1);
        let features = recipe.encoder.features();
        let projection = recipe.projection.init(features, &mut weights, &tracked)?;
        let dim = recipe.projection.output;
        let predictor = match recipe.predictor() {
            Some(settings) => Some(settings.init(dim, &mut weights, &tracked)?),
            None => None,
        };
        let probe =
            (plan.classes > 1).then(|| Linear::new(features, plan.classes, &mut weights, &tracked));
        let support = match &recipe.objective {
            Objective::Nnclr(settings) => {
                Some(SupportSet::random(settings.queue, dim, plan.seed, &device))
            }
            Objective::Simclr(_) => None,
        };
        let optimizer = Adam::new(recipe.pretraining.optimizer.clone());
        let probe_optimizer = Adam::new(recipe.pretraining.probe_optimizer.clone());
        let net = Net { encoder, projection, predictor };
        let meter = Meter::default();
        Ok(Self {
            recipe,
            plan,
            device,
            net,
            optimizer,
            probe,
            probe_optimizer,
            support,
            meter,
            steps: 0,
        })
    }

    /// Steps done.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Where it computes, without autodiff.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The recipe that is followed.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// What the run is for.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The encoder as it is now, without autodiff.
    pub fn encoder(&self) -> Encoder {
        self.net.encoder.valid()
    }

    /// The support set, if the objective has one.
    pub fn support(&self) -> Option<&SupportSet> {
        self.support.as_ref()
    }

    /// Logits of the online probe for clean or perturbed pictures in [0, 1], `[n, classes]`.
    pub fn predict(&self, images: Tensor<4>) -> Option<Tensor<2>> {
        let probe = self.probe.as_ref()?;
        Some(probe.valid().forward(self.encoder().forward(images)))
    }

    /// The two views of a batch that the step after `steps` steps compares, `[n, 3, h, w]`.
    pub fn views(&self, images: &Images, numbers: &[u64]) -> [Tensor<4>; 2] {
        let images = images.to_device(&self.device);
        [Purpose::FirstView, Purpose::SecondView].map(|purpose| {
            self.see(&self.recipe.pretraining.views, images.clone(), (purpose, numbers))
        })
    }

    fn see(
        &self,
        policy: &Policy,
        images: Tensor<4>,
        (purpose, numbers): (Purpose, &[u64]),
    ) -> Tensor<4> {
        let (seed, epoch) = (self.plan.seed, self.steps / self.plan.steps.max(1));
        policy.apply(images, Draw { seed, purpose, epoch, images: numbers })
    }

    /// One step: augments, learns, and returns what was measured, unread.
    ///
    /// # Errors
    /// [`Error::PictureSize`] for pictures of another size than the encoder's.
    pub fn step(&mut self, batch: &Batch) -> Result<Readings, Error> {
        let [height, width] = batch.images.size();
        let side = self.plan.side;
        if [height, width] != [side, side] {
            return Err(Error::PictureSize { side, got_height: height, got_width: width });
        }
        let views = self.views(&batch.images, &batch.numbers);
        let unlabelled = batch.images.len() - batch.labels.len();
        let mut labels = vec![UNKNOWN; unlabelled];
        labels.extend(&batch.labels);
        let own = &batch.numbers[unlabelled..];
        let seen = (!batch.labels.is_empty()).then(|| {
            let labelled = batch.labelled.to_device(&self.device);
            self.see(&self.recipe.pretraining.probe_view, labelled, (Purpose::LabelledView, own))
        });
        let readings = self.learn(views, &labels, seen.map(|seen| (seen, batch.labels.as_slice())));
        self.meter.add(readings.clone());
        Ok(readings)
    }

    /// [`step`](Self::step), and its readings once they are there.
    ///
    /// # Errors
    /// Those of [`step`](Self::step), [`Error::Device`], [`Error::Diverged`] when a reading is not
    /// a number.
    pub async fn checked_step(&mut self, batch: &Batch) -> Result<Vec<(&'static str, f64)>, Error> {
        let at = self.steps;
        let readings = self.step(batch)?.read().await?;
        match readings.iter().find(|(_, value)| !value.is_finite()) {
            Some(&(_, value)) => Err(Error::Diverged { step: at, got: value as f32 }),
            None => Ok(readings),
        }
    }

    /// One step on views that are already augmented: first the contrastive update, then the probe's
    /// on features of the updated encoder.
    ///
    /// # Shapes
    /// - views: `[n, 3, h, w]` each; labels: n numbers, [`UNKNOWN`] where there is none
    /// - labelled: `[m, 3, h, w]` and m labels
    pub fn learn(
        &mut self,
        views: [Tensor<4>; 2],
        labels: &[i32],
        labelled: Option<(Tensor<4>, &[i32])>,
    ) -> Readings {
        let [n, _, _, _] = views[0].dims();
        let features = self.net.encoder.forward(Tensor::cat(views.to_vec(), 0));
        let projections = self.net.projection.forward(features.clone());
        let predictions = self.net.predictor.as_ref().map(|head| head.forward(projections.clone()));
        let pair = |x: Tensor<2>| [x.clone().narrow(0, 0, n), x.narrow(0, n, n)];
        let (features, projections) = (pair(features), pair(projections));
        let terms = match (&self.recipe.objective, &self.support) {
            (Objective::Nnclr(settings), Some(support)) => {
                settings.terms(projections.clone(), predictions.map(pair), support)
            }
            (Objective::Simclr(settings), _) => {
                let [first, second] = projections.clone();
                settings.terms(first, second)
            }
            (Objective::Nnclr(_), None) => unreachable!("NNCLR is made with its support set"),
        };
        let mut readings = self.measure(&terms.losses, features, projections);
        let gradients = terms.reduced(self.recipe.pretraining.reduction).backward();
        let total = self.plan.total();
        self.net = self.optimizer.step(self.net.clone(), &gradients, total);
        if let Some(neighbours) = terms.neighbours {
            readings.extend(self.push(neighbours, labels));
        }
        if let Some((images, labels)) = labelled {
            readings.extend(self.learn_probe(images, labels));
        }
        self.steps += 1;
        Readings::new(readings)
    }

    fn measure(
        &self,
        losses: &Tensor<1>,
        features: [Tensor<2>; 2],
        projections: [Tensor<2>; 2],
    ) -> Vec<(&'static str, Tensor<1>)> {
        let [first, second] = features;
        let compared = match self.recipe.pretraining.accuracy_on {
            AccuracyOn::Features => [first.clone(), second.clone()],
            AccuracyOn::Projections => projections,
        };
        let [left, right] = compared;
        vec![
            ("loss", losses.clone().mean()),
            ("contrastive_accuracy", metrics::contrastive_accuracy(left, right)),
            ("correlation_accuracy", metrics::correlation_accuracy(first.clone(), second)),
            ("dead_units", metrics::dead_units(first.clone())),
            ("feature_spread", metrics::feature_spread(first)),
        ]
    }

    /// Moves the support set on and measures what was found in it.
    fn push(&mut self, found: Neighbours, labels: &[i32]) -> Vec<(&'static str, Tensor<1>)> {
        let Some(support) = &mut self.support else { return Vec::new() };
        let labels_now = upload_labels(labels, &self.device);
        let [first, _] = found.indices;
        let theirs = support.labels().select(0, first.clone());
        let [agree, known] = metrics::label_agreement(labels_now.clone(), theirs);
        let age = SupportSet::mean_age(first, labels.len());
        support.push(found.newest, labels_now);
        vec![("neighbours_agreeing", agree), ("neighbours_known", known), ("queue_age", age)]
    }

    fn learn_probe(&mut self, images: Tensor<4>, labels: &[i32]) -> Vec<(&'static str, Tensor<1>)> {
        let features = self.encoder().forward(images);
        let Some(probe) = self.probe.take() else { return Vec::new() };
        let logits = probe.forward(features);
        let labels = upload_labels(labels, &self.device);
        let loss = cross_entropy(logits.clone(), labels.clone()).mean();
        let accuracy = metrics::accuracy(logits, labels);
        let gradients = loss.backward();
        self.probe = Some(self.probe_optimizer.step(probe, &gradients, self.plan.total()));
        vec![("probe_loss", loss), ("probe_accuracy", accuracy)]
    }

    /// Ends an epoch: what the steps since the last one measured, on average.
    ///
    /// # Errors
    /// [`Error::Device`] when reading fails, [`Error::Diverged`] when the loss is not a number.
    pub async fn finish_epoch(&mut self) -> Result<Vec<(&'static str, f64)>, Error> {
        core::mem::take(&mut self.meter).finish(self.steps).await
    }
}
