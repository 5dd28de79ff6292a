//! The figure of a benchmark: each method's accuracies as dots, the best linear probe on top.

use super::found::{Found, Row};
use super::measures::Measure;
use crate::report::chart::{Dots, Row as DotRow};

/// From a share to what the axis shows.
const PERCENT: f64 = 100.0;

/// The linear probe, and fine-tuning with the most labels.
pub(super) fn dots(found: &Found) -> Dots {
    let linear = found.linear();
    let tuned = found.accuracies().last().filter(|measure| *measure != linear);
    let shown: Vec<&Measure> = [linear].into_iter().chain(tuned).collect();
    let mut rows: Vec<&Row> = found.rows.iter().collect();
    let mean = |row: &Row| row.over_seeds(linear).map_or(f64::NEG_INFINITY, |(mean, _)| mean);
    rows.sort_by(|a, b| mean(b).total_cmp(&mean(a)));
    let mark = |row: &Row, measure: &Measure| {
        let (mean, deviation) = row.over_seeds(measure)?;
        Some((PERCENT * mean, deviation.map(|deviation| PERCENT * deviation)))
    };
    Dots {
        title: format!("Test accuracy by method, {}", found.over_seeds()),
        value_label: "%".into(),
        names: names(&shown),
        rows: rows
            .into_iter()
            .map(|row| DotRow {
                name: row.title.clone(),
                marks: shown.iter().map(|measure| mark(row, measure)).collect(),
            })
            .collect(),
    }
}

fn names(shown: &[&Measure]) -> Vec<String> {
    let words = |(place, measure): (usize, &&Measure)| match place {
        0 => "linear probe on frozen features".to_owned(),
        _ => format!("fine-tuned, {} a class", measure.words),
    };
    shown.iter().enumerate().map(words).collect()
}

#[cfg(test)]
mod tests {
    use super::super::found::tests::{found, row};
    use super::*;

    #[test]
    fn the_best_stands_on_top_and_what_failed_below() {
        let rows = vec![
            row("simclr", &[Some(0.5)]),
            row("byol", &[None]),
            row("swav", &[Some(0.6), Some(0.7)]),
        ];
        let dots = dots(&found(rows));
        let names: Vec<&str> = dots.rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names, ["SwAV", "SimCLR", "BYOL"]);
        let (mean, deviation) = dots.rows[0].marks[0].expect("a mean");
        assert!((mean - 65.0).abs() < 1e-9 && (deviation.expect("two seeds") - 7.071).abs() < 1e-3);
        assert_eq!(dots.rows[2].marks, [None, None]);
        assert_eq!(dots.names[1], "fine-tuned, 10 labels a class");
    }
}
