//! Semi-supervised training: a step on labelled and on unlabelled images.

use std::sync::Arc;

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::classifier::Classifier;
use super::{Plan, Run, Task, Trainer, all_visits, labels_of};
use crate::archive::{Archive, Stored};
use crate::checkpoint::Stage;
use crate::ema::{decay_at, follow, warmed};
use crate::encoder::Encoder;
use crate::error::Error;
use crate::freeze::frozen;
use crate::loader::{Batch, Loader, MemoryDataset, MemorySplit};
use crate::loss::cross_entropy;
use crate::metrics::{self, Metric, Unit};
use crate::optimizer::{Optimizer, Slopes};
use crate::recipe::Recipe;
use crate::rng::Purpose;
use crate::sampler::Visit;
use crate::semi::curriculum::Curriculum;
use crate::semi::fixmatch::agreement;
use crate::semi::{SemiMethod, SemiSettings, Thresholds, noisy_student};

/// Cross-entropy of the labelled images.
const LABELLED_LOSS: Metric =
    Metric::number("labelled_loss", "Loss of labelled images", Unit::CrossEntropy);
/// What unlabelled images cost.
const UNLABELLED_LOSS: Metric =
    Metric::number("unlabelled_loss", "Loss of unlabelled images", Unit::CrossEntropy);
/// Share of unlabelled images whose pseudo-label passes the threshold.
pub const MASK_RATE: Metric = Metric::share(
    "mask_rate",
    "Mask rate: unlabelled images whose pseudo-label passes the threshold",
    "mask rate",
);

/// What a step measures, the loss first.
pub(super) fn measured(settings: &SemiSettings) -> Vec<Metric> {
    match settings.method {
        SemiMethod::NoisyStudent { .. } => vec![metrics::CLASSIFIER_LOSS, metrics::ACCURACY],
        SemiMethod::Fixmatch { .. } => vec![
            metrics::CLASSIFIER_LOSS,
            LABELLED_LOSS,
            UNLABELLED_LOSS,
            metrics::ACCURACY,
            MASK_RATE,
        ],
    }
}

/// Where the average lies in a state; in a checkpoint it is the network.
const AVERAGE: &str = "average";
const OPTIMIZER: &str = "optimizer";
const LATEST: &str = "curriculum.latest";

/// A classifier that learns from labelled and from unlabelled images.
#[derive(Debug)]
pub struct SemiSupervised {
    settings: SemiSettings,
    network: Classifier,
    /// What is tested and kept.
    average: Classifier,
    /// Whether it has running statistics.
    normalises: bool,
    optimizer: Optimizer,
    curriculum: Option<Curriculum>,
    /// Numbers of the unlabelled images, in rising order.
    pool: Vec<u64>,
}

/// A loss and what was measured.
type Learnt = (Tensor<1>, Vec<(Metric, Tensor<1>)>);

impl Trainer<SemiSupervised> {
    /// A run at its start, with fresh weights. `pool` are the numbers of all unlabelled images.
    ///
    /// # Errors
    /// [`Error::Setting`] when the plan does not suit the recipe, [`Error::TooFew`] for fewer than
    /// two classes.
    pub fn semi_supervised(
        recipe: Recipe,
        plan: Plan,
        mut pool: Vec<u64>,
        device: &Device,
    ) -> Result<Self, Error> {
        let run = Run::new(recipe, plan, device);
        let settings = run.recipe.semi.clone().unwrap_or_default();
        let network = Classifier::new(&run.recipe, &plan, &run.tracked_device())?;
        pool.sort_unstable();
        pool.dedup();
        let curriculum = match settings.method {
            SemiMethod::Fixmatch { thresholds: Thresholds::Curriculum } => {
                let size = (pool.len(), plan.classes);
                Some(Curriculum::new(size.0, size.1, settings.threshold, &run.device))
            }
            _ => None,
        };
        let (average, optimizer) = (network.valid(), Optimizer::new(settings.optimizer.clone()));
        let optimizer = optimizer.of_encoder(&run.recipe.encoder, "encoder.");
        let normalises = run.recipe.encoder.normalises();
        let task =
            SemiSupervised { settings, network, average, normalises, optimizer, curriculum, pool };
        Ok(Self::of(task, run))
    }

