//! The tables of a benchmark: a row a method for people, a line a run for scripts.

use super::found::{Found, Row};
use super::measures::{Kind, LINEAR, Measure};
use crate::report::table::Table;

/// The measures whose differences the table shows; files have all.
const COMPARED: usize = 2;

/// What methods reach, what their features are like with what they took, and how sure the differences
/// are: a row a method each.
pub(super) fn tables(found: &Found) -> Vec<Table> {
    let (reached, others): (Vec<&Measure>, Vec<&Measure>) =
        found.measures.iter().partition(|measure| measure.kind == Kind::Accuracy);
    let over = found.over_seeds();
    let accuracy = "Test accuracy of the epoch chosen on validation pictures";
    let mut accuracies = rows(found, &reached, format!("{accuracy}, {over}"));
    let missing: Vec<String> = found.rows.iter().map(missing).collect();
    if missing.iter().any(|words| !words.is_empty()) {
        accuracies.header.push(String::new());
        accuracies.rows.iter_mut().zip(missing).for_each(|(row, words)| row.push(words));
    }
    let costs =
        rows(found, &others, format!("Features of that epoch, and what training took, {over}"));
    [accuracies, costs].into_iter().chain(differences(found)).collect()
}

/// A row a method, with its numbers over seeds.
fn rows(found: &Found, measures: &[&Measure], title: String) -> Table {
    let words = measures.iter().map(|measure| measure.words.clone());
    let row = |row: &Row| {
        let numbers = measures.iter().map(|one| one.over_seeds(&row.values(one)));
        [row.title.clone()].into_iter().chain(numbers).collect()
    };
    Table {
        title,
        header: [String::new()].into_iter().chain(words).collect(),
        rows: found.rows.iter().map(row).collect(),
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

/// The differences from the reference by the linear probe and the most labels; none where there are
/// none.
fn differences(found: &Found) -> Option<Table> {
    let all = found.differences();
    let reference = found.reference_row().filter(|_| !all.is_empty())?;
    let last = found.accuracies().last().filter(|measure| measure.name != LINEAR);
    let shown: Vec<_> = [found.linear()].into_iter().chain(last).take(COMPARED).collect();
    let names = shown.iter().flat_map(|measure| {
        let words = &measure.words;
        [words.clone(), format!("{words}, 95 %"), format!("{words}, p")]
    });
    let row = |row: &&Row| {
        let cells = shown.iter().flat_map(|measure| {
            let own = all.iter().find(|d| d.method == row.method && d.measure == measure.name);
            own.map_or_else(|| ["-"; 3].map(String::from), |own| own.difference.words())
        });
        [row.title.clone()].into_iter().chain(cells).collect()
    };
    let others = found.rows.iter().filter(|row| row.method != found.reference);
    Some(Table {
        title: format!(
            "Differences from {} in points of test accuracy: paired t-test over seeds, two-sided",
            reference.title
        ),
        header: [String::new()].into_iter().chain(names).collect(),
        rows: others.collect::<Vec<_>>().iter().map(row).collect(),
    })
}

/// A line a run, comma-separated.
pub(super) fn csv(found: &Found) -> Vec<u8> {
    let mut table = csv::Writer::from_writer(Vec::new());
    let names = found.measures.iter().map(|measure| measure.name.clone());
    let fixed = ["method", "seed", "status", "run"].map(str::to_owned);
    let mut lines: Vec<Vec<String>> = vec![fixed.into_iter().chain(names).collect()];
    for row in &found.rows {
        lines.extend(row.runs.iter().map(|run| {
            let fixed = [row.method.clone(), run.seed.to_string(), run.status().to_owned()];
            let number = |one| run.value(one).map_or(String::new(), |value| value.to_string());
            let numbers = found.measures.iter().map(number);
            fixed.into_iter().chain([run.folder.clone()]).chain(numbers).collect()
        }));
    }
    for line in lines {
        table.write_record(line).expect("memory takes every line, and all are as long");
    }
    table.into_inner().expect("memory takes every line")
}

#[cfg(test)]
mod tests {
    use super::super::found::tests::{found, row};
    use super::*;

    #[test]
    fn rows_are_methods_with_what_they_lack() {
        let simclr = row("simclr", &[Some(0.5), Some(0.6)]);
        let found = found(vec![simclr, row("byol", &[Some(0.625), None])]);
        let tables = tables(&found);
        let table = &tables[0];
        assert_eq!(table.rows[0][..2], ["SimCLR", "55.00 ± 7.07 %"]);
        assert_eq!(table.rows[1][..2], ["BYOL", "62.50 %"]);
        assert_eq!(table.rows[1].last().expect("a note"), "1 of 2 diverged");
        assert!(tables[1].header.contains(&"RankMe".to_owned()), "{:?}", tables[1]);
        assert_eq!(tables.len(), 2, "one seed in common says nothing of chance");
        let csv = String::from_utf8(csv(&found)).expect("text");
        assert!(csv.contains("byol,1,finished,byol/seed-1,0.625,"), "{csv}");
        assert!(csv.contains("byol,2,diverged,byol/seed-2,,"), "{csv}");
    }

    #[test]
    fn differences_stand_beside_their_intervals() {
        let simclr = row("simclr", &[Some(0.5), Some(0.55), Some(0.6)]);
        let byol = row("byol", &[Some(0.6), Some(0.7), Some(0.65)]);
        let table = differences(&found(vec![simclr, byol])).expect("three seeds");
        assert_eq!(table.rows.len(), 1);
        assert_eq!(table.rows[0][0], "BYOL");
        assert_eq!(table.rows[0][1], "+10.00");
        assert_eq!(table.rows[0][3], "0.074");
        assert_eq!(table.rows[0][4], "-", "nothing was fine-tuned");
        assert!(table.title.contains("SimCLR"));
    }
}
