//! Pre-training without labels, with an online probe that never touches the encoder.

use std::sync::Arc;

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::{Plan, Run, Task, Trainer, all_visits, labels_of};
use crate::archive::Archive;
use crate::augment::policy::{Draw, Policy};
use crate::checkpoint::Stage;
use crate::encoder::Encoder;
use crate::error::Error;
use crate::image::Images;
use crate::linear::Linear;
use crate::loader::{Batch, Loader, MemoryDataset, MemorySplit};
use crate::loss::cross_entropy;
use crate::method::{Compared, Measured, Progress, Running, Start};
use crate::metrics::{self, Metric, Metrics, Shown, Unit};
use crate::optimizer::{Optimizer, Slopes};
use crate::recipe::Recipe;
use crate::rng::{Purpose, stream};
use crate::sampler::Visit;
use crate::support::UNKNOWN;

/// Cross-entropy of the online probe.
const PROBE_LOSS: Metric = Metric {
    name: "probe_loss",
    word: "probe loss",
    ..Metric::loss("Training loss of the online probe", Unit::CrossEntropy).shown(Shown::Line)
};
/// Share of labelled images that the online probe tells right.
const PROBE_ACCURACY: Metric =
    Metric::share("probe_accuracy", "Training accuracy of the online probe", "probe");
/// What the online probe measures.
pub(super) const PROBE_METRICS: [Metric; 2] = [PROBE_ACCURACY, PROBE_LOSS];

/// Sets the streams of the views after the second apart, above all numbers of images.
const VIEW: u64 = 1 << 40;

/// Where the probe's moments lie in a state.
const PROBE_OPTIMIZER: &str = "probe_optimizer";
/// Where the probe lies in a checkpoint.
const PROBE: &str = "probe";

/// A method that learns without labels, and a linear classifier that looks on.
#[derive(Debug)]
pub struct SelfSupervised {
    method: Box<dyn Running>,
    method_metrics: Vec<Metric>,
    probe: Option<Linear>,
    probe_optimizer: Optimizer,
}

impl Trainer<SelfSupervised> {
    /// A run at its start.
    ///
    /// # Errors
    /// [`Error::Setting`] when the plan does not suit the recipe.
    pub fn pretraining(recipe: Recipe, plan: Plan, device: &Device) -> Result<Self, Error> {
        let run = Run::new(recipe, plan, device);
        let freeze = run.recipe.pretraining.freeze;
        if freeze > 0 {
            let expected =
                "0 where the encoder begins with fresh weights: they have learnt nothing yet";
            return Err(Error::setting("pretraining.freeze", expected, freeze));
        }
        Ok(Self::of(SelfSupervised::new(&run, None)?, run))
    }

    /// A run that begins with the encoder of a checkpoint; a method's teacher begins as a copy of it, all
    /// else with fresh weights.
    ///
    /// # Errors
    /// As [`Self::pretraining`]; [`Error::MissingTensor`] or [`Error::TensorShape`] when the
    /// checkpoint has another encoder.
    pub fn pretraining_from(
        start: &Archive,
        recipe: Recipe,
        plan: Plan,
        device: &Device,
    ) -> Result<Self, Error> {
        let run = Run::new(recipe, plan, device);
        Ok(Self::of(SelfSupervised::new(&run, Some(start))?, run))
    }

    /// The views of images that a step compares, `[n, 3, side, side]` each, in the recipe's order.
    pub fn views(&self, images: &Images, visits: &[Visit]) -> Vec<Tensor<4>> {
        views(&self.run, &images.to_device(&self.run.device), visits)
    }

    /// Batches of images in memory, as the recipe draws them.
    ///
    /// # Errors
    /// [`Error::TooFew`] when they cannot fill one batch.
    pub fn loader(&self, dataset: &MemoryDataset) -> Result<Loader<Arc<MemorySplit>>, Error> {
        let (settings, plan) = (&self.run.recipe.pretraining, &self.run.plan);
        let sampling = settings.sampling(dataset.sizes(), plan.classes)?;
        dataset.loader(sampling, plan.seed)
    }

