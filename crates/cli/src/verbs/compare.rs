//! `kith compare`: what several runs measured, over each other.

mod finished_run;
mod differences;
mod numbers;

use std::fmt::{self, Display, Formatter};
use std::path::{Path, PathBuf};

use kith_core::metrics::{Better, Shown};
use serde::Serialize;

use crate::command_line;
use crate::failure::Failure;
use crate::files;
use crate::output::lossy;
use crate::report::chart::{Chart, Look};
use crate::report::curves::{self, Across, Curve, Part};
use crate::report::page::{Report, html};
use crate::report::switch::Switch;
use crate::report::table::Table;
use differences::Difference;
use finished_run::FinishedRun;
use numbers::{LastNumber, Numbers};

/// In the order in which a reader is offered them.
const AXES: [Across; 3] = [Across::Steps, Across::Epochs, Across::Seconds];

/// Runs beside each other.
#[derive(Debug, Serialize)]
pub(super) struct Compared {
    report: String,
    runs: Vec<Numbers>,
    /// Settings in which the recipes differ.
    differences: Vec<Difference>,
    /// Every number of the metrics files after the last epoch.
    last_epochs: Vec<LastNumber>,
    #[serde(skip)]
    words: String,
}

pub(super) fn run(folders: &[PathBuf], out: &Path) -> Result<Compared, Failure> {
    let runs = finished_run::open_all(folders)?;
    let parts: Vec<Part<'_>> = runs.iter().map(FinishedRun::part).collect();
    let curves = curves::all(&parts, Shown::File);
    let numbers: Vec<Numbers> = runs.iter().map(Numbers::of).collect();
    let differences = differences::between(&runs);
    let last_epochs = numbers::last_epochs(&parts, &curves);
    let names: Vec<String> = runs.iter().map(|run| run.name.clone()).collect();
    let [what, reached] = numbers::tables(&numbers);
    let tables = vec![
        what,
        reached,
        differences::table(&differences, &names),
        numbers::table_of_last_epochs(&last_epochs, &names),
    ];
    let words = tables[..3].iter().map(Table::plain).collect::<Vec<_>>().join("\n\n");
    let report = Report {
        title: format!("{} runs beside each other", runs.len()),
        subtitle: names.join(", "),
        switch: Some(switch(&parts, &curves)),
        tables,
        notes: notes(&runs),
        facts: vec![("Command".into(), command_line::command())],
        ..Report::default()
    };
    files::write(out, html(&report).as_bytes())?;
    Ok(Compared { report: lossy(out), runs: numbers, differences, last_epochs, words })
}

/// The charts over steps, epochs and seconds.
fn switch(parts: &[Part<'_>], curves: &[Curve]) -> Switch {
    let look = |part: &Part<'_>| parts.iter().position(|own| own.name == part.name);
    let legend =
        parts.iter().map(|part| (part.name.to_owned(), Look::of(look(part).unwrap_or_default())));
    let set = |across: Across| {
        let mut charts = curves::charts(parts, curves, across);
        charts.iter_mut().for_each(|chart| dress(chart, parts, curves));
        (across.words().to_owned(), charts)
    };
    Switch {
        title: "Curves".into(),
        question: "Horizontal axis".into(),
        legend: legend.collect(),
        sets: AXES.map(set).to_vec(),
    }
}

/// Gives a chart's lines the look of their runs, and says whose the only line is and which way is
/// good.
fn dress(chart: &mut Chart, parts: &[Part<'_>], curves: &[Curve]) {
    let better = curves.iter().find(|curve| curve.title == chart.title).map(|curve| curve.better);
    for series in &mut chart.series {
        let place = parts.iter().position(|part| part.name == series.name).unwrap_or_default();
        let look = Look::of(place);
        (series.colour, series.stroke) = (Some(look.colour), look.stroke);
    }
    let direction = better.map_or("", direction);
    let words = [chart.y_label.as_str(), direction].into_iter().filter(|word| !word.is_empty());
    chart.y_label = words.collect::<Vec<_>>().join(", ");
    if let [only] = &chart.series[..] {
        chart.title = format!("{} ({} alone)", chart.title, only.name);
    }
}

/// Which way is good, in words.
fn direction(better: Better) -> &'static str {
    match better {
        Better::Higher => "higher is better",
        Better::Lower => "lower is better",
        Better::Neither => "",
    }
}

/// What a reader should know before comparing.
fn notes(runs: &[FinishedRun]) -> Vec<String> {
    let mut notes = vec![
        "Seconds are those of training on each run's own machine, without measuring. Every chart \
         holds the runs that have its number."
            .to_owned(),
        "Best is the epoch that the run itself chose, on validation pictures where it kept some, \
         else on test pictures; where it kept some, its test accuracy was measured once, at the \
         end, and stands in the table alone."
            .to_owned(),
    ];
    for run in runs {
        if Across::Seconds.places(&run.history).is_none() {
            notes.push(format!(
                "{} is missing where the horizontal axis is seconds: its metrics.jsonl lacks the \
                 time of an epoch, as early versions of kith wrote it.",
                run.name
            ));
        }
    }
    let first = runs.first().map(|run| (&run.meta.dataset, run.meta.seed));
    let others = runs.iter().map(|run| Some((&run.meta.dataset, run.meta.seed)));
    if others.into_iter().any(|other| other != first) {
        notes.push(
            "The runs differ in their data, the sizes of its splits or their seed: their \
             accuracies may be of different pictures. kith evaluate --compare measures checkpoints \
             on the same ones."
                .to_owned(),
        );
    }
    notes
}

impl Display for Compared {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n\nreport: {}", self.words, self.report)
    }
}
