//! What was chosen by measurement, with reasons, as a run's folder keeps it.

use kith_core::recipe::Recipe;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

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
    /// Rates and smoothed losses of each range test, by name.
    pub(crate) ranges: Vec<(String, Vec<(f64, f64)>)>,
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
        Self { recipe, made: Vec::new(), ranges: Vec::new() }
    }

    pub(super) fn of(kept: Kept, recipe: &Recipe) -> Result<Self, Failure> {
        let change = |choice: &Choice| format!("{}={}", choice.setting, choice.value);
        let changes: Vec<String> = kept.choices.iter().map(change).collect();
        let recipe = Recipe::parse(&recipe.to_toml(), &changes)?;
        Ok(Self { recipe, made: kept.choices, ranges: kept.ranges })
    }
}
