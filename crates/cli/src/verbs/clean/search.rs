//! What features and labels say of the images.

use std::collections::{BTreeMap, BTreeSet};

use kith_core::Device;
use kith_core::clean::blends::{Blend, blends};
use kith_core::clean::confident::Judged;
use kith_core::clean::doubtful::{Doubt, Filter, Rank, doubtful};
use kith_core::clean::duplicates::{Duplicates, Made, Settings, duplicates};
use kith_core::clean::folds::folds;
use kith_core::clean::held_out::probabilities;
use kith_core::clean::neighbours::Neighbours;
use kith_core::clean::outliers::{NEIGHBOURS, Outliers, RATE, outliers};
use kith_core::probe::{Features, Labelled};

use super::images::All;
use crate::device::Seeded;
use crate::failure::Failure;
use crate::inference::look_up;

/// Parts that labelled images are dealt into; a class of fewer images is not judged.
pub(super) const FOLDS: usize = 5;

/// All that was found.
pub(super) struct Found {
    pub(super) duplicates: Duplicates,
    pub(super) outliers: Outliers,
    /// None where there are no labels to judge.
    pub(super) labels: Option<Labels>,
}

/// What was found of labels. Images are numbers in the data set, classes those of the data set.
pub(super) struct Labels {
    pub(super) doubts: Vec<Doubt>,
    /// The probability of the suggested label, a doubt each.
    pub(super) suggested: Vec<f64>,
    /// The image of the suggested class that is most alike, a doubt each.
    pub(super) beside: Vec<Option<usize>>,
    pub(super) blends: Vec<Blend>,
    /// Images that were judged, and their classes.
    pub(super) judged: usize,
    pub(super) classes: usize,
    /// Classes of too few images.
    pub(super) small: Vec<usize>,
}

/// How near-duplicates are told, and what was copied to calibrate that.
pub(super) struct How<'a> {
    pub(super) settings: Settings,
    pub(super) made: &'a [Made],
}

/// Looks for everything.
pub(super) fn search(
    all: &All,
    features: &Features,
    how: &How<'_>,
    Seeded { device, seed }: Seeded<'_>,
) -> Result<Found, Failure> {
    let preference = all.preferences();
    let found = duplicates(features, how.made, &how.settings, &preference, device);
    let duplicates = pollster::block_on(found)?;
    let neighbours = pollster::block_on(Neighbours::of(features, NEIGHBOURS, device))?;
    let outliers = outliers(&neighbours, &all.labels, RATE);
    let labels = labels(all, features, &units(all.len(), &duplicates), (device, seed))?;
    Ok(Found { duplicates, outliers, labels })
}

/// Numbers that near-duplicates have in common.
fn units(count: usize, duplicates: &Duplicates) -> Vec<usize> {
    let mut units: Vec<usize> = (0..count).collect();
    for group in &duplicates.groups {
        group.others.iter().for_each(|other| units[other.image] = group.kept);
    }
    units
}

/// Doubtful labels and classes that blend; none where fewer than two classes can be judged.
fn labels(
    all: &All,
    features: &Features,
    units: &[usize],
    (device, seed): (&Device, u64),
) -> Result<Option<Labels>, Failure> {
    let mut members: BTreeMap<u16, Vec<usize>> = BTreeMap::new();
    for (image, label) in all.labels.iter().enumerate() {
        if let Some(label) = label {
            members.entry(*label).or_default().push(image);
        }
    }
    let distinct = |images: &Vec<usize>| {
        let mut units: Vec<usize> = images.iter().map(|&image| units[image]).collect();
        units.sort_unstable();
        units.dedup();
        units.len()
    };
    let (known, small): (BTreeMap<_, _>, BTreeMap<_, _>) =
        members.into_iter().partition(|(_, images)| distinct(images) >= FOLDS);
    if known.len() < 2 {
        return Ok(None);
    }
    let small = small.into_keys().map(usize::from).collect();
    let classes: Vec<usize> = known.keys().map(|&class| usize::from(class)).collect();
    let mut judged: Vec<(usize, u16)> = (0..)
        .zip(known.into_values())
        .flat_map(|(class, images)| images.into_iter().map(move |image| (image, class)))
        .collect();
    judged.sort_unstable();
    let (images, own): (Vec<usize>, Vec<u16>) = judged.into_iter().unzip();
    let own_units: Vec<usize> = images.iter().map(|&image| units[image]).collect();
    let folds = folds(&own, &own_units, FOLDS, seed);
    let features = features.select(&images);
    let labelled = Labelled { features: &features, labels: &own, classes: classes.len() };
    let told = probabilities(labelled, &folds, device);
    let told = pollster::block_on(told)?;
    let judged = Judged { labels: &own, probabilities: &told, classes: classes.len() };
    let mut doubts = doubtful(&judged, Filter::default(), Rank::default());
    let likely = |doubt: &Doubt| judged.row(doubt.image)[usize::from(doubt.suggested)];
    let suggested = doubts.iter().map(|doubt| f64::from(likely(doubt))).collect();
    let beside = beside(&features, &judged, &doubts, device)?;
    let beside = beside.into_iter().map(|at| at.map(|at| images[at])).collect();
    let mut blends = blends(&judged.joint());
    for blend in &mut blends {
        blend.classes = blend.classes.map(|class| classes[class]);
    }
    for doubt in &mut doubts {
        doubt.image = images[doubt.image];
        doubt.suggested = classes[usize::from(doubt.suggested)] as u16;
    }
    Ok(Some(Labels {
        doubts,
        suggested,
        beside,
        blends,
        judged: images.len(),
        classes: classes.len(),
        small,
    }))
}

/// For each doubt the image most like its own among those of the suggested class that nobody doubts.
fn beside(
    features: &Features,
    judged: &Judged<'_>,
    doubts: &[Doubt],
    device: &Device,
) -> Result<Vec<Option<usize>>, Failure> {
    let doubted: BTreeSet<usize> = doubts.iter().map(|doubt| doubt.image).collect();
    let mut found = vec![None; doubts.len()];
    for class in 0..judged.classes as u16 {
        let sure = |at: &usize| judged.labels[*at] == class && !doubted.contains(at);
        let bank: Vec<usize> = (0..judged.labels.len()).filter(sure).collect();
        let asks = |place: &usize| doubts[*place].suggested == class;
        let asked: Vec<usize> = (0..doubts.len()).filter(asks).collect();
        if bank.is_empty() || asked.is_empty() {
            continue;
        }
        let queries: Vec<usize> = asked.iter().map(|&place| doubts[place].image).collect();
        let near = look_up(&features.select(&queries), &features.select(&bank), 1, device)?;
        for (&place, &at) in asked.iter().zip(&near.indices) {
            found[place] = Some(bank[at]);
        }
    }
    Ok(found)
}
