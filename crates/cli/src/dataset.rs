//! Opening the data that a command line names.

use std::path::Path;

use kith_core::checkpoint;
use kith_core::recipe::{LabelDraw, Recipe};
use kith_data::{Cache, Cached, Dataset, Options, Source};

use crate::args::DataFlags;
use crate::failure::Failure;
use crate::output::Console;
use crate::progress;

/// The least side that every encoder takes, which images of the MNIST family are blown up to.
const IDX_SIDE: usize = 32;

/// What `--cache` says where nothing shall be kept.
const NO_CACHE: &str = "none";
/// The most that caches nobody asked for may take, in bytes.
const MOST_CACHE_BYTES: u64 = 32 << 30;
/// Files that could not be read which are named one by one.
const SKIPPED_SHOWN: usize = 50;

/// Opens what the flags name, and says what was found and what was passed over.
pub(crate) fn open(flags: &DataFlags, seed: u64, console: &Console) -> Result<Dataset, Failure> {
    open_drawn(flags, LabelDraw::default(), seed, console)
}

/// Opens what the flags name, with labelled images drawn as a recipe says.
pub(crate) fn open_to_learn(
    flags: &DataFlags,
    recipe: &Recipe,
    seed: u64,
    console: &Console,
) -> Result<Dataset, Failure> {
    open_drawn(flags, recipe.labels, seed, console)
}

fn open_drawn(
    flags: &DataFlags,
    labels: LabelDraw,
    seed: u64,
    console: &Console,
) -> Result<Dataset, Failure> {
    let natural = matches!(flags.data, Source::Idx(_)).then_some(IDX_SIDE);
    let options = Options {
        side: flags.side.or(natural),
        preprocessing: flags.preprocessing,
        fold: flags.fold,
        labelled: flags.labelled,
        unlabelled: flags.unlabelled,
        labels,
        seed,
        cache: cache(flags.cache.as_deref()),
    };
    let mut bar = progress::Scan::new(console.show());
    let dataset = flags.data.open_watched(&options, &mut |done, total| bar.tick(done, total));
    bar.finish();
    let dataset = dataset?;
    for skipped in dataset.skipped.iter().take(SKIPPED_SHOWN) {
        console.note(&format!("skipped {}: {}", skipped.path.display(), skipped.reason));
    }
    if let Some(more) = dataset.skipped.len().checked_sub(SKIPPED_SHOWN).filter(|&more| more > 0) {
        console.note(&format!("skipped {more} more"));
    }
    dataset.notes.iter().for_each(|note| console.note(note));
    console.note(&dataset.summary());
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
    console: &Console,
) -> Result<Dataset, Failure> {
    open_with(flags, meta, meta.seed, console)
}

/// Opens what the flags name at the side that a checkpoint's encoder wants, split by a seed.
pub(crate) fn open_with(
    flags: &DataFlags,
    meta: &checkpoint::Meta,
    seed: u64,
    console: &Console,
) -> Result<Dataset, Failure> {
    let side = meta.side;
    match flags.side {
        Some(got) if got != side => {
            Err(kith_core::Error::PictureSize { side, got_height: got, got_width: got }.into())
        }
        _ => {
            let mut flags = flags.clone();
            flags.take(meta);
            open_to_learn(&flags, &meta.recipe, seed, console)
        }
    }
}
