//! What was chosen by measurement, with reasons, as a run's folder keeps it.

use kith_core::recipe::Recipe;
use serde::{Deserialize, Serialize};

use crate::chart::{Chart, Series};
use crate::failure::Failure;
use crate::report::Table;

/// One number, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Choice {
    /// The recipe's key.
    pub(crate) setting: String,
    pub(crate) value: String,
    pub(crate) why: String,
}

/// The recipe with everything that was chosen.
#[derive(Clone, Debug)]
pub(crate) struct Choices {
    pub(crate) recipe: Recipe,
    pub(crate) made: Vec<Choice>,
    pub(crate) charts: Vec<Chart>,
}

/// What is kept in a run's folder.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    /// As changes of the recipe.
    pub(super) choices: Vec<Choice>,
    /// Rates and smoothed losses of each range test, by name.
    pub(super) ranges: Vec<(String, Vec<(f64, f64)>)>,
}

impl Choices {
    /// A recipe as it is.
    pub(crate) fn none(recipe: Recipe) -> Self {
        Self { recipe, made: Vec::new(), charts: Vec::new() }
    }

    /// What was chosen and why; none where nothing was.
    pub(crate) fn table(&self) -> Option<Table> {
        let row = |choice: &Choice| {
            vec![choice.setting.clone(), choice.value.clone(), choice.why.clone()]
        };
        (!self.made.is_empty()).then(|| Table {
            title: "Chosen by measurement".into(),
            header: ["setting", "value", "why"].map(Into::into).to_vec(),
            rows: self.made.iter().map(row).collect(),
        })
    }

    pub(super) fn of(kept: Kept, recipe: &Recipe) -> Result<Self, Failure> {
        let change = |choice: &Choice| format!("{}={}", choice.setting, choice.value);
        let changes: Vec<String> = kept.choices.iter().map(change).collect();
        let recipe = Recipe::parse(&recipe.to_toml(), &changes)?;
        let chart = |(name, points): (String, Vec<(f64, f64)>)| Chart {
            title: format!("Range test of the learning rate, {name}"),
            x_label: "log₁₀ of the rate".into(),
            y_label: "smoothed loss".into(),
            series: vec![Series {
                name,
                points: points.into_iter().map(|(rate, loss)| (rate.log10(), loss)).collect(),
                ..Series::default()
            }],
            ..Chart::default()
        };
        let charts = kept.ranges.into_iter().map(chart).collect();
        Ok(Self { recipe, made: kept.choices, charts })
    }
}
