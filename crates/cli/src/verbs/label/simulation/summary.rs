//! Rules side by side.

use std::collections::BTreeMap;

use kith_core::active::Rule;
use kith_core::probe::paired::TTest;
use kith_core::probe::repetition::mean_and_deviation;
use serde::Serialize;

use super::Simulated;
use super::rounds::Measured;
use crate::format::words_of_seeds;
use crate::report::chart::{Axis, Chart, Series};
use crate::report::table::Table;

/// What a reader should know.
pub(super) const NOTE: &str = "Images are labelled in rounds of ten. The rule \"uncertain\" proposes representative images until two \
     classes have two labels each. Labels needed: where the accuracy, joined by straight lines between the \
     counts, first reaches that of labels by chance.";

/// Labels that a rule needed for an accuracy.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Needed {
    rule: &'static str,
    /// Of labels by chance, which have it in the mean over seeds.
    labels_by_chance: usize,
    accuracy: f64,
    /// For each seed; none where so many labels did not do.
    labels: Vec<Option<f64>>,
    /// Mean of the differences from labels by chance, seed by seed, and where 95 % of such intervals hold the
    /// true one; none where a seed did not get there, or where there are too few.
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<[f64; 3]>,
}

type Rules = BTreeMap<&'static str, Vec<Vec<Measured>>>;

/// Labels that each rule needed for what labels by chance reach in the middle, and at the end.
pub(super) fn labels_needed(counts: &[usize], rules: &Rules) -> Vec<Needed> {
    let chance = &rules[Rule::Random.name()];
    let targets = [counts.len() / 2, counts.len().saturating_sub(1)];
    let mut needed = Vec::new();
    for place in targets.into_iter().filter(|&place| place < counts.len()) {
        let of_seeds: Vec<f64> = chance.iter().map(|seed| seed[place].accuracy).collect();
        let (accuracy, _) = mean_and_deviation(&of_seeds);
        let reached = |rule| -> Vec<Option<f64>> {
            let seeds: &Vec<Vec<Measured>> = &rules[rule];
            seeds.iter().map(|seed| reached(&seed[..counts.len()], accuracy)).collect()
        };
        let by_chance = reached(Rule::Random.name());
        for rule in Rule::ALL.map(Rule::name) {
            let labels = reached(rule);
            let pairs: Option<Vec<f64>> = labels
                .iter()
                .zip(&by_chance)
                .map(|(own, chance)| Some((*own)? - (*chance)?))
                .collect();
            let test = pairs.and_then(|pairs| TTest::of(&pairs));
            let difference = test.map(|test| [test.difference, test.interval[0], test.interval[1]]);
            needed.push(Needed {
                rule,
                labels_by_chance: counts[place],
                accuracy,
                labels,
                difference,
            });
        }
    }
    needed
}

/// Where an accuracy is first reached.
fn reached(measured: &[Measured], accuracy: f64) -> Option<f64> {
    let place = measured.iter().position(|measured| measured.accuracy >= accuracy)?;
    let here = measured[place];
    let Some(before) = place.checked_sub(1).map(|before| measured[before]) else {
        return Some(here.labels as f64);
    };
    let share = (accuracy - before.accuracy) / (here.accuracy - before.accuracy);
    Some(before.labels as f64 + share * (here.labels - before.labels) as f64)
}

/// Everything that was measured.
pub(super) fn tables(simulated: &Simulated) -> [Table; 3] {
    [accuracies(simulated), differences(simulated), needed(simulated)]
}

/// Accuracy by rule and number of labels.
fn accuracies(simulated: &Simulated) -> Table {
    let rows = Rule::ALL.map(Rule::name).into_iter().flat_map(|rule| {
        let seeds = &simulated.rules[rule];
        let row = |words: &str, of: fn(&Measured) -> f64| {
            let cell = |place: usize| {
                let shares: Vec<f64> = seeds.iter().map(|seed| of(&seed[place])).collect();
                words_of_seeds(&shares)
            };
            let cells = (0..simulated.counts.len()).map(cell);
            [format!("{rule}{words}")].into_iter().chain(cells).collect()
        };
        [row("", |m| m.accuracy), row(", propagated", |m| m.propagated)]
    });
    Table {
        title: "Share told right by number of labels, mean ± sd over seeds: by a probe, of test images; \
                propagated, of the images without a label"
            .into(),
        header: counts_header(simulated),
        rows: rows.collect(),
    }
}

