//! Labels for all images from a few: local and global consistency (Zhou et al. 2004) on a graph of nearest
//! neighbours (Iscen et al. 2019).

use serde::{Deserialize, Serialize};

use super::coverage::Graph;
use crate::error::Error;
use crate::probe::knn::best;
use crate::range;

/// How labels spread.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Propagation {
    /// Share of an image's label that comes from its neighbours, below 1.
    pub alpha: f64,
    /// A pair weighs its cosine to this power.
    pub power: f64,
    /// The equations are solved to this relative residual.
    pub residual: f64,
    /// Or after so many steps of conjugate gradients.
    pub steps: usize,
}

impl Default for Propagation {
    /// Iscen et al.'s.
    fn default() -> Self {
        Self { alpha: 0.99, power: 3.0, residual: 1e-6, steps: 200 }
    }
}

/// Labels that have spread.
#[derive(Clone, Debug, PartialEq)]
pub struct Propagated {
    /// Shares of the classes of each image, `[n, classes]`; a row sums to 1, or is 0 where no label
    /// arrived.
    pub shares: Vec<f32>,
    /// Number of classes.
    pub classes: usize,
}

impl Propagated {
    /// The likeliest class of each image; none where no label arrived.
    pub fn labels(&self) -> Vec<Option<u16>> {
        let rows = self.shares.chunks_exact(self.classes);
        rows.map(|row| row.iter().any(|&share| share > 0.0).then(|| best(row))).collect()
    }

    /// How sure each label is, in [0, 1]: one less the entropy of its shares over the largest there is
    /// (Iscen et al. 2019, equation 7). 0 where no label arrived.
    pub fn certainties(&self) -> Vec<f32> {
        let most = (self.classes.max(2) as f64).ln();
        let certainty = |row: &[f32]| {
            let terms = row.iter().filter(|&&share| share > 0.0);
            let entropy: f64 = terms.map(|&share| -f64::from(share) * f64::from(share).ln()).sum();
            let arrived = row.iter().any(|&share| share > 0.0);
            if arrived { (1.0 - entropy / most) as f32 } else { 0.0 }
        };
        self.shares.chunks_exact(self.classes).map(certainty).collect()
    }
}

impl Propagation {
    /// Spreads labels of some images, given as pairs of place and class, over the graph. Every class gives
    /// as much in all, whatever its number of labels.
    ///
    /// # Errors
    /// [`Error::Setting`] for settings out of range, [`Error::TooFew`] without labels.
    pub fn run(
        &self,
        graph: &Graph,
        labels: &[(usize, u16)],
        classes: usize,
    ) -> Result<Propagated, Error> {
        let expected = "from 0 to below 1";
        range::within("alpha", self.alpha, 0.0..=1.0 - f64::EPSILON, expected)?;
        range::within("power", self.power, 0.0..=f64::MAX, "0 or more")?;
        if labels.is_empty() {
            return Err(Error::TooFew { what: "labels to spread", expected: 1, got: 0 });
        }
        let edges = self.edges(graph);
        let mut shares = vec![0.0; graph.len() * classes];
        for class in 0..classes {
            let own = labels.iter().filter(|&&(_, label)| usize::from(label) == class);
            let places: Vec<usize> = own.map(|&(place, _)| place).collect();
            let mut given = vec![0.0; graph.len()];
            for &place in &places {
                given[place] = 1.0 / places.len() as f64;
            }
            for (image, score) in self.solved(&edges, &given).into_iter().enumerate() {
                shares[image * classes + class] = score.max(0.0) as f32;
            }
        }
        for row in shares.chunks_exact_mut(classes) {
            let sum: f32 = row.iter().sum();
            if sum > f32::MIN_POSITIVE {
                row.iter_mut().for_each(|share| *share /= sum);
            } else {
                row.fill(0.0);
            }
        }
        // What somebody said of an image stays said.
        for &(place, label) in labels {
            let row = &mut shares[place * classes..][..classes];
            row.fill(0.0);
            row[usize::from(label)] = 1.0;
        }
        Ok(Propagated { shares, classes })
    }

    /// Weights of the graph, normalised by the degrees of both ends.
    fn edges(&self, graph: &Graph) -> Vec<Vec<(usize, f64)>> {
        let weight = |cosine: f32| f64::from(cosine.max(0.0)).powf(self.power);
        let own = |image: usize| graph.of_image(image).iter();
        let degree = |image| own(image).map(|&(_, cosine)| weight(cosine)).sum::<f64>();
        let degrees: Vec<f64> = (0..graph.len()).map(degree).collect();
        let normalised = |image: usize, other: usize, cosine| {
            let scale = (degrees[image] * degrees[other]).sqrt();
            if scale > 0.0 { weight(cosine) / scale } else { 0.0 }
        };
        let edges = |image: usize| {
            let own = own(image);
            own.map(|&(other, cosine)| (other, normalised(image, other, cosine))).collect()
        };
        (0..graph.len()).map(edges).collect()
    }

