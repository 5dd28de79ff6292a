//! How far apart images usually lie, and how likely it is that two lie as close by chance.

use super::neighbours::Neighbours;

/// The most neighbours that say how far apart images lie.
const MOST_NEIGHBOURS: usize = 20;
/// One in so many images is a neighbour, where there are few.
const FEW: usize = 4;
/// Fewer images do not say how far apart they usually lie.
pub const LEAST: usize = 16;
/// Unit features closer than this are the same: their difference is rounding.
pub const SAME: f32 = 1e-3;
/// Where the last neighbour is closer than this share of what is usual, the neighbours are taken for
/// copies, which say nothing of how far apart distinct images lie.
const LEAST_SCALE: f32 = 0.1;

/// How many neighbours say how far apart images lie: 20, fewer of few images. An even number.
pub fn neighbours_of(images: usize) -> usize {
    (images / FEW).clamp(2, MOST_NEIGHBOURS) / 2 * 2
}

/// Distances relative to how far apart images lie where they are.
///
/// Features are dense in some places and sparse in others, so the same cosine means a copy here and
/// another image of the class there. A distance is therefore divided by that of the k-th neighbour
/// ([`neighbours_of`]). Where distinct images are scattered evenly, volumes of balls up to the first and the
/// k-th neighbour have a known ratio, which follows Beta(1, k - 1), and with it the chance that a distinct
/// image comes as close: only the number of dimensions must be known. It comes from the data, by the ratio
/// of the distances of the neighbours k/2 and k (Facco et al. 2017 take the first two), which fewer than
/// k/2 copies of an image do not change.
#[derive(Clone, Debug)]
pub struct Spacing {
    scales: Vec<f32>,
    neighbours: usize,
    /// Dimensions in which images are scattered; none where there are too few images to say.
    pub dimension: Option<f64>,
    /// The relative distance of the nearest other of every image.
    pub nearest: Vec<f64>,
}

impl Spacing {
    /// From as many neighbours of unit features as [`neighbours_of`] says.
    pub fn of(neighbours: &Neighbours) -> Self {
        let images = 0..neighbours.len();
        let last: Vec<f32> =
            images.clone().map(|image| neighbours.distances(image)[neighbours.k - 1]).collect();
        let floor = LEAST_SCALE * median(last.clone());
        let scales: Vec<f32> =
            last.into_iter().map(|scale| scale.max(floor).max(f32::MIN_POSITIVE)).collect();
        let mut spacing = Self {
            scales,
            neighbours: neighbours.k,
            dimension: dimension(neighbours),
            nearest: Vec::new(),
        };
        let nearest = |image: usize| {
            let near = neighbours.near(image);
            let relative = near.map(|(other, distance)| spacing.relative(image, other, distance));
            relative.fold(f64::INFINITY, f64::min)
        };
        spacing.nearest = images.map(nearest).collect();
        spacing
    }

    /// The distance of two images as a share of how far apart images lie around them.
    pub fn relative(&self, one: usize, other: usize, distance: f32) -> f64 {
        let scales = f64::from(self.scales[one]) * f64::from(self.scales[other]);
        f64::from(distance) / scales.sqrt()
    }

    /// The distance of an image and a copy of it, which is not one of the images.
    pub fn relative_to_copy(&self, image: usize, distance: f32) -> f64 {
        self.relative(image, image, distance)
    }

    /// The probability that the nearest of distinct images comes as close by chance; none where the
    /// number of dimensions is not known.
    ///
    /// [`Self::at_chance`] is its inverse.
    pub fn by_chance(&self, relative: f64) -> Option<f64> {
        let volume = relative.min(1.0).powf(self.dimension?);
        Some(1.0 - (1.0 - volume).powi(self.neighbours as i32 - 1))
    }

    /// The relative distance within which the nearest of distinct images comes with this probability.
    pub fn at_chance(&self, probability: f64) -> Option<f64> {
        let volume = 1.0 - (1.0 - probability).powf(1.0 / (self.neighbours as f64 - 1.0));
        Some(volume.powf(1.0 / self.dimension?))
    }
}

