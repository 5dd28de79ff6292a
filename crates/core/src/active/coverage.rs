//! How well labelled images stand for the others: on a graph of nearest neighbours.

use burn::tensor::Device;

use crate::error::Error;
use crate::probe::Features;
use crate::probe::knn::{Nearest, nearest};

/// Every image with its nearest neighbours, by cosine.
#[derive(Clone, Debug)]
pub struct Graph {
    /// Neighbours of each image with their cosines; symmetric, without the image itself.
    neighbours: Vec<Vec<(usize, f32)>>,
}

impl Graph {
    /// The graph of the `k` nearest neighbours of each image: two images are joined where one is among the
    /// nearest of the other.
    ///
    /// # Errors
    /// [`Error::TooFew`] without images, [`Error::Device`] when the device fails.
    pub async fn of(features: &Features, k: usize, device: &Device) -> Result<Self, Error> {
        // The image itself is one of its nearest.
        Ok(Self::from_nearest(&nearest(features, features, k + 1, device).await?))
    }

    fn from_nearest(found: &Nearest) -> Self {
        let count = found.indices.len() / found.k.max(1);
        let mut neighbours = vec![Vec::new(); count];
        let pairs = found.indices.iter().zip(&found.cosines).enumerate();
        let pairs = pairs.map(|(place, (&other, &cosine))| (place / found.k, other, cosine));
        for (image, other, cosine) in pairs.filter(|&(image, other, _)| image != other) {
            neighbours[image].push((other, cosine));
            neighbours[other].push((image, cosine));
        }
        for own in &mut neighbours {
            own.sort_unstable_by_key(|&(other, _)| other);
            own.dedup_by_key(|&mut (other, _)| other);
        }
        Self { neighbours }
    }

    /// Images.
    pub fn len(&self) -> usize {
        self.neighbours.len()
    }

    /// Whether there is none; never.
    pub fn is_empty(&self) -> bool {
        self.neighbours.is_empty()
    }

    /// Neighbours of an image with their cosines, in the order of their numbers.
    pub fn of_image(&self, image: usize) -> &[(usize, f32)] {
        &self.neighbours[image]
    }
}

/// How near to a labelled image each image is: facility location (Wei, Iyer and Bilmes 2015).
pub(super) struct Coverage<'a> {
    graph: &'a Graph,
    /// The cosine to the nearest labelled neighbour, at least 0.
    covered: Vec<f32>,
}

impl<'a> Coverage<'a> {
    pub(super) fn new(graph: &'a Graph, labelled: impl IntoIterator<Item = usize>) -> Self {
        let mut coverage = Self { graph, covered: vec![0.0; graph.len()] };
        labelled.into_iter().for_each(|image| coverage.add(image));
        coverage
    }

    /// Counts an image as labelled.
    pub(super) fn add(&mut self, image: usize) {
        self.covered[image] = 1.0;
        for &(other, cosine) in self.graph.of_image(image) {
            self.covered[other] = self.covered[other].max(cosine);
        }
    }

    /// How much nearer all images would be together if this one had a label, and how many would be.
    pub(super) fn gain(&self, image: usize) -> (f64, usize) {
        let mut gain = f64::from((1.0 - self.covered[image]).max(0.0));
        let mut nearer = 0;
        for &(other, cosine) in self.graph.of_image(image) {
            let more = cosine - self.covered[other];
            if more > 0.0 {
                gain += f64::from(more);
                nearer += 1;
            }
        }
        (gain, nearer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A star of four around image 0, and a pair far away.
    pub(super) fn features() -> Features {
        let rows = [[1.0, 0.0], [1.0, 0.1], [1.0, -0.1], [1.0, 0.2], [-0.1, 1.0], [0.0, 1.0]];
        Features { values: rows.as_flattened().to_vec(), dim: 2 }
    }

    fn graph() -> Graph {
        pollster::block_on(Graph::of(&features(), 2, &Device::flex())).unwrap()
    }

    #[test]
    fn a_graph_is_symmetric_and_has_no_loops() {
        let graph = graph();
        for image in 0..graph.len() {
            for &(other, cosine) in graph.of_image(image) {
                assert_ne!(other, image);
                let back = graph.of_image(other).iter().find(|&&(own, _)| own == image);
                assert_eq!(back.map(|&(_, cosine)| cosine), Some(cosine));
            }
            assert!(graph.of_image(image).len() >= 2);
        }
    }

    #[test]
    fn what_is_covered_gains_no_more() {
        let graph = graph();
        let mut coverage = Coverage::new(&graph, []);
        let (before, nearer) = coverage.gain(0);
        assert!(before > 2.9 && nearer == graph.of_image(0).len(), "{before}, {nearer}");
        coverage.add(0);
        assert_eq!(coverage.gain(0), (0.0, 0));
        assert!(coverage.gain(1).0 < 0.1 && coverage.gain(4).0 > 1.0);
    }
}
