//! Batches of a run, prepared on a thread ahead of the trainer.

use kith_core::loader::{Batch, Loader};
use kith_core::recipe::{Finetuning, Pretraining};
use kith_core::sampler::Sampling;
use kith_core::semi::SemiSettings;
use kith_core::trainer::Plan;
use kith_data::{Prefetch, Split, prefetch};

/// Batches that wait for the trainer.
const DEPTH: usize = 2;

/// All batches from step `first` to the end of the plan.
fn from(mut loader: Loader<Split>, first: u64, plan: Plan) -> Prefetch<Batch> {
    prefetch(first..plan.total(), DEPTH, move |step| loader.batch(step))
}

/// Batches of pre-training from step `first` to the end of the plan.
pub(crate) fn pretraining(
    unlabelled: &Split,
    labelled: &Split,
    settings: &Pretraining,
    plan: Plan,
    first: u64,
) -> Result<Prefetch<Batch>, kith_core::Error> {
    let [free, known] = settings.sampling([unlabelled.len(), labelled.len()], plan.classes)?;
    let splits = (unlabelled.clone(), labelled.clone());
    Ok(from(Loader::new((splits.0, free), (splits.1, known), plan.seed)?, first, plan))
}

/// Batches of fine-tuning from step `first` to the end of the plan.
pub(crate) fn finetuning(
    labelled: &Split,
    settings: &Finetuning,
    plan: Plan,
    first: u64,
) -> Result<Prefetch<Batch>, kith_core::Error> {
    let what = "labelled images to fill a batch (finetuning.batch)";
    let known = settings.sampling(labelled.len()).filled(what)?;
    let none = (labelled.subset(&[]), Sampling::NONE);
    Ok(from(Loader::new(none, (labelled.clone(), known), plan.seed)?, first, plan))
}

/// Unlabelled images, with labels where a teacher gave them some.
#[derive(Clone, Debug)]
pub(crate) struct UnlabelledSplit {
    pub(crate) split: Split,
    pub(crate) labels: Option<Vec<u16>>,
}

/// Batches of semi-supervised training from step `first` to the end of the plan.
pub(crate) fn semi(
    unlabelled: UnlabelledSplit,
    labelled: &Split,
    settings: &SemiSettings,
    plan: Plan,
    first: u64,
) -> Result<Prefetch<Batch>, kith_core::Error> {
    let [free, known] = settings.sampling([unlabelled.split.len(), labelled.len()])?;
    let splits = ((unlabelled.split, free), (labelled.clone(), known));
    let loader = Loader::new(splits.0, splits.1, plan.seed)?;
    let loader = match unlabelled.labels {
        Some(labels) => loader.with_pseudo_labels(labels),
        None => loader,
    };
    Ok(from(loader, first, plan))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use kith_core::loader::LABELLED;
    use kith_core::recipe::Recipe;
    use kith_core::sampler::Visit;
    use kith_data::{Options, Source};

    use super::*;

    const STEPS: u64 = 40;
    const PLAN: Plan = Plan { side: 4, classes: 1836, seed: 1, steps: STEPS, epochs: 1 };

    /// The same images with labels and without.
    fn images(count: u32) -> Split {
        let options = Options { side: Some(4), ..Options::default() };
        let dataset = Source::Gallery.open(&options).expect("it comes with kith");
        dataset.labelled.subset(&(0..count).collect::<Vec<_>>())
    }

    fn recipe() -> Recipe {
        let changes = [
            "pretraining.unlabelled_batch=7",
            "pretraining.labelled_batch=4",
            "finetuning.batch=9",
            "semi.unlabelled_batch=8",
            "semi.labelled_batch=5",
        ];
        let text = Recipe::built_in_text("quick").expect("it comes with kith");
        Recipe::parse(text, &changes.map(String::from)).expect("a recipe")
    }

    fn visits(batch: &Batch) -> Vec<Visit> {
        [batch.unlabelled.visits.as_slice(), &batch.labelled.visits].concat()
    }

    /// All batches of a run of many passes, which no look at an image comes twice in.
    fn batches(made: impl Fn(u64) -> Result<Prefetch<Batch>, kith_core::Error>) -> Vec<Batch> {
        let all: Vec<Batch> = made(0).expect("enough images").map(|b| b.expect("read")).collect();
        let mut seen = HashSet::new();
        for batch in &all {
            let visits = visits(batch);
            assert_eq!(visits.len(), batch.unlabelled.len() + batch.labelled.len());
            visits.iter().for_each(|&visit| assert!(seen.insert(visit), "{visit:?} again"));
            let images: HashSet<u64> = visits.iter().map(|v| v.image % LABELLED).collect();
            assert_eq!(images.len(), visits.len(), "an image meets itself");
        }
        let rest = made(17).expect("enough images").map(|b| visits(&b.expect("read")));
        let expected = all[17..].iter().map(visits);
        assert!(rest.eq(expected), "a run that goes on takes other images");
        all
    }

    #[test]
    fn no_look_at_an_image_comes_twice_and_no_image_meets_itself() {
        let (split, recipe) = (images(16), recipe());
        let semi = recipe.semi.clone().expect("it was changed");
        let free = || UnlabelledSplit { split: split.clone(), labels: None };
        let counts = [
            batches(|first| pretraining(&split, &split, &recipe.pretraining, PLAN, first)).len(),
            batches(|first| finetuning(&split, &recipe.finetuning, PLAN, first)).len(),
            batches(|first| self::semi(free(), &split, &semi, PLAN, first)).len(),
        ];
        assert_eq!(counts, [STEPS as usize; 3]);
    }
}
