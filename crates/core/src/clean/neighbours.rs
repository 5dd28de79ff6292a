//! The nearest others of every image of a set.

use burn::tensor::{Device, Tensor};

use crate::error::Error;
use crate::probe::Features;
use crate::probe::distance::squared_distance;
use crate::probe::linear::upload;
use crate::read::read;
use crate::rows::{largest, products};

/// Products that are read at a time: bounds memory, however many images there are.
const MOST: usize = 1 << 22;

/// For every image of a set the nearest others, nearest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbours {
    /// Neighbours an image.
    pub k: usize,
    /// Places of neighbours, `[n, k]`.
    pub indices: Vec<usize>,
    /// Euclidean distances, `[n, k]`, rising.
    pub distances: Vec<f32>,
}

impl Neighbours {
    /// The `k` nearest others by Euclidean distance, exact; fewer where there are fewer. For cosines,
    /// give it [`Features::unit`] rows.
    ///
    /// # Errors
    /// [`Error::TooFew`] for fewer than two images or a `k` of 0, [`Error::Device`] when the device
    /// fails.
    pub async fn of(features: &Features, k: usize, device: &Device) -> Result<Self, Error> {
        let n = features.len();
        if n < 2 || k == 0 {
            let (what, got) = ("pictures to compare", n.min(k));
            return Err(Error::TooFew { what, expected: 2, got });
        }
        let k = k.min(n - 1);
        // What all features have in common would cost digits.
        let centred = centred(features);
        let squares: Vec<f32> =
            (0..n).map(|place| centred.row(place).iter().map(|x| x * x).sum()).collect();
        let rows = upload(&centred, device);
        let mut found = Self { k, indices: Vec::new(), distances: Vec::new() };
        for start in (0..n).step_by((MOST / n).max(1)) {
            let count = (MOST / n).max(1).min(n - start);
            let own: Tensor<2> = rows.clone().narrow(0, start, count);
            let mut keys = read(products(own, rows.clone())).await?;
            for (place, keys) in (start..).zip(keys.chunks_mut(n)) {
                keys.iter_mut().zip(&squares).for_each(|(key, square)| *key = 2.0 * *key - square);
                keys[place] = f32::NEG_INFINITY;
                found.add(&centred, place, largest(keys, k));
            }
        }
        Ok(found)
    }

    /// Adds an image's neighbours in the order of their exact distances.
    fn add(&mut self, features: &Features, place: usize, others: Vec<usize>) {
        let distance =
            |&other: &usize| squared_distance(features.row(place), features.row(other)).sqrt();
        let mut pairs: Vec<(f32, usize)> =
            others.iter().map(|other| (distance(other), *other)).collect();
        pairs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        self.distances.extend(pairs.iter().map(|pair| pair.0));
        self.indices.extend(pairs.iter().map(|pair| pair.1));
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.indices.len().checked_div(self.k).unwrap_or(0)
    }

    /// Whether there is no image; never.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// Neighbours of an image with their distances, nearest first.
    pub fn near(&self, image: usize) -> impl ExactSizeIterator<Item = (usize, f32)> {
        let range = image * self.k..(image + 1) * self.k;
        let distances = self.distances[range.clone()].iter().copied();
        self.indices[range].iter().copied().zip(distances)
    }

    /// Distances of an image's neighbours, rising.
    pub fn distances(&self, image: usize) -> &[f32] {
        &self.distances[image * self.k..(image + 1) * self.k]
    }
}

/// Features less their mean.
fn centred(features: &Features) -> Features {
    let (n, dim) = (features.len() as f64, features.dim);
    let mut mean = vec![0.0_f64; dim];
    for row in features.values.chunks_exact(dim) {
        mean.iter_mut().zip(row).for_each(|(sum, &x)| *sum += f64::from(x) / n);
    }
    let less = |(&x, mean): (&f32, &f64)| (f64::from(x) - mean) as f32;
    let rows = features.values.chunks_exact(dim);
    let values = rows.flat_map(|row| row.iter().zip(&mean).map(less)).collect();
    Features { values, dim }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, stream};

    fn of(features: &Features, k: usize) -> Neighbours {
        pollster::block_on(Neighbours::of(features, k, &Device::flex())).unwrap()
    }

    #[test]
    fn neighbours_are_the_nearest_others_also_far_from_the_origin() {
        let mut stream = stream(1, Purpose::Test, 0, 0);
        let values = (0..3 * 40).map(|_| (1e4 + stream.normal()) as f32).collect();
        let features = Features { values, dim: 3 };
        let found = of(&features, 6);
        assert_eq!(found.len(), 40);
        for image in 0..40 {
            let mut naive: Vec<(f32, usize)> = (0..40)
                .filter(|&other| other != image)
                .map(|other| {
                    let pairs = features.row(image).iter().zip(features.row(other));
                    (pairs.map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt(), other)
                })
                .collect();
            naive.sort_by(|a, b| a.partial_cmp(b).unwrap());
            let got: Vec<usize> = found.near(image).map(|(other, _)| other).collect();
            let expected: Vec<usize> = naive[..6].iter().map(|pair| pair.1).collect();
            assert_eq!(got, expected, "image {image}");
            assert!((found.distances(image)[0] - naive[0].0).abs() < 1e-3);
        }
    }

    #[test]
    fn equal_images_are_neighbours_of_each_other_and_not_of_themselves() {
        let features = Features { values: vec![0.5; 30], dim: 2 };
        let found = of(&features, 20);
        assert_eq!(found.k, 14, "there are no more others");
        for image in 0..15 {
            assert!(found.near(image).all(|(other, distance)| other != image && distance == 0.0));
        }
    }

    #[test]
    fn a_single_image_has_no_other() {
        let features = Features { values: vec![0.5; 2], dim: 2 };
        let error = pollster::block_on(Neighbours::of(&features, 3, &Device::flex()));
        assert_eq!(error.expect_err("one image").code(), "TOO_FEW");
    }
}
