//! The pictures of a run: what the data set gives, with some labelled ones kept aside to choose by.

use std::collections::HashSet;

use kith_core::checkpoint;
use kith_core::recipe::Recipe;
use kith_core::rng::{Purpose, stream};
use kith_data::{Dataset, Split};

use crate::args::DataFlags;

/// The pictures of a run.
#[derive(Clone, Debug)]
pub(crate) struct Splits {
    /// The source as on the command line.
    pub(crate) source: String,
    /// What people call it.
    pub(crate) name: String,
    pub(crate) class_names: Vec<String>,
    /// Labelled pictures to learn from.
    pub(crate) labelled: Split,
    /// Labelled pictures to choose the best epoch by; none where the recipe keeps none.
    pub(crate) validation: Split,
    pub(crate) unlabelled: Split,
    pub(crate) test: Split,
    pub(crate) side: usize,
}

impl Splits {
    /// Keeps the recipe's share of the labelled pictures aside, the same share of every class; none
    /// where the data have validation pictures of their own.
    pub(crate) fn new(flags: &DataFlags, recipe: &Recipe, dataset: Dataset, seed: u64) -> Self {
        let side = dataset.side();
        let own = dataset.validation.filter(|own| own.labels().is_some());
        let share = if own.is_some() { 0.0 } else { recipe.evaluation.validation };
        let (learn, aside) = hold_out(&dataset.labelled, share, dataset.class_names.len(), seed);
        let validation = own.unwrap_or_else(|| dataset.labelled.subset(&aside));
        Self {
            source: flags.data.to_string(),
            name: dataset.name.clone(),
            labelled: dataset.labelled.subset(&learn),
            class_names: dataset.class_names,
            unlabelled: without(&dataset.unlabelled, &validation),
            validation,
            test: dataset.test,
            side,
        }
    }

    /// Number of classes; 0 where nothing is labelled.
    pub(crate) fn classes(&self) -> usize {
        self.class_names.len()
    }

    /// What a checkpoint says of it.
    pub(crate) fn described(&self) -> checkpoint::Dataset {
        checkpoint::Dataset {
            name: self.source.clone(),
            labelled: self.labelled.len(),
            validation: self.validation.len(),
            unlabelled: self.unlabelled.len(),
            test: self.test.len(),
        }
    }
}

/// A split without the images of another: what chooses the best epoch must not have been learnt from.
fn without(split: &Split, other: &Split) -> Split {
    if !split.shares_set(other) {
        return split.clone();
    }
    let aside: HashSet<u32> = other.pictures().iter().copied().collect();
    let kept = |&place: &u32| !aside.contains(&split.pictures()[place as usize]);
    split.subset(&(0..split.len() as u32).filter(kept).collect::<Vec<_>>())
}

/// Places of a split to learn from, and places kept aside.
fn hold_out(split: &Split, share: f64, classes: usize, seed: u64) -> (Vec<u32>, Vec<u32>) {
    let Some(labels) = split.labels() else { return ((0..split.len() as u32).collect(), vec![]) };
    let (mut learn, mut aside) = (Vec::new(), Vec::new());
    for class in 0..classes as u16 {
        let mut places: Vec<u32> =
            (0..labels.len() as u32).filter(|&p| labels[p as usize] == class).collect();
        stream(seed, Purpose::Split, 1, u64::from(class)).shuffle(&mut places);
        let kept = (share * places.len() as f64).round() as usize;
        aside.extend(places.drain(..kept));
        learn.extend(places);
    }
    learn.sort_unstable();
    aside.sort_unstable();
    (learn, aside)
}
