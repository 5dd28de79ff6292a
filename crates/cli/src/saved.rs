//! What a run keeps beside its tensors, so that it can go on as if it had never stopped.

use kith_core::checkpoint::Stage;
use kith_core::trainer::{Counters, Plan};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::material;

/// What was measured in one epoch: a line of the metrics file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Epoch, counted from 1.
    pub(crate) epoch: u64,
    /// Steps done.
    pub(crate) step: u64,
    /// Means over the epoch's steps.
    pub(crate) train: Map<String, Value>,
    /// Accuracy and loss on the pictures kept aside, if any are.
    pub(crate) validation: Option<Score>,
    /// Accuracy and loss on the test pictures, if they have labels. Where pictures are kept aside to
    /// choose by, the last and the best epoch alone have it, measured when the run is over.
    pub(crate) test: Option<Score>,
    /// Share of the pictures kept aside that weighted neighbours among labelled pictures tell right,
    /// by clean features of pre-training.
    #[serde(default)]
    pub(crate) knn: Option<f64>,
    /// Wall time, which no two runs share.
    pub(crate) timing: Timing,
}

/// How well pictures were told apart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Score {
    /// Share that was right.
    pub(crate) accuracy: f64,
    /// Mean cross-entropy.
    pub(crate) loss: f64,
}

/// How long an epoch took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Timing {
    /// Training, without measuring afterwards.
    pub(crate) train_seconds: f64,
    /// Measuring on validation and test pictures.
    pub(crate) evaluation_seconds: f64,
    /// Views that went through the encoder in a second of training.
    pub(crate) images_per_second: f64,
}

/// The note of a state file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Saved {
    pub(crate) stage: Stage,
    pub(crate) plan: Plan,
    /// The recipe as text.
    pub(crate) recipe: String,
    /// The source as on the command line, with the sizes of its splits.
    pub(crate) data: String,
    /// The checkpoint that the run started from, by its fingerprint; none if weights were fresh.
    #[serde(default)]
    pub(crate) start: Option<String>,
    pub(crate) counters: Counters,
    pub(crate) history: Vec<Record>,
    /// Seconds spent in the running epoch before it was interrupted.
    pub(crate) seconds: f64,
}

impl Saved {
    /// Refuses to go on with other settings than those of the start.
    pub(crate) fn check(&self, now: &Self) -> Result<(), Failure> {
        let differs = |what, then: &str, now: &str| {
            Err(Failure::OtherRun { what, then: then.to_owned(), now: now.to_owned() })
        };
        if self.plan != now.plan {
            return differs("plan", &format!("{:?}", self.plan), &format!("{:?}", now.plan));
        }
        if !material::is_same(&self.data, &now.data) {
            return differs("data set", &self.data, &now.data);
        }
        if self.start != now.start {
            let words = |start: &Option<String>| start.clone().unwrap_or_else(|| "none".to_owned());
            return differs("checkpoint to start from", &words(&self.start), &words(&now.start));
        }
        if self.recipe != now.recipe {
            let (then, now) = first_difference(&self.recipe, &now.recipe);
            return differs("recipe", then, now);
        }
        if self.stage != now.stage {
            return differs("stage", &format!("{:?}", self.stage), &format!("{:?}", now.stage));
        }
        Ok(())
    }
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

    /// What the best epoch is chosen on, in a word.
    pub(crate) fn chosen_on(&self) -> &'static str {
        if self.validation.is_some() { "validation" } else { "test" }
    }

    /// The epoch in a line.
    pub(crate) fn summary(&self) -> String {
        let number = |name: &str| self.train.get(name).and_then(Value::as_f64);
        let mut line = format!("epoch {:>3}", self.epoch);
        line += &number("loss").map_or(String::new(), |loss| format!("  loss {loss:.4}"));
        for (name, word) in [
            ("contrastive_accuracy", "contrast"),
            ("pair_accuracy", "pairs"),
            ("probe_accuracy", "probe"),
            ("accuracy", "training"),
        ] {
            line += &number(name).map_or(String::new(), |x| format!("  {word} {:.1} %", 100.0 * x));
        }
        line += &self.knn.map_or(String::new(), |share| format!("  kNN {:.1} %", 100.0 * share));
        for (score, word) in [(self.validation, "validation"), (self.test, "test")] {
            line +=
                &score.map_or(String::new(), |s| format!("  {word} {:.1} %", 100.0 * s.accuracy));
        }
        line
    }
}

/// The record of the best epoch: the first on ties, the last where nothing tells them apart.
pub(crate) fn best(history: &[Record]) -> Option<&Record> {
    history.get(best_place(history)?)
}

/// Where the record of the best epoch stands.
pub(crate) fn best_place(history: &[Record]) -> Option<usize> {
    let better = |best: usize, place: usize| {
        let (now, before) = (history[place].chosen_by(), history[best].chosen_by());
        if now.is_none() || now > before { place } else { best }
    };
    (0..history.len()).reduce(better)
}

/// Whether the lowest validation loss is at least `patience` epochs old.
pub(crate) fn is_plateau(history: &[Record], patience: u64) -> bool {
    let losses = history.iter().filter_map(|record| Some(record.validation?.loss));
    let lowest = losses.clone().enumerate().reduce(|a, b| if b.1 < a.1 { b } else { a });
    lowest.is_some_and(|(place, _)| (losses.count() - 1 - place) as u64 >= patience)
}

fn first_difference<'a>(then: &'a str, now: &'a str) -> (&'a str, &'a str) {
    then.lines().zip(now.lines()).find(|(then, now)| then != now).unwrap_or((then, now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(losses: &[f64]) -> Vec<Record> {
        let record = |(epoch, &loss): (usize, &f64)| Record {
            epoch: epoch as u64 + 1,
            step: 0,
            train: Map::new(),
            validation: Some(Score { accuracy: 0.5, loss }),
            test: None,
            knn: None,
            timing: Timing::default(),
        };
        losses.iter().enumerate().map(record).collect()
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
