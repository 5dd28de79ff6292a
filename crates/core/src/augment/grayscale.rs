//! Grayscale: the same luma in all three planes.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::picture::{Picture, luma};
use super::{Augmentation, gray, where_chosen};
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

    fn change(&self, picture: &mut Picture, chosen: &bool) {
        if *chosen {
            picture.each_pixel(|colour| [luma(colour); 3]);
        }
    }

    fn transform(&self, images: Tensor<4>, drawn: &[bool]) -> Tensor<4> {
        let shape = images.dims();
        let colourless = gray(images.clone()).expand(shape);
        where_chosen(images, colourless, drawn.iter().copied())
    }
}
