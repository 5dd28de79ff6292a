//! `kith evaluate --compare`: several checkpoints on the same pictures, by one protocol.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kith_core::checkpoint::Meta;
use kith_core::probe::bootstrap::{LEVEL, RESAMPLES, interval};
use kith_core::probe::paired::mcnemar;
use kith_data::Dataset;
use serde_json::{Value, json};

use crate::args::DataFlags;
use crate::checkpoint::{self, has_seen_test};
use crate::dataset::open_with;
use crate::eval::frozen::{self, Predictions};
use crate::failure::Failure;
use crate::format::percent;
use crate::output::lossy;
use crate::report::seeds::p_words;
use crate::report::table::Table;
use crate::train::folder;
use crate::verbs::session::Command;

/// What p-values are of.
const TEST: &str = "exact McNemar test, two-sided, on the same test images";

/// Which test pictures a checkpoint's probes told right, 1 or 0 each.
struct Right {
    linear: Vec<f64>,
    knn: Vec<f64>,
}

/// A share of the test pictures, and what other pictures could have made of it.
struct Measured {
    share: f64,
    interval: [f64; 2],
}

pub(super) fn run(of: &[PathBuf], data: &DataFlags, command: Command<'_>) -> Result<(), Failure> {
    let Command { shared, console } = command;
    let paths: Vec<PathBuf> = of.iter().map(|of| checkpoint_of(of)).collect();
    let checkpoints =
        paths.iter().map(|path| checkpoint::open(path)).collect::<Result<Vec<_>, _>>()?;
    for (path, (meta, _)) in paths.iter().zip(&checkpoints) {
        if has_seen_test(meta, data, shared.seed) {
            let (path, data) = (path.clone(), data.data.to_string());
            return Err(Failure::SeenTest { path, data, then: meta.seed, now: shared.seed });
        }
    }
    let chosen = command.device()?;
    let mut datasets: BTreeMap<usize, Dataset> = BTreeMap::new();
    let mut all = Vec::new();
    for (path, (meta, archive)) in paths.iter().zip(&checkpoints) {
        console.note(&format!("evaluating {}", path.display()));
        let dataset = match datasets.entry(meta.side) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(free) => {
                free.insert(open_with(data, meta, shared.seed, console)?)
            }
        };
        let encoder = meta.encoder(archive, &chosen.device).map_err(Failure::of(path))?;
        let (labelled, test) = (&dataset.labelled, &dataset.test);
        let classes = dataset.class_names.len();
        let found = frozen::predictions(&encoder, labelled, test, classes, &chosen.device)?;
        let untold = || Failure::unjudged("a comparison", labelled, test);
        let found = found.ok_or_else(untold)?;
        all.push(Right::of(&found, test.labels().unwrap_or_default()));
    }
    let table = table(&paths, &all, shared.seed);
    let first = datasets.values().next().expect("at least two checkpoints are compared");
    let words = format!(
        "{} test pictures, {} labelled; in brackets {:.0} % of {RESAMPLES} bootstrap resamples of \
         the test pictures; p: {TEST}\n{}",
        first.test.len(),
        first.labelled.len(),
        100.0 * LEVEL,
        table.plain()
    );
    let rows = paths.iter().zip(&checkpoints).zip(&all);
    let rows: Vec<Value> = rows
        .map(|((path, (meta, _)), right)| as_json(path, meta, right, &all[0], shared.seed))
        .collect();
    let object = json!({
        "data": data.data.to_string(),
        "seed": shared.seed,
        "labelled": first.labelled.len(),
        "test": first.test.len(),
        "resamples": RESAMPLES,
        "level": LEVEL,
        "test_of_differences": TEST,
        "checkpoints": rows,
    });
    console.result(&words, &object);
    Ok(())
}

/// The last network of a run, or the checkpoint itself.
fn checkpoint_of(of: &Path) -> PathBuf {
    if of.is_dir() { of.join(folder::CHECKPOINT) } else { of.to_owned() }
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
    fn of(numbers: &[f64], seed: u64) -> Self {
        let share = numbers.iter().sum::<f64>() / numbers.len() as f64;
        Self { share, interval: interval(numbers, seed).unwrap_or([share; 2]) }
    }

    /// The difference to another on the same pictures.
    fn difference(numbers: &[f64], other: &[f64], seed: u64) -> Self {
        let paired: Vec<f64> = numbers.iter().zip(other).map(|(own, other)| own - other).collect();
        Self::of(&paired, seed)
    }

    fn words(&self) -> String {
        let [low, high] = self.interval.map(|end| 100.0 * end);
        format!("{} [{low:.2}, {high:.2}]", percent(self.share))
    }

    /// As points of percentages, with a sign.
    fn difference_words(&self, p: f64) -> String {
        let [low, high] = self.interval.map(|end| 100.0 * end);
        format!("{:+.2} [{low:+.2}, {high:+.2}] p {}", 100.0 * self.share, p_words(p))
    }
}

/// How often chance alone parts two networks as far on the same images.
fn p_of(own: &[f64], other: &[f64]) -> f64 {
    let alone = |a: &[f64], b: &[f64]| a.iter().zip(b).filter(|(a, b)| a > b).count() as u64;
    mcnemar(alone(own, other), alone(other, own))
}

fn table(paths: &[PathBuf], all: &[Right], seed: u64) -> Table {
    let row = |(place, (path, right)): (usize, (&PathBuf, &Right))| {
        let cells = [(&right.linear, &all[0].linear), (&right.knn, &all[0].knn)];
        let cells = cells.into_iter().flat_map(|(own, first)| {
            let difference = match place {
                0 => "-".into(),
                _ => Measured::difference(own, first, seed).difference_words(p_of(own, first)),
            };
            [Measured::of(own, seed).words(), difference]
        });
        [path.display().to_string()].into_iter().chain(cells).collect()
    };
    let header = ["", "linear probe", "less the first", "kNN (200, 0.1)", "less the first"];
    Table {
        title: "Test accuracy of frozen features, clean pictures".into(),
        header: header.map(Into::into).to_vec(),
        rows: paths.iter().zip(all).enumerate().map(row).collect(),
    }
}

fn as_json(path: &Path, meta: &Meta, own: &Right, first: &Right, seed: u64) -> Value {
    let entry = |own: &[f64], first: &[f64]| {
        let (measured, less) = (Measured::of(own, seed), Measured::difference(own, first, seed));
        json!({
            "accuracy": measured.share,
            "interval": measured.interval,
            "difference": less.share,
            "difference_interval": less.interval,
            "p": p_of(own, first),
        })
    };
    json!({
        "checkpoint": lossy(path),
        "recipe": meta.recipe.name,
        "stage": meta.stage,
        "seed": meta.seed,
        "side": meta.side,
        "linear": entry(&own.linear, &first.linear),
        "knn_200_0.1": entry(&own.knn, &first.knn),
    })
}
