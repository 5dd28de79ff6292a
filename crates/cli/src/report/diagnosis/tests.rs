//! A synthetic history for each finding, and a healthy one.

use serde_json::json;

use super::*;
use crate::train::readings::Readings;
use crate::train::record::{Score, Timing};

/// A history in which each number goes from a first to a last value along a line.
fn history(epochs: u64, numbers: &[(&str, f64, f64)]) -> Vec<Record> {
    let along = |epoch: u64, first: f64, last: f64| {
        first + (last - first) * (epoch - 1) as f64 / (epochs - 1).max(1) as f64
    };
    let record = |epoch: u64| {
        let find = |name: &str| {
            let (_, first, last) = numbers.iter().find(|(known, ..)| *known == name)?;
            Some(along(epoch, *first, *last))
        };
        let train = numbers.iter().filter(|(name, ..)| !matches!(*name, "validation" | "knn"));
        Record {
            epoch,
            step: 100 * epoch,
            train: train.map(|&(name, first, last)| (name, along(epoch, first, last))).collect(),
            validation: find("validation").map(|accuracy| Score { accuracy, loss: 1.0 }),
            knn: find("knn"),
            features: Readings::default(),
            test: None,
            timing: Timing::default(),
        }
    };
    (1..=epochs).map(record).collect()
}

/// What the recipe that `make train` runs gave, in round numbers.
const HEALTHY: [(&str, f64, f64); 10] = [
    ("loss", 4.46, 3.25),
    ("contrastive_accuracy", 0.11, 0.28),
    ("feature_spread", 0.31, 0.48),
    ("dead_units", 0.08, 0.07),
    ("queue_age", 0.9, 7.6),
    ("neighbours_agreeing", 1.0, 3.0),
    ("neighbours_known", 6.0, 6.5),
    ("probe_accuracy", 0.16, 0.47),
    ("validation", 0.2, 0.5),
    ("knn", 0.3, 0.5),
];

fn recipe() -> Recipe {
    Recipe::built_in("quick").expect("it is built in")
}

fn names(history: &[Record]) -> Vec<&'static str> {
    findings(history, &recipe(), 9).iter().map(|finding| finding.name).collect()
}

/// Names of the findings in a healthy history with some numbers changed.
fn changed(changes: &[(&'static str, f64, f64)]) -> Vec<&'static str> {
    let other = |healthy: &(&'static str, f64, f64)| {
        *changes.iter().find(|(name, ..)| *name == healthy.0).unwrap_or(healthy)
    };
    names(&history(24, &HEALTHY.each_ref().map(other)))
}

#[test]
fn nothing_looks_wrong_with_a_healthy_run() {
    assert_eq!(names(&history(24, &HEALTHY)), [""; 0]);
    let tuned = [("loss", 2.0, 0.4), ("accuracy", 0.4, 0.9), ("validation", 0.4, 0.8)];
    assert_eq!(names(&history(5, &tuned)), [""; 0]);
    assert_eq!(names(&[]), [""; 0], "nor with one that has not begun");
    assert_eq!(names(&history(1, &HEALTHY)), [""; 0], "nor with one epoch");
}

#[test]
fn each_fault_is_found_alone() {
    for (changes, expected) in [
        (&[("feature_spread", 0.3, 0.01)][..], "collapse"),
        (&[("dead_units", 0.1, 0.7)], "dead_units"),
        (&[("queue_age", 7.0, 12.0)], "stale_queue"),
        (&[("neighbours_agreeing", 0.6, 0.6)], "strange_neighbours"),
        (&[("contrastive_accuracy", 0.93, 0.99)], "weak_augmentation"),
        (&[("loss", 4.46, 4.45)], "loss_stays"),
        (&[("knn", 0.5, 0.4)], "features_worsen"),
    ] {
        assert_eq!(changed(changes), [expected]);
    }
}

#[test]
fn a_probe_that_falls_with_its_neighbours_has_not_learnt_by_heart() {
    assert_eq!(changed(&[("knn", 0.5, 0.4), ("probe_accuracy", 0.5, 0.4)]), [""; 0]);
}

#[test]
fn without_neighbours_the_probes_own_validation_tells() {
    let without: Vec<_> =
        HEALTHY.into_iter().filter(|(name, ..)| *name != "knn" && *name != "validation").collect();
    assert_eq!(names(&history(24, &without)), [""; 0]);
    let falling = [&without[..], &[("validation", 0.5, 0.4)]].concat();
    assert_eq!(names(&history(24, &falling)), ["features_worsen"]);
}

#[test]
fn learning_by_heart_is_found_and_said_with_its_figures() {
    let tuned = [("loss", 2.0, 0.1), ("accuracy", 0.4, 1.0), ("validation", 0.4, 0.6)];
    let found = findings(&history(5, &tuned), &recipe(), 9);
    assert_eq!(found.len(), 1);
    let sentence = found[0].sentence();
    assert!(
        sentence.contains("100.00 %") && sentence.contains("60.00 % of validation"),
        "{sentence}"
    );
    assert_eq!(json!(found)[0]["finding"], "overfitting");
    assert!((found[0].figure - 0.4).abs() < 1e-12);
}

#[test]
fn a_queue_that_is_not_full_is_not_stale() {
    let mut young = history(3, &HEALTHY);
    young.iter_mut().for_each(|record| record.step = 10 * record.epoch);
    young[2].train.insert("queue_age", 15.0);
    assert_eq!(names(&young), [""; 0]);
}

#[test]
fn what_seeds_have_in_common_is_said_once() {
    let by_heart = |last| history(5, &[("accuracy", 0.5, 1.0), ("validation", 0.5, last)]);
    let (worse, better, fine) = (by_heart(0.6), by_heart(0.7), by_heart(0.95));
    let run = |seed, part, history| Run { seed, part, history };
    let runs = [
        run(1, "baseline", &worse),
        run(1, "student", &better),
        run(2, "baseline", &better),
        run(2, "student", &fine),
        run(3, "baseline", &better),
    ];
    let said = sentences(runs.into_iter(), &recipe(), 10);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].starts_with("Seed 1, baseline: 100.00 %"), "{said:?}");
    assert!(said[0].contains("60.00 %") && said[0].ends_with("Likewise with seed 2, 3."));
    assert!(said[1].starts_with("Seed 1, student: ") && !said[1].contains("Likewise"), "{said:?}");
}
