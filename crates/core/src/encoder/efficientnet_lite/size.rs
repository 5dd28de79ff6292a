//! How large an EfficientNet-Lite is.

use serde::{Deserialize, Serialize};

use crate::encoder::divisible::scaled;
use crate::error::Error;
use crate::range;

/// A size by its name or by its numbers.
///
/// In a recipe: a name, or a table of [`Shape`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub enum Size {
    /// `"lite0"` to `"lite4"`.
    Named(Lite),
    /// Any other.
    Numbers(Shape),
}

/// The published sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lite {
    /// For images of 224 pixels.
    Zero,
    /// For images of 240 pixels.
    One,
    /// For images of 260 pixels.
    Two,
    /// For images of 280 pixels.
    Three,
    /// For images of 300 pixels.
    Four,
}

/// The numbers of a size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// Channels of the first convolution.
    pub stem: usize,
    /// Blocks that are alike but for the stride of the first.
    pub stages: Vec<Stage>,
    /// Channels of the last convolution, and features.
    pub head: usize,
}

/// Blocks that are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// Side of the kernels, in pixels. Odd.
    pub kernel: usize,
    /// Of the first block; 1 or 2.
    pub stride: usize,
    /// Channels inside a block for each that goes in.
    pub expansion: usize,
    /// Channels that come out.
    pub outputs: usize,
    /// How many blocks.
    pub repeats: usize,
}

/// The two ways of writing a size. Tables pass through JSON, so that a mistake in them is told.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Name(String),
    Numbers(serde_json::Value),
}

/// Names, width and depth beside lite0's.
const NAMED: [(&str, Lite, f64, f64); 5] = [
    ("lite0", Lite::Zero, 1.0, 1.0),
    ("lite1", Lite::One, 1.0, 1.1),
    ("lite2", Lite::Two, 1.1, 1.2),
    ("lite3", Lite::Three, 1.2, 1.4),
    ("lite4", Lite::Four, 1.4, 1.8),
];
/// Kernel, stride, expansion, outputs and repeats of lite0 (table 1 of the paper).
const STAGES: [[usize; 5]; 7] = [
    [3, 1, 1, 16, 1],
    [3, 2, 6, 24, 2],
    [5, 2, 6, 40, 2],
    [3, 2, 6, 80, 3],
    [5, 1, 6, 112, 3],
    [5, 2, 6, 192, 4],
    [3, 1, 6, 320, 1],
];
const STEM: usize = 32;
const HEAD: usize = 1280;
/// The most blocks of a stage, stages, and factors: more than any network has.
const MOST: u64 = 64;

impl Size {
    /// Its numbers.
    pub fn shape(&self) -> Shape {
        match self {
            Self::Named(lite) => lite.shape(),
            Self::Numbers(shape) => shape.clone(),
        }
    }

    /// Number of features.
    pub fn features(&self) -> usize {
        match self {
            Self::Named(_) => HEAD,
            Self::Numbers(shape) => shape.head,
        }
    }

    /// The published size of such numbers, if there is one.
    pub fn named(shape: &Shape) -> Option<Self> {
        let lites = NAMED.iter().map(|(_, lite, ..)| *lite);
        lites.into_iter().find(|lite| lite.shape() == *shape).map(Self::Named)
    }
}

impl Lite {
    /// Its name.
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// Side of the images that it is published for, in pixels.
    pub fn side(self) -> usize {
        match self {
            Self::Zero => 224,
            Self::One => 240,
            Self::Two => 260,
            Self::Three => 280,
            Self::Four => 300,
        }
    }

    fn row(self) -> (&'static str, Self, f64, f64) {
        NAMED.into_iter().find(|(_, lite, ..)| *lite == self).expect("every size has a name")
    }

    /// First and last stage keep their repeats, stem and head their channels.
    fn shape(self) -> Shape {
        let (_, _, width, depth) = self.row();
        let last = STAGES.len() - 1;
        let stage =
            |(place, [kernel, stride, expansion, outputs, repeats]): (usize, [usize; 5])| {
                let repeats = match place {
                    0 => repeats,
                    place if place == last => repeats,
                    _ => (repeats as f64 * depth).ceil() as usize,
                };
                Stage { kernel, stride, expansion, outputs: scaled(outputs, width), repeats }
            };
        Shape {
            stem: STEM,
            stages: STAGES.into_iter().enumerate().map(stage).collect(),
            head: HEAD,
        }
    }
}

