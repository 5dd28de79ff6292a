//! The largest networks, queues and runs that a recipe may ask for: beyond them a program would end for
//! want of memory, and a tab with it.

use super::Recipe;
use crate::encoder::EncoderSettings;
use crate::error::Error;
use crate::objective::Objective;
use crate::range::within;

/// Channels of a layer, and numbers of a head's layer.
const MOST_WIDTH: usize = 4_096;
/// Rows of a support set: the paper's is 98,304.
const MOST_ROWS: usize = 1 << 20;
/// Images of a batch.
const MOST_BATCH: usize = 1 << 16;
/// Epochs, and steps of an epoch.
const MOST_STEPS: u64 = 1 << 30;

/// Whether every size is one that a machine may hold.
///
/// # Errors
/// [`Error::Setting`] naming the first that is not.
pub(super) fn check(recipe: &Recipe) -> Result<(), Error> {
    if let EncoderSettings::Conv4 { width } | EncoderSettings::Resnet { width, .. } = recipe.encoder
    {
        width_of("encoder.width", width)?;
    }
    if let Some(head) = &recipe.projection {
        head.hidden.iter().try_for_each(|&width| width_of("projection.hidden", width))?;
        width_of("projection.output", head.output)?;
    }
    if let Some(head) = recipe.predictor() {
        head.hidden.iter().try_for_each(|&width| width_of("objective.form.predictor", width))?;
        width_of("objective.form.predictor", head.output)?;
    }
    match &recipe.objective {
        Objective::Nnclr(settings) => at_most("objective.queue", settings.queue, MOST_ROWS)?,
        Objective::Relational(settings) => width_of("objective.hidden", settings.hidden)?,
        Objective::Simclr(_) => {}
    }
    batches(recipe)?;
    steps(recipe)
}

fn batches(recipe: &Recipe) -> Result<(), Error> {
    let (pretraining, finetuning) = (&recipe.pretraining, &recipe.finetuning);
    at_most("pretraining.unlabelled_batch", pretraining.unlabelled_batch, MOST_BATCH)?;
    at_most("pretraining.labelled_batch", pretraining.labelled_batch, MOST_BATCH)?;
    at_most("finetuning.batch", finetuning.batch, MOST_BATCH)?;
    let Some(semi) = &recipe.semi else { return Ok(()) };
    at_most("semi.unlabelled_batch", semi.unlabelled_batch, MOST_BATCH)?;
    at_most("semi.labelled_batch", semi.labelled_batch, MOST_BATCH)
}

fn steps(recipe: &Recipe) -> Result<(), Error> {
    let (pretraining, finetuning) = (&recipe.pretraining, &recipe.finetuning);
    for (name, steps) in [
        ("pretraining.epochs", pretraining.epochs),
        ("pretraining.steps", pretraining.steps.unwrap_or(1)),
        ("finetuning.epochs", finetuning.epochs),
        ("finetuning.steps", finetuning.steps.unwrap_or(1)),
        ("semi.epochs", recipe.semi.as_ref().map_or(1, |semi| semi.epochs)),
        ("semi.steps", recipe.semi.as_ref().and_then(|semi| semi.steps).unwrap_or(1)),
        ("semi.statistics_warm_up", recipe.semi.as_ref().map_or(0, |s| s.statistics_warm_up)),
        ("evaluation.few_label_steps", recipe.evaluation.few_label_steps),
    ] {
        within(name, steps as f64, 0.0..=MOST_STEPS as f64, "at most 1073741824")?;
    }
    Ok(())
}

fn width_of(name: &'static str, width: usize) -> Result<(), Error> {
    within(name, width as f64, 1.0..=MOST_WIDTH as f64, "1 to 4096")
}

fn at_most(name: &'static str, got: usize, most: usize) -> Result<(), Error> {
    let expected = if most == MOST_ROWS { "at most 1048576" } else { "at most 65536" };
    within(name, got as f64, 0.0..=most as f64, expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_that_no_machine_holds_are_settings_out_of_range() {
        let text = Recipe::BUILT_IN[0].1;
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
