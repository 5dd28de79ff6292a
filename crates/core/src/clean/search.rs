//! All of it at once: near-duplicates, outliers, doubtful labels and classes that blend.

use std::collections::{BTreeMap, BTreeSet};

use burn::tensor::Device;

use super::blends::{Blend, blends};
use super::confident::Judged;
use super::doubtful::{Doubt, Filter, Rank, doubtful};
use super::duplicates::{Duplicates, Made, Settings, duplicates};
use super::folds::folds;
use super::held_out::probabilities;
use super::neighbours::Neighbours;
use super::outliers::{NEIGHBOURS, Outliers, RATE, outliers};
use crate::error::Error;
use crate::probe::knn::nearest;
use crate::probe::{Features, Labelled};

/// Parts that labelled images are dealt into; a class of fewer different images is not judged.
pub const FOLDS: usize = 5;

/// What is asked about images.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Features of the images.
    pub features: &'a Features,
    /// Classes of the images where they are known.
    pub labels: &'a [Option<u16>],
    /// Which image of a group of near-duplicates to rather keep, the higher; empty: the first.
    pub preference: &'a [u64],
    /// Copies that were made of some images, by kind.
    pub made: &'a [Made],
    /// How near-duplicates are told.
    pub settings: Settings,
    /// Decides which images are dealt into which part.
    pub seed: u64,
}

/// All that was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// Groups of near-duplicates.
    pub duplicates: Duplicates,
    /// Images that lie far from all others.
    pub outliers: Outliers,
    /// None where there are no labels to judge.
    pub labels: Option<JudgedLabels>,
}

/// What was found of labels. Images are places in all, classes those that were asked with.
#[derive(Clone, Debug)]
pub struct JudgedLabels {
    /// Labels that may be wrong, the most doubtful first.
    pub doubts: Vec<Doubt>,
    /// The probability of the suggested label, a doubt each.
    pub suggested: Vec<f64>,
    /// The image of the suggested class that is most alike, a doubt each.
    pub beside: Vec<Option<usize>>,
    /// Classes that are taken for each other.
    pub blends: Vec<Blend>,
    /// Images that were judged.
    pub judged: usize,
    /// Classes of these images.
    pub classes: usize,
    /// Classes of too few different images, which were not judged.
    pub small: Vec<usize>,
}

