//! What runs are and what they reached, in tables.

use kith_core::checkpoint::Stage;
use kith_core::metrics::Better;
use serde::Serialize;
use serde_json::json;

use super::direction;
use super::finished_run::FinishedRun;
use crate::format::percent;
use crate::output::lossy;
use crate::report::curves::{Across, Curve, Part};
use crate::report::facts;
use crate::report::table::Table;
use crate::study::RunResults;
use crate::train::record::{Record, best};

/// Says that a run does not have a number.
const ABSENT: &str = "-";

/// What a run is and what it reached.
#[derive(Debug, Serialize)]
pub(super) struct Numbers {
    name: String,
    folder: String,
    stage: Stage,
    recipe: String,
    encoder: String,
    data: String,
    seed: u64,
    epochs: u64,
    steps: u64,
    /// Of training; none where the metrics file does not say.
    seconds: Option<f64>,
    validation: LastAndBest,
    test: LastAndBest,
    linear: LastAndBest,
    #[serde(rename = "knn_200_0.1")]
    knn: LastAndBest,
}

/// A share after the last epoch and after the one that the run chose.
#[derive(Clone, Copy, Debug, Serialize)]
struct LastAndBest {
    last: Option<f64>,
    best: Option<f64>,
}

impl LastAndBest {
    fn words(self) -> String {
        let word = |share: Option<f64>| share.map_or_else(|| ABSENT.to_owned(), percent);
        match self {
            Self { last: None, best: None } => ABSENT.to_owned(),
            Self { last, best } => format!("{} / {}", word(last), word(best)),
        }
    }
}

impl Numbers {
    pub(super) fn of(run: &FinishedRun) -> Self {
        let (meta, history) = (&run.meta, &run.history);
        let ends = [history.last(), best(history)];
        let of_records = |share: fn(&Record) -> Option<f64>| {
            let [last, best] = ends.map(|record| record.and_then(share));
            LastAndBest { last, best }
        };
        let frozen = run.results.as_ref().and_then(|RunResults { frozen, .. }| *frozen);
        let ends = frozen.map(|frozen| [frozen.last, frozen.best]);
        let linear = ends.map(|ends| ends.map(|one| one.linear));
        let knn = ends.map(|ends| ends.map(|one| one.knn));
        let pair = |ends: Option<[f64; 2]>| LastAndBest {
            last: ends.map(|[last, _]| last),
            best: ends.map(|[_, best]| best),
        };
        Self {
            name: run.name.clone(),
            folder: lossy(&run.folder),
            stage: meta.stage,
            recipe: meta.recipe.name.clone(),
            encoder: facts::described(&json!(meta.recipe.encoder)),
            data: meta.dataset.name.clone(),
            seed: meta.seed,
            epochs: history.last().map_or(0, |record| record.epoch),
            steps: history.last().map_or(0, |record| record.step),
            seconds: Across::Seconds.places(history).and_then(|places| places.last().copied()),
            validation: of_records(|record| record.validation.map(|score| score.accuracy)),
            test: of_records(|record| record.test.map(|score| score.accuracy)),
            linear: pair(linear),
            knn: pair(knn),
        }
    }
}

/// What the runs are, and what they reached: a row a run in either.
pub(super) fn tables(runs: &[Numbers]) -> [Table; 2] {
    let table = |title: &str, header: &[&str], row: fn(&Numbers) -> Vec<String>| Table {
        title: title.into(),
        header: header.iter().map(|&name| name.into()).collect(),
        rows: runs.iter().map(row).collect(),
    };
    let what = ["run", "stage", "recipe", "encoder", "data", "seed", "epochs", "steps", "seconds"];
    let reached = ["run", "validation accuracy", "test accuracy", "linear probe", "kNN (200, 0.1)"];
    [
        table("What the runs are", &what, described),
        table("What they reached, last / best epoch", &reached, accuracies),
    ]
}