    /// One step on views that are already augmented.
    ///
    /// # Shapes
    /// - views: `[n, 3, h, w]` each; labels: n numbers, [`UNKNOWN`] where there is none
    /// - labelled: `[m, 3, h, w]` and m labels, for the probe
    ///
    /// # Errors
    /// [`Error::Setting`] for another number of views than the recipe's; [`Error::Remote`] when a device of
    /// another process fails: then the run cannot go on.
    pub fn learn(
        &mut self,
        views: &[Tensor<4>],
        labels: &[i32],
        labelled: Option<(Tensor<4>, &[i32])>,
    ) -> Result<Metrics, Error> {
        let measured = self.task.learn_views(views, labels, labelled, &self.run)?;
        Ok(self.count(measured))
    }
}

impl SelfSupervised {
    fn new(run: &Run, start: Option<&Archive>) -> Result<Self, Error> {
        let Run { recipe, plan, .. } = run;
        let settings = &recipe.pretraining;
        recipe.precision.check(&run.device)?;
        for (_, side) in settings.views.listed(recipe.objective.views(), plan.side) {
            recipe.encoder.takes(side, plan.side)?;
        }
        // A recipe is checked for images with classes: without them no labelled ones are drawn.
        if plan.classes < 2 {
            recipe.objective.check(&settings.method_steps_on(plan.classes))?;
        }
        let device = run.tracked_device();
        let mut weights = stream(plan.seed, Purpose::Weights, 0, 1);
        let fresh = recipe.encoder.init(plan.side, plan.seed, &device)?;
        let encoder = match start {
            Some(start) => start.restore("encoder", fresh)?,
            None => fresh,
        };
        let features = recipe.encoder.features();
        let method = recipe.objective.start(Start {
            encoder,
            settings: &recipe.encoder,
            freeze: settings.freeze,
            features,
            projection: recipe.projection.as_ref(),
            optimizer: settings.optimizer.clone(),
            seed: plan.seed,
            weights: &mut weights,
            device: &device,
        })?;
        let taught = plan.classes > 1 && settings.labelled_batch > 0;
        let probe = taught.then(|| Linear::new(features, plan.classes, &mut weights, &device));
        let probe_optimizer = Optimizer::new(settings.probe_optimizer.clone());
        let method_metrics = recipe.objective.metrics();
        Ok(Self { method, method_metrics, probe, probe_optimizer })
    }

    /// The update of encoder and heads, then the probe's on features of the updated encoder.
    fn learn_views(
        &mut self,
        views: &[Tensor<4>],
        labels: &[i32],
        labelled: Option<(Tensor<4>, &[i32])>,
        run: &Run,
    ) -> Result<Measured, Error> {
        let settings = &run.recipe.pretraining;
        let expected = settings.views.listed(run.recipe.objective.views(), run.plan.side).len();
        if views.len() != expected {
            return Err(Error::setting("views of each image", expected.to_string(), views.len()));
        }
        let mut measured = self.method.learn(Compared {
            views,
            labels: run.labels(labels),
            reduction: settings.reduction,
            accuracy_on: settings.accuracy_on,
            progress: Progress { step: run.steps, total: run.plan.total(), epoch: run.plan.steps },
            precision: run.recipe.precision,
            accumulate: settings.accumulate,
            sites: &run.sites(),
        })?;
        if let Some((images, labels)) = labelled {
            measured.extend(self.learn_probe(images, labels, run));
        }
        Ok(measured)
    }

    fn learn_probe(
        &mut self,
        images: Tensor<4>,
        labels: &[i32],
        run: &Run,
    ) -> Vec<(Metric, Tensor<1>)> {
        let features = self.encoder().forward(images);
        let Some(probe) = self.probe.take() else { return Vec::new() };
        let logits = probe.forward(features);
        let labels = run.labels(labels);
        let loss = cross_entropy(logits.clone(), labels.clone()).mean();
        let accuracy = metrics::accuracy(logits, labels);
        let slopes = Slopes::of(&probe, &loss.backward());
        self.probe = Some(self.probe_optimizer.step(probe, slopes, run.plan.total()));
        vec![(PROBE_LOSS, loss), (PROBE_ACCURACY, accuracy)]
    }
}

