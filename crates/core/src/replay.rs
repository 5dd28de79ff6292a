//! Runs that can be run again: what a run was, how its losses began, and how far another run of it agrees.
//!
//! Computers that add in another order round otherwise, and training makes small differences grow. So two
//! runs that are the same need not have the same bits. How fast rounding grows in *this* run is learnt from
//! runs of it whose weights begin a few units in the last place away ([`perturbed`]): what differs by no
//! more than they do agrees within rounding.

mod agreement;
mod perturbed;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::checkpoint::{MOST_SIDE, Stage};
use crate::error::Error;
use crate::loader::SplitRecord;
use crate::recipe::Recipe;
use crate::trainer::Plan;

pub use agreement::{Agreement, Departure, compare};
pub use perturbed::{REPEATS, perturbed};

/// The format that this software writes and reads.
pub const FORMAT: u32 = 1;
/// Steps whose losses a record has, one by one, at most.
pub const FIRST_STEPS: usize = 16;
/// Epochs whose mean losses a record has at most, so that it fits into an address.
pub const EPOCHS: usize = 20;
/// More steps an epoch, or epochs, than any run has.
const MOST: u64 = 10_000_000;

/// Everything that running a run again needs, but for its images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
#[serde(deny_unknown_fields)]
pub struct RunRecord {
    /// Version of this record.
    #[serde(rename = "run_record")]
    pub format: u32,
    /// The version of kith that ran it.
    pub software: String,
    /// Where it ran.
    pub ran_in: Platform,
    /// What computed, in words.
    pub device: String,
    /// What kind of training it was.
    pub stage: Stage,
    /// Its recipe in TOML.
    pub recipe: String,
    /// Side, classes, seed, steps, epochs.
    pub plan: Plan,
    /// What it was trained and tested on.
    pub data: DataRecord,
    /// The fingerprint of the encoder that it began with; none of fresh weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// Losses of the first steps, [`FIRST_STEPS`] at most.
    pub first_losses: Vec<f32>,
    /// Some epochs, counted from 1, with their mean losses; [`EPOCHS`] at most.
    #[serde(default)]
    pub epoch_losses: Vec<(u64, f32)>,
    /// What came of it, by name: shares from 0 to 1.
    #[serde(default)]
    pub results: BTreeMap<String, f64>,
    /// The fingerprint of the encoder after the last step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<String>,
}

/// Where a run ran. Each has its own way from a data set to splits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum Platform {
    /// The command line: part of the images is held out to test on.
    Terminal,
    /// A browser's tab: all images are trained on, classes are in alphabetical order.
    Browser,
}

/// What a run was trained and tested on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
#[serde(deny_unknown_fields)]
pub struct DataRecord {
    /// The kind of source, as `gallery`, `stl10` or `folder`; not where it lies.
    pub source: String,
    /// Images that were asked to keep their labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labelled: Option<usize>,
    /// Images without labels that were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unlabelled: Option<usize>,
    /// STL-10's fold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fold: Option<usize>,
    /// Its images by split: `unlabelled`, `labelled`, `validation`, `test`.
    pub splits: BTreeMap<String, SplitRecord>,
}

impl RunRecord {
    /// Reads a record.
    ///
    /// # Errors
    /// [`Error::Record`] for what is none, or has numbers that cannot be; those of [`Recipe::parse`].
    pub fn parse(json: &str) -> Result<Self, Error> {
        let unreadable = |e: serde_json::Error| Error::Record { reason: e.to_string() };
        let Version { format } = serde_json::from_str(json).map_err(unreadable)?;
        if format != FORMAT {
            let reason =
                format!("its format is {format}, this kith reads {FORMAT}: use a newer kith");
            return Err(Error::Record { reason });
        }
        let record: Self = serde_json::from_str(json).map_err(unreadable)?;
        record.check()?;
        Ok(record)
    }

    /// The record as text.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a record is representable in JSON")
    }

    /// Its recipe, read.
    ///
    /// # Errors
    /// Those of [`Recipe::parse`].
    pub fn recipe(&self) -> Result<Recipe, Error> {
        Recipe::parse(&self.recipe, &[])
    }

    fn check(&self) -> Result<(), Error> {
        let Plan { side, steps, epochs, .. } = self.plan;
        let wrong = |reason: &str| Err(Error::Record { reason: reason.to_owned() });
        if !(1..=MOST_SIDE).contains(&side) {
            return wrong("the side of its images must be 1 to 4096 pixels");
        }
        if !(1..=MOST).contains(&steps) || !(1..=MOST).contains(&epochs) {
            return wrong("its steps an epoch and its epochs must be 1 to 10000000");
        }
        if self.stage != Stage::Pretrained {
            return wrong("only runs of pre-training can be run again");
        }
        if self.first_losses.len() > FIRST_STEPS || self.epoch_losses.len() > EPOCHS {
            return wrong("it has more losses than a record holds");
        }
        let epochs = self.epoch_losses.iter().map(|(_, loss)| f64::from(*loss));
        let first = self.first_losses.iter().map(|loss| f64::from(*loss));
        if !first.chain(epochs).chain(self.results.values().copied()).all(f64::is_finite) {
            return wrong("one of its numbers is not finite");
        }
        self.recipe().map(drop)
    }
}

