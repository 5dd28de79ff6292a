//! `kith evaluate --compare`: several checkpoints on the same images, by one protocol.

use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;

use kith_core::checkpoint::Stage;
use kith_core::probe::bootstrap::{LEVEL, RESAMPLES, interval};
use kith_core::probe::paired::mcnemar;
use kith_core::square::Frame;
use kith_data::Dataset;
use serde::Serialize;

use crate::args::DataFlags;
use crate::checkpoint::{self, Checkpoint, has_seen_test};
use crate::dataset::open_with;
use crate::eval::frozen::{self, Predictions};
use crate::failure::Failure;
use crate::format::percent;
use crate::output::lossy;
use crate::report::seeds::p_words;
use crate::report::table::Table;
use crate::verbs::session::Command;

/// What p-values are of.
const TEST: &str = "exact McNemar test, two-sided, on the same test images";

/// Which test images a checkpoint's probes told right, 1 or 0 each.
struct Right {
    linear: Vec<f64>,
    knn: Vec<f64>,
}

/// Checkpoints on the same test images.
#[derive(Debug, Serialize)]
pub(super) struct Checkpoints {
    data: String,
    seed: u64,
    labelled: usize,
    test: usize,
    resamples: u64,
    level: f64,
    test_of_differences: &'static str,
    checkpoints: Vec<Row>,
}

/// A checkpoint, and what its features are worth.
#[derive(Debug, Serialize)]
struct Row {
    checkpoint: String,
    recipe: String,
    stage: Stage,
    seed: u64,
    side: usize,
    linear: Measured,
    #[serde(rename = "knn_200_0.1")]
    knn: Measured,
}

/// A share of the test images, less that of the first checkpoint, and what other images could
/// have made of both.
#[derive(Debug, Serialize)]
struct Measured {
    accuracy: f64,
    interval: [f64; 2],
    difference: f64,
    difference_interval: [f64; 2],
    /// How often chance alone parts two networks as far on the same images.
    p: f64,
}

pub(super) fn run(
    of: &[PathBuf],
    data: &DataFlags,
    command: Command<'_>,
) -> Result<Checkpoints, Failure> {
    let Command { shared, console } = command;
    let checkpoints = of.iter().map(|of| checkpoint::open(of)).collect::<Result<Vec<_>, _>>()?;
    for Checkpoint { path, meta, .. } in &checkpoints {
        if has_seen_test(meta, data, shared.seed()) {
            let (path, data) = (path.clone(), data.data.to_string());
            return Err(Failure::SeenTest { path, data, then: meta.seed, now: shared.seed() });
        }
    }
    let chosen = command.device()?;
    let mut datasets: Vec<(Frame, Dataset)> = Vec::new();
    let mut all = Vec::new();
    for checkpoint in &checkpoints {
        let Checkpoint { path, meta, .. } = checkpoint;
        console.note(&format!("evaluating {}", path.display()));
        let known = datasets.iter().position(|(frame, _)| *frame == meta.frame());
        let place = known.unwrap_or(datasets.len());
        if known.is_none() {
            datasets.push((meta.frame(), open_with(data, meta, shared.seed(), console)?));
        }
        let (_, dataset) = &datasets[place];
        let encoder = checkpoint.encoder(&chosen.device)?;
        let (labelled, test) = (&dataset.labelled, &dataset.test);
        let classes = dataset.class_names.len();
        let found = frozen::predictions(&encoder, labelled, test, classes, &chosen.device)?;
        let untold = || Failure::unjudged("a comparison", labelled, test);
        let found = found.ok_or_else(untold)?;
        all.push(Right::of(&found, test.labels().unwrap_or_default()));
    }
    let (_, first) = datasets.first().expect("at least two checkpoints are compared");
    let row = |(Checkpoint { path, meta, .. }, own): (&Checkpoint, &Right)| Row {
        checkpoint: lossy(path),
        recipe: meta.recipe.name.clone(),
        stage: meta.stage,
        seed: meta.seed,
        side: meta.side,
        linear: Measured::of(&own.linear, &all[0].linear, shared.seed()),
        knn: Measured::of(&own.knn, &all[0].knn, shared.seed()),
    };
    Ok(Checkpoints {
        data: data.data.to_string(),
        seed: shared.seed(),
        labelled: first.labelled.len(),
        test: first.test.len(),
        resamples: RESAMPLES,
        level: LEVEL,
        test_of_differences: TEST,
        checkpoints: checkpoints.iter().zip(&all).map(row).collect(),
    })
}

impl Right {
    fn of(predictions: &Predictions, truth: &[u16]) -> Self {
        let right = |predicted: &[u16]| {
            let pairs = predicted.iter().zip(truth);
            pairs.map(|(predicted, truth)| f64::from(u8::from(predicted == truth))).collect()
        };
        Self { linear: right(&predictions.linear), knn: right(&predictions.wide) }
    }
}

impl Measured {
    fn of(own: &[f64], first: &[f64], seed: u64) -> Self {
        let measured = |numbers: &[f64]| {
            let share = numbers.iter().sum::<f64>() / numbers.len() as f64;
            (share, interval(numbers, seed).unwrap_or([share; 2]))
        };
        let less: Vec<f64> = own.iter().zip(first).map(|(own, first)| own - first).collect();
        let ((accuracy, interval), (difference, difference_interval)) =
            (measured(own), measured(&less));
        Self { accuracy, interval, difference, difference_interval, p: p_of(own, first) }
    }

    fn words(&self) -> String {
        let [low, high] = self.interval.map(|end| 100.0 * end);
        format!("{} [{low:.2}, {high:.2}]", percent(self.accuracy))
    }

    /// As points of percentages, with a sign.
    fn difference_words(&self) -> String {
        let [low, high] = self.difference_interval.map(|end| 100.0 * end);
        let p = p_words(self.p);
        format!("{:+.2} [{low:+.2}, {high:+.2}] p {p}", 100.0 * self.difference)
    }
}

/// How often chance alone parts two networks as far on the same images.
fn p_of(own: &[f64], other: &[f64]) -> f64 {
    let alone = |a: &[f64], b: &[f64]| a.iter().zip(b).filter(|(a, b)| a > b).count() as u64;
    mcnemar(alone(own, other), alone(other, own))
}

impl Checkpoints {
    fn table(&self) -> Table {
        let row = |(place, row): (usize, &Row)| {
            let Row { checkpoint, linear, knn, .. } = row;
            let less = |measured: &Measured| match place {
                0 => "-".into(),
                _ => measured.difference_words(),
            };
            vec![checkpoint.clone(), linear.words(), less(linear), knn.words(), less(knn)]
        };
        let header = ["", "linear probe", "less the first", "kNN (200, 0.1)", "less the first"];
        Table {
            title: "Test accuracy of frozen features, clean pictures".into(),
            header: header.map(Into::into).to_vec(),
            rows: self.checkpoints.iter().enumerate().map(row).collect(),
        }
    }
}

impl Display for Checkpoints {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} test pictures, {} labelled; in brackets {:.0} % of {RESAMPLES} bootstrap resamples \
             of the test pictures; p: {TEST}\n{}",
            self.test,
            self.labelled,
            100.0 * LEVEL,
            self.table().plain()
        )
    }
}
