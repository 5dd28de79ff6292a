//! Solarize: bright samples are inverted.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

#[cfg(feature = "cpu")]
use super::pictures::each_chosen;
use super::{Augmentation, where_chosen};
#[cfg(feature = "cpu")]
use crate::device::is_cpu;
use crate::error::Error;
use crate::range;
use crate::rng::Stream;

/// Inverts every sample at or above a threshold (torchvision's `RandomSolarize`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
#[serde(deny_unknown_fields)]
pub struct Solarize {
    /// How often, in [0, 1].
    pub probability: f64,
    /// Samples from here up are inverted, in [0, 1].
    pub threshold: f64,
}

impl Augmentation for Solarize {
    type Drawn = bool;

    fn check(&self) -> Result<(), Error> {
        range::share("solarize.probability", self.probability)?;
        range::share("solarize.threshold", self.threshold)
    }

    fn draw(&self, stream: &mut Stream) -> bool {
        stream.chance(self.probability)
    }

    fn apply(&self, images: Tensor<4>, drawn: &[bool]) -> Tensor<4> {
        #[cfg(feature = "cpu")]
        if is_cpu(&images.device()) {
            let threshold = self.threshold as f32;
            let inverted = |sample: f32| if sample >= threshold { 1.0 - sample } else { sample };
            return each_chosen(images, drawn, |picture| {
                picture.iter_mut().for_each(|sample| *sample = inverted(*sample));
            });
        }
        let bright = images.clone().greater_equal_elem(self.threshold);
        let inverted = images.clone().neg().add_scalar(1.0);
        let solarized = images.clone().mask_where(bright, inverted);
        where_chosen(images, solarized, drawn.iter().copied())
    }
}
