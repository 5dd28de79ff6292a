//! What the runs of a sweep came to, a row a combination.

use kith_core::metrics::Unit;
use kith_core::probe::repetition::mean_and_deviation;
use serde_json::{Map, Value, json};

use super::grid::{Axis, Combination};
use crate::failure::Failure;
use crate::format::OverSeeds;
use crate::output::lossy;
use crate::study::{Ended, PlannedRun, RunResults, Study};

/// A number that a run of a sweep has after its last epoch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measure {
    /// Its name in files.
    pub(super) name: &'static str,
    /// What people call it.
    pub(super) words: &'static str,
    pub(super) unit: Unit,
    /// Whether a combination may be chosen by it: test images are not for that.
    pub(super) is_for_choosing: bool,
    read: fn(&RunResults) -> Option<f64>,
}

/// Means closer than this are equal: shares are sums that were rounded.
const TIE: f64 = 1e-6;

/// In the order of tables; those to choose by come in the order in which they are asked.
///
/// A probe that learns along is judged by how far it came, which the length of features changes as
/// well as what is in them: the probe that is trained to its end has the first say.
pub(super) const MEASURES: [Measure; 6] = [
    Measure {
        name: "validation_linear",
        words: "linear probe (validation)",
        unit: Unit::Share,
        is_for_choosing: true,
        read: |results| Some(results.frozen?.last.validation?.linear),
    },
    Measure {
        name: "validation_accuracy",
        words: "online probe (validation)",
        unit: Unit::Share,
        is_for_choosing: true,
        read: |results| Some(results.last_epoch.as_ref()?.validation?.accuracy),
    },
    Measure {
        name: "validation_knn_accuracy",
        words: "kNN (validation)",
        unit: Unit::Share,
        is_for_choosing: true,
        read: |results| results.last_epoch.as_ref()?.knn,
    },
    Measure {
        name: "linear",
        words: "linear probe (test)",
        unit: Unit::Share,
        is_for_choosing: false,
        read: |results| Some(results.frozen?.last.linear),
    },
    Measure {
        name: "knn_200_0.1",
        words: "kNN (200, 0.1, test)",
        unit: Unit::Share,
        is_for_choosing: false,
        read: |results| Some(results.frozen?.last.knn),
    },
    Measure {
        name: "loss",
        words: "training loss",
        unit: Unit::Loss,
        is_for_choosing: false,
        read: |results| results.last_epoch.as_ref()?.reading("loss"),
    },
];

/// A run and how it ended, if it has.
pub(super) struct Run {
    pub(super) seed: u64,
    pub(super) folder: String,
    pub(super) ended: Option<Ended>,
}

/// The runs of a combination.
pub(super) struct Row {
    pub(super) combination: Combination,
    pub(super) runs: Vec<Run>,
}

/// Everything that a sweep found.
pub(super) struct Found {
    pub(super) axes: Vec<Axis>,
    pub(super) rows: Vec<Row>,
}

/// What a combination was chosen by, and its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice {
    pub(super) by: Measure,
    pub(super) place: usize,
    /// How many others are as good.
    pub(super) ties: usize,
}

impl Run {
    /// A number of the run; none where it has not finished or does not have it.
    pub(super) fn value(&self, measure: &Measure) -> Option<f64> {
        match &self.ended {
            Some(Ended::Finished(results)) => (measure.read)(results),
            _ => None,
        }
    }

    pub(super) fn status(&self) -> &'static str {
        Ended::status(self.ended.as_ref())
    }
}

impl Row {
    /// A number a seed.
    pub(super) fn values(&self, measure: &Measure) -> Vec<f64> {
        self.runs.iter().filter_map(|run| run.value(measure)).collect()
    }

    /// Mean and deviation over the seeds, as axes show them; none where no run has the number.
    pub(super) fn scaled(&self, measure: &Measure) -> Option<(f64, Option<f64>)> {
        let values: Vec<f64> =
            self.values(measure).into_iter().map(|value| measure.unit.scaled(value)).collect();
        (!values.is_empty()).then(|| mean_and_deviation(&values))
    }

    /// The mean, if every seed has the number.
    fn whole_mean(&self, measure: &Measure) -> Option<f64> {
        let values = self.values(measure);
        (values.len() == self.runs.len()).then(|| mean_and_deviation(&values).0)
    }

    /// How many runs have such a status.
    pub(super) fn count(&self, status: &str) -> usize {
        self.runs.iter().filter(|run| run.status() == status).count()
    }
}

impl Found {
    /// Reads what is in the folders of the runs.
    pub(super) fn read(
        study: &Study,
        axes: Vec<Axis>,
        combinations: Vec<Combination>,
    ) -> Result<Self, Failure> {
        let mut rows = Vec::new();
        for combination in combinations {
            let own = |run: &&PlannedRun| run.recipe == combination.recipe;
            let mut runs = Vec::new();
            for planned in study.runs.iter().filter(own) {
                let folder = lossy(study.folder_of(planned).path());
                runs.push(Run { seed: planned.seed, folder, ended: study.ended(planned)? });
            }
            rows.push(Row { combination, runs });
        }
        Ok(Self { axes, rows })
    }

    /// The measures that some run has.
    pub(super) fn measures(&self) -> Vec<Measure> {
        let has = |measure: &Measure| self.rows.iter().any(|row| !row.values(measure).is_empty());
        MEASURES.into_iter().filter(has).collect()
    }

    /// The combination with the highest mean, the first on ties, of the first measure to choose by;
    /// one of which a seed diverged is not chosen. None while runs are missing, since those might be
    /// better.
    pub(super) fn choice(&self) -> Option<Choice> {
        let is_over = self.rows.iter().all(|row| row.count("missing") == 0);
        let by = self.measures().into_iter().find(|measure| measure.is_for_choosing)?;
        let means = self.rows.iter().enumerate();
        let means = means.filter_map(|(place, row)| Some((place, row.whole_mean(&by)?)));
        let means: Vec<(usize, f64)> = means.collect();
        let better = |best: (usize, f64), next: (usize, f64)| {
            if next.1 > best.1 + TIE { next } else { best }
        };
        let (place, best) = is_over.then(|| means.iter().copied().reduce(better))??;
        let equal = means.iter().filter(|(_, mean)| (mean - best).abs() <= TIE).count();
        Some(Choice { by, place, ties: equal - 1 })
    }

    /// The rows for scripts.
    pub(super) fn combinations(&self) -> Vec<Value> {
        self.rows.iter().map(|row| self.object(row)).collect()
    }

    fn object(&self, row: &Row) -> Value {
        let runs: Vec<Value> = row
            .runs
            .iter()
            .map(|run| json!({ "seed": run.seed, "run": run.folder, "status": run.status() }))
            .collect();
        let mut object = Map::new();
        object.insert("settings".into(), json!(self.settings(row)));
        object.insert("runs".into(), json!(runs));
        for measure in self.measures() {
            let values = row.values(&measure);
            if !values.is_empty() {
                object.insert(measure.name.into(), json!(OverSeeds::of(&values)));
            }
        }
        Value::Object(object)
    }

    /// Each setting's value, as it was written.
    pub(super) fn settings(&self, row: &Row) -> Map<String, Value> {
        let pairs = self.axes.iter().zip(&row.combination.places);
        pairs.map(|(axis, &place)| (axis.setting.clone(), json!(axis.values[place]))).collect()
    }
}
