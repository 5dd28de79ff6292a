//! Curves over the course of runs: which there are, and what a run has of each.

use std::collections::BTreeSet;

use kith_core::metrics::{Better, Metric, Shown, Unit};

use crate::report::chart::{Chart, Series};
use crate::train::record::{Record, Score};
use crate::train::train_loop::Trained;

/// A part of a study with what was measured in it.
pub(crate) struct Part<'a> {
    pub(crate) name: &'a str,
    pub(crate) history: &'a [Record],
    pub(crate) metrics: &'a [Metric],
}

/// A part that was trained.
pub(crate) fn part<'a>(name: &'a str, trained: &'a Trained) -> Part<'a> {
    Part { name, history: &trained.history, metrics: &trained.metrics }
}

/// What the horizontal axis of a curve counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Across {
    Steps,
    Epochs,
    /// Seconds of training, without measuring.
    Seconds,
}

impl Across {
    /// What an axis says.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Steps => "step",
            Self::Epochs => "epoch",
            Self::Seconds => "seconds of training",
        }
    }

    /// Where the epochs of a run stand; none where the run's records do not say.
    pub(crate) fn places(self, history: &[Record]) -> Option<Vec<f64>> {
        let mut sum = 0.0;
        let mut place = |record: &Record| match self {
            Self::Steps => Some(record.step as f64),
            Self::Epochs => Some(record.epoch as f64),
            // An epoch that took no time is one whose time an early version did not write.
            Self::Seconds => {
                sum += record.timing.train_seconds;
                (record.timing.train_seconds > 0.0).then_some(sum)
            }
        };
        history.iter().map(&mut place).collect()
    }
}

/// A number that records have.
#[derive(Clone, Debug)]
pub(crate) struct Curve {
    /// What it is, over its chart.
    pub(crate) title: String,
    pub(crate) unit: Unit,
    /// Which way is good.
    pub(crate) better: Better,
    source: Source,
}

/// How a number is taken out of a record.
type Reading = fn(&Record) -> Option<f64>;

/// Where a record has it.
#[derive(Clone, Debug)]
enum Source {
    Score(Reading),
    /// Under the name of the part's own metric with that title.
    Mean,
    /// Under a name that this version of kith does not describe.
    Name(String),
}

impl Curve {
    fn of(metric: &Metric, source: Source) -> Self {
        let Metric { title, unit, better, .. } = *metric;
        Self { title: title.to_owned(), unit, better, source }
    }

    /// The number of a record of a part.
    pub(crate) fn value(&self, part: &Part<'_>, record: &Record) -> Option<f64> {
        match &self.source {
            Source::Score(read) => read(record),
            Source::Mean => {
                let own = part.metrics.iter().filter(|metric| metric.title == self.title);
                own.filter_map(|metric| record.reading(metric.name)).next()
            }
            Source::Name(name) => record.reading(name),
        }
    }

    /// A line of a part; none where the part does not have it.
    fn series(&self, part: &Part<'_>, places: &[f64]) -> Option<Series> {
        let value = |record| Some(self.unit.scaled(self.value(part, record)?));
        let epochs = places.iter().zip(part.history);
        let points: Vec<_> = epochs.filter_map(|(x, record)| Some((*x, value(record)?))).collect();
        let name = part.name.to_owned();
        (!points.is_empty()).then(|| Series { name, points, ..Series::default() })
    }
}

/// Scores on images that are not learnt from.
fn scores() -> [Curve; 5] {
    // Where an epoch is chosen on validation, two epochs alone were tested: no curve.
    fn tested(record: &Record) -> Option<Score> {
        record.test.filter(|_| record.validation.is_none())
    }
    let share = |title| Metric::share("", title, "");
    let loss = |title| Metric::loss(title, Unit::CrossEntropy);
    let all: [(Metric, Reading); 5] = [
        (share("Test accuracy"), |record| tested(record).map(|score| score.accuracy)),
        (share("Validation accuracy"), |record| record.validation.map(|score| score.accuracy)),
        (share("kNN accuracy on validation pictures (20 nearest)"), |record| record.knn),
        (loss("Test loss"), |record| tested(record).map(|score| score.loss)),
        (loss("Validation loss"), |record| record.validation.map(|score| score.loss)),
    ];
    all.map(|(metric, read)| Curve::of(&metric, Source::Score(read)))
}

