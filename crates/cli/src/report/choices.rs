//! What was chosen by measurement, as a table and as curves.

use crate::report::chart::{Chart, Series};
use crate::report::table::Table;
use crate::train::auto::{Choice, Choices};

/// What was chosen and why; none where nothing was.
pub(crate) fn table(choices: &Choices) -> Option<Table> {
    let row =
        |choice: &Choice| vec![choice.setting.clone(), choice.value.clone(), choice.why.clone()];
    (!choices.made.is_empty()).then(|| Table {
        title: "Chosen by measurement".into(),
        header: ["setting", "value", "why"].map(Into::into).to_vec(),
        rows: choices.made.iter().map(row).collect(),
    })
}

/// The loss over the rate in each range test.
pub(crate) fn charts(choices: &Choices) -> Vec<Chart> {
    let chart = |(name, points): &(String, Vec<(f64, f64)>)| Chart {
        title: format!("Range test of the learning rate, {name}"),
        x_label: "log₁₀ of the rate".into(),
        y_label: "smoothed loss".into(),
        series: vec![Series {
            name: name.clone(),
            points: points.iter().map(|(rate, loss)| (rate.log10(), *loss)).collect(),
            ..Series::default()
        }],
        ..Chart::default()
    };
    choices.ranges.iter().map(chart).collect()
}