    /// The solution of (1 - α S) f = y by conjugate gradients (Hestenes and Stiefel 1952).
    fn solved(&self, edges: &[Vec<(usize, f64)>], given: &[f64]) -> Vec<f64> {
        let apply = |f: &[f64]| -> Vec<f64> {
            let spread =
                |own: &Vec<(usize, f64)>| own.iter().map(|&(other, w)| w * f[other]).sum::<f64>();
            f.iter().zip(edges).map(|(f, own)| f - self.alpha * spread(own)).collect()
        };
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let mut f = vec![0.0; given.len()];
        let mut rest = given.to_vec();
        let mut direction = rest.clone();
        let mut size = dot(&rest, &rest);
        let enough = size * self.residual * self.residual;
        for _ in 0..self.steps {
            if size <= enough {
                break;
            }
            let applied = apply(&direction);
            let length = size / dot(&direction, &applied);
            for place in 0..f.len() {
                f[place] += length * direction[place];
                rest[place] -= length * applied[place];
            }
            let after = dot(&rest, &rest);
            for (direction, rest) in direction.iter_mut().zip(&rest) {
                *direction = rest + after / size * *direction;
            }
            size = after;
        }
        f
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::probe::Features;
    use crate::rng::{Purpose, stream};

    /// Two half moons, which no line parts: points of a class are near others of theirs. As angles do not
    /// tell places, they are lifted onto a sphere.
    fn moons() -> (Features, Vec<u16>) {
        let mut stream = stream(3, Purpose::Test, 0, 0);
        let mut values = Vec::new();
        let labels: Vec<u16> = (0..200).map(|i| i % 2).collect();
        for (place, &label) in labels.iter().enumerate() {
            let angle = core::f64::consts::PI * (place / 2) as f64 / 99.0;
            let (x, y) = match label {
                0 => (angle.cos(), angle.sin()),
                _ => (1.0 - angle.cos(), 0.4 - angle.sin()),
            };
            let noise = [0.03 * stream.normal(), 0.03 * stream.normal()];
            values.extend([(x + noise[0]) as f32, (y + noise[1]) as f32, 2.0]);
        }
        (Features { values, dim: 3 }, labels)
    }

    fn graph(features: &Features, k: usize) -> Graph {
        pollster::block_on(Graph::of(features, k, &Device::flex())).unwrap()
    }

    #[test]
    fn one_label_a_moon_is_enough() {
        let (features, truth) = moons();
        let graph = graph(&features, 5);
        let spread = Propagation::default().run(&graph, &[(0, 0), (1, 1)], 2).unwrap();
        let told = spread.labels();
        let right = told.iter().zip(&truth).filter(|(told, own)| **told == Some(**own)).count();
        assert!(right >= 196, "{right} of 200");
        let certainties = spread.certainties();
        assert!((certainties[0] - 1.0).abs() < 1e-6, "a given label is certain");
        assert!(certainties.iter().all(|certainty| (0.0..=1.0).contains(certainty)));
    }

    /// Against the definition, in full: f = (1 - α S)⁻¹ y by the series of its powers.
    #[test]
    fn the_equations_are_solved() {
        let (features, _) = moons();
        let graph = graph(&features, 5);
        let settings = Propagation { alpha: 0.9, ..Default::default() };
        let edges = settings.edges(&graph);
        let mut given = vec![0.0; graph.len()];
        given[7] = 1.0;
        let mut expected = given.clone();
        let mut term = given.clone();
        for _ in 0..400 {
            let next = |own: &Vec<(usize, f64)>| {
                0.9 * own.iter().map(|&(other, weight)| weight * term[other]).sum::<f64>()
            };
            term = edges.iter().map(next).collect();
            expected.iter_mut().zip(&term).for_each(|(sum, term)| *sum += term);
        }
        for (got, expected) in settings.solved(&edges, &given).into_iter().zip(expected) {
            assert!((got - expected).abs() < 1e-5, "expected {expected}, got {got}");
        }
    }

    #[test]
    fn what_no_label_reaches_has_none() {
        let rows = [[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]];
        let features = Features { values: rows.as_flattened().to_vec(), dim: 2 };
        let spread = Propagation::default().run(&graph(&features, 1), &[(0, 1)], 3).unwrap();
        assert_eq!(spread.labels(), [Some(1), Some(1), None, None]);
        assert_eq!(spread.certainties(), [1.0, 1.0, 0.0, 0.0]);
    }

    #[test]
    fn bad_settings_are_refused() {
        let (features, _) = moons();
        let graph = graph(&features, 2);
        let none = Propagation::default().run(&graph, &[], 2).expect_err("no labels");
        assert_eq!(none.code(), "TOO_FEW");
        let all = Propagation { alpha: 1.0, ..Default::default() };
        assert_eq!(all.run(&graph, &[(0, 0)], 2).expect_err("alpha").code(), "SETTING");
    }
}
