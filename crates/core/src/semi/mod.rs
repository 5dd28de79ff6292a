//! Semi-supervised learning: few labels, many pictures.

pub mod curriculum;
pub mod fixmatch;
pub mod noisy_student;
pub mod pseudo_labels;

use serde::{Deserialize, Serialize};

use crate::augment::policy::Policy;
use crate::error::Error;
use crate::freeze::is_none;
use crate::optimizer::OptimizerSettings;
use crate::range;
use crate::rng::Purpose;
use crate::sampler::{Sampling, Shuffle};

/// How labelled and unlabelled pictures teach together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SemiSettings {
    /// Where the labels of unlabelled pictures come from.
    pub method: SemiMethod,
    /// The network that it starts from.
    pub start: Start,
    /// Steps at the start in which the weights stay and batch statistics alone follow this phase's
    /// views.
    pub statistics_warm_up: u64,
    /// Epochs of `steps` steps.
    pub epochs: u64,
    /// Steps an epoch; `None` is one pass over the unlabelled pictures.
    pub steps: Option<u64>,
    /// Labelled pictures a step.
    pub labelled_batch: usize,
    /// Unlabelled pictures a step.
    pub unlabelled_batch: usize,
    /// First layers of a checkpoint's encoder that stay as they are, as in fine-tuning.
    #[serde(skip_serializing_if = "is_none")]
    pub freeze: usize,
    /// Order of the pictures.
    pub shuffle: Shuffle,
    /// View by which labels are learnt and given.
    pub weak: Policy,
    /// View that must earn the same label.
    pub strong: Policy,
    /// Least probability of a pseudo-label: those below are left out.
    pub threshold: f64,
    /// Weight of the unlabelled images' loss. In Noisy Student every image that a teacher labelled
    /// weighs so much, and every other one 1.
    pub unlabelled_weight: f64,
    /// Share of the old in the running average of the weights that is tested and kept.
    pub average: f64,
    /// Optimizer of all weights.
    pub optimizer: OptimizerSettings,
    /// Epochs without a lower validation loss after which training ends early, as in fine-tuning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patience: Option<u64>,
}

/// The network that learning from unlabelled images starts from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// The baseline's own start: fresh weights, or a checkpoint's encoder.
    #[default]
    Fresh,
    /// The baseline after its training, encoder and classifier.
    Baseline,
}

/// Where the labels of unlabelled pictures come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[serde(expecting = "a semi-supervised method's settings, `kind` among them")]
pub enum SemiMethod {
    /// `FixMatch` (Sohn et al. 2020): in every step, from the network itself.
    Fixmatch {
        /// Which probability is enough.
        thresholds: Thresholds,
    },
    /// Noisy Student (Xie et al. 2020): once a round, from the student of the round before.
    NoisyStudent {
        /// Students, one after the other; the first learns from the supervised teacher.
        rounds: usize,
    },
}

/// Which probability is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Thresholds {
    /// The same for every class.
    Fixed,
    /// Less for classes that are learnt more slowly (`FlexMatch`, Zhang et al. 2021).
    Curriculum,
}

impl Default for SemiSettings {
    /// `FixMatch`'s own for small pictures, but for the optimizer, which is Adam as everywhere in
    /// kith, and the length.
    fn default() -> Self {
        let named = |name| Policy::named(name).expect("a built-in policy");
        Self {
            method: SemiMethod::Fixmatch { thresholds: Thresholds::Fixed },
            start: Start::Fresh,
            statistics_warm_up: 0,
            epochs: 30,
            steps: None,
            labelled_batch: 64,
            unlabelled_batch: 448,
            freeze: 0,
            shuffle: Shuffle::Full,
            weak: named("fixmatch-weak"),
            strong: named("fixmatch-strong"),
            threshold: 0.95,
            unlabelled_weight: 1.0,
            average: 0.999,
            optimizer: OptimizerSettings::default(),
            patience: None,
        }
    }
}

impl SemiSettings {
    /// Whether every setting is in its range.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the first that is not.
    pub fn check(&self) -> Result<(), Error> {
        self.weak.check().map_err(|e| e.below("weak"))?;
        self.strong.check().map_err(|e| e.below("strong"))?;
        self.shuffle.check()?;
        range::count("epochs", self.epochs, 1..=range::MOST_STEPS)?;
        range::count("steps", self.steps.unwrap_or(1), 1..=range::MOST_STEPS)?;
        range::count("statistics_warm_up", self.statistics_warm_up, 0..=range::MOST_STEPS)?;
        range::count("patience", self.patience.unwrap_or(1), 1..=u64::MAX)?;
        range::count("labelled_batch", self.labelled_batch as u64, 1..=range::MOST_BATCH)?;
        range::count("unlabelled_batch", self.unlabelled_batch as u64, 1..=range::MOST_BATCH)?;
        if let SemiMethod::NoisyStudent { rounds } = self.method {
            range::count("method.rounds", rounds as u64, 1..=u64::MAX)?;
        }
        range::share("threshold", self.threshold)?;
        range::share("average", self.average)?;
        range::within("unlabelled_weight", self.unlabelled_weight, 0.0..=f64::MAX, "0 or more")?;
        self.optimizer.check().map_err(|e| e.below("optimizer"))
    }

    /// The same with no batch larger than there are images of its kind.
    #[must_use]
    pub fn within(self, [unlabelled, labelled]: [usize; 2]) -> Self {
        Self {
            unlabelled_batch: self.unlabelled_batch.min(unlabelled.max(1)),
            labelled_batch: self.labelled_batch.min(labelled.max(1)),
            ..self
        }
    }

    /// How so many unlabelled and labelled images are drawn.
    ///
    /// # Errors
    /// [`Error::TooFew`] when they cannot fill one batch.
    pub fn sampling(&self, [unlabelled, labelled]: [usize; 2]) -> Result<[Sampling; 2], Error> {
        let sampling = |count, batch, purpose| Sampling::whole(count, batch, self.shuffle, purpose);
        let what = "unlabelled images to fill a batch (semi.unlabelled_batch)";
        let unlabelled = sampling(unlabelled, self.unlabelled_batch, Purpose::UnlabelledOrder);
        let unlabelled = unlabelled.filled(what)?;
        let what = "labelled images to fill a batch (semi.labelled_batch)";
        let labelled = sampling(labelled, self.labelled_batch, Purpose::LabelledOrder);
        Ok([unlabelled, labelled.filled(what)?])
    }
}
