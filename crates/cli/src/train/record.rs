//! What was measured in the epochs of a run.

use std::path::Path;

use kith_core::metrics::{Metric, Shown};
use kith_core::protocol::{self, best_epoch};
use kith_core::trainer::MASK_RATE;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::files::FileError;
use crate::train::folder;
use crate::train::readings::Readings;

/// What was measured in one epoch: a line of the metrics file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Epoch, counted from 1.
    pub(crate) epoch: u64,
    /// Steps done.
    pub(crate) step: u64,
    /// Means over the epoch's steps.
    #[serde(deserialize_with = "known")]
    pub(crate) train: Readings,
    /// Accuracy and loss on the images kept aside, if any are.
    #[serde(default, deserialize_with = "score")]
    pub(crate) validation: Option<Score>,
    /// Accuracy and loss on the test images, if they have labels. Where images are kept aside to
    /// choose by, the last and the best epoch alone have it, measured when the run is over.
    #[serde(default, deserialize_with = "score")]
    pub(crate) test: Option<Score>,
    /// Share of the images kept aside that weighted neighbours among labelled images tell right,
    /// by clean features of pre-training.
    #[serde(default)]
    pub(crate) knn: Option<f64>,
    /// Measures of clean features of pre-training, by name; earlier versions had none.
    #[serde(default, skip_serializing_if = "Readings::is_empty")]
    pub(crate) features: Readings,
    /// Wall time, which no two runs share.
    pub(crate) timing: Timing,
}

/// How well images were told apart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Score {
    /// Share that was right.
    pub(crate) accuracy: f64,
    /// Mean cross-entropy.
    pub(crate) loss: f64,
}

/// A score; none where a number is missing, as earlier versions wrote it of a run that diverged.
fn score<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Score>, D::Error> {
    #[derive(Deserialize)]
    struct Perhaps {
        accuracy: Option<f64>,
        loss: Option<f64>,
    }
    let Some(Perhaps { accuracy, loss }) = Option::deserialize(from)? else { return Ok(None) };
    Ok(accuracy.zip(loss).map(|(accuracy, loss)| Score { accuracy, loss }))
}

/// The numbers that there are.
fn known<'de, D: Deserializer<'de>>(from: D) -> Result<Readings, D::Error> {
    // As earlier versions called it: a run that goes on keeps the curve of its first epochs.
    Ok(Readings::deserialize(from)?.renamed("believed", MASK_RATE.name))
}

/// A number; 0 where it is missing.
pub(super) fn number<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// How long an epoch took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Timing {
    /// Training, without measuring afterwards.
    #[serde(deserialize_with = "number")]
    pub(crate) train_seconds: f64,
    /// Measuring on validation and test images.
    #[serde(deserialize_with = "number")]
    pub(crate) evaluation_seconds: f64,
    /// Views that went through the encoder in a second of training.
    #[serde(deserialize_with = "number")]
    pub(crate) images_per_second: f64,
}

impl Record {
    /// By what the best epoch is chosen: validation if there is one, else test.
    pub(crate) fn chosen_by(&self) -> Option<f64> {
        self.validation.or(self.test).map(|score| score.accuracy)
    }

    /// The record as a checkpoint keeps it.
    pub(crate) fn to_map(&self) -> Map<String, Value> {
        match json!(self) {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }

    /// A mean over the epoch's steps, or a measure of features, by name.
    pub(crate) fn reading(&self, name: &str) -> Option<f64> {
        self.train.get(name).or_else(|| self.features.get(name))
    }

    /// Keeps the names of its readings once with those of another.
    pub(super) fn share_names(&mut self, other: &Self) {
        self.train.share_names(&other.train);
        self.features.share_names(&other.features);
    }

    /// What the best epoch is chosen on, in a word.
    pub(crate) fn chosen_on(&self) -> &'static str {
        if self.validation.is_some() { "validation" } else { "test" }
    }

    /// The epoch in a line, with the metrics that are shown there.
    pub(crate) fn summary(&self, metrics: &[Metric]) -> String {
        let mut line = format!("epoch {:>3}", self.epoch);
        for metric in metrics.iter().filter(|metric| metric.shown >= Shown::Line) {
            let words = |value| format!("  {} {}", metric.word, metric.unit.words(value));
            line += &self.reading(metric.name).map_or(String::new(), words);
        }
        line += &self.knn.map_or(String::new(), |share| format!("  kNN {:.1} %", 100.0 * share));
        for (score, word) in [(self.validation, "validation"), (self.test, "test")] {
            let words =
                |s: Score| format!("  {word} {:.1} % loss {:.4}", 100.0 * s.accuracy, s.loss);
            line += &score.map_or(String::new(), words);
        }
        line
    }
}

