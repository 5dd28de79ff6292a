//! What files beside weights say of them: timm's `config.json`, transformers' `config.json` and
//! `preprocessor_config.json`.

use serde_json::{Map, Value};

use crate::encoder::{Normalization, Pixels};
use crate::resize::Filter;

/// What they say.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Config {
    /// timm's name of the network.
    pub(super) architecture: Option<String>,
    pub(super) pixels: Option<Pixels>,
    /// Side of the images, in pixels.
    pub(super) side: Option<usize>,
    /// Pixels of the shorter side before the middle is cut out.
    pub(super) resize: Option<usize>,
    pub(super) filter: Option<Filter>,
    /// Heads of attention.
    pub(super) heads: Option<usize>,
    pub(super) licence: Option<String>,
    pub(super) class_names: Vec<String>,
}

/// Pillow's numbers of filters.
const PIL_BILINEAR: u64 = 2;
const PIL_BICUBIC: u64 = 3;

impl Config {
    /// What some of them say; of what several say, the first counts.
    pub(super) fn of<'a>(files: impl IntoIterator<Item = &'a Map<String, Value>>) -> Self {
        let mut found = Self::default();
        files.into_iter().for_each(|file| found.take(file));
        found
    }

    fn take(&mut self, config: &Map<String, Value>) {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let number = |value: &Value| value.as_u64().and_then(|n| usize::try_from(n).ok());
        let timm = config.get("pretrained_cfg").and_then(Value::as_object);
        let says = |name: &str| timm.and_then(|timm| timm.get(name));
        self.architecture = self.architecture.take().or(config.get("architecture").and_then(text));
        let pair = |mean: Option<&Value>, std: Option<&Value>| {
            let three = |value: &Value| serde_json::from_value(value.clone()).ok();
            let numbers = Normalization { mean: three(mean?)?, std: three(std?)? };
            Some(Pixels::from(numbers))
        };
        let pixels = pair(says("mean"), says("std"))
            .or_else(|| pair(config.get("image_mean"), config.get("image_std")));
        self.pixels = self.pixels.or(pixels);
        let side = says("input_size").and_then(|size| size.get(1)).and_then(number);
        self.side = self.side.or(side);
        let crop = says("crop_pct").and_then(Value::as_f64).filter(|share| *share > 0.0);
        let whole = |(side, share): (usize, f64)| (side as f64 / share).floor() as usize;
        self.resize = self.resize.or(side.zip(crop).map(whole));
        let shortest = config.get("size").and_then(|size| size.get("shortest_edge"));
        self.resize = self.resize.or(shortest.and_then(number));
        let crop = config.get("crop_size").and_then(|size| size.get("height"));
        self.side = self.side.or(crop.and_then(number));
        let filter = match (says("interpolation").and_then(Value::as_str), config.get("resample")) {
            (Some("bicubic"), _) => Some(Filter::Bicubic),
            (Some("bilinear"), _) => Some(Filter::Bilinear),
            (None, Some(number)) if number.as_u64() == Some(PIL_BICUBIC) => Some(Filter::Bicubic),
            (None, Some(number)) if number.as_u64() == Some(PIL_BILINEAR) => Some(Filter::Bilinear),
            _ => None,
        };
        self.filter = self.filter.or(filter);
        self.heads = self.heads.or(config.get("num_attention_heads").and_then(number));
        self.licence = self.licence.take().or(says("license").and_then(text));
        if let Some(names) = names(config) {
            self.class_names = names;
        }
    }
}

/// Names of classes, in their order.
fn names(config: &Map<String, Value>) -> Option<Vec<String>> {
    if let Some(names) = config.get("label_names").and_then(Value::as_array) {
        return names.iter().map(|name| name.as_str().map(str::to_owned)).collect();
    }
    let by_number = config.get("id2label")?.as_object()?;
    (0..by_number.len())
        .map(|id| Some(by_number.get(&id.to_string())?.as_str()?.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(files: &[&str]) -> Config {
        let files: Vec<_> = files.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
        Config::of(&files)
    }

    #[test]
    fn timms_and_transformers_files_are_read() {
        let timm = r#"{"architecture": "tf_efficientnet_lite0", "num_classes": 2, "label_names": ["a", "b"],
            "pretrained_cfg": {"input_size": [3, 224, 224], "crop_pct": 0.875, "interpolation": "bicubic", "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5],
            "license": "apache-2.0"}}"#;
        let found = said(&[timm]);
        assert_eq!(found.architecture.as_deref(), Some("tf_efficientnet_lite0"));
        assert_eq!((found.pixels, found.side), (Some(Pixels::Signed), Some(224)));
        assert_eq!((found.resize, found.filter), (Some(256), Some(Filter::Bicubic)));
        assert_eq!(found.licence.as_deref(), Some("apache-2.0"));
        assert_eq!(found.class_names, ["a", "b"]);

        let model = r#"{"num_attention_heads": 6, "id2label": {"1": "dog", "0": "cat"}}"#;
        let pixels = r#"{"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225],
            "size": {"shortest_edge": 256}, "crop_size": {"height": 224, "width": 224}, "resample": 3}"#;
        let found = said(&[model, pixels]);
        assert_eq!((found.heads, found.pixels), (Some(6), Some(Pixels::Imagenet)));
        assert_eq!((found.resize, found.side), (Some(256), Some(224)));
        assert_eq!(found.filter, Some(Filter::Bicubic));
        assert_eq!(found.class_names, ["cat", "dog"]);
        assert_eq!(said(&[]), Config::default());
    }
}
