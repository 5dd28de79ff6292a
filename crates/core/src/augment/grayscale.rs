//! Grayscale: the same luma in all three planes.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

#[cfg(feature = "cpu")]
use super::pictures::{each_chosen, each_pixel, luma};
use super::{Augmentation, gray, where_chosen};
#[cfg(feature = "cpu")]
use crate::device::is_cpu;
use crate::error::Error;
use crate::range;
use crate::rng::Stream;

/// Takes the colour away (torchvision's `RandomGrayscale`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
#[serde(deny_unknown_fields)]
pub struct Grayscale {
    /// How often, in [0, 1].
    pub probability: f64,
}

impl Augmentation for Grayscale {
    type Drawn = bool;

    fn check(&self) -> Result<(), Error> {
        range::share("grayscale.probability", self.probability)
    }

    fn draw(&self, stream: &mut Stream) -> bool {
        stream.chance(self.probability)
    }

    fn apply(&self, images: Tensor<4>, drawn: &[bool]) -> Tensor<4> {
        #[cfg(feature = "cpu")]
        if is_cpu(&images.device()) {
            let change = |picture: &mut [f32]| each_pixel(picture, |colour| [luma(colour); 3]);
            return each_chosen(images, drawn, change);
        }
        let shape = images.dims();
        let colourless = gray(images.clone()).expand(shape);
        where_chosen(images, colourless, drawn.iter().copied())
    }
}
