//! What cells say together: means over seeds as a figure, a table and numbers for scripts.

use kith_core::probe::repetition::mean_and_deviation;
use serde_json::{Value, json};

use super::{Cell, Method};
use crate::chart::{Axis, Chart, Series, Stroke};
use crate::report::Table;
use crate::seeds::{json_of, of_seeds};

/// One method with one number of labels, over the seeds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) method: Method,
    pub(crate) labels: usize,
    /// Accuracies in the order of the seeds.
    pub(crate) accuracies: Vec<f64>,
}

impl Row {
    /// For scripts.
    pub(crate) fn to_json(&self) -> Value {
        let mut object = json_of(&self.accuracies);
        (object["method"], object["labels"]) = (json!(self.method), json!(self.labels));
        object
    }
}

/// Cells of the same method and number of labels, by method and number.
pub(crate) fn rows(cells: &[Cell]) -> Vec<Row> {
    let mut counts: Vec<usize> = cells.iter().map(|cell| cell.labels).collect();
    counts.sort_unstable();
    counts.dedup();
    let row = |method: Method, labels: usize| {
        let own = |cell: &&Cell| cell.method == method && cell.labels == labels;
        let mut cells: Vec<&Cell> = cells.iter().filter(own).collect();
        cells.sort_unstable_by_key(|cell| cell.seed);
        let accuracies: Vec<f64> = cells.iter().map(|cell| cell.accuracy).collect();
        (!accuracies.is_empty()).then_some(Row { method, labels, accuracies })
    };
    let pairs = Method::ALL.into_iter().flat_map(|m| counts.iter().map(move |&count| (m, count)));
    pairs.filter_map(|(method, labels)| row(method, labels)).collect()
}

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
            row.map_or("-".into(), |row| of_seeds(&row.accuracies))
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

    fn cells() -> Vec<Cell> {
        let cell = |labels, seed, accuracy| Cell { method: Method::Knn, labels, seed, accuracy };
        vec![cell(10, 1, 0.6), cell(1, 2, 0.3), cell(1, 1, 0.1)]
    }

    #[test]
    fn seeds_come_together_and_labels_in_order() {
        let rows = rows(&cells());
        let seen: Vec<_> = rows.iter().map(|row| (row.labels, row.accuracies.clone())).collect();
        assert_eq!(seen, [(1, vec![0.1, 0.3]), (10, vec![0.6])]);
        let chart = chart(&rows);
        assert_eq!(chart.series.len(), 1);
        assert_eq!(chart.series[0].points, [(1.0, 20.0), (10.0, 60.0)]);
        assert!((chart.series[0].deviations[0] - 14.142).abs() < 0.001);
    }

    #[test]
    fn a_table_has_a_line_a_method_and_says_what_is_missing() {
        let table = table(&rows(&cells()), &[1, 10]);
        assert_eq!(table.rows.len(), Method::ALL.len());
        let knn = table.rows.iter().find(|row| row[0] == "pre-trained, kNN").unwrap();
        assert_eq!(knn[1..], ["20.00 ± 14.14 %", "60.00 %"]);
        assert_eq!(table.rows[0][1..], ["-", "-"]);
    }
}