/// The number of dimensions in which images are scattered evenly around each other: half of them have a
/// ratio of volumes (neighbour k/2 to k, which follows Beta(k/2, k/2)) below one half.
fn dimension(neighbours: &Neighbours) -> Option<f64> {
    let k = neighbours.k;
    if neighbours.len() < LEAST || k < 2 {
        return None;
    }
    let ratio = |image: usize| {
        let distances = neighbours.distances(image);
        let (half, whole) = (distances[k / 2 - 1], distances[k - 1]);
        (half > 0.0).then_some(half / whole)
    };
    let ratios: Vec<f32> = (0..neighbours.len()).filter_map(ratio).collect();
    let middle = f64::from(median(ratios));
    (0.0 < middle && middle < 1.0).then(|| 0.5_f64.ln() / middle.ln())
}

/// The number in the middle, the upper of two; 0 of none.
fn median(mut numbers: Vec<f32>) -> f32 {
    let middle = numbers.len() / 2;
    if numbers.is_empty() {
        return 0.0;
    }
    *numbers.select_nth_unstable_by(middle, f32::total_cmp).1
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::probe::Features;
    use crate::rng::{Purpose, stream};

    /// Points that are scattered evenly in two cubes, one of them half as large.
    fn cube(count: usize, dim: usize) -> Features {
        let mut stream = stream(4, Purpose::Test, 0, dim as u64);
        let row = |place: usize, stream: &mut crate::rng::Stream| -> Vec<f32> {
            let (size, start) = if place.is_multiple_of(2) { (1.0, 0.0) } else { (0.5, 3.0) };
            (0..dim).map(|_| (start + size * stream.unit()) as f32).collect()
        };
        let values = (0..count).flat_map(|place| row(place, &mut stream)).collect();
        Features { values, dim }
    }

    fn spacing(features: &Features) -> Spacing {
        let device = Device::flex();
        let found = Neighbours::of(features, neighbours_of(features.len()), &device);
        Spacing::of(&pollster::block_on(found).unwrap())
    }

    #[test]
    fn dimensions_and_chances_are_those_of_points_that_are_scattered_evenly() {
        for dim in [2, 4] {
            let spacing = spacing(&cube(4_000, dim));
            let found = spacing.dimension.unwrap();
            assert!((found / dim as f64 - 1.0).abs() < 0.15, "{found} of {dim} dimensions");
            // A p-value of chance is as small as it says, dense or sparse.
            for level in [0.01, 0.05, 0.5] {
                let below = |relative: &&f64| spacing.by_chance(**relative).unwrap() <= level;
                let share = spacing.nearest.iter().filter(below).count() as f64 / 4_000.0;
                assert!((0.4..1.7).contains(&(share / level)), "{share} at {level}, dim {dim}");
                let back = spacing.by_chance(spacing.at_chance(level).unwrap()).unwrap();
                assert!((back - level).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn copies_do_not_change_the_dimensions() {
        let mut features = cube(2_000, 3);
        let alone = spacing(&features).dimension.unwrap();
        let copies: Vec<f32> = features.values.iter().map(|x| x + 1e-5).collect();
        features.values.extend(copies);
        let doubled = spacing(&features);
        let found = doubled.dimension.unwrap();
        assert!((found / alone - 1.0).abs() < 0.3, "{found} with copies, {alone} without");
        let caught = doubled.nearest.iter().filter(|r| doubled.by_chance(**r).unwrap() < 1e-3);
        assert!(caught.count() > 3_000, "copies are no chance");
    }

    #[test]
    fn few_or_equal_images_say_nothing_of_dimensions() {
        assert!(spacing(&cube(LEAST - 1, 2)).dimension.is_none());
        let equal = Features { values: vec![1.0; 60], dim: 2 };
        let spacing = spacing(&equal);
        assert!(spacing.dimension.is_none() && spacing.by_chance(0.1).is_none());
        assert_eq!(spacing.relative(0, 1, 0.0), 0.0);
    }
}