impl Shape {
    /// How many blocks all stages have.
    pub(crate) fn blocks(&self) -> usize {
        self.blocks_before(self.stages.len())
    }

    /// How many blocks the stages before one have.
    pub(crate) fn blocks_before(&self, stage: usize) -> usize {
        self.stages.iter().take(stage).map(|stage| stage.repeats).sum()
    }

    /// Whether there is such a network.
    ///
    /// # Errors
    /// [`Error::Setting`] for numbers out of range.
    pub fn check(&self) -> Result<(), Error> {
        range::count("encoder.size.stem", self.stem as u64, 1..=range::MOST_WIDTH)?;
        range::count("encoder.size.head", self.head as u64, 1..=range::MOST_WIDTH)?;
        range::count("encoder.size.stages", self.stages.len() as u64, 1..=MOST)?;
        self.stages.iter().try_for_each(Stage::check)
    }
}

impl Stage {
    fn check(&self) -> Result<(), Error> {
        /// The largest kernel of any published network.
        const MOST_KERNEL: u64 = 15;
        range::count("encoder.size.stages.kernel", self.kernel as u64, 1..=MOST_KERNEL)?;
        if self.kernel.is_multiple_of(2) {
            let expected = "an odd number";
            return Err(Error::setting("encoder.size.stages.kernel", expected, self.kernel));
        }
        range::count("encoder.size.stages.stride", self.stride as u64, 1..=2)?;
        range::count("encoder.size.stages.expansion", self.expansion as u64, 1..=MOST)?;
        range::count("encoder.size.stages.outputs", self.outputs as u64, 1..=range::MOST_WIDTH)?;
        range::count("encoder.size.stages.repeats", self.repeats as u64, 1..=MOST)
    }
}

impl TryFrom<Written> for Size {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let known = NAMED.map(|(name, ..)| name).join(", ");
        let table = "a table of stem, stages and head";
        match written {
            Written::Name(name) => {
                let found = NAMED.iter().find(|(known, ..)| *known == name);
                let size = found.map(|(_, lite, ..)| Self::Named(*lite));
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
        match size {
            Size::Named(lite) => Self::Name(lite.name().to_owned()),
            Size::Numbers(shape) => {
                Self::Numbers(serde_json::to_value(shape).expect("numbers are JSON"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_sizes_are_known_by_their_numbers() {
        for (name, lite, ..) in NAMED {
            let size = Size::try_from(Written::Name(name.to_owned())).unwrap();
            assert_eq!(size, Size::Named(lite));
            assert_eq!(Size::named(&size.shape()), Some(size), "{name}");
        }
        let four = Lite::Four.shape();
        // timm's tf_efficientnet_lite4.
        let outputs: Vec<usize> = four.stages.iter().map(|stage| stage.outputs).collect();
        assert_eq!(outputs, [24, 32, 56, 112, 160, 272, 448]);
        let repeats: Vec<usize> = four.stages.iter().map(|stage| stage.repeats).collect();
        assert_eq!(repeats, [1, 4, 4, 6, 6, 8, 1]);
    }

    #[test]
    fn a_mistake_is_told() {
        let read = |text: &str| serde_json::from_str::<Size>(text);
        let table = r#"{"stem": 8, "head": 9, "stages":
            [{"kernel": 3, "stride": 2, "expansion": 6, "outputs": 5, "repeats": 1}]}"#;
        assert!(read(table).unwrap().shape().check().is_ok());
        for (text, told) in [
            ("\"lite9\"", "lite0, lite1"),
            ("{\"stem\": 3}", "missing field"),
            ("7", "a table of stem, stages and head"),
        ] {
            let error = read(text).expect_err(text).to_string();
            assert!(error.contains(told), "{text}: {error}");
        }
        for (was, now) in [
            ("\"kernel\": 3", "\"kernel\": 4"),
            ("\"stride\": 2", "\"stride\": 3"),
            ("\"repeats\": 1", "\"repeats\": 0"),
            ("\"stem\": 8", "\"stem\": 0"),
        ] {
            let error = read(&table.replace(was, now)).unwrap().shape().check();
            assert_eq!(error.expect_err(now).code(), "SETTING", "{now}");
        }
    }
}
