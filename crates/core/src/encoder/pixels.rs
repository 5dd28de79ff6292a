//! What an encoder turns pixels into before its first layer.

use burn::tensor::{Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::image::CHANNELS;

/// What pixels in [0, 1] become.
///
/// In a recipe: a name, or a table of [`Normalization`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub enum Pixels {
    /// `"unit"`: nothing else.
    #[default]
    Unit,
    /// `"signed"`: [-1, 1].
    Signed,
    /// `"imagenet"`: less the mean of `ImageNet`'s pixels, divided by their deviation, as torchvision
    /// has it.
    Imagenet,
    /// Any other.
    Numbers(Normalization),
}

/// A shift and a scale for each channel: red, green, blue.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normalization {
    /// Subtracted.
    pub mean: [f64; CHANNELS],
    /// Divided by. Above 0.
    pub std: [f64; CHANNELS],
}

/// The two ways of writing pixels. Tables pass through JSON, so that a mistake in them is told.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Name(String),
    Numbers(serde_json::Value),
}

const NAMED: [(&str, Pixels); 3] =
    [("unit", Pixels::Unit), ("signed", Pixels::Signed), ("imagenet", Pixels::Imagenet)];
const HALF: [f64; CHANNELS] = [0.5; CHANNELS];

impl Default for Normalization {
    fn default() -> Self {
        Self { mean: [0.0; CHANNELS], std: [1.0; CHANNELS] }
    }
}

impl Normalization {
    /// That of torchvision's and timm's networks for `ImageNet`, most of them.
    pub const IMAGENET: Self = Self { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
}

impl From<Pixels> for Normalization {
    fn from(pixels: Pixels) -> Self {
        match pixels {
            Pixels::Unit => Self::default(),
            Pixels::Signed => Self { mean: HALF, std: HALF },
            Pixels::Imagenet => Self::IMAGENET,
            Pixels::Numbers(numbers) => numbers,
        }
    }
}

impl From<Normalization> for Pixels {
    /// By its name, where it has one.
    fn from(numbers: Normalization) -> Self {
        let named = NAMED.iter().map(|(_, pixels)| *pixels);
        let found = named.into_iter().find(|pixels| Normalization::from(*pixels) == numbers);
        found.unwrap_or(Self::Numbers(numbers))
    }
}

impl Pixels {
    /// Whether pixels can become that.
    ///
    /// # Errors
    /// [`Error::Setting`] for a mean that is no number, or a deviation that is not above 0.
    pub(super) fn check(self) -> Result<(), Error> {
        let Normalization { mean, std } = self.into();
        if let Some(mean) = mean.iter().find(|mean| !mean.is_finite()) {
            return Err(Error::setting("encoder.pixels.mean", "three numbers", mean));
        }
        match std.iter().find(|std| !(std.is_finite() && **std > 0.0)) {
            Some(std) => Err(Error::setting("encoder.pixels.std", "three numbers above 0", std)),
            None => Ok(()),
        }
    }

    pub(super) fn of(self, images: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Unit => images,
            Self::Signed => images.mul_scalar(2.0).sub_scalar(1.0),
            Self::Imagenet | Self::Numbers(_) => {
                let Normalization { mean, std } = self.into();
                let device = images.device();
                let row = |numbers: [f64; CHANNELS]| {
                    let numbers = numbers.map(|number| number as f32).to_vec();
                    let data = TensorData::new::<f32, _>(numbers, [1, CHANNELS, 1, 1]);
                    Tensor::<4>::from_data(data, &device)
                };
                (images - row(mean)) / row(std)
            }
        }
    }
}

impl TryFrom<Written> for Pixels {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let known = NAMED.map(|(name, _)| name).join(", ");
        let table = "a table of mean and std, three numbers each";
        match written {
            Written::Name(name) => {
                let found = NAMED.iter().find(|(known, _)| *known == name);
                let pixels = found.map(|(_, pixels)| *pixels);
                pixels
                    .ok_or_else(|| format!("encoder.pixels = {name}: expected {known} or {table}"))
            }
            Written::Numbers(numbers) => {
                let told = |e| format!("encoder.pixels: {e}; expected {known} or {table}");
                serde_json::from_value(numbers).map(Self::Numbers).map_err(told)
            }
        }
    }
}

impl From<Pixels> for Written {
    fn from(pixels: Pixels) -> Self {
        match NAMED.iter().find(|(_, named)| *named == pixels) {
            Some((name, _)) => Self::Name((*name).to_owned()),
            None => {
                let Normalization { mean, std } = pixels.into();
                Self::Numbers(serde_json::json!({ "mean": mean, "std": std }))
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests run natively and read what they computed")]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Recipe {
        pixels: Pixels,
    }

    #[test]
    fn pixels_are_read_as_they_are_written() {
        let table = "pixels = {mean = [0.1, 0.2, 0.3], std = [0.5, 0.25, 1.0]}";
        for text in ["pixels = 'unit'", "pixels = 'signed'", "pixels = 'imagenet'", table] {
            let recipe: Recipe = toml::from_str(text).unwrap();
            let written = toml::to_string(&recipe).unwrap();
            assert_eq!(toml::from_str::<Recipe>(&written).unwrap(), recipe, "{written}");
            let numbers = Normalization::from(recipe.pixels);
            assert_eq!(Pixels::from(numbers), recipe.pixels, "known by its numbers");
        }
        for (text, told) in [
            ("pixels = 'byte'", "unit, signed, imagenet or a table"),
            ("pixels = {mean = [0.1, 0.2, 0.3]}", "missing field `std`"),
            ("pixels = {mean = [0.1], std = [1.0, 1.0, 1.0]}", "expected"),
        ] {
            let error = toml::from_str::<Recipe>(text).expect_err(text).to_string();
            assert!(error.contains(told), "{text}: {error}");
        }
        let zero = Normalization { std: [1.0, 0.0, 1.0], ..Normalization::default() };
        assert_eq!(Pixels::Numbers(zero).check().expect_err("no scale").code(), "SETTING");
    }

    #[test]
    fn each_channel_has_its_own_numbers() {
        let images = Tensor::<4>::ones([1, CHANNELS, 1, 2], &Device::flex()) / 2.0;
        let read = |pixels: Pixels| -> Vec<f32> {
            pixels.of(images.clone()).into_data().try_to_vec().unwrap()
        };
        assert_eq!(read(Pixels::Signed), [0.0; 6]);
        let numbers = Normalization { mean: [0.0, 0.5, 1.0], std: [0.5, 1.0, 0.25] };
        assert_eq!(read(Pixels::Numbers(numbers)), [1.0, 1.0, 0.0, 0.0, -2.0, -2.0]);
    }
}
