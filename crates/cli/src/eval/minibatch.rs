//! Linear evaluation in small batches, beside the report's own, where a recipe asks for it.

use kith_core::encoder::Encoder;
use kith_core::probe::LinearProtocol;
use kith_core::probe::confusion::Confusion;
use kith_core::probe::minibatch::MinibatchSettings;
use kith_core::recipe::Recipe;
use serde::Serialize;

use crate::device::Seeded;
use crate::eval::frozen::{Sets, are_judged, labels_of};
use crate::failure::Failure;
use crate::train::splits::Splits;

/// Shares of test images told right by a classifier trained in small batches.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Minibatch {
    pub(crate) random: f64,
    pub(crate) last: f64,
}

/// Of one encoder; none without labels, or where the recipe does not ask.
pub(crate) fn accuracy(
    encoder: &Encoder,
    recipe: &Recipe,
    splits: &Splits,
    seeded: Seeded<'_>,
) -> Result<Option<f64>, Failure> {
    match recipe.evaluation.linear {
        LinearProtocol::Minibatch if are_judged(splits) => {
            let sets = Sets::embedded(encoder, splits, seeded.device)?;
            of_features(&sets, recipe, splits, seeded)
        }
        _ => Ok(None),
    }
}

/// The same with features that there are already.
pub(crate) fn of_features(
    sets: &Sets,
    recipe: &Recipe,
    splits: &Splits,
    Seeded { device, seed }: Seeded<'_>,
) -> Result<Option<f64>, Failure> {
    let asked = recipe.evaluation.linear == LinearProtocol::Minibatch;
    let labels = (labels_of(&splits.labelled), labels_of(&splits.test));
    let (true, (Some(labels), Some(truth))) = (asked, labels) else { return Ok(None) };
    let classes = splits.classes();
    let settings = MinibatchSettings::default();
    let probe = settings.fit((&sets.labelled, labels), classes, seed, device)?;
    let predicted = pollster::block_on(probe.predict(&sets.test))?;
    Ok(Some(Confusion::count(classes, truth, &predicted).accuracy()))
}