    /// The same run with the encoder of a checkpoint; the classifier stays fresh.
    ///
    /// # Errors
    /// [`Error::MissingTensor`] or [`Error::TensorShape`] when it is of another encoder.
    pub fn with_encoder(mut self, archive: &Archive) -> Result<Self, Error> {
        let mut network = self.task.network;
        network.encoder = archive.restore("encoder", network.encoder)?;
        let freeze = ("semi.freeze", self.task.settings.freeze);
        self.task.network = frozen(network, freeze, &self.run.recipe.encoder)?;
        self.task.average = self.task.network.valid();
        Ok(self)
    }

    /// The same run with the encoder and the classifier of a checkpoint.
    ///
    /// # Errors
    /// [`Error::MissingTensor`] or [`Error::TensorShape`] when it is of another network.
    pub fn with_network(mut self, archive: &Archive) -> Result<Self, Error> {
        let network = archive.restore("", self.task.network)?;
        let freeze = ("semi.freeze", self.task.settings.freeze);
        self.task.network = frozen(network, freeze, &self.run.recipe.encoder)?;
        self.task.average = self.task.network.valid();
        Ok(self)
    }
}

impl Trainer<SemiSupervised> {
    /// Batches of images in memory, drawn as the recipe says.
    ///
    /// # Errors
    /// [`Error::TooFew`] when the images do not fill one batch.
    pub fn loader(&self, dataset: &MemoryDataset) -> Result<Loader<Arc<MemorySplit>>, Error> {
        let sampling = self.task.settings.sampling(dataset.sizes())?;
        dataset.loader(sampling, self.run.plan.seed)
    }
}

impl SemiSupervised {
    /// Steps in which weights moved before `step`; none while batch statistics alone do.
    fn learnt(&self, step: u64) -> Option<u64> {
        step.checked_sub(self.settings.statistics_warm_up)
    }

    /// Moves the weights, and their average after them.
    fn update(&mut self, loss: &Tensor<1>, learnt: u64, run: &Run) {
        let total = run.plan.total().saturating_sub(self.settings.statistics_warm_up);
        let slopes = Slopes::of(&self.network, &loss.backward());
        self.network = self.optimizer.step(self.network.clone(), slopes, total);
        let decay = decay_at(self.settings.average, learnt);
        self.average = follow(self.average.clone(), &self.network, decay);
    }

    /// The supervised loss of weak views and the agreement of strong views with weak ones.
    ///
    /// Each kind of view is normalised by its own statistics.
    fn fixmatch(&mut self, batch: &Batch, weak: Tensor<4>, run: &Run) -> Result<Learnt, Error> {
        let own = labels_of(&batch.labelled)?;
        let visits = batch.unlabelled.visits.as_slice();
        let precision = run.recipe.precision;
        let weak = self.network.forward_at(weak, precision);
        let images = batch.unlabelled.images.to_device(&run.device);
        let strong = run.view(&self.settings.strong, images, (Purpose::StrongView, visits));
        let strong = self.network.forward_at(strong, precision);
        let thresholds = match &self.curriculum {
            Some(curriculum) => curriculum.thresholds(),
            None => Tensor::full([run.plan.classes], self.settings.threshold, &run.device),
        };
        let found = agreement(weak, strong, thresholds);
        if let Some(curriculum) = &mut self.curriculum {
            let place = |visit: &Visit| self.pool.binary_search(&visit.image).ok();
            curriculum.note(&visits.iter().filter_map(place).collect::<Vec<_>>(), &found);
        }
        let named = (Purpose::LabelledView, batch.labelled.visits.as_slice());
        let images = batch.labelled.images.to_device(&run.device);
        let view = run.view(&self.settings.weak, images, named);
        let logits = self.network.forward_at(view, precision);
        let labels = run.labels(own);
        let labelled = cross_entropy(logits.clone(), labels.clone()).mean();
        let unlabelled = found.losses.mean();
        let loss =
            labelled.clone() + unlabelled.clone().mul_scalar(self.settings.unlabelled_weight);
        let measured = vec![
            (metrics::CLASSIFIER_LOSS, loss.clone()),
            (LABELLED_LOSS, labelled),
            (UNLABELLED_LOSS, unlabelled),
            (metrics::ACCURACY, metrics::accuracy(logits, labels)),
            (MASK_RATE, found.mask.mean()),
        ];
        Ok((loss, measured))
    }

