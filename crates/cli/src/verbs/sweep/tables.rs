//! The table of a sweep: means over seeds for people, a line a run for scripts.

use kith_core::metrics::Unit;
use kith_core::probe::repetition::mean_and_deviation;

use super::found::{Found, Measure, Row};
use crate::format::words_of_seeds;
use crate::report::table::Table;

/// Marks the chosen combination.
const CHOSEN: &str = "chosen";

/// A row a combination.
pub(super) fn table(found: &Found) -> Table {
    let measures = found.measures();
    let chosen = found.choice().map(|choice| choice.place);
    let settings = found.axes.iter().map(|axis| axis.setting.clone());
    let numbers = measures.iter().map(|measure| measure.words.to_owned());
    let row = |(place, row): (usize, &Row)| {
        let axes = found.axes.iter().zip(&row.combination.places);
        let settings = axes.map(|(axis, &place)| axis.values[place].clone());
        let numbers = measures.iter().map(|measure| words(row, measure));
        let note = if chosen == Some(place) { CHOSEN.to_owned() } else { missing(row) };
        settings.chain(numbers).chain([note]).collect()
    };
    Table {
        title: "After the last epoch, mean ± sd over seeds".into(),
        header: settings.chain(numbers).chain([String::new()]).collect(),
        rows: found.rows.iter().enumerate().map(row).collect(),
    }
}

fn words(row: &Row, measure: &Measure) -> String {
    let values = row.values(measure);
    match (measure.unit, mean_and_deviation(&values)) {
        (Unit::Share, _) => words_of_seeds(&values),
        _ if values.is_empty() => "-".into(),
        (_, (mean, Some(deviation))) => format!("{mean:.4} ± {deviation:.4}"),
        (_, (mean, None)) => format!("{mean:.4}"),
    }
}

/// What a row lacks.
fn missing(row: &Row) -> String {
    let some = |status: &str| match row.count(status) {
        0 => None,
        count => Some(format!("{count} of {} {status}", row.runs.len())),
    };
    ["diverged", "missing"].into_iter().filter_map(some).collect::<Vec<_>>().join(", ")
}

/// A line a run, comma-separated.
pub(super) fn csv(found: &Found) -> Vec<u8> {
    let measures = found.measures();
    let mut table = csv::Writer::from_writer(Vec::new());
    let settings = found.axes.iter().map(|axis| axis.setting.clone());
    let names = measures.iter().map(|measure| measure.name.to_owned());
    let fixed = ["seed", "status", "run"].map(str::to_owned);
    let mut lines: Vec<Vec<String>> = vec![settings.chain(fixed).chain(names).collect()];
    for row in &found.rows {
        for run in &row.runs {
            let axes = found.axes.iter().zip(&row.combination.places);
            let settings = axes.map(|(axis, &place)| axis.values[place].clone());
            let fixed = [run.seed.to_string(), run.status().to_owned(), run.folder.clone()];
            let number = |measure| run.value(measure).map_or(String::new(), |v| v.to_string());
            lines.push(settings.chain(fixed).chain(measures.iter().map(number)).collect());
        }
    }
    for line in lines {
        table.write_record(line).expect("memory takes every line, and all are as long");
    }
    table.into_inner().expect("memory takes every line")
}
