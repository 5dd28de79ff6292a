//! Outliers: images that lie far from all others.

use statrs::distribution::{ContinuousCDF, Normal};

use super::discoveries::cut;
use super::neighbours::Neighbours;

/// Share of the findings that may be no outliers.
pub const RATE: f64 = 0.1;
/// Neighbours that say how far an image lies.
pub const NEIGHBOURS: usize = 10;
/// Fewer images do not say how far images usually lie.
const LEAST: usize = 20;
/// Classes of fewer images do not say how far their images usually lie.
const LEAST_OF_CLASS: usize = 50;
/// The share of images that lies below the middle of the upper half that is measured, and the normal
/// distribution's number for it.
const UPPER: (f64, f64) = (0.9, 1.281_551_565_544_600_4);
/// The least deviation of a logarithm, and the least distance: of equal images none is an outlier.
const LEAST_DEVIATION: f64 = 1e-3;
const LEAST_DISTANCE: f64 = 1e-12;

/// How far images lie from others.
#[derive(Clone, Debug, PartialEq)]
pub struct Outliers {
    /// How many times as far as usual every image lies from its nearest others: its mean distance to
    /// them over the median of its class.
    pub scores: Vec<f64>,
    /// Places of outliers, the least likely by chance first.
    pub found: Vec<usize>,
}

/// Images that lie farther from their neighbours than images of their class usually do.
///
/// An image's distance is the mean of those to its k nearest others of any class (Ramaswamy, Rastogi and
/// Shim 2000; Angiulli and Pizzuti 2002). Its logarithm is compared with the middle of its class, and with
/// how far the upper half of the class spreads, as if that were half of a normal distribution: half of
/// the images and a long lower tail have no say. Of the images found, the share `rate` is expected to be
/// there by chance (Benjamini and Hochberg 1995). Classes of few images, and images without a class, are
/// measured together. Fewer than 20 images have no outliers.
pub fn outliers(neighbours: &Neighbours, classes: &[Option<u16>], rate: f64) -> Outliers {
    let logarithm = |image: usize| {
        let distances = neighbours.distances(image).iter().map(|&distance| f64::from(distance));
        (distances.sum::<f64>() / neighbours.k as f64).max(LEAST_DISTANCE).ln()
    };
    let logarithms: Vec<f64> = (0..neighbours.len()).map(logarithm).collect();
    let kinds = kinds(classes, neighbours.len());
    let usual: Vec<Usual> = kinds.iter().map(|kind| Usual::of(kind, &logarithms)).collect();
    let mut scores = vec![1.0; logarithms.len()];
    let mut chances = vec![1.0; logarithms.len()];
    let normal = Normal::standard();
    for (kind, usual) in kinds.iter().zip(&usual) {
        for &image in &kind.own {
            let above = logarithms[image] - usual.middle;
            scores[image] = above.exp();
            chances[image] = normal.sf(above / usual.deviation);
        }
    }
    let highest = Some(&chances).filter(|all| all.len() >= LEAST).and_then(|all| cut(all, rate));
    let mut found: Vec<usize> =
        (0..chances.len()).filter(|&image| highest.is_some_and(|p| chances[image] <= p)).collect();
    found.sort_by(|&a, &b| chances[a].total_cmp(&chances[b]).then(a.cmp(&b)));
    Outliers { scores, found }
}

/// Images that are measured together.
struct Kind {
    own: Vec<usize>,
    /// Those that say what is usual.
    of: Vec<usize>,
}

/// Large classes by themselves, all other images by themselves, or among all where they are few.
fn kinds(classes: &[Option<u16>], count: usize) -> Vec<Kind> {
    let most = classes.iter().flatten().max().map_or(0, |&most| usize::from(most) + 1);
    let mut members = vec![Vec::new(); most + 1];
    for image in 0..count {
        let class = classes.get(image).copied().flatten();
        members[class.map_or(most, usize::from)].push(image);
    }
    let rest = members.pop().unwrap_or_default();
    let (large, small): (Vec<_>, Vec<_>) =
        members.into_iter().partition(|own| own.len() >= LEAST_OF_CLASS);
    let mut rest = [small.concat(), rest].concat();
    rest.sort_unstable();
    let of = if rest.len() >= LEAST_OF_CLASS { rest.clone() } else { (0..count).collect() };
    let large = large.into_iter().map(|own| Kind { of: own.clone(), own });
    large.chain([Kind { own: rest, of }]).collect()
}

