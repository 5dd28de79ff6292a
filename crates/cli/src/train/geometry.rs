//! How an encoder's features of some images lie in space, measured alike while training and after it.

use kith_core::encoder::Encoder;
use kith_core::probe::Features;
use kith_core::probe::geometry::Geometry;
use kith_core::probe::two_views::two_views;
use kith_core::read::read;
use kith_core::recipe::Recipe;
use kith_data::Split;

use crate::device::Seeded;
use crate::failure::Failure;
use crate::inference::{embed, in_batches};

/// Images that are measured; `RankMe` and uniformity compare all with all.
pub(crate) const MEASURED: usize = 1_000;

/// The images of a split that are measured: the same ones for the same seed, at most [`MEASURED`].
pub(crate) fn measured(split: &Split, seed: u64) -> Vec<u32> {
    split.sample(MEASURED, seed)
}

/// Of clean features, and of the recipe's first two views of the same images; none for fewer than two
/// images.
pub(crate) fn of(
    encoder: &Encoder,
    recipe: &Recipe,
    split: &Split,
    seeded: Seeded<'_>,
) -> Result<Option<Geometry>, Failure> {
    if split.len() < 2 {
        return Ok(None);
    }
    let images = split.subset(&measured(split, seeded.seed));
    let clean = embed(encoder, &images, seeded.device)?;
    let [first, second] = seen_twice(encoder, recipe, &images, seeded)?;
    let found = Geometry::of(&clean, [&first, &second], seeded.device);
    Ok(Some(pollster::block_on(found)?))
}

/// Features of two views of every image.
fn seen_twice(
    encoder: &Encoder,
    recipe: &Recipe,
    images: &Split,
    Seeded { device, seed }: Seeded<'_>,
) -> Result<[Features; 2], Failure> {
    let [side, _] = images.size();
    let listed = recipe.pretraining.views.listed(recipe.objective.views(), side);
    let mut features = [Features::default(), Features::default()];
    in_batches(images.len(), |places| {
        let numbers: Vec<u64> = places.iter().map(|&place| u64::from(place)).collect();
        let seen = two_views(&listed, &images.read(places)?.to_device(device), &numbers, seed);
        let rows = seen.map(|view| encoder.forward(view));
        let dim = rows[0].dims()[1];
        let [first, second] = rows.map(|rows| pollster::block_on(read(rows)));
        for (own, values) in features.iter_mut().zip([first?, second?]) {
            own.dim = dim;
            own.values.extend(values);
        }
        Ok(Some(()))
    })?;
    Ok(features)
}
