//! The pictures of a run: what the data set gives, with some labelled ones kept aside to choose by.

use std::collections::HashSet;
use std::path::Path;

use kith_core::archive::Archive;
use kith_core::checkpoint;
use kith_core::recipe::{LabelDraw, Recipe};
use kith_core::rng::{Purpose, stream};
use kith_data::{Cache, Cached, Dataset, Options, Source, Split};

use crate::args::DataFlags;
use crate::failure::Failure;
use crate::progress;
use crate::say::Say;

/// The least side that every encoder takes, which pictures of the MNIST family are blown up to.
const IDX_SIDE: usize = 32;

/// What `--cache` says where nothing shall be kept.
const NO_CACHE: &str = "none";
/// The most that caches nobody asked for may take, in bytes.
const MOST_CACHE_BYTES: u64 = 32 << 30;
/// Files that could not be read which are named one by one.
const SKIPPED_SHOWN: usize = 50;

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

/// Opens what the flags name, and says what was found and what was passed over.
pub(crate) fn open(flags: &DataFlags, seed: u64, say: &Say) -> Result<Dataset, Failure> {
    open_drawn((flags, LabelDraw::default()), seed, say)
}

/// Opens what the flags name, with labelled images drawn as a recipe says.
pub(crate) fn open_to_learn(
    flags: &DataFlags,
    recipe: &Recipe,
    seed: u64,
    say: &Say,
) -> Result<Dataset, Failure> {
    open_drawn((flags, recipe.labels), seed, say)
}

fn open_drawn(
    (flags, labels): (&DataFlags, LabelDraw),
    seed: u64,
    say: &Say,
) -> Result<Dataset, Failure> {
    let natural = matches!(flags.data, Source::Idx(_)).then_some(IDX_SIDE);
    let options = Options {
        side: flags.side.or(natural),
        fold: flags.fold,
        labelled: flags.labelled,
        unlabelled: flags.unlabelled,
        labels,
        seed,
        cache: cache(flags.cache.as_deref()),
    };
    let mut bar = progress::Scan::new(say.show());
    let dataset = flags.data.open_watched(&options, &mut |done, total| bar.tick(done, total));
    bar.finish();
    let dataset = dataset?;
    for skipped in dataset.skipped.iter().take(SKIPPED_SHOWN) {
        say.note(&format!("skipped {}: {}", skipped.path.display(), skipped.reason));
    }
    if let Some(more) = dataset.skipped.len().checked_sub(SKIPPED_SHOWN).filter(|&more| more > 0) {
        say.note(&format!("skipped {more} more"));
    }
    dataset.notes.iter().for_each(|note| say.note(note));
    say.note(&dataset.summary());
    Ok(dataset)
}

/// Where resized images are kept: of any folder where the user says so, else of large ones in the
/// user's folder for such things.
fn cache(asked: Option<&Path>) -> Option<Cache> {
    match asked {
        Some(none) if none == Path::new(NO_CACHE) => None,
        Some(folder) => {
            Some(Cache { folder: folder.to_owned(), most_bytes: u64::MAX, of: Cached::All })
        }
        None => dirs::cache_dir().map(|folder| Cache {
            folder: folder.join("kith"),
            most_bytes: MOST_CACHE_BYTES,
            of: Cached::Large,
        }),
    }
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
        _ => {
            let flags = DataFlags { side: Some(side), ..flags.clone() };
            open_to_learn(&flags, &meta.recipe, seed, say)
        }
    }
}

/// Whether a checkpoint was trained on pictures that a seed draws for testing.
///
/// The gallery and folders have no test set of their own: the seed of a run draws it.
pub(crate) fn has_seen_test(meta: &checkpoint::Meta, flags: &DataFlags, seed: u64) -> bool {
    let then = meta.dataset.name.parse::<Source>();
    let same = flags.data.draws_test() && then.is_ok_and(|then| flags.data.is_same(&then));
    same && meta.seed != seed
}

/// Whether two descriptions of data, as a state file keeps them, mean the same: paths are compared
/// by where they lead.
pub(crate) fn is_same(then: &str, now: &str) -> bool {
    let parse = |text: &str| serde_json::from_str::<checkpoint::Dataset>(text).ok();
    let (Some(then), Some(now)) = (parse(then), parse(now)) else { return then == now };
    let source = |data: &checkpoint::Dataset| data.name.parse::<Source>().ok();
    let same_place = match (source(&then), source(&now)) {
        (Some(then), Some(now)) => then.is_same(&now),
        _ => then.name == now.name,
    };
    same_place && checkpoint::Dataset { name: now.name.clone(), ..then } == now
}

impl Material {
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

/// A checkpoint's note and tensors.
pub(crate) fn open_checkpoint(path: &Path) -> Result<(checkpoint::Meta, Archive), Failure> {
    let bytes = std::fs::read(path).map_err(|e| crate::files::FileError::new(path, e))?;
    let archive = Archive::from_bytes(&bytes).map_err(Failure::of(path))?;
    let meta = checkpoint::Meta::read(&archive).map_err(Failure::of(path))?;
    Ok((meta, archive))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(name: &str, test: usize) -> String {
        let data = checkpoint::Dataset {
            name: name.to_owned(),
            labelled: 1,
            validation: 2,
            unlabelled: 3,
            test,
        };
        serde_json::to_string(&data).unwrap()
    }

    #[test]
    fn data_are_the_same_wherever_their_path_starts() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| format!("folder:{}", folder.path().join(path).display());
        assert!(is_same(&described(&at(""), 4), &described(&at("./"), 4)));
        assert!(is_same(&described("folder:gone", 4), &described("folder:gone", 4)));
        assert!(!is_same(&described(&at(""), 4), &described(&at("./"), 5)));
        assert!(!is_same(&described(&at(""), 4), &described("gallery", 4)));
        assert!(is_same("x", "x") && !is_same("x", "y"));
    }
}