/// What some part may have and is shown in such a place: scores, then means over the steps of an
/// epoch, each title once.
pub(crate) fn all(parts: &[Part<'_>], least: Shown) -> Vec<Curve> {
    let mut found: Vec<Curve> = scores().into();
    let mut add = |curve: Curve| {
        if found.iter().all(|known| known.title != curve.title) {
            found.push(curve);
        }
    };
    for part in parts {
        let shown = part.metrics.iter().filter(|metric| metric.shown >= least);
        shown.for_each(|metric| add(Curve::of(metric, Source::Mean)));
    }
    if least == Shown::File {
        let plain = Metric::number("", "Images a second", Unit::None);
        for name in parts.iter().flat_map(undescribed) {
            add(Curve { title: name.clone(), ..Curve::of(&plain, Source::Name(name)) });
        }
        add(Curve::of(&plain, Source::Score(pace)));
    }
    found
}

/// Images that went through in a second; none where an early version did not write it.
fn pace(record: &Record) -> Option<f64> {
    Some(record.timing.images_per_second).filter(|&pace| pace > 0.0)
}

/// Names in a part's records that no metric has.
fn undescribed(part: &Part<'_>) -> BTreeSet<String> {
    let names = part.history.iter().flat_map(|record| record.train.names());
    let known = |name: &str| part.metrics.iter().any(|metric| metric.name == name);
    names.filter(|name| !known(name)).map(ToOwned::to_owned).collect()
}

/// A chart of each curve that some part has, with a line for each part that has it.
pub(crate) fn charts(parts: &[Part<'_>], curves: &[Curve], across: Across) -> Vec<Chart> {
    let places: Vec<_> = parts.iter().map(|part| across.places(part.history)).collect();
    let chart = |curve: &Curve| {
        let known = parts
            .iter()
            .zip(&places)
            .filter_map(|(part, places)| curve.series(part, places.as_deref()?));
        Chart {
            title: curve.title.clone(),
            x_label: across.words().into(),
            y_label: curve.unit.label().into(),
            series: known.collect(),
            ..Chart::default()
        }
    };
    curves.iter().map(chart).filter(|chart| !chart.series.is_empty()).collect()
}

/// The charts of a report on some parts, over epochs.
pub(crate) fn curves(parts: &[Part<'_>]) -> Vec<Chart> {
    charts(parts, &all(parts, Shown::Report), Across::Epochs)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(epoch: u64, seconds: f64) -> Record {
        let record = json!({
            "epoch": epoch, "step": 5 * epoch, "train": { "loss": 3.0, "new_number": 7.0 },
            "validation": { "accuracy": 0.25, "loss": 1.0 },
            "timing": {
                "train_seconds": seconds, "evaluation_seconds": 9.0, "images_per_second": 1.0
            },
        });
        serde_json::from_value(record).expect("a record")
    }

    #[test]
    fn seconds_add_up_and_are_unknown_where_an_epoch_has_none() {
        let history = [record(1, 2.0), record(2, 3.5)];
        assert_eq!(Across::Seconds.places(&history), Some(vec![2.0, 5.5]));
        assert_eq!(Across::Steps.places(&history), Some(vec![5.0, 10.0]));
        assert_eq!(Across::Seconds.places(&[record(1, 2.0), record(2, 0.0)]), None);
    }

    #[test]
    fn every_number_of_the_file_has_a_chart_where_all_are_shown() {
        let history = [record(1, 2.0), record(2, 3.5)];
        let metrics = [Metric::loss("Contrastive loss", Unit::Loss)];
        let parts = [Part { name: "a", history: &history, metrics: &metrics }];
        let titles = |least| {
            let drawn = charts(&parts, &all(&parts, least), Across::Seconds);
            drawn.into_iter().map(|chart| chart.title).collect::<Vec<_>>()
        };
        let shown = ["Validation accuracy", "Validation loss", "Contrastive loss"];
        assert_eq!(titles(Shown::Report), shown);
        assert_eq!(titles(Shown::File), [&shown[..], &["new_number", "Images a second"]].concat());
        let first = &charts(&parts, &all(&parts, Shown::File), Across::Seconds)[0];
        assert_eq!(first.series[0].points, [(2.0, 25.0), (5.5, 25.0)]);
    }
}
