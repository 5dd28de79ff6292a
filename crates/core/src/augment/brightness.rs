//! Brightness, by a factor or by a term.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::picture::Picture;
use super::{Augmentation, per_image};
use crate::rng::Stream;

/// Makes the whole picture lighter or darker; the result is clipped to [0, 1].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
#[serde(deny_unknown_fields)]
pub struct Brightness {
    /// Largest change: 0.5 draws a factor in [0.5, 1.5] or a term in [-0.5, 0.5].
    pub strength: f64,
    /// Factor or term.
    pub form: BrightnessForm,
}

/// The two forms that libraries call brightness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum BrightnessForm {
    /// Pixels times 1 + change (Keras 2, torchvision).
    Multiply,
    /// Pixels plus the change (`keras_cv`).
    Add,
}

impl Augmentation for Brightness {
    /// The change.
    type Drawn = f64;

    fn draw(&self, stream: &mut Stream) -> f64 {
        stream.uniform(-self.strength, self.strength)
    }

    fn change(&self, picture: &mut Picture, change: &f64) {
        let (factor, term) = ((1.0 + change) as f32, *change as f32);
        match self.form {
            BrightnessForm::Multiply => picture.each_sample(|x| (x * factor).clamp(0.0, 1.0)),
            BrightnessForm::Add => picture.each_sample(|x| (x + term).clamp(0.0, 1.0)),
        }
    }

    fn transform(&self, images: Tensor<4>, drawn: &[f64]) -> Tensor<4> {
        let device = images.device();
        let changed = match self.form {
            BrightnessForm::Multiply => {
                images * per_image(drawn.iter().map(|change| 1.0 + change), &device)
            }
            BrightnessForm::Add => images + per_image(drawn.iter().copied(), &device),
        };
        changed.clamp(0.0, 1.0)
    }
}
