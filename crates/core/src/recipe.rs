//! A recipe: everything that makes a run what it is, but for its data and its seed.

mod built_in;
mod change;
mod sizes;

use serde::{Deserialize, Serialize};

use crate::augment::policy::Policy;
use crate::encoder::EncoderSettings;
use crate::error::Error;
use crate::head::HeadSettings;
use crate::objective::nnclr::NnclrForm;
use crate::objective::{Objective, Reduction};
use crate::optimizer::AdamSettings;
use crate::probe::LinearProtocol;
use crate::range::{at_least, within};
use crate::rng::Purpose;
use crate::sampler::{Course, LastBatch, Shuffle};
use crate::semi::SemiSettings;
use crate::support::SupportSet;

/// Everything that makes a run what it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// What to call it.
    pub name: String,
    /// How some of the labelled images are drawn, where not all are asked for.
    #[serde(default)]
    pub labels: LabelDraw,
    /// The network that becomes useful.
    pub encoder: EncoderSettings,
    /// From features to where the loss compares; thrown away after pre-training. Without it the
    /// objective compares the features themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub projection: Option<HeadSettings>,
    /// The loss.
    pub objective: Objective,
    /// How unlabelled pictures are seen.
    pub pretraining: Pretraining,
    /// How labelled pictures are seen by the supervised baseline and after pre-training.
    pub finetuning: Finetuning,
    /// How labelled and unlabelled pictures teach together; without it, as `FixMatch` does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub semi: Option<SemiSettings>,
    /// How results are measured.
    pub evaluation: Evaluation,
}

/// How some of the labelled images are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LabelDraw {
    /// The same number of every class.
    #[default]
    Stratified,
    /// Without regard to their classes.
    Uniform,
}

/// Pre-training with an online probe beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pretraining {
    /// Epochs of `steps` steps.
    pub epochs: u64,
    /// Steps an epoch; `None` is one pass over the unlabelled pictures.
    pub steps: Option<u64>,
    /// Unlabelled pictures a step.
    pub unlabelled_batch: usize,
    /// Labelled pictures a step, which the probe learns from and which join the contrast.
    pub labelled_batch: usize,
    /// Order of the pictures.
    pub shuffle: Shuffle,
    /// How losses become one number.
    pub reduction: Reduction,
    /// Views that the objective compares.
    pub views: Policy,
    /// View of the labelled pictures that the probe learns from.
    pub probe_view: Policy,
    /// Optimizer of encoder and heads.
    pub optimizer: AdamSettings,
    /// Optimizer of the probe.
    pub probe_optimizer: AdamSettings,
    /// Where contrastive accuracy is measured; relational reasoning has none.
    #[serde(default)]
    pub accuracy_on: AccuracyOn,
}

/// What contrastive accuracy compares: the two are not comparable with each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccuracyOn {
    /// The encoder's features (the Keras NNCLR example).
    #[default]
    Features,
    /// Projections (the Keras `SimCLR` example).
    Projections,
}

/// Training of encoder and a fresh linear classifier on labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finetuning {
    /// Epochs of `steps` steps.
    pub epochs: u64,
    /// Steps an epoch; `None` is one pass over the labelled pictures.
    pub steps: Option<u64>,
    /// Pictures a step.
    pub batch: usize,
    /// Order of the pictures.
    pub shuffle: Shuffle,
    /// What becomes of the images of a pass that do not fill a batch.
    #[serde(default)]
    pub last_batch: LastBatch,
    /// How the pictures are seen.
    pub view: Policy,
    /// Optimizer of all weights.
    pub optimizer: AdamSettings,
    /// The classifier's learning rate as a multiple of the encoder's, above 0.
    #[serde(default = "same_rate")]
    pub head_rate: f64,
    /// Share of the features that the classifier does without while it learns, drawn anew for each
    /// image and step, in [0, 1).
    #[serde(default)]
    pub dropout: f64,
    /// Epochs without a lower validation loss after which training ends early; `None` never does, nor
    /// does a run that keeps no pictures aside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patience: Option<u64>,
}

impl Pretraining {
    /// How so many unlabelled and labelled images are gone through; without classes no labelled ones.
    ///
    /// # Errors
    /// [`Error::TooFew`] when they cannot fill one batch.
    pub fn courses(
        &self,
        [unlabelled, labelled]: [usize; 2],
        classes: usize,
    ) -> Result<[Course; 2], Error> {
        let known = if classes > 1 { self.labelled_batch } else { 0 };
        let course = |count, batch, purpose| {
            let (shuffle, last_batch) = (self.shuffle, LastBatch::Carry);
            Course { count, batch, shuffle, last_batch, purpose }
        };
        let what = "unlabelled images to fill a batch (pretraining.unlabelled_batch)";
        let free = course(unlabelled, self.unlabelled_batch, Purpose::UnlabelledOrder);
        let free = free.filled(what)?;
        let what = "labelled images to fill a batch (pretraining.labelled_batch)";
        let known = course(labelled, known, Purpose::LabelledOrder).filled(what)?;
        Ok([free, known])
    }
}