    /// The loss of strong views of all images with the labels of a person or of the teacher.
    fn student(&self, batch: &Batch, run: &Run) -> Result<Learnt, Error> {
        let taught = labels_of(&batch.unlabelled)?;
        let labels = [taught, labels_of(&batch.labelled)?].concat();
        let named = (Purpose::StrongView, all_visits(batch));
        let named = (named.0, named.1.as_slice());
        let view = run.view(&self.settings.strong, run.all_images(batch), named);
        let logits = self.network.forward_at(view, run.recipe.precision);
        let labels = run.labels(&labels);
        let weight = self.settings.unlabelled_weight;
        let loss = noisy_student::loss(logits.clone(), labels.clone(), taught.len(), weight);
        let accuracy = metrics::accuracy(logits, labels);
        let measured =
            vec![(metrics::CLASSIFIER_LOSS, loss.clone()), (metrics::ACCURACY, accuracy)];
        Ok((loss, measured))
    }
}

impl Task for SemiSupervised {
    const LEARNS_FEATURES: bool = false;

    fn learn(&mut self, batch: &Batch, run: &Run) -> Result<Vec<(Metric, Tensor<1>)>, Error> {
        let taught = matches!(self.settings.method, SemiMethod::NoisyStudent { .. });
        let weak = (self.normalises || !taught).then(|| {
            let images = batch.unlabelled.images.to_device(&run.device);
            let named = (Purpose::WeakView, batch.unlabelled.visits.as_slice());
            run.view(&self.settings.weak, images, named)
        });
        let (loss, measured) = match &weak {
            Some(weak) if !taught => self.fixmatch(batch, weak.clone(), run)?,
            _ => self.student(batch, run)?,
        };
        if let Some(learnt) = self.learnt(run.steps) {
            self.update(&loss, learnt, run);
        }
        if let Some(weak) = weak.filter(|_| self.normalises) {
            self.average = warmed(self.average.clone(), &self.network, |network| {
                let _logits = network.forward_at(weak, run.recipe.precision);
            });
        }
        Ok(measured)
    }

    fn metrics(&self) -> Vec<Metric> {
        measured(&self.settings)
    }

    /// The averaged one.
    fn encoder(&self) -> Encoder {
        self.average.encoder.clone()
    }

    /// Those of the averaged network.
    fn logits(&self, images: Tensor<4>) -> Option<Tensor<2>> {
        Some(self.average.forward(images))
    }

    fn stage(&self) -> Stage {
        Stage::SemiSupervised
    }

    /// The averaged encoder and classifier.
    async fn store(&self, archive: &mut Archive) -> Result<(), Error> {
        archive.add("", &self.average).await
    }

    async fn store_state(&self, archive: &mut Archive) -> Result<(), Error> {
        archive.add("", &self.network).await?;
        archive.add(AVERAGE, &self.average).await?;
        self.optimizer.store(archive, OPTIMIZER).await?;
        if let Some(curriculum) = &self.curriculum {
            let latest = Stored::read(curriculum.latest().float()).await?;
            archive.tensors.insert(LATEST.into(), latest);
        }
        Ok(())
    }

    fn resume(&mut self, archive: &Archive, run: &Run) -> Result<(), Error> {
        self.network = archive.restore("", self.network.clone())?;
        self.average = archive.restore(AVERAGE, self.average.clone())?;
        let learnt = self.learnt(run.steps).unwrap_or(0);
        self.optimizer = self.optimizer.resumed(learnt, (archive, OPTIMIZER), &run.device)?;
        if let Some(curriculum) = self.curriculum.take() {
            let stored = archive.get(LATEST)?;
            let latest: Tensor<1> = stored.to_device(LATEST, [self.pool.len()], &run.device)?;
            self.curriculum = Some(curriculum.resumed(latest.int()));
        }
        Ok(())
    }

    fn images_a_step(recipe: &Recipe) -> usize {
        let settings = recipe.semi.clone().unwrap_or_default();
        settings.labelled_batch + settings.unlabelled_batch
    }

    fn patience(recipe: &Recipe) -> Option<u64> {
        recipe.semi.as_ref().and_then(|settings| settings.patience)
    }
}