/// Points of accuracy that each rule is ahead of labels by chance.
fn differences(simulated: &Simulated) -> Table {
    let chance = &simulated.rules[Rule::Random.name()];
    let row = |rule: &'static str| {
        let cell = |place: usize| {
            let pairs = simulated.rules[rule].iter().zip(chance);
            let points: Vec<f64> = pairs
                .map(|(own, chance)| 100.0 * (own[place].accuracy - chance[place].accuracy))
                .collect();
            match TTest::of(&points) {
                Some(TTest { difference, interval: [low, high], .. }) => {
                    format!("{difference:+.1} [{low:+.1}, {high:+.1}]")
                }
                None => format!("{:+.1}", mean_and_deviation(&points).0),
            }
        };
        [rule.to_owned()].into_iter().chain((0..simulated.counts.len()).map(cell)).collect()
    };
    let rules = Rule::ALL.map(Rule::name).into_iter().filter(|&rule| rule != Rule::Random.name());
    Table {
        title: "Points of the probe's accuracy ahead of labels by chance, seed by seed: mean and 95 % interval"
            .into(),
        header: counts_header(simulated),
        rows: rules.map(row).collect(),
    }
}

fn counts_header(simulated: &Simulated) -> Vec<String> {
    let counts = simulated.counts.iter().map(usize::to_string);
    ["labels".to_owned()].into_iter().chain(counts).collect()
}

/// Labels needed, beside labels by chance.
fn needed(simulated: &Simulated) -> Table {
    let row = |needed: &Needed| {
        let all: Option<Vec<f64>> = needed.labels.iter().copied().collect();
        let labels = all.map_or_else(
            || {
                let missing = needed.labels.iter().filter(|labels| labels.is_none()).count();
                format!("not reached by {missing} of {} seeds", needed.labels.len())
            },
            |labels| match mean_and_deviation(&labels) {
                (mean, Some(deviation)) => format!("{mean:.0} ± {deviation:.0}"),
                (mean, None) => format!("{mean:.0}"),
            },
        );
        let difference = needed.difference.map_or_else(
            || "-".to_owned(),
            |[mean, low, high]| format!("{mean:+.0} [{low:+.0}, {high:+.0}]"),
        );
        vec![
            format!("{:.1} %", 100.0 * needed.accuracy),
            needed.rule.to_owned(),
            labels,
            difference,
        ]
    };
    Table {
        title: "Labels needed for an accuracy, mean ± sd over seeds".into(),
        header: ["accuracy", "rule", "labels", "difference from chance, 95 % interval"]
            .map(str::to_owned)
            .to_vec(),
        rows: simulated.needed.iter().map(row).collect(),
    }
}

/// A line a rule.
pub(super) fn chart(simulated: &Simulated) -> Chart {
    let series = |rule: &str| {
        let seeds = &simulated.rules[rule];
        let at = |place: usize| {
            let shares: Vec<f64> = seeds.iter().map(|seed| seed[place].accuracy).collect();
            mean_and_deviation(&shares)
        };
        let places = || 0..simulated.counts.len();
        let labels = simulated.counts.iter().map(|&count| count as f64);
        Series {
            name: rule.into(),
            points: labels.zip(places().map(|place| 100.0 * at(place).0)).collect(),
            deviations: places().map(|place| 100.0 * at(place).1.unwrap_or(0.0)).collect(),
            ..Series::default()
        }
    };
    Chart {
        title: "Test accuracy by number of labels (mean ± sd over seeds)".into(),
        x_label: "labels".into(),
        y_label: "%".into(),
        x_axis: Axis::Logarithmic,
        series: Rule::ALL.map(Rule::name).into_iter().map(series).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(accuracies: &[f64]) -> Vec<Measured> {
        let at = |(place, &accuracy): (usize, &f64)| Measured {
            labels: 10 * (place + 1),
            classes: 2,
            accuracy,
            propagated: 0.0,
        };
        accuracies.iter().enumerate().map(at).collect()
    }

    #[test]
    fn labels_needed_lie_between_the_counts() {
        assert_eq!(reached(&measured(&[0.2, 0.4, 0.6]), 0.5), Some(25.0));
        assert_eq!(reached(&measured(&[0.2, 0.4]), 0.1), Some(10.0));
        assert_eq!(reached(&measured(&[0.2, 0.4]), 0.5), None);
    }

    #[test]
    fn rules_are_held_against_chance_seed_by_seed() {
        let seeds = |shift: f64| {
            vec![measured(&[0.2 + shift, 0.4, 0.6]), measured(&[0.3, 0.4, 0.6 + shift])]
        };
        let rules: Rules = Rule::ALL
            .map(|rule| (rule.name(), seeds(if rule == Rule::Different { 0.2 } else { 0.0 })))
            .into();
        let needed = labels_needed(&[10, 20, 30], &rules);
        assert_eq!(needed.len(), 2 * Rule::ALL.len());
        let of = |rule: Rule| needed.iter().rfind(|needed| needed.rule == rule.name()).unwrap();
        assert_eq!(of(Rule::Random).labels, [Some(30.0), Some(30.0)]);
        assert_eq!(of(Rule::Different).labels, [Some(30.0), Some(25.0)]);
    }
}