/// The views of images on a device, in the recipe's order.
fn views(run: &Run, images: &Tensor<4>, visits: &[Visit]) -> Vec<Tensor<4>> {
    let settings = &run.recipe.pretraining.views;
    let listed = settings.listed(run.recipe.objective.views(), run.plan.side);
    let further = |view: u64| -> Vec<Visit> {
        visits.iter().map(|visit| Visit { image: visit.image + view * VIEW, ..*visit }).collect()
    };
    let view = |(number, (policy, side)): (u64, (&Policy, usize))| {
        let (purpose, visits) = match number {
            0 => (Purpose::FirstView, visits.to_vec()),
            1 => (Purpose::SecondView, visits.to_vec()),
            _ => (Purpose::FurtherView, further(number)),
        };
        let draw = Draw { seed: run.plan.seed, purpose, visits: &visits };
        policy.apply_at([side, side], images.clone(), draw)
    };
    (0..).zip(listed).map(view).collect()
}

impl Task for SelfSupervised {
    const LEARNS_FEATURES: bool = true;

    fn learn(&mut self, batch: &Batch, run: &Run) -> Result<Vec<(Metric, Tensor<1>)>, Error> {
        let (unlabelled, labelled) = (&batch.unlabelled, &batch.labelled);
        let own = labels_of(labelled)?;
        let views = views(run, &run.all_images(batch), &all_visits(batch));
        let labels = [vec![UNKNOWN; unlabelled.len()].as_slice(), own].concat();
        let seen = (!labelled.is_empty()).then(|| {
            let images = labelled.images.to_device(&run.device);
            let named = (Purpose::LabelledView, labelled.visits.as_slice());
            run.view(&run.recipe.pretraining.probe_view, images, named)
        });
        self.learn_views(&views, &labels, seen.map(|seen| (seen, own)), run)
    }

    fn metrics(&self) -> Vec<Metric> {
        let probe = self.probe.iter().flat_map(|_| PROBE_METRICS);
        self.method_metrics.iter().copied().chain(probe).collect()
    }

    fn encoder(&self) -> Encoder {
        self.method.encoder()
    }

    /// Logits of the online probe, if there is one.
    fn logits(&self, images: Tensor<4>) -> Option<Tensor<2>> {
        let probe = self.probe.as_ref()?;
        Some(probe.valid().forward(self.encoder().forward(images)))
    }

    fn stage(&self) -> Stage {
        Stage::Pretrained
    }

    /// Encoder, the heads and buffers that there are, probe.
    async fn store(&self, archive: &mut Archive) -> Result<(), Error> {
        self.method.store(archive).await?;
        match &self.probe {
            Some(probe) => archive.add(PROBE, probe).await,
            None => Ok(()),
        }
    }

    async fn store_state(&self, archive: &mut Archive) -> Result<(), Error> {
        self.store(archive).await?;
        self.method.store_optimizer(archive).await?;
        self.probe_optimizer.store(archive, PROBE_OPTIMIZER).await
    }

    fn resume(&mut self, archive: &Archive, run: &Run) -> Result<(), Error> {
        self.method.resume(archive, run.steps)?;
        if let Some(probe) = self.probe.take() {
            self.probe = Some(archive.restore(PROBE, probe)?);
        }
        let from = (archive, PROBE_OPTIMIZER);
        self.probe_optimizer = self.probe_optimizer.resumed(run.steps, from, &run.device)?;
        Ok(())
    }

    fn images_a_step(recipe: &Recipe) -> usize {
        recipe.pretraining.unlabelled_batch + recipe.pretraining.labelled_batch
    }

    fn patience(_: &Recipe) -> Option<u64> {
        None
    }
}
