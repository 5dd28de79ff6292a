//! What is said of a file of weights besides its tensors: by whoever opens it, and by the files beside it.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::config::Config;
use super::hints::Hints;
use crate::encoder::{EncoderSettings, Pixels};
use crate::error::Error;
use crate::recipe::Recipe;
use crate::resize::Filter;
use crate::square::Preprocessing;

/// What is said of a file of weights besides its tensors. What is left out is as the files beside it say,
/// else as its names and shapes do.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Told {
    /// timm's name of the network, as `tf_efficientnet_lite0`, or a table as a recipe's encoder has it.
    #[cfg_attr(
        feature = "typescript",
        tsify(optional, type = "string | { kind: string; [setting: string]: unknown }")
    )]
    pub arch: Option<Arch>,
    /// What comes before the encoder's names, where several encoders are in the file.
    #[cfg_attr(feature = "typescript", tsify(optional))]
    pub prefix: Option<String>,
    /// Heads of a transformer's attention; by themselves one for 64 numbers of a token.
    #[cfg_attr(feature = "typescript", tsify(optional))]
    pub heads: Option<usize>,
    /// How pixels are normalised: `unit`, `signed`, `imagenet`, or mean and std of red, green, blue in
    /// [0, 1].
    #[cfg_attr(
        feature = "typescript",
        tsify(
            optional,
            type = "\"unit\" | \"signed\" | \"imagenet\" | { mean: number[]; std: number[] }"
        )
    )]
    pub pixels: Option<Pixels>,
    /// Side of the images, in pixels; by itself that of the network, 224 for most.
    #[cfg_attr(feature = "typescript", tsify(optional))]
    pub side: Option<usize>,
    /// Pixels that the shorter side of a picture becomes before its middle is cut out, as 256 for images
    /// of 224. At least the side.
    #[cfg_attr(feature = "typescript", tsify(optional))]
    pub resize: Option<usize>,
    /// How pixels are weighed when pictures are resized; by itself `bilinear`.
    #[cfg_attr(feature = "typescript", tsify(optional))]
    pub filter: Option<Filter>,
    /// Changes to what was found, as `encoder.pool=cls_mean`.
    #[cfg_attr(feature = "typescript", tsify(optional))]
    pub set: Vec<String>,
    /// Names of the classes that the file's classifier tells, in their order; by themselves numbers.
    #[cfg_attr(feature = "typescript", tsify(optional))]
    pub classes: Option<Vec<String>>,
    /// What may be done with the weights, as their authors say.
    #[cfg_attr(feature = "typescript", tsify(optional))]
    pub licence: Option<String>,
    /// Where the weights are from.
    #[cfg_attr(feature = "typescript", tsify(optional))]
    pub source: Option<String>,
    /// What the `config.json` beside the file holds: timm's, or transformers'.
    #[cfg_attr(feature = "typescript", tsify(optional, type = "Record<string, unknown>"))]
    pub config: Option<Map<String, Value>>,
    /// What transformers' `preprocessor_config.json` beside the file holds.
    #[cfg_attr(feature = "typescript", tsify(optional, type = "Record<string, unknown>"))]
    pub preprocessor_config: Option<Map<String, Value>>,
}

/// Which network a file holds: its name, or all that a recipe says of an encoder.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Value")]
pub enum Arch {
    /// timm's or torchvision's.
    Name(String),
    /// Whose shapes may be no published ones.
    Settings(EncoderSettings),
}

impl TryFrom<Value> for Arch {
    type Error = String;

    /// A name, or a table.
    fn try_from(value: Value) -> Result<Self, String> {
        match value {
            Value::String(name) => Ok(Self::Name(name)),
            table => serde_json::from_str(&table.to_string())
                .map(Self::Settings)
                .map_err(|e| format!("arch: {e}")),
        }
    }
}

impl Arch {
    /// A name, or a table as a recipe has it: `{kind = "resnet", depth = 18}`.
    ///
    /// # Errors
    /// [`Error::Recipe`] and [`Error::Setting`] for a table that is no encoder's.
    pub fn parse(text: &str) -> Result<Self, Error> {
        match text.trim_start().starts_with('{') {
            true => encoder(&[format!("encoder={text}")]).map(Self::Settings),
            false => Ok(Self::Name(text.to_owned())),
        }
    }
}

impl Told {
    /// Pixels by their name, or as a table: `{mean = [0, 0, 0], std = [1, 1, 1]}`.
    ///
    /// # Errors
    /// [`Error::Recipe`] and [`Error::Setting`] for what are none.
    pub fn parse_pixels(text: &str) -> Result<Pixels, Error> {
        let any = "encoder={kind=\"conv4_pool\"}".to_owned();
        Ok(encoder(&[any, format!("encoder.pixels={text}")])?.pixels())
    }

