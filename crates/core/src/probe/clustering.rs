//! Whether clusters that are found without labels are the classes.

use super::Features;
use super::agreement::Agreement;
use super::k_means::KMeans;
use super::measure::{CLUSTER_ACCURACY, CLUSTER_ARI, CLUSTER_NMI, Measure};
use crate::error::Error;

/// What k-means finds in unit features, against the classes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clustering {
    /// Clusters that were looked for: as many as there are classes.
    pub clusters: usize,
    /// How far they are the classes.
    pub agreement: Agreement,
}

impl Clustering {
    /// Of features with their labels, each below `classes`.
    ///
    /// # Errors
    /// Those of [`KMeans::fit`]: [`Error::TooFew`] for fewer images than classes.
    pub fn of(
        features: &Features,
        labels: &[u16],
        classes: usize,
        seed: u64,
    ) -> Result<Self, Error> {
        let found = KMeans::new(classes).fit(&features.unit(), seed)?;
        Ok(Self { clusters: classes, agreement: Agreement::of(labels, &found.assignments) })
    }

    /// Each measure with its description.
    pub fn described(&self) -> [(Measure, f64); 3] {
        let Agreement { accuracy, nmi, ari } = self.agreement;
        [(CLUSTER_ACCURACY, accuracy), (CLUSTER_NMI, nmi), (CLUSTER_ARI, ari)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, stream};

    /// Classes that are directions, whatever the length of a row.
    #[test]
    fn directions_are_found() {
        let mut stream = stream(9, Purpose::Test, 0, 0);
        let (mut values, mut labels) = (Vec::new(), Vec::new());
        for place in 0..60 {
            let class = place % 3;
            let length = stream.uniform(0.1, 10.0);
            let noise = [(); 3].map(|()| 0.05 * stream.normal());
            let at = |axis: usize| length * (f64::from(u8::from(axis == class)) + noise[axis]);
            values.extend((0..3).map(|axis| at(axis) as f32));
            labels.push(class as u16);
        }
        let found = Clustering::of(&Features { values, dim: 3 }, &labels, 3, 1).unwrap();
        assert_eq!(found.agreement.accuracy, 1.0, "{found:?}");
        assert!((found.agreement.nmi - 1.0).abs() < 1e-12);
        assert!((found.agreement.ari - 1.0).abs() < 1e-12);
    }
}
