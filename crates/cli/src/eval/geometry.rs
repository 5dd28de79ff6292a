//! How features lie in space, as results have it.

use kith_core::probe::geometry::Geometry;
use serde::{Serialize, Serializer};

/// Measures of features that need no labels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Space(pub(crate) Geometry);

impl Space {
    /// In a line for a terminal, for an encoder of so many features.
    pub(crate) fn words(self, features: usize) -> String {
        let [rank, others @ ..] = self.0.described();
        let words = |(measure, value): (kith_core::probe::measure::Measure, f64)| {
            format!("{} {}", measure.metric.word, measure.metric.unit.words(value))
        };
        let others = others.map(words).join(", ");
        format!("{} of {features} features, {others}", words(rank))
    }
}

/// By name.
impl Serialize for Space {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.0.described().map(|(measure, value)| (measure.metric.name, value)))
    }
}