fn described(run: &Numbers) -> Vec<String> {
    let seconds = run.seconds.map_or_else(|| ABSENT.to_owned(), |s| format!("{s:.1}"));
    let words = [
        run.name.clone(),
        facts::stage(run.stage),
        run.recipe.clone(),
        run.encoder.clone(),
        run.data.clone(),
        run.seed.to_string(),
        run.epochs.to_string(),
        run.steps.to_string(),
        seconds,
    ];
    words.to_vec()
}

fn accuracies(run: &Numbers) -> Vec<String> {
    let shares = [run.validation, run.test, run.linear, run.knn].map(LastAndBest::words);
    [run.name.clone()].into_iter().chain(shares).collect()
}

/// A number of the metrics files after the last epoch of each run.
#[derive(Debug, Serialize)]
pub(super) struct LastNumber {
    title: String,
    better: Better,
    /// A value a run; none where it does not have it.
    values: Vec<Option<f64>>,
    #[serde(skip)]
    words: Vec<String>,
}

impl LastNumber {
    /// The place of the run that is best, if one is.
    fn best(&self) -> Option<usize> {
        let sign = match self.better {
            Better::Higher => 1.0,
            Better::Lower => -1.0,
            Better::Neither => return None,
        };
        let known = self.values.iter().enumerate();
        let known: Vec<(usize, f64)> =
            known.filter_map(|(place, value)| Some((place, sign * (*value)?))).collect();
        let highest = known.iter().map(|(_, value)| *value).reduce(f64::max)?;
        let best: Vec<usize> =
            known.iter().filter(|(_, value)| *value >= highest).map(|(place, _)| *place).collect();
        match best[..] {
            [only] if known.len() > 1 => Some(only),
            _ => None,
        }
    }
}

/// Every number that some run has after its last epoch.
pub(super) fn last_epochs(parts: &[Part<'_>], curves: &[Curve]) -> Vec<LastNumber> {
    let number = |curve: &Curve| {
        let value = |part: &Part<'_>| curve.value(part, part.history.last()?);
        let values: Vec<Option<f64>> = parts.iter().map(value).collect();
        let word = |value: &Option<f64>| {
            value.map_or_else(|| ABSENT.to_owned(), |value| curve.unit.words(value))
        };
        let words = values.iter().map(word).collect();
        LastNumber { title: curve.title.clone(), better: curve.better, values, words }
    };
    let known = |number: &LastNumber| number.values.iter().any(Option::is_some);
    curves.iter().map(number).filter(known).collect()
}

/// A row a number, a column a run.
pub(super) fn table_of_last_epochs(numbers: &[LastNumber], runs: &[String]) -> Table {
    let row = |number: &LastNumber| {
        let best = number.best().map_or_else(|| ABSENT.to_owned(), |place| runs[place].clone());
        let ends = [direction(number.better).to_owned(), best];
        [number.title.clone()].into_iter().chain(number.words.clone()).chain(ends).collect()
    };
    let header = ["number"].into_iter().chain(runs.iter().map(String::as_str));
    Table {
        title: "Every number of metrics.jsonl after the last epoch".into(),
        header: header.chain(["", "best"]).map(str::to_owned).collect(),
        rows: numbers.iter().map(row).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_run_is_the_one_that_the_metric_says() {
        let best = |better, values: &[Option<f64>]| {
            let values = values.to_vec();
            LastNumber { title: String::new(), better, values, words: vec![] }.best()
        };
        let values = [Some(1.0), None, Some(3.0), Some(0.5)];
        assert_eq!(best(Better::Higher, &values), Some(2));
        assert_eq!(best(Better::Lower, &values), Some(3));
        assert_eq!(best(Better::Neither, &values), None);
        assert_eq!(best(Better::Higher, &[Some(2.0), Some(2.0)]), None, "two are as good");
        assert_eq!(best(Better::Higher, &[Some(2.0), None]), None, "it has no rival");
    }

    #[test]
    fn what_is_missing_is_a_dash() {
        let words = |last, best| LastAndBest { last, best }.words();
        assert_eq!(words(Some(0.5), Some(0.75)), "50.00 % / 75.00 %");
        assert_eq!(words(Some(0.5), None), "50.00 % / -");
        assert_eq!(words(None, None), "-");
    }
}
