//! The recipe's table of pre-training.

use serde::{Deserialize, Serialize};

use crate::augment::policy::Policy;
use crate::augment::views::{ViewCount, Views};
use crate::error::Error;
use crate::freeze::is_none;
use crate::method::{AccuracyOn, Reduction, Steps};
use crate::optimizer::OptimizerSettings;
use crate::range;
use crate::rng::Purpose;
use crate::sampler::{Batches, Sampling, Shuffle};

/// Pre-training with an online probe beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pretraining {
    /// Epochs of `steps` steps.
    pub epochs: u64,
    /// Steps an epoch; `None` is one pass over the unlabelled images.
    pub steps: Option<u64>,
    /// Unlabelled images a step.
    pub unlabelled_batch: usize,
    /// Labelled images a step, which the probe learns from and which join the contrast.
    pub labelled_batch: usize,
    /// Parts of a batch that go through the encoder one after the other: more need less memory. The
    /// loss still compares the whole batch.
    #[serde(default = "at_once")]
    pub accumulate: usize,
    /// First layers of a checkpoint's encoder that stay as they are, with their statistics: a stem is one,
    /// and each block; 0 moves all.
    #[serde(default, skip_serializing_if = "is_none")]
    pub freeze: usize,
    /// Order of the images.
    pub shuffle: Shuffle,
    /// Which images may meet in a batch; those of one domain where the data tell domains apart.
    #[serde(default, skip_serializing_if = "is_mixed")]
    pub batches: Batches,
    /// How losses become one number.
    pub reduction: Reduction,
    /// Views that the method compares.
    pub views: Views,
    /// View of the labelled images that the probe learns from.
    pub probe_view: Policy,
    /// Optimizer of encoder and heads.
    pub optimizer: OptimizerSettings,
    /// Optimizer of the probe.
    pub probe_optimizer: OptimizerSettings,
    /// Where contrastive accuracy is measured; relational reasoning has none.
    #[serde(default)]
    pub accuracy_on: AccuracyOn,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_mixed(batches: &Batches) -> bool {
    *batches == Batches::Mixed
}

fn at_once() -> usize {
    1
}

impl Pretraining {
    /// Whether every setting is in its range, for a method that compares so many views.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the first that is not.
    pub fn check(&self, views: ViewCount) -> Result<(), Error> {
        self.views.check(views).map_err(|e| e.below("views"))?;
        self.probe_view.check().map_err(|e| e.below("probe_view"))?;
        self.shuffle.check()?;
        range::count("epochs", self.epochs, 1..=range::MOST_STEPS)?;
        range::count("steps", self.steps.unwrap_or(1), 1..=range::MOST_STEPS)?;
        range::count("unlabelled_batch", self.unlabelled_batch as u64, 0..=range::MOST_BATCH)?;
        range::count("labelled_batch", self.labelled_batch as u64, 0..=range::MOST_BATCH)?;
        let batch = (self.unlabelled_batch + self.labelled_batch) as u64;
        range::count("accumulate", self.accumulate as u64, 1..=batch.max(1))?;
        range::count("unlabelled_batch + labelled_batch", batch, 2..=2 * range::MOST_BATCH)?;
        self.optimizer.check().map_err(|e| e.below("optimizer"))?;
        self.probe_optimizer.check().map_err(|e| e.below("probe_optimizer"))
    }

    /// What a method has to know of the steps.
    pub fn method_steps(&self) -> Steps {
        let Self { unlabelled_batch, labelled_batch, reduction, .. } = *self;
        Steps { unlabelled_batch, labelled_batch, reduction }
    }

    /// The same on images of so many classes.
    pub fn method_steps_on(&self, classes: usize) -> Steps {
        Steps { labelled_batch: self.labelled_of(classes), ..self.method_steps() }
    }

    /// Labelled images a step: without classes to tell apart there are none.
    fn labelled_of(&self, classes: usize) -> usize {
        if classes > 1 { self.labelled_batch } else { 0 }
    }

    /// How so many unlabelled and labelled images are drawn; without classes no labelled ones.
    ///
    /// # Errors
    /// [`Error::TooFew`] when they cannot fill one batch.
    pub fn sampling(
        &self,
        [unlabelled, labelled]: [usize; 2],
        classes: usize,
    ) -> Result<[Sampling; 2], Error> {
        let labelled_batch = self.labelled_of(classes);
        let sampling = |count, batch, purpose| Sampling {
            batches: self.batches,
            ..Sampling::whole(count, batch, self.shuffle, purpose)
        };
        let what = "unlabelled images to fill a batch (pretraining.unlabelled_batch)";
        let unlabelled = sampling(unlabelled, self.unlabelled_batch, Purpose::UnlabelledOrder);
        let unlabelled = unlabelled.filled(what)?;
        let what = "labelled images to fill a batch (pretraining.labelled_batch)";
        let labelled = sampling(labelled, labelled_batch, Purpose::LabelledOrder).filled(what)?;
        Ok([unlabelled, labelled])
    }
}
