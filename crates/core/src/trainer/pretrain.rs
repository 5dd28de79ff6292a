//! Pre-training without labels, with an online probe that never touches the encoder.

mod compare;
mod state;

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::{Plan, upload_labels};
use crate::augment::policy::{Draw, Policy};
use crate::encoder::Encoder;
use crate::error::Error;
use crate::head::{Head, HeadSettings};
use crate::image::Images;
use crate::linear::Linear;
use crate::metrics::{self, Meter, Readings};
use crate::objective::relational::RelationHead;
use crate::objective::{Neighbours, Objective, cross_entropy};
use crate::optimizer::Adam;
use crate::recipe::Recipe;
use crate::rng::{Purpose, Stream, stream};
use crate::sampler::Visit;
use crate::support::{SupportSet, UNKNOWN};

/// Everything that the contrastive optimizer moves.
#[derive(Module, Debug)]
struct Net {
    encoder: Encoder,
    projection: Option<Head>,
    predictor: Option<Head>,
    relation: Option<RelationHead>,
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

/// Sets the streams of the views after the second apart, above all numbers of pictures.
const VIEW: u64 = 1 << 40;

/// The pictures of one step: first the unlabelled ones, then the labelled ones.
#[derive(Clone, Debug)]
pub struct Batch {
    /// All pictures.
    pub images: Images,
    /// Which look at each of them this is: what names its random streams.
    pub visits: Vec<Visit>,
    /// The labelled pictures among them, once more.
    pub labelled: Images,
    /// Their labels.
    pub labels: Vec<i32>,
}

impl Net {
    fn new(
        recipe: &Recipe,
        plan: &Plan,
        weights: &mut Stream,
        device: &Device,
    ) -> Result<Self, Error> {
        let encoder = recipe.encoder.init(plan.side, plan.seed, device)?;
        let mut head = |settings: Option<&HeadSettings>, inputs| match settings {
            Some(settings) => settings.init(inputs, weights, device).map(Some),
            None => Ok(None),
        };
        let projection = head(recipe.projection.as_ref(), recipe.encoder.features())?;
        let dim = recipe.compared();
        let predictor = head(recipe.predictor(), dim)?;
        let relation = match &recipe.objective {
            Objective::Relational(settings) => {
                let size = [settings.inputs(dim), settings.hidden];
                Some(RelationHead::new(size, weights, device))
            }
            Objective::Simclr(_) | Objective::Nnclr(_) => None,
        };
        Ok(Self { encoder, projection, predictor, relation })
    }
}

impl Pretrainer {
    /// A run at its start.
    ///
    /// # Errors
    /// [`Error::Setting`] when the plan does not suit the recipe.
    pub fn new(recipe: Recipe, plan: Plan, device: &Device) -> Result<Self, Error> {
        let device = device.clone().inner();
        let tracked = device.clone().autodiff();
        let mut weights = stream(plan.seed, Purpose::Weights, 0, 1);
        let net = Net::new(&recipe, &plan, &mut weights, &tracked)?;
        let features = recipe.encoder.features();
        let taught = plan.classes > 1 && recipe.pretraining.labelled_batch > 0;
        let probe = taught.then(|| Linear::new(features, plan.classes, &mut weights, &tracked));
        let support = match &recipe.objective {
            Objective::Nnclr(settings) => {
                let size = (settings.queue, recipe.compared());
                Some(SupportSet::random(size.0, size.1, plan.seed, &device))
            }
            Objective::Simclr(_) | Objective::Relational(_) => None,
        };
        let optimizer = Adam::new(recipe.pretraining.optimizer.clone());
        let probe_optimizer = Adam::new(recipe.pretraining.probe_optimizer.clone());
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

    /// The views of a batch that a step compares, `[n, 3, h, w]` each: two, or as many as the
    /// objective says.
    pub fn views(&self, images: &Images, visits: &[Visit]) -> Vec<Tensor<4>> {
        let images = images.to_device(&self.device);
        let view = |view: u64| {
            let policy = &self.recipe.pretraining.views;
            let see =
                |purpose, visits: &[Visit]| self.see(policy, images.clone(), (purpose, visits));
            match view {
                0 => see(Purpose::FirstView, visits),
                1 => see(Purpose::SecondView, visits),
                _ => {
                    let further =
                        |visit: &Visit| Visit { image: visit.image + view * VIEW, ..*visit };
                    see(Purpose::FurtherView, &visits.iter().map(further).collect::<Vec<_>>())
                }
            }
        };
        (0..self.recipe.objective.views() as u64).map(view).collect()
    }

    fn see(
        &self,
        policy: &Policy,
        images: Tensor<4>,
        (purpose, visits): (Purpose, &[Visit]),
    ) -> Tensor<4> {
        policy.apply(images, Draw { seed: self.plan.seed, purpose, visits })
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
        let views = self.views(&batch.images, &batch.visits);
        let unlabelled = batch.images.len() - batch.labels.len();
        let mut labels = vec![UNKNOWN; unlabelled];
        labels.extend(&batch.labels);
        let own = &batch.visits[unlabelled..];
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

    /// One step on views that are already augmented: first the update of encoder and heads, then the
    /// probe's on features of the updated encoder.
    ///
    /// # Shapes
    /// - views: `[n, 3, h, w]` each; labels: n numbers, [`UNKNOWN`] where there is none
    /// - labelled: `[m, 3, h, w]` and m labels
    ///
    /// # Panics
    /// For another number of views than the objective compares.
    pub fn learn(
        &mut self,
        views: Vec<Tensor<4>>,
        labels: &[i32],
        labelled: Option<(Tensor<4>, &[i32])>,
    ) -> Readings {
        assert_eq!(views.len(), self.recipe.objective.views(), "views of each picture");
        let compared = self.compare(views);
        let mut readings = compared.readings;
        let gradients = compared.loss.backward();
        let total = self.plan.total();
        self.net = self.optimizer.step(self.net.clone(), &gradients, total);
        if let Some(neighbours) = compared.neighbours {
            readings.extend(self.push(neighbours, labels));
        }
        if let Some((images, labels)) = labelled {
            readings.extend(self.learn_probe(images, labels));
        }
        self.steps += 1;
        Readings::new(readings)
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
