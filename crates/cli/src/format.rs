//! Numbers as people and scripts read them.

use kith_core::probe::repetition::mean_and_deviation;
use serde::{Serialize, Serializer};

/// A share as a percentage.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// A number a seed, for scripts.
#[derive(Debug, Serialize)]
pub(crate) struct OverSeeds<'a> {
    mean: f64,
    deviation: Option<f64>,
    seeds: &'a [f64],
}

impl<'a> OverSeeds<'a> {
    pub(crate) fn of(shares: &'a [f64]) -> Self {
        let (mean, deviation) = mean_and_deviation(shares);
        Self { mean, deviation, seeds: shares }
    }
}

/// Writes shares, a number a seed, with their mean and deviation.
pub(crate) fn over_seeds<S: Serializer>(shares: &[f64], to: S) -> Result<S::Ok, S::Error> {
    OverSeeds::of(shares).serialize(to)
}

/// Mean and deviation over seeds as percentages.
pub(crate) fn words_of_seeds(shares: &[f64]) -> String {
    match mean_and_deviation(shares) {
        _ if shares.is_empty() => "-".into(),
        (mean, Some(deviation)) => format!("{:.2} ± {:.2} %", 100.0 * mean, 100.0 * deviation),
        (mean, None) => percent(mean),
    }
}
