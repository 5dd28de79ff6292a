//! What training on labels starts from.

use kith_core::checkpoint::Meta;
use kith_core::recipe::Recipe;
use kith_core::trainer::{Plan, Supervised, Trainer};
use kith_core::{Device, Error};

use crate::args::DataFlags;
use crate::checkpoint::{self, Checkpoint, has_seen_test};
use crate::failure::Failure;

/// What a phase starts from.
#[derive(Clone, Copy)]
pub(crate) enum InitialWeights<'a> {
    /// Fresh weights.
    Fresh,
    /// A checkpoint's encoder, with a fresh classifier.
    Encoder(&'a Checkpoint),
    /// A checkpoint's encoder and classifier.
    Network(&'a Checkpoint),
}

impl InitialWeights<'_> {
    /// As [`fingerprint`].
    pub(crate) fn fingerprint(self) -> Option<String> {
        match self {
            Self::Fresh => None,
            Self::Encoder(start) | Self::Network(start) => fingerprint(Some(start)),
        }
    }
}

/// Opens a checkpoint, and takes its encoder into the recipe and its side for the images; nothing
/// from no checkpoint.
pub(crate) fn open(
    from: Option<&str>,
    recipe: &mut Recipe,
    data: &mut DataFlags,
) -> Result<Option<Checkpoint>, Failure> {
    let Some(path) = from else { return Ok(None) };
    let start = checkpoint::open(path.as_ref())?;
    data.take(&start.meta);
    let side = data.side.unwrap_or(start.meta.side);
    recipe.encoder = start.meta.recipe.encoder.clone().at_side(side, start.meta.side);
    Ok(Some(start))
}

/// A trainer on labels at its start: from a checkpoint's encoder, or from fresh weights.
pub(crate) fn supervised(
    recipe: &Recipe,
    plan: Plan,
    start: Option<&Checkpoint>,
    device: &Device,
) -> Result<Trainer<Supervised>, Error> {
    let trainer = Trainer::supervised(recipe.clone(), plan, device)?;
    match start {
        Some(start) => trainer.with_encoder(&start.archive),
        None => Ok(trainer),
    }
}

/// What tells the start of a run from others: a checksum of its weights; none of fresh ones.
pub(crate) fn fingerprint(start: Option<&Checkpoint>) -> Option<String> {
    start.map(|start| start.archive.fingerprint(""))
}

/// What to know of a start that has seen the test images; none if it has not.
pub(crate) fn seen_test(meta: &Meta, data: &DataFlags, seed: u64) -> Option<String> {
    has_seen_test(meta, data, seed).then(|| {
        format!(
            "The encoder was pre-trained on most of these test pictures, without labels: its run had \
             seed {}, which drew others. --seed {} tests it on pictures that it has not seen.",
            meta.seed, meta.seed
        )
    })
}
