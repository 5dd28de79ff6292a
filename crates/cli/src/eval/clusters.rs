//! Whether k-means on clean features of test images finds their classes.

use kith_core::probe::Features;
use kith_core::probe::clustering::Clustering;
use kith_data::Split;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::train::geometry::measured;

/// Clusters of test images against their classes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Clusters(pub(crate) Clustering);

impl Clusters {
    /// Of the features of all test images, of which at most so many are clustered as geometry is
    /// measured on; none without labels or where there are fewer images than classes.
    pub(crate) fn of(
        features: &Features,
        test: &Split,
        classes: usize,
        seed: u64,
    ) -> Result<Option<Self>, Failure> {
        let places: Vec<usize> = measured(test, seed).into_iter().map(|p| p as usize).collect();
        let Some(labels) = test.labels().filter(|_| classes > 0 && places.len() >= classes) else {
            return Ok(None);
        };
        let labels: Vec<u16> = places.iter().map(|&place| labels[place]).collect();
        let found = Clustering::of(&features.select(&places), &labels, classes, seed)?;
        Ok(Some(Self(found)))
    }

    /// In a line for a terminal.
    pub(crate) fn words(self) -> String {
        let found = self.0.described().map(|(measure, value)| {
            format!("{} {}", measure.metric.word, measure.metric.unit.words(value))
        });
        format!("k-means, {} clusters: {}", self.0.clusters, found.join(", "))
    }
}

/// By name.
impl Serialize for Clusters {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Clustering { clusters, .. } = self.0;
        let numbers = self.0.described().map(|(m, value)| (m.metric.name.to_owned(), value.into()));
        let count = ("clusters".to_owned(), clusters.into());
        [count].into_iter().chain(numbers).collect::<Map<String, Value>>().serialize(to)
    }
}