/// Looks for everything.
///
/// # Errors
/// Those of [`duplicates`]; [`Error::Device`] when the device fails.
pub async fn search(question: Question<'_>, device: &Device) -> Result<Found, Error> {
    let Question { features, labels, preference, made, settings, seed } = question;
    let duplicates = duplicates(features, made, &settings, preference, device).await?;
    let neighbours = Neighbours::of(features, NEIGHBOURS, device).await?;
    let outliers = outliers(&neighbours, labels, RATE);
    let units = units(features.len(), &duplicates);
    let labels = match Groups::of(labels, &units) {
        Some(groups) => Some(groups.judge(features, &units, seed, device).await?),
        None => None,
    };
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

/// Labelled images that can be judged.
struct Groups {
    /// Their places, rising.
    images: Vec<usize>,
    /// Their classes, counted anew.
    own: Vec<u16>,
    /// What these classes are called by who asks.
    classes: Vec<usize>,
    /// Classes of too few different images.
    small: Vec<usize>,
}

impl Groups {
    /// None where fewer than two classes can be judged.
    fn of(labels: &[Option<u16>], units: &[usize]) -> Option<Self> {
        let mut members: BTreeMap<u16, Vec<usize>> = BTreeMap::new();
        for (image, label) in labels.iter().enumerate() {
            if let Some(label) = label {
                members.entry(*label).or_default().push(image);
            }
        }
        let distinct = |images: &[usize]| {
            images.iter().map(|&image| units[image]).collect::<BTreeSet<_>>().len()
        };
        let (known, small): (BTreeMap<_, _>, BTreeMap<_, _>) =
            members.into_iter().partition(|(_, images)| distinct(images) >= FOLDS);
        if known.len() < 2 {
            return None;
        }
        let classes: Vec<usize> = known.keys().map(|&class| usize::from(class)).collect();
        let mut judged: Vec<(usize, u16)> = (0..)
            .zip(known.into_values())
            .flat_map(|(class, images)| images.into_iter().map(move |image| (image, class)))
            .collect();
        judged.sort_unstable();
        let (images, own) = judged.into_iter().unzip();
        Some(Self { images, own, classes, small: small.into_keys().map(usize::from).collect() })
    }

    /// Doubtful labels and classes that blend.
    async fn judge(
        self,
        features: &Features,
        units: &[usize],
        seed: u64,
        device: &Device,
    ) -> Result<JudgedLabels, Error> {
        let Self { images, own, classes, small } = self;
        let own_units: Vec<usize> = images.iter().map(|&image| units[image]).collect();
        let folds = folds(&own, &own_units, FOLDS, seed);
        let features = features.select(&images);
        let labelled = Labelled { features: &features, labels: &own, classes: classes.len() };
        let told = probabilities(labelled, &folds, device).await?;
        let judged = Judged { labels: &own, probabilities: &told, classes: classes.len() };
        let mut doubts = doubtful(&judged, Filter::default(), Rank::default());
        let likely = |doubt: &Doubt| judged.row(doubt.image)[usize::from(doubt.suggested)];
        let suggested = doubts.iter().map(|doubt| f64::from(likely(doubt))).collect();
        let beside = beside(&features, &judged, &doubts, device).await?;
        let beside = beside.into_iter().map(|at| at.map(|at| images[at])).collect();
        let mut blends = blends(&judged.joint());
        for blend in &mut blends {
            blend.classes = blend.classes.map(|class| classes[class]);
        }
        for doubt in &mut doubts {
            doubt.image = images[doubt.image];
            doubt.suggested = classes[usize::from(doubt.suggested)] as u16;
        }
        let (judged, classes) = (images.len(), classes.len());
        Ok(JudgedLabels { doubts, suggested, beside, blends, judged, classes, small })
    }
}

/// For each doubt the image most like its own among those of the suggested class that nobody doubts.
async fn beside(
    features: &Features,
    judged: &Judged<'_>,
    doubts: &[Doubt],
    device: &Device,
) -> Result<Vec<Option<usize>>, Error> {
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
        let (queries, bank_features) = (features.select(&queries), features.select(&bank));
        let near = nearest(&queries, &bank_features, 1, device).await?;
        for (&place, &at) in asked.iter().zip(&near.indices) {
            found[place] = Some(bank[at]);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, stream};

    /// Three clouds of forty images; one image of the first is labelled as of the second, one is copied.
    fn clouds() -> (Features, Vec<Option<u16>>) {
        let mut stream = stream(1, Purpose::Test, 0, 0);
        let mut values = Vec::new();
        let mut labels = Vec::new();
        for place in 0..120_u16 {
            let own = usize::from(place / 40);
            let middle = |k| 6.0 * f64::from(u8::from(k == own));
            values.extend((0..8).map(|k| (middle(k) + stream.normal()) as f32));
            labels.push(Some(place / 40));
        }
        labels[7] = Some(1);
        let copy: Vec<f32> = values[8 * 50..8 * 51].to_vec();
        values.extend(copy);
        labels.push(None);
        (Features { values, dim: 8 }, labels)
    }

    #[test]
    fn a_wrong_label_and_a_copy_are_found_and_little_else() {
        let (features, labels) = clouds();
        let question = Question {
            features: &features,
            labels: &labels,
            preference: &[],
            made: &[],
            settings: Settings::default(),
            seed: 1,
        };
        let found = pollster::block_on(search(question, &Device::flex())).expect("it can look");
        let groups = &found.duplicates.groups;
        assert_eq!((groups.len(), groups[0].kept, groups[0].others[0].image), (1, 50, 120));
        let labels = found.labels.expect("they were judged");
        assert_eq!((labels.judged, labels.classes, labels.small.len()), (120, 3, 0));
        let first = labels.doubts[0];
        assert_eq!((first.image, first.suggested), (7, 0));
        assert!(first.is_strong(3) && labels.suggested[0] > 0.9, "{first:?}");
        assert!(labels.beside[0].is_some_and(|image| image < 40 && image != 7));
        assert!(labels.doubts.len() <= 3, "{:?}", labels.doubts);
        let few = Question { labels: &[None; 121], ..question };
        let few = pollster::block_on(search(few, &Device::flex())).expect("it can look");
        assert!(few.labels.is_none(), "nothing is labelled");
    }
}