impl DataRecord {
    /// Refuses other images than the record's.
    ///
    /// # Errors
    /// [`Error::OtherImages`] for the first split that differs, in order of their names.
    pub fn same_images(&self, now: &BTreeMap<String, SplitRecord>) -> Result<(), Error> {
        let mut names: Vec<&String> = self.splits.keys().chain(now.keys()).collect();
        names.sort_unstable();
        let differs = |name: &&&String| self.splits.get(**name) != now.get(**name);
        let Some(split) = names.iter().find(differs) else { return Ok(()) };
        let words = |split: Option<&SplitRecord>| match split {
            Some(SplitRecord { images, fingerprint }) => format!("{images} ({fingerprint})"),
            None => "none".to_owned(),
        };
        let (then, now) = (words(self.splits.get(*split)), words(now.get(*split)));
        Err(Error::OtherImages { split: (*split).clone(), then, now })
    }
}

/// The part of a record that every version has.
#[derive(Deserialize)]
struct Version {
    #[serde(rename = "run_record")]
    format: u32,
}

/// Mean losses of all epochs, thinned out to [`EPOCHS`], the last one among them.
pub fn thinned(losses: &[(u64, f32)]) -> Vec<(u64, f32)> {
    let every = losses.len().div_ceil(EPOCHS).max(1);
    let from_end =
        |&(place, _): &(usize, &(u64, f32))| (losses.len() - 1 - place).is_multiple_of(every);
    losses.iter().enumerate().filter(from_end).map(|(_, loss)| *loss).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> RunRecord {
        let split = SplitRecord { images: 3672, fingerprint: "00ff00ff00ff00ff".into() };
        RunRecord {
            format: FORMAT,
            software: "0.1.0".into(),
            ran_in: Platform::Browser,
            device: "CPU".into(),
            stage: Stage::Pretrained,
            recipe: Recipe::built_in_text("quick").expect("it is built in").to_owned(),
            plan: Plan { side: 32, classes: 9, seed: 1, steps: 75, epochs: 4 },
            data: DataRecord {
                source: "gallery".into(),
                labelled: None,
                unlabelled: None,
                fold: None,
                splits: BTreeMap::from([("unlabelled".to_owned(), split)]),
            },
            start: None,
            first_losses: vec![5.1, 0.1 + 0.2, f32::MIN_POSITIVE],
            epoch_losses: vec![(1, 4.5), (4, 3.25)],
            results: BTreeMap::from([("linear".to_owned(), 0.55)]),
            weights: None,
        }
    }

    #[test]
    fn a_record_survives_text_to_the_bit() {
        let record = record();
        assert_eq!(RunRecord::parse(&record.to_json()).expect("its own"), record);
    }

    #[test]
    fn what_cannot_be_is_refused_with_a_reason() {
        let refused = |change: &dyn Fn(&mut RunRecord), expected: &str| {
            let mut wrong = record();
            change(&mut wrong);
            let error = RunRecord::parse(&wrong.to_json()).expect_err(expected);
            assert!(error.to_string().contains(expected), "{error}");
        };
        refused(&|r| r.format = 2, "its format is 2, this kith reads 1");
        refused(&|r| r.plan.side = 5000, "1 to 4096 pixels");
        refused(&|r| r.plan.steps = 0, "steps an epoch");
        refused(&|r| r.plan.epochs = u64::MAX, "its epochs must be");
        refused(&|r| r.stage = Stage::Finetuned, "only runs of pre-training");
        refused(&|r| r.first_losses = vec![1.0; 17], "more losses than a record holds");
        refused(&|r| r.recipe.insert_str(0, "colour = 1\n"), "colour");
        for text in ["", "{}", "[1]", r#"{"run_record":1}"#, r#"{"run_record":"1"}"#] {
            assert_eq!(RunRecord::parse(text).expect_err(text).code(), "RECORD");
        }
        let wrong = record().to_json().replace("5.1", "1e999");
        assert_eq!(RunRecord::parse(&wrong).expect_err("no number").code(), "RECORD");
    }

    #[test]
    fn other_images_are_refused() {
        let record = record().data;
        let mut now = record.splits.clone();
        record.same_images(&now).expect("the same");
        now.get_mut("unlabelled").expect("it is there").images = 3671;
        let error = record.same_images(&now).expect_err("one fewer").to_string();
        assert!(
            error.contains("unlabelled had 3672 (00ff00ff00ff00ff), here it has 3671"),
            "{error}"
        );
        now = record.splits.clone();
        now.insert("labelled".into(), now["unlabelled"].clone());
        let error = record.same_images(&now).expect_err("one more").to_string();
        assert!(error.contains("labelled had none, here it has 3672"), "{error}");
        let error = record.same_images(&BTreeMap::new()).expect_err("none");
        assert_eq!(error.code(), "OTHER_IMAGES");
    }

    #[test]
    fn some_epochs_stand_for_many() {
        let all = |count| (1..=count).map(|epoch| (epoch, epoch as f32)).collect::<Vec<_>>();
        assert_eq!(thinned(&[]), []);
        assert_eq!(thinned(&all(20)), all(20));
        for count in [21, 100, 999, 1000] {
            let few = thinned(&all(count));
            assert!(few.len() <= EPOCHS && few.len() > EPOCHS / 2, "{count}: {}", few.len());
            assert_eq!(few.last(), Some(&(count, count as f32)));
        }
    }
}
