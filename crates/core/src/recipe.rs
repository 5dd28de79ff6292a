//! A recipe: everything that makes a run what it is, but for its data and its seed.

mod built_in;
mod change;
mod evaluation;
mod finetuning;
mod pretraining;

use serde::{Deserialize, Serialize};

use crate::augment::policy::Policy;
use crate::encoder::EncoderSettings;
use crate::error::Error;
use crate::head::HeadSettings;
use crate::method::Objective;
use crate::precision::TrainingPrecision;
use crate::semi::SemiSettings;

pub use evaluation::Evaluation;
pub use finetuning::Finetuning;
pub use pretraining::Pretraining;

/// Everything that makes a run what it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// What to call it.
    pub name: String,
    /// What it is, in a few words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// What it is for, in a sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// How some of the labelled images are drawn, where not all are asked for.
    #[serde(default)]
    pub labels: LabelDraw,
    /// How finely the encoder computes while it learns.
    #[serde(default, skip_serializing_if = "TrainingPrecision::is_full")]
    pub precision: TrainingPrecision,
    /// The network that becomes useful.
    pub encoder: EncoderSettings,
    /// From features to where the loss compares; thrown away after pre-training. Without it the
    /// objective compares the features themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub projection: Option<HeadSettings>,
    /// The method of pre-training.
    pub objective: Objective,
    /// How it goes.
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

impl Recipe {
    /// Reads a recipe, with settings changed as `key.of.a.table=value`.
    ///
    /// # Errors
    /// [`Error::Recipe`] for text that is not a recipe or a key that it does not have,
    /// [`Error::Setting`] for a value out of range.
    pub fn parse(text: &str, changes: &[String]) -> Result<Self, Error> {
        let reason = |e: toml::de::Error| e.to_string().trim_end().to_owned();
        let unreadable = |e| Error::Recipe { reason: reason(e) };
        let mut table: toml::Table = text.parse().map_err(unreadable)?;
        for change in changes {
            change::set(&mut table, change)?;
        }
        let recipe: Self = table.try_into().map_err(unreadable)?;
        recipe.check()?;
        Ok(recipe)
    }

    /// The recipe without what it says of itself.
    #[must_use]
    pub fn without_words(&self) -> Self {
        Self { title: String::new(), description: String::new(), ..self.clone() }
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
        self.encoder.check()?;
        if let Some(head) = &self.projection {
            head.check().map_err(|e| e.below("projection"))?;
        }
        let pretraining = &self.pretraining;
        pretraining.check(self.objective.views()).map_err(|e| e.below("pretraining"))?;
        self.objective.check(&pretraining.method_steps())?;
        if pretraining.accumulate > 1 && self.encoder.normalises() {
            let expected = "1 for an encoder that normalises by the batch: parts of a batch have other \
                            statistics; take a smaller batch, or an encoder that does not (conv4, vit)";
            let got = pretraining.accumulate;
            return Err(Error::setting("pretraining.accumulate", expected, got));
        }
        self.finetuning.check().map_err(|e| e.below("finetuning"))?;
        if let Some(semi) = &self.semi {
            semi.check().map_err(|e| e.below("semi"))?;
        }
        self.evaluation.check().map_err(|e| e.below("evaluation"))
    }

    /// The policy of each view that a step compares, two of them at least.
    pub fn policies_of_views(&self) -> Vec<&Policy> {
        const ANY_SIDE: usize = 1;
        let listed = self.pretraining.views.listed(self.objective.views(), ANY_SIDE);
        let policies: Vec<&Policy> = listed.into_iter().map(|(policy, _)| policy).collect();
        match policies[..] {
            [only] => vec![only; 2],
            _ => policies,
        }
    }

    /// Numbers a picture that the objective compares.
    pub fn compared(&self) -> usize {
        self.projection.as_ref().map_or(self.encoder.features(), |projection| projection.output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampler::Shuffle;
    use crate::semi::SemiMethod;

    #[test]
    fn every_built_in_recipe_reads_and_survives_its_own_text() {
        assert!(Recipe::all_built_in().len() > 5);
        for &(name, text) in Recipe::all_built_in() {
            let recipe = Recipe::parse(text, &[]).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(recipe.name, name);
            assert!(!recipe.title.is_empty(), "{name} has no title");
            assert!(recipe.description.ends_with('.'), "{name} has no sentence");
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

    fn quick() -> &'static str {
        Recipe::built_in_text("quick").expect("it comes with kith")
    }

    fn changed(change: &str) -> Result<Recipe, Error> {
        Recipe::parse(quick(), &[change.to_owned()])
    }

    #[test]
    fn settings_can_be_changed_by_name() {
        assert_eq!(changed("finetuning.epochs=7").unwrap().finetuning.epochs, 7);
        let shuffled = changed("pretraining.shuffle=window").unwrap();
        assert_eq!(shuffled.pretraining.shuffle, Shuffle::Window);
        let named = changed("pretraining.views=simclr").unwrap();
        assert_eq!(named.pretraining.views.only_policy(), Policy::named("simclr").as_ref());
    }

    #[test]
    fn relational_reasoning_says_what_cannot_be() {
        let text = Recipe::built_in_text("paper-relational").expect("it comes with kith");
        for (change, said) in [
            ("objective.views=1", "objective.views = 1"),
            ("pretraining.reduction=sum", "pretraining.reduction = sum"),
            ("objective.loss.kind=hinge", "unknown variant `hinge`"),
            ("objective.loss=3", "expected a loss's settings, `kind` among them"),
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
        let method = SemiMethod::Fixmatch { thresholds: crate::semi::Thresholds::Curriculum };
        assert_eq!(changed, SemiSettings { method, ..SemiSettings::default() });
        assert_eq!(Recipe::parse(quick(), &[]).unwrap().semi, None);
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

    #[test]
    fn another_kind_of_value_is_told_where_it_stands_and_what_belongs_there() {
        for (change, said) in [
            ("encoder=3", "expected an encoder's settings, `kind` among them\nin `encoder`"),
            ("objective=simclr", "expected a method's settings, `kind` among them\nin `objective`"),
            ("objective.form=3", "expected a form's settings, `kind` among them\nin `objective"),
            ("semi.method=fixmatch", "expected a semi-supervised method's settings"),
            ("pretraining.views=[3]", "expected an operation's settings, `op` among them"),
        ] {
            let error = changed(change).expect_err(change).to_string();
            assert!(error.contains(said), "{change}: {error}");
            assert!(!error.contains("enum") && !error.ends_with('\n'), "{change}: {error:?}");
        }
    }

    #[test]
    fn sizes_that_no_machine_holds_are_settings_out_of_range() {
        let text = quick();
        for change in [
            "encoder.width=100000",
            "encoder.width=0",
            "projection.hidden=[1000000000]",
            "projection.output=1000000000",
            "objective.queue=1000000000",
            "pretraining.unlabelled_batch=1000000",
            "pretraining.steps=9000000000000000000",
            "pretraining.epochs=9000000000000000000",
            "finetuning.batch=100000",
            "semi.labelled_batch=100000",
            "evaluation.few_label_steps=9000000000",
        ] {
            let error = Recipe::parse(text, &[change.to_owned()]).expect_err(change);
            assert_eq!(error.code(), "SETTING", "{change}");
            let (name, _) = change.split_once('=').expect("key=value");
            assert!(error.to_string().contains(name), "{change}: {error}");
        }
    }
}
