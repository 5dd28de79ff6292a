//! The recipes that come with kith.

use super::Recipe;

impl Recipe {
    /// The recipes that come with kith: name and text.
    pub const BUILT_IN: [(&'static str, &'static str); 9] = [
        ("quick", include_str!("../../../../recipes/quick.toml")),
        ("nnclr", include_str!("../../../../recipes/nnclr.toml")),
        ("simclr", include_str!("../../../../recipes/simclr.toml")),
        ("relational", include_str!("../../../../recipes/relational.toml")),
        ("keras-nnclr", include_str!("../../../../recipes/keras-nnclr.toml")),
        ("keras3-nnclr", include_str!("../../../../recipes/keras3-nnclr.toml")),
        ("keras-simclr", include_str!("../../../../recipes/keras-simclr.toml")),
        ("paper-relational", include_str!("../../../../recipes/paper-relational.toml")),
        ("cifar10-semi", include_str!("../../../../recipes/cifar10-semi.toml")),
    ];

    /// Names that recipes had before, and those that they have now.
    pub const RENAMED: [(&'static str, &'static str); 4] = [
        ("seed-nnclr", "keras-nnclr"),
        ("seed-simclr", "keras-simclr"),
        ("seed-relational", "paper-relational"),
        ("seed-semi", "cifar10-semi"),
    ];

    /// The present name of a recipe that had another one before.
    pub fn renamed(name: &str) -> Option<&'static str> {
        Self::RENAMED.iter().find(|(old, _)| *old == name).map(|(_, new)| *new)
    }

    /// A recipe that comes with kith.
    pub fn built_in(name: &str) -> Option<Self> {
        let (_, text) = Self::BUILT_IN.iter().find(|(known, _)| *known == name)?;
        Some(Self::parse(text, &[]).expect("a test reads every built-in recipe"))
    }
}
