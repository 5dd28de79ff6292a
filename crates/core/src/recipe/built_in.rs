//! The recipes that come with kith: every file of the folder `recipes`.

use super::Recipe;

/// Name and text of each, the one for a first look first; `build.rs` makes the list.
const ALL: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/recipes.rs"));

impl Recipe {
    /// The name of the recipe that is followed where nobody names one.
    pub const DEFAULT: &str = ALL[0].0;

    /// Names that recipes had before, and those that they have now.
    pub const RENAMED: [(&'static str, &'static str); 4] = [
        ("seed-nnclr", "keras-nnclr"),
        ("seed-simclr", "keras-simclr"),
        ("seed-relational", "paper-relational"),
        ("seed-semi", "cifar10-semi"),
    ];

    /// The recipes that come with kith, name and text, the default one first.
    pub fn all_built_in() -> &'static [(&'static str, &'static str)] {
        ALL
    }

    /// The text of a recipe that comes with kith.
    pub fn built_in_text(name: &str) -> Option<&'static str> {
        ALL.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
    }

    /// A recipe that comes with kith.
    pub fn built_in(name: &str) -> Option<Self> {
        let text = Self::built_in_text(name)?;
        Some(Self::parse(text, &[]).expect("a test reads every built-in recipe"))
    }

    /// The present name of a recipe that had another one before.
    pub fn renamed(name: &str) -> Option<&'static str> {
        Self::RENAMED.iter().find(|(old, _)| *old == name).map(|(_, new)| *new)
    }
}
