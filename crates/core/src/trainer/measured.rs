//! What a run's steps measure, without the run: for those who read its files.

use super::{self_supervised, semi_supervised};
use crate::checkpoint::Stage;
use crate::metrics::{self, Metric};
use crate::recipe::Recipe;

/// What steps of such a stage measure, the loss first, in the order in which it is shown.
///
/// Of pre-training the online probe's metrics are among them, also where nothing was labelled.
pub fn metrics_of(stage: Stage, recipe: &Recipe) -> Vec<Metric> {
    match stage {
        Stage::Pretrained => {
            let method = recipe.objective.metrics();
            method.into_iter().chain(self_supervised::PROBE_METRICS).collect()
        }
        Stage::Supervised | Stage::Finetuned => vec![metrics::CLASSIFIER_LOSS, metrics::ACCURACY],
        Stage::SemiSupervised => {
            semi_supervised::measured(&recipe.semi.clone().unwrap_or_default())
        }
        // Nobody measured.
        Stage::Imported => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::super::{Plan, Trainer};
    use super::*;

    #[test]
    fn a_reader_finds_what_the_trainer_describes() {
        let plan = Plan { side: 32, classes: 3, seed: 1, steps: 2, epochs: 1 };
        let device = Device::flex();
        for &(name, text) in Recipe::all_built_in() {
            let recipe = Recipe::parse(text, &["encoder.width=4".to_owned()]);
            let recipe = recipe.or_else(|_no_width| Recipe::parse(text, &[])).unwrap();
            let trainer = Trainer::pretraining(recipe.clone(), plan, &device).unwrap();
            // A recipe without labels in its steps trains no probe.
            let described = metrics_of(Stage::Pretrained, &recipe);
            let probe = if recipe.pretraining.labelled_batch > 0 { 0 } else { 2 };
            assert_eq!(described[..described.len() - probe], trainer.metrics(), "{name}");
            let trainer = Trainer::supervised(recipe.clone(), plan, &device).unwrap();
            assert_eq!(metrics_of(Stage::Supervised, &recipe), trainer.metrics(), "{name}");
        }
        for change in ["semi.epochs=1", "semi.method={kind=\"noisy_student\",rounds=1}"] {
            let text = Recipe::built_in_text("quick").unwrap();
            let recipe = Recipe::parse(text, &[change.to_owned()]).unwrap();
            let pool = (0..64).collect();
            let trainer = Trainer::semi_supervised(recipe.clone(), plan, pool, &device).unwrap();
            assert_eq!(metrics_of(Stage::SemiSupervised, &recipe), trainer.metrics(), "{change}");
        }
    }
}
