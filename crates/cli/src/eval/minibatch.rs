//! Linear evaluation in small batches, beside the report's own, where a recipe asks for it.

use kith_core::encoder::Encoder;
use kith_core::probe::LinearProtocol;
use kith_core::probe::confusion::Confusion;
use kith_core::probe::minibatch::MinibatchSettings;
use kith_core::recipe::Recipe;
use serde::Serialize;

use crate::device::Seeded;
use crate::failure::Failure;
use crate::inference::embed;
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
    Seeded { device, seed }: Seeded<'_>,
) -> Result<Option<f64>, Failure> {
    let asked = recipe.evaluation.linear == LinearProtocol::Minibatch;
    let labels = (splits.labelled.labels(), splits.test.labels());
    let (true, (Some(labels), Some(truth))) = (asked, labels) else { return Ok(None) };
    if truth.is_empty() || labels.is_empty() {
        return Ok(None);
    }
    let classes = splits.classes();
    let features = embed(encoder, &splits.labelled, device)?;
    let settings = MinibatchSettings::default();
    let probe = settings.fit((&features, labels), classes, seed, device)?;
    let asked = embed(encoder, &splits.test, device)?;
    let predicted = pollster::block_on(probe.predict(&asked))?;
    Ok(Some(Confusion::count(classes, truth, &predicted).accuracy()))
}
