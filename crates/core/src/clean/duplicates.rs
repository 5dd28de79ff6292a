//! Near-duplicates: groups of images of which one is enough.

use burn::tensor::Device;

use super::discoveries::cut;
use super::neighbours::Neighbours;
use super::spacing::{SAME, Spacing, neighbours_of};
use super::stars::{Group, Likeness};
use crate::error::Error;
use crate::probe::Features;
use crate::probe::distance::squared_distance;
use crate::range::share;

/// Share of made copies beyond whose distance nothing is taken for a copy.
const COPIES: f64 = 0.95;

/// How near-duplicates are told from distinct images.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Share of the found images that may be distinct images which lie close by chance.
    pub rate: f64,
    /// The relative distance up to which two images are near-duplicates; none to calibrate it.
    pub threshold: Option<f64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { rate: 0.1, threshold: None }
    }
}

/// Copies that were made of some images, to see how far an encoder puts them from each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// The images, by their places.
    pub of: Vec<usize>,
    /// Features of the copies, in that order.
    pub features: Features,
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Duplicates {
    /// Groups in the order of their kept images.
    pub groups: Vec<Group>,
    /// The relative distance up to which images are near-duplicates; none where only images with the
    /// same features are.
    pub threshold: Option<f64>,
    /// Dimensions in which images are scattered; none where there are too few to say.
    pub dimension: Option<f64>,
    /// The share of each kind of made copies that lies within the threshold.
    pub found: Vec<f64>,
}

/// Groups of near-duplicates among images.
///
/// Two images are near-duplicates when their distance, relative to how far apart images lie around them
/// ([`Spacing`]), is not above a threshold. It is the largest at which, of the images that have a
/// near-duplicate, the share `rate` is expected to have it by chance (Benjamini and Hochberg 1995), and not
/// above the distance of most made copies. Images with the same features are near-duplicates always.
///
/// Likeness does not chain: groups are stars (Aslam, Pelekhov and Rus 2004). The image with the most
/// near-duplicates takes them, then the one with the most among those left. Of a group the image with
/// the highest `preference` is kept among those that all others are near-duplicates of; without
/// preferences the first of those.
///
/// It takes n² products of rows and memory for n rows, also where all images are alike.
///
/// # Errors
/// [`Error::TooFew`] for fewer than two images, [`Error::Setting`] for a rate that is no share or a
/// threshold below 0, [`Error::Dimension`] for copies of other features, [`Error::Device`] when the
/// device fails.
pub async fn duplicates(
    features: &Features,
    made: &[Made],
    settings: &Settings,
    preference: &[u64],
    device: &Device,
) -> Result<Duplicates, Error> {
    share("rate", settings.rate)?;
    if let Some(got) = settings.threshold.filter(|threshold| !(0.0..).contains(threshold)) {
        return Err(Error::setting("threshold", "0 or more", got));
    }
    let unit = features.unit();
    let neighbours = Neighbours::of(&unit, neighbours_of(unit.len()), device).await?;
    let spacing = Spacing::of(&neighbours);
    let distances = made.iter().map(|made| copied(&unit, made, &spacing));
    let distances = distances.collect::<Result<Vec<_>, _>>()?;
    let threshold =
        settings.threshold.or_else(|| calibrated(&spacing, &neighbours, &distances, settings.rate));
    let likeness = Likeness::new(&unit, &spacing, threshold);
    let candidates = candidates(&neighbours, &likeness);
    let groups = likeness.stars(&candidates, preference, device).await?;
    let within = |distances: &Vec<f64>| {
        let within = distances.iter().filter(|d| threshold.is_some_and(|most| **d <= most));
        within.count() as f64 / distances.len().max(1) as f64
    };
    let found = distances.iter().map(within).collect();
    Ok(Duplicates { groups, threshold, dimension: spacing.dimension, found })
}

/// Relative distances of made copies from their images.
fn copied(unit: &Features, made: &Made, spacing: &Spacing) -> Result<Vec<f64>, Error> {
    if made.features.dim != unit.dim {
        return Err(Error::Dimension { expected: unit.dim, got: made.features.dim });
    }
    let copies = made.features.unit();
    let relative = |(copy, &image): (usize, &usize)| {
        let distance = squared_distance(copies.row(copy), unit.row(image)).sqrt();
        spacing.relative_to_copy(image, distance)
    };
    Ok(made.of.iter().enumerate().map(relative).collect())
}

/// The largest threshold that chance and made copies allow; none where nothing is found by it.
fn calibrated(
    spacing: &Spacing,
    neighbours: &Neighbours,
    copies: &[Vec<f64>],
    rate: f64,
) -> Option<f64> {
    // Images with the same features are found anyway, and would pay for others.
    let differ = |image: &usize| neighbours.distances(*image)[0] > SAME;
    let images = (0..neighbours.len()).filter(differ);
    let chances: Option<Vec<f64>> =
        images.map(|image| spacing.by_chance(spacing.nearest[image])).collect();
    let highest = cut(&chances?, rate)?;
    Some(spacing.at_chance(highest)?.min(cap(copies)))
}

/// The relative distance within which most copies lie; without copies, any.
fn cap(copies: &[Vec<f64>]) -> f64 {
    let mut all = copies.concat();
    all.sort_unstable_by(f64::total_cmp);
    let place = (COPIES * all.len() as f64) as usize;
    all.get(place).copied().unwrap_or(f64::INFINITY)
}

/// Images with a near-duplicate among their neighbours.
fn candidates(neighbours: &Neighbours, likeness: &Likeness<'_>) -> Vec<usize> {
    let alike = |image: &usize| {
        neighbours.near(*image).any(|(other, distance)| likeness.holds(*image, other, distance))
    };
    (0..neighbours.len()).filter(alike).collect()
}

#[cfg(test)]
mod tests;
