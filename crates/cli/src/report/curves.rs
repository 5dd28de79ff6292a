//! Curves over the epochs of a run.

use crate::report::chart::{Chart, Series};
use crate::train::record::Record;

/// A part of a study with what was measured in it.
pub(crate) struct Part<'a> {
    pub(crate) name: &'a str,
    pub(crate) history: &'a [Record],
}

/// Curves of accuracy and loss over epochs, one line a part.
pub(crate) fn curves(parts: &[Part<'_>]) -> Vec<Chart> {
    let chart = |title: &str, y_label: &str, y: &dyn Fn(&Record) -> Option<f64>| Chart {
        title: title.into(),
        x_label: "epoch".into(),
        y_label: y_label.into(),
        series: parts.iter().filter_map(|part| series(part, y)).collect(),
        ..Chart::default()
    };
    let train = |names: &'static [&'static str]| {
        move |record: &Record| names.iter().find_map(|name| record.train.get(*name)?.as_f64())
    };
    let percent = |x: f64| 100.0 * x;
    // Where an epoch is chosen on validation, two epochs alone were tested: no curve.
    let tested = |r: &Record| r.test.filter(|_| r.validation.is_none());
    let mut charts = vec![
        chart("Test accuracy", "%", &|r| tested(r).map(|s| percent(s.accuracy))),
        chart("Validation accuracy", "%", &|r| r.validation.map(|s| percent(s.accuracy))),
        chart("kNN accuracy on validation pictures", "%", &|r| r.knn.map(percent)),
        chart("Training accuracy", "%", &|r| {
            train(&["probe_accuracy", "accuracy"])(r).map(percent)
        }),
        chart("Test loss", "cross-entropy", &|r| tested(r).map(|s| s.loss)),
        chart("Validation loss", "cross-entropy", &|r| r.validation.map(|s| s.loss)),
        chart("Training loss of the classifier", "cross-entropy", &|r| match r
            .train
            .get("probe_loss")
        {
            Some(loss) => loss.as_f64(),
            None if r.train.contains_key("accuracy") => r.train.get("loss")?.as_f64(),
            None => None,
        }),
        chart("Contrastive loss", "loss", &|r| {
            r.train.contains_key("contrastive_accuracy").then(|| train(&["loss"])(r)).flatten()
        }),
        chart("Contrastive accuracy", "%", &|r| train(&["contrastive_accuracy"])(r).map(percent)),
        chart("Correlation accuracy", "%", &|r| train(&["correlation_accuracy"])(r).map(percent)),
        chart("Correlation accuracy by Keras's formula (dead units are wrong)", "%", &|r| {
            train(&["keras_correlation_accuracy"])(r).map(percent)
        }),
        chart("Loss of the pairs", "loss", &|r| {
            r.train.contains_key("pair_accuracy").then(|| train(&["loss"])(r)).flatten()
        }),
        chart("Unlabelled pictures whose label is believed", "%", &|r| {
            train(&["believed"])(r).map(percent)
        }),
        chart("Pair accuracy", "%", &|r| train(&["pair_accuracy"])(r).map(percent)),
        chart("Spread of the features (1 fills the sphere, 0 is collapse)", "", &|r| {
            train(&["feature_spread"])(r)
        }),
    ];
    charts.retain(|chart| !chart.series.is_empty());
    charts
}

fn series(part: &Part<'_>, y: &dyn Fn(&Record) -> Option<f64>) -> Option<Series> {
    let points: Vec<(f64, f64)> =
        part.history.iter().filter_map(|r| Some((r.epoch as f64, y(r)?))).collect();
    (!points.is_empty()).then(|| Series { name: part.name.into(), points, ..Series::default() })
}
