//! Curves over the epochs of a run.

use kith_core::metrics::{Metric, Shown};

use crate::report::chart::{Chart, Series};
use crate::train::record::Record;
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

/// Curves of accuracy and loss over epochs, one line a part.
pub(crate) fn curves(parts: &[Part<'_>]) -> Vec<Chart> {
    let chart = |title: &str, y_label: &str, y: &dyn Fn(&Record) -> Option<f64>| Chart {
        title: title.into(),
        x_label: "epoch".into(),
        y_label: y_label.into(),
        series: parts.iter().filter_map(|part| series(part, y)).collect(),
        ..Chart::default()
    };
    let percent = |x: f64| 100.0 * x;
    // Where an epoch is chosen on validation, two epochs alone were tested: no curve.
    let tested = |r: &Record| r.test.filter(|_| r.validation.is_none());
    let mut charts = vec![
        chart("Test accuracy", "%", &|r| tested(r).map(|s| percent(s.accuracy))),
        chart("Validation accuracy", "%", &|r| r.validation.map(|s| percent(s.accuracy))),
        chart("kNN accuracy on validation pictures (20 nearest)", "%", &|r| r.knn.map(percent)),
        chart("Test loss", "cross-entropy", &|r| tested(r).map(|s| s.loss)),
        chart("Validation loss", "cross-entropy", &|r| r.validation.map(|s| s.loss)),
    ];
    charts.extend(metric_charts(parts));
    charts.retain(|chart| !chart.series.is_empty());
    charts
}

/// A chart for each metric that a report shows, with a line for each part that has it.
fn metric_charts(parts: &[Part<'_>]) -> Vec<Chart> {
    let mut charts: Vec<Chart> = Vec::new();
    for part in parts {
        for metric in part.metrics.iter().filter(|metric| metric.shown >= Shown::Report) {
            let y = |record: &Record| Some(metric.unit.scaled(record.reading(metric.name)?));
            let Some(line) = series(part, &y) else { continue };
            match charts.iter_mut().find(|chart| chart.title == metric.title) {
                Some(chart) => chart.series.push(line),
                None => charts.push(Chart {
                    title: metric.title.into(),
                    x_label: "epoch".into(),
                    y_label: metric.unit.label().into(),
                    series: vec![line],
                    ..Chart::default()
                }),
            }
        }
    }
    charts
}

fn series(part: &Part<'_>, y: &dyn Fn(&Record) -> Option<f64>) -> Option<Series> {
    let points: Vec<(f64, f64)> =
        part.history.iter().filter_map(|r| Some((r.epoch as f64, y(r)?))).collect();
    (!points.is_empty()).then(|| Series { name: part.name.into(), points, ..Series::default() })
}
