//! Numbers as people and scripts read them.

use kith_core::probe::repetition::mean_and_deviation;
use serde_json::{Value, json};

/// A share as a percentage.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// Mean, deviation and every number, for scripts.
pub(crate) fn json_of_seeds(shares: &[f64]) -> Value {
    let (mean, deviation) = mean_and_deviation(shares);
    json!({ "mean": mean, "deviation": deviation, "seeds": shares })
}

/// Mean and deviation over seeds as percentages.
pub(crate) fn words_of_seeds(shares: &[f64]) -> String {
    match mean_and_deviation(shares) {
        _ if shares.is_empty() => "-".into(),
        (mean, Some(deviation)) => format!("{:.2} ± {:.2} %", 100.0 * mean, 100.0 * deviation),
        (mean, None) => percent(mean),
    }
}
