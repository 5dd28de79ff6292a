//! What to do where a device fails a training step.

use kith_core::Error;
use kith_core::checkpoint::Stage;
use kith_core::recipe::Recipe;
use kith_core::trainer::{Task, Trainer};

use crate::failure::{DeviceError, Failure};
use crate::train::context::RunContext;
use crate::train::folder::resumable;

/// Says what a step needs less memory with, or how to go on, where the device fails.
pub(super) fn advised<T: Task>(
    failure: Failure,
    trainer: &Trainer<T>,
    context: &RunContext<'_>,
) -> Failure {
    match failure {
        Failure::Core(Error::DeviceMemory { reason }) => {
            let less = less(trainer.stage(), trainer.recipe());
            DeviceError::StepMemory { images: trainer.images_a_step(), reason, less }.into()
        }
        failure => resumable(failure, context.whole),
    }
}

/// Changes of a recipe whose steps need about half.
fn less(stage: Stage, recipe: &Recipe) -> String {
    let semi = || recipe.semi.clone().unwrap_or_default();
    let (name, batch) = match stage {
        Stage::Supervised | Stage::Finetuned => ("finetuning.batch", recipe.finetuning.batch),
        Stage::SemiSupervised => ("semi.unlabelled_batch", semi().unlabelled_batch),
        Stage::Pretrained | Stage::Imported => batch_of(recipe),
    };
    let smaller = format!("--set {name}={}", (batch / 2).max(1));
    let in_parts = (stage == Stage::Pretrained).then(|| in_parts(recipe, 2)).flatten();
    in_parts.map_or(smaller.clone(), |parts| {
        let parts = parts.pretraining.accumulate;
        format!("{smaller} or, for the same batch in parts, --set pretraining.accumulate={parts}")
    })
}

/// The images of a batch that are compared, with the setting: the labelled ones where there are no others.
pub(crate) fn batch_of(recipe: &Recipe) -> (&'static str, usize) {
    let settings = &recipe.pretraining;
    match settings.unlabelled_batch {
        0 => ("pretraining.labelled_batch", settings.labelled_batch),
        images => ("pretraining.unlabelled_batch", images),
    }
}

/// The recipe with its batch in so many times as many parts, if its encoder can be trained so.
pub(crate) fn in_parts(recipe: &Recipe, parts: usize) -> Option<Recipe> {
    let change = format!("pretraining.accumulate={}", parts * recipe.pretraining.accumulate.max(1));
    Recipe::parse(&recipe.to_toml(), &[change]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_batch_or_the_same_in_parts_needs_less() {
        let recipe = |name: &str, changes: &[&str]| {
            let text = Recipe::built_in_text(name).expect("it is built in");
            let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
            Recipe::parse(text, &changes).expect("it is sound")
        };
        let quick = recipe("quick", &["pretraining.unlabelled_batch=64", "finetuning.batch=10"]);
        assert_eq!(
            less(Stage::Pretrained, &quick),
            "--set pretraining.unlabelled_batch=32 or, for the same batch in parts, \
             --set pretraining.accumulate=2"
        );
        assert_eq!(less(Stage::Finetuned, &quick), "--set finetuning.batch=5");
        let semi = recipe("cifar10-semi", &["semi.unlabelled_batch=448"]);
        assert_eq!(less(Stage::SemiSupervised, &semi), "--set semi.unlabelled_batch=224");
        // Batch normalisation needs the whole batch.
        let normalised = recipe(
            "simclr",
            &["pretraining.unlabelled_batch=256", "encoder.kind=\"resnet\"", "encoder.depth=18"],
        );
        assert_eq!(less(Stage::Pretrained, &normalised), "--set pretraining.unlabelled_batch=128");
    }
}
