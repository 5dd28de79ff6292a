//! The figure of a sweep: a line for one setting of numbers, a heat map for two settings, else bars.

use super::found::{Found, MEASURES, Measure, Row};
use super::grid::Axis;
use crate::report::chart::{Axis as Scale, Bar, Bars, Chart, HeatMap, Series};
use crate::report::page::Report;

/// Values that span at least this factor stand on a logarithmic axis.
const WIDE: f64 = 8.0;

/// Adds the figure to a report.
pub(super) fn add(found: &Found, report: &mut Report) {
    match (&found.axes[..], found.axes.first().and_then(numbers)) {
        ([axis], Some(values)) => report.charts.extend(line(found, axis, &values)),
        ([rows, columns], _) => report.heat_maps.extend(heat_map(found, rows, columns)),
        _ => report.bars.extend(bars(found)),
    }
}

/// The values of an axis, if all are numbers.
fn numbers(axis: &Axis) -> Option<Vec<f64>> {
    axis.values.iter().map(|value| value.parse().ok().filter(|x: &f64| x.is_finite())).collect()
}

/// What a figure shows: what is chosen by, or else what there is.
fn main(found: &Found) -> Option<Measure> {
    found.measures().into_iter().next()
}

fn title(measure: &Measure) -> String {
    let unit = match measure.unit.label() {
        "" => String::new(),
        unit => format!(" in {unit}"),
    };
    format!("{}{unit}, mean ± sd over seeds", capital(measure.words))
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters
        .next()
        .map_or(String::new(), |first| first.to_uppercase().collect::<String>() + letters.as_str())
}

/// A line a measure of accuracy.
fn line(found: &Found, axis: &Axis, values: &[f64]) -> Option<Chart> {
    let [low, high] =
        [f64::min, f64::max].map(|pick| values.iter().copied().reduce(pick).unwrap_or_default());
    let series = |measure: &Measure| {
        let point = |row: &Row| {
            let (mean, deviation) = row.scaled(measure)?;
            Some((values[row.combination.places[0]], mean, deviation.unwrap_or(0.0)))
        };
        let mut points: Vec<_> = found.rows.iter().filter_map(point).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        Series {
            name: measure.words.into(),
            points: points.iter().map(|&(x, mean, _)| (x, mean)).collect(),
            deviations: points.iter().map(|&(_, _, deviation)| deviation).collect(),
            ..Series::default()
        }
    };
    let unit = MEASURES[0].unit;
    let shown = found.measures().into_iter().filter(|measure| measure.unit == unit);
    let series: Vec<Series> = shown.map(|measure| series(&measure)).collect();
    (!series.is_empty()).then(|| Chart {
        title: format!("Accuracy by {} (mean ± sd over seeds)", axis.setting),
        x_label: axis.setting.clone(),
        y_label: unit.label().into(),
        x_axis: if low > 0.0 && high / low >= WIDE { Scale::Logarithmic } else { Scale::Linear },
        series,
    })
}

fn heat_map(found: &Found, rows: &Axis, columns: &Axis) -> Option<HeatMap> {
    let measure = main(found)?;
    let cell = |row: usize, column: usize| {
        let own = found.rows.iter().find(|own| own.combination.places == [row, column]);
        own.and_then(|own| own.scaled(&measure))
    };
    let line = |row| (0..columns.values.len()).map(|column| cell(row, column)).collect();
    Some(HeatMap {
        title: title(&measure),
        columns: (columns.setting.clone(), columns.values.clone()),
        rows: (rows.setting.clone(), rows.values.clone()),
        cells: (0..rows.values.len()).map(line).collect(),
    })
}

fn bars(found: &Found) -> Option<Bars> {
    let measure = main(found)?;
    let bar = |row: &Row| {
        let (mean, deviation) = row.scaled(&measure).unwrap_or((f64::NAN, None));
        let values = found.axes.iter().zip(&row.combination.places);
        let words: Vec<&str> = values.map(|(axis, &place)| axis.values[place].as_str()).collect();
        Bar { name: words.join(", "), mean, deviation }
    };
    let settings: Vec<&str> = found.axes.iter().map(|axis| axis.setting.as_str()).collect();
    Some(Bars {
        title: format!("{} by {}", capital(measure.words), settings.join(", ")),
        value_label: measure.unit.label().into(),
        bars: found.rows.iter().map(bar).collect(),
    })
}