/// The metrics file of a run's folder; none where there is none.
pub(crate) fn read_history(run: &Path) -> Result<Option<Vec<Record>>, Failure> {
    let path = run.join(folder::METRICS);
    let text = match std::fs::read_to_string(&path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        text => text.map_err(|e| FileError::new(&path, e))?,
    };
    let unreadable = |e: serde_json::Error| kith_core::Error::Metadata { reason: e.to_string() };
    let history = text.lines().map(serde_json::from_str).collect::<Result<Vec<Record>, _>>();
    let history = history.map_err(unreadable).map_err(Failure::of(&path))?;
    Ok(Some(with_shared_names(history)))
}

/// Records whose readings keep each name once.
pub(super) fn with_shared_names(mut records: Vec<Record>) -> Vec<Record> {
    for place in 1..records.len() {
        let (before, from) = records.split_at_mut(place);
        from[0].share_names(&before[place - 1]);
    }
    records
}

/// The record of the best epoch: the first on ties, the last where nothing tells them apart.
pub(crate) fn best(history: &[Record]) -> Option<&Record> {
    history.get(best_place(history)?)
}

/// Where the record of the best epoch stands.
pub(crate) fn best_place(history: &[Record]) -> Option<usize> {
    best_epoch(&history.iter().map(Record::chosen_by).collect::<Vec<_>>())
}

/// Whether the lowest validation loss is at least `patience` epochs old.
pub(crate) fn is_plateau(history: &[Record], patience: u64) -> bool {
    let losses = history.iter().filter_map(|record| Some(record.validation?.loss));
    protocol::is_plateau(&losses.collect::<Vec<_>>(), patience)
}

#[cfg(test)]
mod tests {
    use kith_core::recipe::Recipe;
    use kith_core::trainer::{Plan, Trainer};

    use super::*;

    fn history(losses: &[f64]) -> Vec<Record> {
        let record = |(epoch, &loss): (usize, &f64)| Record {
            epoch: epoch as u64 + 1,
            step: 0,
            train: Readings::default(),
            validation: Some(Score { accuracy: 0.5, loss }),
            test: None,
            knn: None,
            features: Readings::default(),
            timing: Timing::default(),
        };
        losses.iter().enumerate().map(record).collect()
    }

    #[test]
    fn an_epoch_in_a_line_has_every_loss_and_accuracy() {
        let mut record = history(&[0.75]).remove(0);
        let train = json!({
            "loss": 2.5, "contrastive_accuracy": 0.5, "correlation_accuracy": 0.25,
            "keras_correlation_accuracy": 0.125,
            "probe_accuracy": 0.375, "probe_loss": 1.25,
        });
        record.train = serde_json::from_value(train).unwrap();
        record.test = Some(Score { accuracy: 0.625, loss: 0.875 });
        let expected = "epoch   1  loss 2.5000  contrast 50.0 %  correlation 25.0 %  \
                        by Keras's formula 12.5 %  probe 37.5 %  probe loss 1.2500  \
                        validation 50.0 % loss 0.7500  test 62.5 % loss 0.8750";
        let recipe = Recipe::built_in("quick").unwrap();
        let plan = Plan { side: 31, classes: 2, seed: 1, steps: 1, epochs: 1 };
        let trainer = Trainer::pretraining(recipe, plan, &kith_core::Device::flex()).unwrap();
        assert_eq!(record.summary(&trainer.metrics()), expected);
    }

    #[test]
    fn the_mask_rate_of_an_earlier_version_is_read() {
        let text = r#"{"epoch":1,"step":1,"train":{"loss":2.5,"believed":0.25},
            "timing":{"train_seconds":1.0,"evaluation_seconds":0.5,"images_per_second":1.0}}"#;
        let record: Record = serde_json::from_str(text).expect("a record");
        assert_eq!(record.reading("mask_rate"), Some(0.25));
        assert_eq!(record.reading("believed"), None);
    }

    #[test]
    fn a_record_with_holes_is_read_and_written_without_them() {
        let text = r#"{"epoch":1,"step":1,"train":{"loss":2.5,"probe_loss":null},
            "validation":{"accuracy":0.5,"loss":null},"test":{"accuracy":0.5,"loss":1.5},"knn":null,
            "timing":{"train_seconds":1.0,"evaluation_seconds":0.5,"images_per_second":null}}"#;
        let record: Record = serde_json::from_str(text).expect("holes do no harm");
        assert_eq!(record.validation, None);
        assert!(record.features.is_empty(), "earlier versions measured none");
        assert_eq!(record.test, Some(Score { accuracy: 0.5, loss: 1.5 }));
        let again = json!(record).to_string();
        assert!(!again.contains(r#"loss":null"#), "{again}");
        assert_eq!(serde_json::from_str::<Record>(&again).expect("its own"), record);
    }

    #[test]
    fn a_plateau_is_so_many_epochs_without_a_lower_loss() {
        assert!(!is_plateau(&[], 1));
        assert!(!is_plateau(&history(&[1.0, 0.5, 0.6]), 2));
        assert!(is_plateau(&history(&[1.0, 0.5, 0.6, 0.5]), 2));
        let unknown: Vec<Record> = history(&[1.0; 9])
            .into_iter()
            .map(|record| Record { validation: None, ..record })
            .collect();
        assert!(!is_plateau(&unknown, 2));
    }
}
