//! Accuracy by number of labels, as a figure and as a table.

use kith_core::probe::repetition::mean_and_deviation;

use crate::eval::few_label::{Method, Row};
use crate::format::words_of_seeds;
use crate::report::chart::{Axis, Chart, Series, Stroke};
use crate::report::table::Table;

/// Accuracy over labels a class: a colour for what the labels are used on, a stroke for how.
pub(crate) fn chart(rows: &[Row]) -> Chart {
    let series = |method: Method| {
        let rows: Vec<&Row> = rows.iter().filter(|row| row.method == method).collect();
        let shares = || rows.iter().map(|row| mean_and_deviation(&row.accuracies));
        let labels = rows.iter().map(|row| row.labels as f64);
        let (colour, stroke) = look(method);
        Series {
            name: method.words().into(),
            points: labels.zip(shares().map(|(mean, _)| 100.0 * mean)).collect(),
            deviations: shares().map(|(_, d)| 100.0 * d.unwrap_or(0.0)).collect(),
            colour: Some(colour),
            stroke,
        }
    };
    Chart {
        title: "Test accuracy by number of labels (mean ± sd over seeds)".into(),
        x_label: "labels a class".into(),
        y_label: "%".into(),
        x_axis: Axis::Logarithmic,
        series: Method::ALL.into_iter().map(series).filter(|s| !s.points.is_empty()).collect(),
    }
}

fn look(method: Method) -> (usize, Stroke) {
    let [pretrained, random, pixels, scratch] = [0, 1, 2, 3];
    match method {
        Method::Finetuned => (pretrained, Stroke::Solid),
        Method::Linear => (pretrained, Stroke::Dashed),
        Method::Knn => (pretrained, Stroke::Dotted),
        Method::Supervised => (scratch, Stroke::Solid),
        Method::RandomLinear => (random, Stroke::Dashed),
        Method::RandomKnn => (random, Stroke::Dotted),
        Method::PixelLinear => (pixels, Stroke::Dashed),
        Method::PixelKnn => (pixels, Stroke::Dotted),
    }
}

/// A row a method, a column a number of labels.
pub(crate) fn table(rows: &[Row], labels: &[usize]) -> Table {
    let many = |count: &usize| format!("{count} a class");
    let line = |method: Method| {
        let cell = |count: &usize| {
            let row = rows.iter().find(|row| row.method == method && row.labels == *count);
            row.map_or("-".into(), |row| words_of_seeds(&row.accuracies))
        };
        [method.words().into()].into_iter().chain(labels.iter().map(cell)).collect()
    };
    Table {
        title: "Test accuracy by number of labels, mean ± sd over seeds".into(),
        header: [String::new()].into_iter().chain(labels.iter().map(many)).collect(),
        rows: Method::ALL.into_iter().map(line).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Row> {
        let row = |labels, accuracies| Row { method: Method::Knn, labels, accuracies };
        vec![row(1, vec![0.1, 0.3]), row(10, vec![0.6])]
    }

    #[test]
    fn a_chart_has_a_line_a_method_with_deviations() {
        let chart = chart(&rows());
        assert_eq!(chart.series.len(), 1);
        assert_eq!(chart.series[0].points, [(1.0, 20.0), (10.0, 60.0)]);
        assert!((chart.series[0].deviations[0] - 14.142).abs() < 0.001);
    }

    #[test]
    fn a_table_has_a_line_a_method_and_says_what_is_missing() {
        let table = table(&rows(), &[1, 10]);
        assert_eq!(table.rows.len(), Method::ALL.len());
        let knn = table.rows.iter().find(|row| row[0] == "pre-trained, kNN").unwrap();
        assert_eq!(knn[1..], ["20.00 ± 14.14 %", "60.00 %"]);
        assert_eq!(table.rows[0][1..], ["-", "-"]);
    }
}
