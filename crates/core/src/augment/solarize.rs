//! Solarize: bright samples are inverted.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::picture::Picture;
use super::{Augmentation, where_chosen};
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

    fn change(&self, picture: &mut Picture, chosen: &bool) {
        if *chosen {
            picture.solarize(self.threshold);
        }
    }

    fn transform(&self, images: Tensor<4>, drawn: &[bool]) -> Tensor<4> {
        let bright = images.clone().greater_equal_elem(self.threshold);
        let inverted = images.clone().neg().add_scalar(1.0);
        let solarized = images.clone().mask_where(bright, inverted);
        where_chosen(images, solarized, drawn.iter().copied())
    }
}
