//! How large a vision transformer is.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::range;

/// A size by its name or by its numbers.
///
/// In a recipe: a name, or a table of [`Shape`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub enum Size {
    /// `"tiny"`: 12 blocks of 192 numbers a token, 3 heads (Touvron et al. 2021, table 1).
    Tiny,
    /// `"small"`: 12 blocks of 384 numbers a token, 6 heads (the same).
    Small,
    /// `"base"`: 12 blocks of 768 numbers a token, 12 heads (the same).
    Base,
    /// Any other.
    Numbers(Shape),
}

/// The numbers of a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// Numbers of a token, and features. Up to 4096, a multiple of the heads.
    pub dim: usize,
    /// Blocks, 1 to 64.
    pub depth: usize,
    /// Heads of attention, each of which looks at tokens in its own way.
    pub heads: usize,
}

/// The two ways of writing a size. Tables pass through JSON, so that a mistake in them is told.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Name(String),
    Numbers(serde_json::Value),
}

/// The most blocks: more than any vision transformer has.
const MOST_DEPTH: u64 = 64;
const NAMED: [(&str, Size); 3] =
    [("tiny", Size::Tiny), ("small", Size::Small), ("base", Size::Base)];

impl Size {
    /// Its numbers.
    pub fn shape(self) -> Shape {
        match self {
            Self::Tiny => Shape { dim: 192, depth: 12, heads: 3 },
            Self::Small => Shape { dim: 384, depth: 12, heads: 6 },
            Self::Base => Shape { dim: 768, depth: 12, heads: 12 },
            Self::Numbers(shape) => shape,
        }
    }
}

impl Shape {
    /// Whether there is such a transformer.
    ///
    /// # Errors
    /// [`Error::Setting`] for numbers out of range, or heads that cannot share the numbers of a
    /// token.
    pub fn check(self) -> Result<(), Error> {
        let Self { dim, depth, heads } = self;
        range::count("encoder.size.dim", dim as u64, 1..=range::MOST_WIDTH)?;
        range::count("encoder.size.depth", depth as u64, 1..=MOST_DEPTH)?;
        range::count("encoder.size.heads", heads as u64, 1..=dim as u64)?;
        match dim.is_multiple_of(heads) {
            true => Ok(()),
            false => {
                let expected = format!("a number that divides encoder.size.dim = {dim}");
                Err(Error::setting("encoder.size.heads", expected, heads))
            }
        }
    }
}

impl TryFrom<Written> for Size {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let known = NAMED.map(|(name, _)| name).join(", ");
        let table = "a table of dim, depth and heads";
        match written {
            Written::Name(name) => {
                let found = NAMED.iter().find(|(known, _)| *known == name);
                let size = found.map(|(_, size)| *size);
                size.ok_or_else(|| format!("encoder.size = {name}: expected {known} or {table}"))
            }
            Written::Numbers(numbers) => {
                let told = |e| format!("encoder.size: {e}; expected {known} or {table}");
                serde_json::from_value(numbers).map(Self::Numbers).map_err(told)
            }
        }
    }
}

impl From<Size> for Written {
    fn from(size: Size) -> Self {
        match (NAMED.iter().find(|(_, named)| *named == size), size.shape()) {
            (Some((name, _)), _) => Self::Name((*name).to_owned()),
            (None, Shape { dim, depth, heads }) => {
                Self::Numbers(serde_json::json!({ "dim": dim, "depth": depth, "heads": heads }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Recipe {
        size: Size,
    }

    #[test]
    fn a_size_is_read_as_it_is_written() {
        for text in
            ["size = \"tiny\"", "size = \"small\"", "size = {dim = 8, depth = 2, heads = 4}"]
        {
            let recipe: Recipe = toml::from_str(text).unwrap();
            let written = toml::to_string(&recipe).unwrap();
            assert_eq!(toml::from_str::<Recipe>(&written).unwrap(), recipe, "{written}");
        }
        let tiny: Recipe = toml::from_str("size = \"tiny\"").unwrap();
        assert_eq!(toml::to_string(&tiny).unwrap().trim(), "size = \"tiny\"");
    }

    #[test]
    fn a_mistake_is_told() {
        for (text, told) in [
            ("size = 'huge'", "encoder.size = huge: expected tiny, small, base or a table"),
            ("size = {dim = 8, depth = 2}", "missing field `heads`"),
            ("size = {dim = 8, depth = 2, heads = 2, width = 3}", "unknown field `width`"),
            ("size = 3", "expected tiny, small, base or a table"),
        ] {
            let error = toml::from_str::<Recipe>(text).expect_err(text).to_string();
            assert!(error.contains(told), "{text}: {error}");
        }
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        for [dim, depth, heads] in [[0, 1, 1], [8, 0, 1], [8, 1, 0], [8, 1, 3], [8, 1, 9]]
            .into_iter()
            .chain([[range::MOST_WIDTH as usize + 1, 1, 1], [8, 65, 1]])
        {
            let error = Shape { dim, depth, heads }.check().expect_err("it cannot be");
            assert_eq!(error.code(), "SETTING", "{dim} {depth} {heads}");
        }
        for size in [Size::Tiny, Size::Small] {
            size.shape().check().expect("it is in the paper");
        }
    }
}