    /// The same, and where nothing is said what the files beside the weights say.
    pub(super) fn with_config(&self) -> Self {
        let config = Config::of(self.config.iter().chain(&self.preprocessor_config));
        let mut told = self.clone();
        told.arch = told.arch.or(config.architecture.map(Arch::Name));
        told.heads = told.heads.or(config.heads);
        told.pixels = told.pixels.or(config.pixels);
        told.filter = told.filter.or(config.filter);
        told.licence = told.licence.or(config.licence);
        told.side = told.side.or(config.side);
        // What is said of another side is in its proportion.
        let own = config.side.or(told.side).unwrap_or(1).max(1);
        let side = told.side.unwrap_or(own);
        told.resize = told.resize.or(config.resize.map(|resize| (resize * side).div_ceil(own)));
        let names = config.class_names;
        told.classes = told.classes.or((!names.is_empty()).then_some(names));
        told
    }

    pub(super) fn hints(&self) -> Hints {
        let Self { prefix, arch, heads, pixels, side, .. } = self.clone();
        let (architecture, settings) = match arch {
            Some(Arch::Name(name)) => (Some(name), None),
            Some(Arch::Settings(settings)) => (None, Some(settings)),
            None => (None, None),
        };
        Hints { prefix, architecture, settings, heads, pixels, side }
    }

    /// How pictures are cut and resized; none where nobody says, which is kith's own way.
    pub(super) fn preprocessing(&self, side: usize) -> Result<Option<Preprocessing>, Error> {
        if self.filter.is_none() && self.resize.is_none() {
            return Ok(None);
        }
        let (resize, filter) = (self.resize.unwrap_or(side), self.filter.unwrap_or_default());
        let preprocessing = Preprocessing { resize, filter };
        preprocessing.check(side)?;
        Ok(Some(preprocessing))
    }

    /// Names of a classifier's classes.
    pub(super) fn class_names(&self, classes: Option<usize>) -> Result<Vec<String>, Error> {
        let Some(count) = classes else { return Ok(Vec::new()) };
        match &self.classes {
            None => Ok((0..count).map(|class| class.to_string()).collect()),
            Some(names) if names.len() == count => Ok(names.clone()),
            Some(names) => {
                let expected = format!("{count} names, as many as the classifier has classes");
                Err(Error::setting("classes", expected, names.len()))
            }
        }
    }
}

/// The encoder of a recipe with such changes.
fn encoder(changes: &[String]) -> Result<EncoderSettings, Error> {
    let text = Recipe::built_in_text(Recipe::DEFAULT).expect("it is built in");
    Recipe::parse(text, changes).map(|recipe| recipe.encoder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_comes_before_what_files_say() {
        let text = r#"{"pixels": "unit", "side": 112, "config": {"architecture": "efficientnet_lite0",
            "pretrained_cfg": {"input_size": [3, 224, 224], "crop_pct": 0.875, "mean": [0.5, 0.5, 0.5],
            "std": [0.5, 0.5, 0.5]}}}"#;
        let told: Told = serde_json::from_str(text).unwrap();
        let told = told.with_config();
        assert_eq!(told.arch, Some(Arch::Name("efficientnet_lite0".into())));
        assert_eq!((told.pixels, told.side), (Some(Pixels::Unit), Some(112)));
        assert_eq!(told.resize, Some(128), "256 of 224 are 128 of 112");
        assert_eq!(told.preprocessing(112).unwrap().map(|found| found.resize), Some(128));
        assert_eq!(Told::default().with_config(), Told::default());
    }

    #[test]
    fn a_network_is_told_by_its_name_or_by_a_table() {
        let named = Arch::parse("resnet18").unwrap();
        assert_eq!(named, Arch::Name("resnet18".into()));
        let toml = Arch::parse("{kind = 'vit', patch = 8, size = 'tiny'}").unwrap();
        let json = r#"{"kind": "vit", "patch": 8, "size": "tiny"}"#;
        assert_eq!(serde_json::from_str::<Arch>(json).unwrap(), toml);
        let wrong = serde_json::from_str::<Arch>(r#"{"kind": "vit", "patches": 8}"#);
        assert!(wrong.expect_err("no such setting").to_string().contains("patches"));
        assert!(serde_json::from_str::<Told>(r#"{"head": 3}"#).is_err(), "a typing error is told");
    }
}
