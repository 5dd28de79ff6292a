//! The pictures of a run: what the data set gives, with some labelled ones kept aside to choose by.

use std::collections::HashSet;
use std::path::Path;

use kith_core::archive::Archive;
use kith_core::checkpoint;
use kith_core::recipe::Recipe;
use kith_core::rng::{Purpose, stream};
use kith_data::{Dataset, Options, Source, Split};

use crate::args::DataFlags;
use crate::failure::Failure;
use crate::say::Say;

/// The least side that every encoder takes, which pictures of the MNIST family are blown up to.
const IDX_SIDE: usize = 32;

/// The pictures of a run.
#[derive(Clone, Debug)]
pub(crate) struct Material {
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

/// Opens what the flags name.
pub(crate) fn open(flags: &DataFlags, seed: u64, say: &Say) -> Result<Dataset, Failure> {
    let natural = matches!(flags.data, Source::Idx(_)).then_some(IDX_SIDE);
    let dataset = flags.data.open(&Options {
        side: flags.side.or(natural),
        fold: flags.fold,
        labelled: flags.labelled,
        unlabelled: flags.unlabelled,
        seed,
    })?;
    for skipped in &dataset.skipped {
        say.note(&format!("skipped {}: {}", skipped.path.display(), skipped.reason));
    }
    Ok(dataset)
}

/// Opens what the flags name at the side that a checkpoint's encoder wants, split as for its run.
pub(crate) fn open_for(
    flags: &DataFlags,
    meta: &checkpoint::Meta,
    say: &Say,
) -> Result<Dataset, Failure> {
    open_with(flags, meta, meta.seed, say)
}

/// Opens what the flags name at the side that a checkpoint's encoder wants, split by a seed.
pub(crate) fn open_with(
    flags: &DataFlags,
    meta: &checkpoint::Meta,
    seed: u64,
    say: &Say,
) -> Result<Dataset, Failure> {
    let side = meta.side;
    match flags.side {
        Some(got) if got != side => {
            Err(kith_core::Error::PictureSize { side, got_height: got, got_width: got }.into())
        }
        _ => open(&DataFlags { side: Some(side), ..flags.clone() }, seed, say),
    }
}

/// Whether a checkpoint was trained on pictures that a seed draws for testing.
///
/// The gallery and folders have no test set of their own: the seed of a run draws it.
pub(crate) fn has_seen_test(meta: &checkpoint::Meta, flags: &DataFlags, seed: u64) -> bool {
    let place = |folder: &Path| folder.canonicalize().unwrap_or_else(|_gone| folder.to_owned());
    let same = match (&flags.data, meta.dataset.name.parse::<Source>()) {
        (Source::Gallery, Ok(Source::Gallery)) => true,
        (Source::Folder(now), Ok(Source::Folder(then))) => place(now) == place(&then),
        _ => false,
    };
    same && meta.seed != seed
}

impl Material {
    /// Keeps the recipe's share of the labelled pictures aside, the same share of every class.
    pub(crate) fn new(flags: &DataFlags, recipe: &Recipe, dataset: Dataset, seed: u64) -> Self {
        let side = dataset.side();
        let share = recipe.evaluation.validation;
        let (learn, aside) = hold_out(&dataset.labelled, share, dataset.class_names.len(), seed);
        let validation = dataset.labelled.subset(&aside);
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

/// A checkpoint's note and tensors.
pub(crate) fn open_checkpoint(path: &Path) -> Result<(checkpoint::Meta, Archive), Failure> {
    let bytes = std::fs::read(path).map_err(|e| crate::files::FileError::new(path, e))?;
    let archive = Archive::from_bytes(&bytes).map_err(Failure::of(path))?;
    let meta = checkpoint::Meta::read(&archive).map_err(Failure::of(path))?;
    Ok((meta, archive))
}
