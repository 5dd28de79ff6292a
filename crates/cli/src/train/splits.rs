//! The images of a run: what the data set gives, with some labelled ones kept aside to choose by.

use std::collections::HashSet;

use kith_core::checkpoint;
use kith_core::protocol::keep_aside;
use kith_core::recipe::Recipe;
use kith_core::square::Preprocessing;
use kith_data::{Dataset, Split};

use crate::args::DataFlags;

/// The images of a run.
#[derive(Clone, Debug)]
pub(crate) struct Splits {
    /// The source as on the command line.
    pub(crate) source: String,
    /// What people call it.
    pub(crate) name: String,
    pub(crate) class_names: Vec<String>,
    /// Labelled images to learn from.
    pub(crate) labelled: Split,
    /// Labelled images to choose the best epoch by; none where the recipe keeps none.
    pub(crate) validation: Split,
    pub(crate) unlabelled: Split,
    pub(crate) test: Split,
    pub(crate) side: usize,
    /// How pictures were cut and resized, where a checkpoint says so.
    pub(crate) preprocessing: Option<Preprocessing>,
}

impl Splits {
    /// Keeps the recipe's share of the labelled images aside, the same share of every class; none
    /// where the data have validation images of their own.
    pub(crate) fn new(flags: &DataFlags, recipe: &Recipe, dataset: Dataset, seed: u64) -> Self {
        let side = dataset.side();
        let own = dataset.validation.filter(|own| own.labels().is_some());
        let share = if own.is_some() { 0.0 } else { recipe.evaluation.validation };
        let (labelled, aside) = parted(&dataset.labelled, share, seed);
        let validation = own.unwrap_or(aside);
        Self {
            source: flags.data.to_string(),
            name: dataset.name.clone(),
            labelled,
            class_names: dataset.class_names,
            unlabelled: without(&dataset.unlabelled, &validation),
            validation,
            test: dataset.test,
            side,
            preprocessing: flags.preprocessing,
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

/// A split to learn from, and images kept aside to choose by: none of images without labels.
fn parted(split: &Split, share: f64, seed: u64) -> (Split, Split) {
    let Some(labels) = split.labels() else { return (split.clone(), split.subset(&[])) };
    let (learn, aside) = keep_aside(labels, share, seed);
    (split.subset(&learn), split.subset(&aside))
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
