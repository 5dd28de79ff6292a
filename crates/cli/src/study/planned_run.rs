//! A run of a study before it begins: everything that makes it what it is.

use kith_core::Error;
use kith_core::recipe::Recipe;
use serde::{Deserialize, Serialize};

use crate::args::DataFlags;
use crate::checkpoint::is_same_source;
use crate::train::run_state::first_difference;

/// A run of a study.
#[derive(Clone, Debug)]
pub(crate) struct PlannedRun {
    /// Its folder within the study's, and what people call it; no two runs share it.
    pub(crate) name: String,
    pub(crate) recipe: Recipe,
    pub(crate) data: DataFlags,
    pub(crate) seed: u64,
}

/// A run as the study's file keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) seed: u64,
    pub(super) data: Images,
    /// As TOML.
    pub(super) recipe: String,
}

/// Which images, as on the command line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Images {
    source: String,
    side: Option<usize>,
    labelled: Option<usize>,
    unlabelled: Option<usize>,
    fold: Option<usize>,
}

impl PlannedRun {
    /// What the study's file keeps of it.
    pub(super) fn entry(&self) -> Entry {
        let Self { name, recipe, data, seed } = self;
        let DataFlags { side, labelled, unlabelled, fold, .. } = *data;
        let source = data.data.to_string();
        Entry {
            name: name.clone(),
            seed: *seed,
            data: Images { source, side, labelled, unlabelled, fold },
            recipe: recipe.to_toml(),
        }
    }
}

impl Entry {
    /// Every setting of the recipe written out, those too that the writer's version did not have, and
    /// without what it says of itself.
    fn settings(&self) -> String {
        match Recipe::parse(&self.recipe, &[]) {
            Ok(recipe) => recipe.without_words().to_toml(),
            // What cannot be read any more is another recipe, as it stands.
            Err(_unreadable) => self.recipe.clone(),
        }
    }

    /// The first thing in which two differ: what it is, then and now. Names must be the same.
    pub(super) fn difference(&self, now: &Self) -> Option<[String; 3]> {
        if let Some(difference) = self.difference_of_data(now) {
            return Some(difference);
        }
        let [before, after] = [self.settings(), now.settings()];
        if before == after {
            return None;
        }
        let (then, now_line) = first_difference(&before, &after);
        Some([format!("recipe of {}", now.name), then.to_owned(), now_line.to_owned()])
    }

    /// The same of their images alone.
    pub(super) fn difference_of_data(&self, now: &Self) -> Option<[String; 3]> {
        let differ = !self.data.is_same(&now.data);
        differ.then(|| ["data".to_owned(), self.data.words(), now.data.words()])
    }

    /// The run that was kept; its images are looked for where `data` says, which must be the same.
    pub(super) fn planned(&self, data: &DataFlags) -> Result<PlannedRun, Error> {
        let recipe = Recipe::parse(&self.recipe, &[])?;
        Ok(PlannedRun { name: self.name.clone(), recipe, data: data.clone(), seed: self.seed })
    }
}

impl Images {
    /// Whether both name the same images; their path may be spelled in another way.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let renamed = Self { source: other.source.clone(), ..self.clone() };
        is_same_source(&self.source, &other.source) && renamed == *other
    }

    /// As words of a command line.
    pub(super) fn words(&self) -> String {
        let Self { source, side, labelled, unlabelled, fold } = self;
        let sizes =
            [("side", side), ("labelled", labelled), ("unlabelled", unlabelled), ("fold", fold)];
        let sizes = sizes.map(|(name, size)| size.map(|size| format!(" --{name} {size}")));
        format!("--data {source}{}", sizes.into_iter().flatten().collect::<String>())
    }
}