/// What is usual.
struct Usual {
    middle: f64,
    deviation: f64,
}

impl Usual {
    fn of(kind: &Kind, logarithms: &[f64]) -> Self {
        let mut all: Vec<f64> = kind.of.iter().map(|&image| logarithms[image]).collect();
        all.sort_unstable_by(f64::total_cmp);
        let (share, normal) = UPPER;
        let middle = quantile(&all, 0.5);
        let deviation = ((quantile(&all, share) - middle) / normal).max(LEAST_DEVIATION);
        Self { middle, deviation }
    }
}

/// Between the two numbers around it; 0 of none.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let place = share * last as f64;
    let low = place as usize;
    let high = (low + 1).min(last);
    sorted[low] + (place - low as f64) * (sorted[high] - sorted[low])
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::probe::Features;
    use crate::rng::{Purpose, stream};

    /// Two clouds, the second ten times as wide, of which nothing lies apart.
    fn clouds(count: usize, seed: u64) -> (Features, Vec<Option<u16>>) {
        let mut stream = stream(seed, Purpose::Test, 0, 0);
        let classes: Vec<Option<u16>> = (0..count).map(|i| Some((i % 2) as u16)).collect();
        let row = |class: &Option<u16>| {
            let (centre, spread) = if *class == Some(0) { (0.0, 1.0) } else { (200.0, 10.0) };
            [0; 4].map(|_| (centre + spread * stream.normal()) as f32)
        };
        (Features { values: classes.iter().flat_map(row).collect(), dim: 4 }, classes)
    }

    fn of(features: &Features, classes: &[Option<u16>]) -> Outliers {
        let device = Device::flex();
        let found = Neighbours::of(features, 10, &device);
        outliers(&pollster::block_on(found).unwrap(), classes, RATE)
    }

    #[test]
    fn planted_outliers_are_found_also_in_the_narrow_class() {
        let (mut features, mut classes) = clouds(1_000, 1);
        // Far for the first class, though near for the second.
        let planted = [[14.0, 0.0, 0.0, 0.0], [0.0, -15.0, 0.0, 0.0], [9.0, 9.0, 9.0, 0.0]];
        for row in planted {
            features.values.extend(row);
            classes.push(Some(0));
        }
        let found = of(&features, &classes);
        for place in 1_000..1_003 {
            assert!(found.found.contains(&place), "{place} of {:?}", found.found);
            assert!(found.scores[place] > 3.0, "{}", found.scores[place]);
        }
        assert!(found.found.len() < 25, "{} findings", found.found.len());
    }

    #[test]
    fn clean_data_have_few() {
        for seed in 2..6 {
            let (features, classes) = clouds(2_000, seed);
            let found = of(&features, &classes).found.len();
            assert!(found <= 20, "{found} of 2000 images that are all of their cloud");
        }
    }

    #[test]
    fn without_classes_all_images_are_one() {
        let (features, _) = clouds(400, 7);
        let found = of(&features, &[]);
        assert_eq!(found.scores.len(), 400);
        let mut more = features.clone();
        more.values.extend([5_000.0; 4]);
        assert_eq!(of(&more, &[]).found.first(), Some(&400));
    }

    #[test]
    fn equal_images_have_none_and_one_among_them_is_one() {
        let mut features = Features { values: vec![1.0; 4 * 60], dim: 4 };
        assert!(of(&features, &[]).found.is_empty());
        features.values.extend([2.0; 4]);
        assert_eq!(of(&features, &[]).found, [60]);
        let few = Features { values: vec![1.0, 1.0, 1.0, 9.0], dim: 1 };
        assert!(of(&few, &[]).found.is_empty(), "four images have no outliers");
    }
}