impl Finetuning {
    /// How so many labelled images are gone through.
    pub fn course(&self, count: usize) -> Course {
        let Self { batch, shuffle, last_batch, .. } = *self;
        Course { count, batch, shuffle, last_batch, purpose: Purpose::LabelledOrder }
    }
}

/// The classifier learns as fast as the encoder.
fn same_rate() -> f64 {
    1.0
}

/// How results are measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evaluation {
    /// Share of the labelled training pictures kept aside to choose the best epoch by, in [0, 0.5].
    /// Test pictures are then looked at once, after the last epoch, by the last network and by the
    /// best. With 0 they are looked at each epoch and the best is chosen on them, as the Keras
    /// examples do.
    pub validation: f64,
    /// What is done to test pictures. Empty is right; the Keras NNCLR example perturbs them.
    pub test_view: Policy,
    /// What the report measures of the last encoder besides.
    #[serde(default)]
    pub linear: LinearProtocol,
    /// Least steps of fine-tuning with few labels; whole passes over the pictures are made. The same
    /// number however many labels there are, so that these alone differ.
    #[serde(default = "few_label_steps")]
    pub few_label_steps: u64,
}

/// Enough for 5,000 pictures to be seen two and a half times in batches of 25, as the Keras examples' are,
/// and for ten to be known by heart.
fn few_label_steps() -> u64 {
    500
}

impl Recipe {
    /// Reads a recipe, with settings changed as `key.of.a.table=value`.
    ///
    /// # Errors
    /// [`Error::Recipe`] for text that is not a recipe or a key that it does not have,
    /// [`Error::Setting`] for a value out of range.
    pub fn parse(text: &str, changes: &[String]) -> Result<Self, Error> {
        let unreadable = |e: toml::de::Error| Error::Recipe { reason: e.to_string() };
        let mut table: toml::Table = text.parse().map_err(unreadable)?;
        for change in changes {
            change::set(&mut table, change)?;
        }
        let recipe: Self = table.try_into().map_err(unreadable)?;
        recipe.check()?;
        Ok(recipe)
    }

