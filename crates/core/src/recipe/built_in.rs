//! The recipes that come with kith: every file of the folder `recipes`.

use include_dir::{Dir, File, include_dir};

use super::Recipe;

static FOLDER: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../recipes");

/// Name and text of a recipe's file; none for another file.
fn named(file: &'static File<'static>) -> Option<(&'static str, &'static str)> {
    let name = file.path().file_name()?.to_str()?.strip_suffix(".toml")?;
    Some((name, file.contents_utf8()?))
}

impl Recipe {
    /// Names that recipes had before, and those that they have now.
    pub const RENAMED: [(&'static str, &'static str); 4] = [
        ("seed-nnclr", "keras-nnclr"),
        ("seed-simclr", "keras-simclr"),
        ("seed-relational", "paper-relational"),
        ("seed-semi", "cifar10-semi"),
    ];

    /// The recipes that come with kith, name and text, in the order of their names.
    pub fn all_built_in() -> Vec<(&'static str, &'static str)> {
        let mut all: Vec<_> = FOLDER.files().filter_map(named).collect();
        all.sort_unstable();
        all
    }

    /// The text of a recipe that comes with kith.
    pub fn built_in_text(name: &str) -> Option<&'static str> {
        Self::all_built_in().into_iter().find(|(known, _)| *known == name).map(|(_, text)| text)
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
