//! The epochs of a run as its state keeps them: a column for each number, so that names stand there once.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::de::Error as _;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::readings::Readings;
use super::record::{Record, Score, Timing, with_shared_names};

/// What stands between a group and a name of it.
const OF: char = '/';

/// A number of a record, where it has it.
type Reading = fn(&Record) -> Option<f64>;

/// The columns that records may have besides their readings.
const COLUMNS: [(&str, Reading); 10] = [
    ("epoch", |record| Some(record.epoch as f64)),
    ("step", |record| Some(record.step as f64)),
    ("validation/accuracy", |record| Some(record.validation?.accuracy)),
    ("validation/loss", |record| Some(record.validation?.loss)),
    ("test/accuracy", |record| Some(record.test?.accuracy)),
    ("test/loss", |record| Some(record.test?.loss)),
    ("knn", |record| record.knn),
    ("timing/train_seconds", |record| Some(record.timing.train_seconds)),
    ("timing/evaluation_seconds", |record| Some(record.timing.evaluation_seconds)),
    ("timing/images_per_second", |record| Some(record.timing.images_per_second)),
];
const TRAIN: &str = "train";
const FEATURES: &str = "features";

/// Up to here, each whole number is a number of eight bytes.
const MOST_WHOLE: f64 = 9_007_199_254_740_992.0;

/// A column that is written number by number, so that no copy of all is made.
struct Column<'a, F> {
    history: &'a [Record],
    of: F,
}

impl<F: Fn(&Record) -> Option<f64>> Serialize for Column<'_, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut numbers = serializer.serialize_seq(Some(self.history.len()))?;
        for record in self.history {
            numbers.serialize_element(&(self.of)(record))?;
        }
        numbers.end()
    }
}

/// Writes epochs as columns.
pub(super) fn serialize<S: Serializer>(history: &[Record], to: S) -> Result<S::Ok, S::Error> {
    let mut columns = to.serialize_map(None)?;
    for (name, of) in COLUMNS {
        columns.serialize_entry(name, &Column { history, of })?;
    }
    let names = |of: fn(&Record) -> &Readings| {
        history.iter().flat_map(|record| of(record).names()).collect::<BTreeSet<&str>>()
    };
    for name in names(|record| &record.train) {
        let of = |record: &Record| record.train.get(name);
        columns.serialize_entry(&format!("{TRAIN}{OF}{name}"), &Column { history, of })?;
    }
    for name in names(|record| &record.features) {
        let of = |record: &Record| record.features.get(name);
        columns.serialize_entry(&format!("{FEATURES}{OF}{name}"), &Column { history, of })?;
    }
    columns.end()
}

/// Reads them again; earlier versions kept records.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Cow<'static, [Record]>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Kept {
        Columns(BTreeMap<String, Vec<Option<f64>>>),
        Records(Vec<Record>),
    }
    let records = match Kept::deserialize(from)? {
        Kept::Records(records) => records,
        Kept::Columns(columns) => records(&columns).map_err(D::Error::custom)?,
    };
    Ok(Cow::Owned(with_shared_names(records)))
}

fn records(columns: &BTreeMap<String, Vec<Option<f64>>>) -> Result<Vec<Record>, String> {
    let count = columns.get("epoch").map_or(0, Vec::len);
    if let Some((name, column)) = columns.iter().find(|(_, column)| column.len() != count) {
        return Err(format!("{name}: expected {count} epochs, got {}", column.len()));
    }
    (0..count).map(|place| record(columns, place)).collect()
}

fn record(columns: &BTreeMap<String, Vec<Option<f64>>>, place: usize) -> Result<Record, String> {
    let number = |name: &str| columns.get(name).and_then(|column| column[place]);
    let whole = |name: &str| {
        let found = number(name).filter(|x| x.fract() == 0.0 && (0.0..=MOST_WHOLE).contains(x));
        found.map(|x| x as u64).ok_or_else(|| format!("{name}: expected a whole number"))
    };
    let score = |split: &str| {
        let of = |what: &str| number(&format!("{split}{OF}{what}"));
        of("accuracy").zip(of("loss")).map(|(accuracy, loss)| Score { accuracy, loss })
    };
    let timing = |what: &str| number(&format!("timing{OF}{what}")).unwrap_or_default();
    let readings = |group: &str| {
        let own = columns.iter().filter_map(|(name, column)| {
            let (of, name) = name.split_once(OF)?;
            (of == group).then_some((name, column[place]?))
        });
        own.collect()
    };
    Ok(Record {
        epoch: whole("epoch")?,
        step: whole("step")?,
        train: readings(TRAIN),
        validation: score("validation"),
        test: score("test"),
        knn: number("knn"),
        features: readings(FEATURES),
        timing: Timing {
            train_seconds: timing("train_seconds"),
            evaluation_seconds: timing("evaluation_seconds"),
            images_per_second: timing("images_per_second"),
        },
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::train::run_state::RunNote;

    /// Epochs of which some lack what others have.
    fn epochs() -> Vec<Record> {
        let text = [
            r#"{"epoch":1,"step":10,"train":{"loss":2.5,"knn_200_0.1":0.1},"test":null,"knn":0.25,
                "validation":{"accuracy":0.5,"loss":1.25},"features":{"knn_200_0.1":0.3},
                "timing":{"train_seconds":1.5,"evaluation_seconds":0.25,"images_per_second":7.0}}"#,
            r#"{"epoch":2,"step":20,"train":{"loss":2.4000000953674316,"mask_rate":1e-9},
                "test":{"accuracy":0.1,"loss":1e300},"validation":null,"knn":null,
                "timing":{"train_seconds":0.1,"evaluation_seconds":0.0,"images_per_second":0.5}}"#,
        ];
        text.map(|text| serde_json::from_str(text).expect("a record")).into()
    }

    fn note(history: &Value) -> Value {
        json!({ "data": "gallery", "history": history, "first_losses": [2.5], "seconds": 0.5 })
    }

    fn read(note: Value) -> Vec<Record> {
        serde_json::from_value::<RunNote<'_>>(note).expect("a note").history.into_owned()
    }

    #[test]
    fn epochs_come_back_as_they_were() {
        for history in [epochs(), Vec::new()] {
            let own = RunNote {
                data: "gallery".into(),
                start: None,
                history: (&history).into(),
                first_losses: Vec::new(),
                seconds: 0.5,
            };
            assert_eq!(read(json!(own)), history);
        }
    }

    #[test]
    fn records_of_an_earlier_version_are_read() {
        assert_eq!(read(note(&json!(epochs()))), epochs());
    }

    #[test]
    fn columns_that_are_not_of_one_run_are_refused() {
        let refused = |columns| serde_json::from_value::<RunNote>(note(&columns)).is_err();
        assert!(refused(json!({ "epoch": [1, 2], "step": [1] })));
        assert!(refused(json!({ "epoch": [1.5], "step": [1] })));
        assert!(refused(json!({ "epoch": [1], "step": [null] })));
        assert!(refused(json!({ "epoch": [-1], "step": [1] })));
        assert!(refused(json!("none")));
    }
}