    /// The recipe as text, every setting written out.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a recipe is representable in TOML")
    }

    /// Whether every setting is in its range.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the first that is not.
    pub fn check(&self) -> Result<(), Error> {
        let views = [
            &self.pretraining.views,
            &self.pretraining.probe_view,
            &self.finetuning.view,
            &self.evaluation.test_view,
        ];
        views.into_iter().try_for_each(Policy::check)?;
        sizes::check(self)?;
        [self.pretraining.shuffle, self.finetuning.shuffle]
            .into_iter()
            .try_for_each(Shuffle::check)?;
        self.semi.as_ref().map_or(Ok(()), SemiSettings::check)?;
        let Pretraining { epochs, unlabelled_batch, labelled_batch, .. } = self.pretraining;
        let batch = unlabelled_batch + labelled_batch;
        at_least("pretraining.epochs", epochs, 1)?;
        at_least("pretraining.unlabelled_batch + labelled_batch", batch as u64, 2)?;
        at_least("finetuning.epochs", self.finetuning.epochs, 1)?;
        at_least("finetuning.patience", self.finetuning.patience.unwrap_or(1), 1)?;
        at_least("finetuning.batch", self.finetuning.batch as u64, 1)?;
        for steps in [self.pretraining.steps, self.finetuning.steps].into_iter().flatten() {
            at_least("steps", steps, 1)?;
        }
        within("finetuning.dropout", self.finetuning.dropout, 0.0..=0.99, "0 to 0.99")?;
        let head_rate = self.finetuning.head_rate;
        within("finetuning.head_rate", head_rate, f64::MIN_POSITIVE..=f64::MAX, "above 0")?;
        at_least("evaluation.few_label_steps", self.evaluation.few_label_steps, 1)?;
        within("evaluation.validation", self.evaluation.validation, 0.0..=0.5, "0 to 0.5")?;
        for settings in [
            &self.pretraining.optimizer,
            &self.pretraining.probe_optimizer,
            &self.finetuning.optimizer,
        ] {
            let rate = settings.learning_rate;
            within("learning_rate", rate, f64::MIN_POSITIVE..=f64::MAX, "above 0")?;
            within("schedule.warm_up", settings.schedule.warm_up, 0.0..=0.99, "0 to 0.99")?;
        }
        self.check_objective(batch)
    }

    fn check_objective(&self, batch: usize) -> Result<(), Error> {
        let temperature = match &self.objective {
            Objective::Simclr(settings) => settings.temperature,
            Objective::Nnclr(settings) => {
                SupportSet::check(settings.queue, batch)?;
                settings.temperature
            }
            Objective::Relational(settings) => {
                if self.pretraining.reduction == Reduction::Sum {
                    let (name, got) = ("pretraining.reduction", "sum".into());
                    let expected = "mean, the only one of relational reasoning";
                    return Err(Error::Setting { name, expected, got });
                }
                return settings.check(self.pretraining.unlabelled_batch);
            }
        };
        within("objective.temperature", temperature, f64::MIN_POSITIVE..=f64::MAX, "above 0")
    }

    /// Numbers a picture that the objective compares.
    pub fn compared(&self) -> usize {
        self.projection.as_ref().map_or(self.encoder.features(), |projection| projection.output)
    }

    /// Shape of the predictor, if the objective has one.
    pub fn predictor(&self) -> Option<&HeadSettings> {
        match &self.objective {
            Objective::Nnclr(settings) => match &settings.form {
                NnclrForm::StopGradient { predictor } => Some(predictor),
                NnclrForm::StraightThrough => None,
            },
            Objective::Simclr(_) | Objective::Relational(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::semi::Method;

    #[test]
    fn every_built_in_recipe_reads_and_survives_its_own_text() {
        for (name, text) in Recipe::BUILT_IN {
            let recipe = Recipe::parse(text, &[]).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(recipe.name, name);
            assert_eq!(Recipe::parse(&recipe.to_toml(), &[]).unwrap(), recipe);
        }
    }

    #[test]
    fn an_old_name_leads_to_a_recipe() {
        for (old, new) in Recipe::RENAMED {
            assert!(Recipe::built_in(old).is_none() && Recipe::built_in(new).is_some(), "{old}");
        }
        assert_eq!(Recipe::renamed("seed-semi"), Some("cifar10-semi"));
        assert_eq!(Recipe::renamed("quick"), None);
    }

    #[test]
    fn the_old_name_of_a_policy_is_answered_with_the_new_one() {
        let error = changed("pretraining.views=seed-nnclr-contrastive").expect_err("old");
        assert!(error.to_string().contains("called `keras-nnclr-contrastive` now"), "{error}");
    }

    fn changed(change: &str) -> Result<Recipe, Error> {
        Recipe::parse(Recipe::BUILT_IN[0].1, &[change.to_owned()])
    }

    #[test]
    fn settings_can_be_changed_by_name() {
        assert_eq!(changed("finetuning.epochs=7").unwrap().finetuning.epochs, 7);
        let shuffled = changed("pretraining.shuffle=window").unwrap();
        assert_eq!(shuffled.pretraining.shuffle, Shuffle::Window);
        let named = changed("pretraining.views=simclr").unwrap();
        assert_eq!(Some(named.pretraining.views), Policy::named("simclr"));
    }

    #[test]
    fn relational_reasoning_says_what_cannot_be() {
        let text = include_str!("../../../recipes/paper-relational.toml");
        for (change, said) in [
            ("objective.views=1", "objective.views = 1"),
            ("pretraining.reduction=sum", "pretraining.reduction = sum"),
            ("objective.loss.kind=hinge", "unknown variant `hinge`"),
            ("pretraining.views=nonesuch", "nonesuch"),
        ] {
            let error = Recipe::parse(text, &[change.to_owned()]).expect_err(change).to_string();
            assert!(error.contains(said), "{change}: {error}");
        }
        let alone = ["pretraining.unlabelled_batch=1".to_owned()];
        let error = Recipe::parse(text, &alone).expect_err("a picture alone");
        assert!(error.to_string().contains("at least 2"), "{error}");
    }

    #[test]
    fn a_table_that_is_left_out_is_changed_from_its_defaults() {
        let thresholds = "semi.method.thresholds=curriculum";
        let changed = changed(thresholds).unwrap().semi.expect("it is there now");
        let method = Method::Fixmatch { thresholds: crate::semi::Thresholds::Curriculum };
        assert_eq!(changed, SemiSettings { method, ..SemiSettings::default() });
        assert_eq!(Recipe::parse(Recipe::BUILT_IN[0].1, &[]).unwrap().semi, None);
    }

    #[test]
    fn a_wrong_change_says_what_is_wrong() {
        for (change, said) in [
            ("finetuning.epochs", "expected key=value"),
            ("fine.epochs=7", "no table `fine`"),
            ("finetuning.epoch=7", "unknown field `epoch`"),
            ("finetuning.epochs=0", "finetuning.epochs = 0"),
            ("objective.temperature=0", "objective.temperature = 0"),
            ("objective.queue=3", "objective.queue = 3"),
            ("finetuning.head_rate=0", "finetuning.head_rate = 0"),
            ("finetuning.dropout=1.0", "finetuning.dropout = 1"),
            ("finetuning.last_batch=long", "unknown variant `long`"),
            ("pretraining.shuffle={buffer=0}", "shuffle.buffer = 0"),
            ("evaluation.validation=0.9", "evaluation.validation = 0.9"),
            ("pretraining.views=nonesuch", "nonesuch"),
        ] {
            let error = changed(change).expect_err(change).to_string();
            assert!(error.contains(said), "{change}: {error}");
        }
    }
}
