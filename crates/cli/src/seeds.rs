//! A comparison over seeds: named shares, a number a seed, for scripts and for people.

use std::path::Path;

use kith_core::probe::repetition::mean_and_deviation;
use serde_json::{Value, json};

use crate::chart::{Bar, Bars};
use crate::report::Table;
use crate::story::percent;

/// Test accuracies and what follows from them, in the order in which they are told.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Comparison(pub(crate) Vec<(String, Vec<f64>)>);

impl Comparison {
    /// For scripts; what has no number is left out.
    pub(crate) fn to_json(&self) -> Value {
        let entry = |(name, shares): &(String, Vec<f64>)| (name.clone(), json_of(shares));
        Value::Object(self.0.iter().filter(|(_, shares)| !shares.is_empty()).map(entry).collect())
    }

    /// For people, a line a name, and where there is more to see.
    pub(crate) fn words(&self, report: &Path) -> String {
        let width = self.0.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
        let line =
            |(name, shares): &(String, Vec<f64>)| format!("{name:<width$}  {}", of_seeds(shares));
        let report = format!("report: {}", report.display());
        self.0.iter().map(line).chain([report]).collect::<Vec<_>>().join("\n")
    }

    /// A row a name.
    pub(crate) fn table(&self) -> Table {
        let most = self.0.iter().map(|(_, shares)| shares.len()).max().unwrap_or_default();
        let heading = if most > 1 { "mean ± sd over seeds" } else { "one seed" };
        Table {
            title: "Test accuracy".into(),
            header: vec![String::new(), heading.into()],
            rows: self.0.iter().map(|(name, n)| vec![name.clone(), of_seeds(n)]).collect(),
        }
    }

    /// A bar a name, of those that are asked for and have a number.
    pub(crate) fn bars(&self, shown: impl Fn(&str) -> bool) -> Bars {
        let bar = |(name, shares): &(String, Vec<f64>)| {
            let (mean, deviation) = mean_and_deviation(shares);
            let deviation = deviation.map(|d| 100.0 * d);
            Bar { name: name.clone(), mean: 100.0 * mean, deviation }
        };
        let shown = |(name, shares): &&(String, Vec<f64>)| !shares.is_empty() && shown(name);
        Bars {
            title: "Test accuracy after the last epoch".into(),
            value_label: "%".into(),
            bars: self.0.iter().filter(shown).map(bar).collect(),
        }
    }
}

/// Mean, deviation and every number, for scripts.
pub(crate) fn json_of(shares: &[f64]) -> Value {
    let (mean, deviation) = mean_and_deviation(shares);
    json!({ "mean": mean, "deviation": deviation, "seeds": shares })
}

/// Mean and deviation over seeds as percentages.
pub(crate) fn of_seeds(shares: &[f64]) -> String {
    match mean_and_deviation(shares) {
        _ if shares.is_empty() => "-".into(),
        (mean, Some(deviation)) => format!("{:.2} ± {:.2} %", 100.0 * mean, 100.0 * deviation),
        (mean, None) => percent(mean),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comparison() -> Comparison {
        let shares = [("baseline", vec![0.5, 0.7]), ("a student", vec![0.75]), ("unknown", vec![])];
        Comparison(shares.map(|(name, shares)| (name.to_owned(), shares)).into())
    }

    #[test]
    fn people_see_what_is_missing_and_scripts_do_not() {
        let words = comparison().words(Path::new("r.html"));
        let lines: Vec<&str> = words.lines().collect();
        assert_eq!(lines[0], "baseline   60.00 ± 14.14 %");
        assert_eq!(lines[1..], ["a student  75.00 %", "unknown    -", "report: r.html"]);
        let object = comparison().to_json();
        assert_eq!(
            object["a student"],
            json!({ "mean": 0.75, "deviation": null, "seeds": [0.75] })
        );
        assert!(object.get("unknown").is_none());
    }

    #[test]
    fn the_heading_says_how_many_seeds_there_are() {
        assert_eq!(comparison().table().header[1], "mean ± sd over seeds");
        let single = Comparison(vec![("baseline".into(), vec![0.5])]);
        assert_eq!(single.table().header[1], "one seed");
    }

    #[test]
    fn bars_are_those_asked_for_with_their_deviation() {
        let bars = comparison().bars(|name| name != "a student").bars;
        assert_eq!(bars.len(), 1, "what has no number has no bar");
        assert_eq!((bars[0].name.as_str(), bars[0].mean.round()), ("baseline", 60.0));
        assert!((bars[0].deviation.unwrap() - 14.142).abs() < 0.001);
    }
}
