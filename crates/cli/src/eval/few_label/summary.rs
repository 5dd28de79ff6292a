//! What cells say together: accuracies over seeds, by method and number of labels.

use serde::Serialize;

use super::cell::{Cell, Method};
use crate::format::over_seeds;

/// One method with one number of labels, over the seeds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Row {
    pub(crate) method: Method,
    pub(crate) labels: usize,
    /// Accuracies in the order of the seeds.
    #[serde(flatten, serialize_with = "over_seeds")]
    pub(crate) accuracies: Vec<f64>,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_come_together_and_labels_in_order() {
        let cell = |labels, seed, accuracy| Cell { method: Method::Knn, labels, seed, accuracy };
        let rows = rows(&[cell(10, 1, 0.6), cell(1, 2, 0.3), cell(1, 1, 0.1)]);
        let seen: Vec<_> = rows.iter().map(|row| (row.labels, row.accuracies.clone())).collect();
        assert_eq!(seen, [(1, vec![0.1, 0.3]), (10, vec![0.6])]);
    }
}
