//! Horizontal flip.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::picture::Picture;
use super::{Augmentation, where_chosen};
use crate::error::Error;
use crate::range;
use crate::rng::Stream;

/// Mirrors left and right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
#[serde(deny_unknown_fields)]
pub struct Flip {
    /// How often, in [0, 1].
    pub probability: f64,
}

impl Augmentation for Flip {
    type Drawn = bool;

    fn check(&self) -> Result<(), Error> {
        range::share("flip.probability", self.probability)
    }

    fn draw(&self, stream: &mut Stream) -> bool {
        stream.chance(self.probability)
    }

    fn change(&self, picture: &mut Picture, chosen: &bool) {
        if *chosen {
            picture.rows_mut().for_each(<[f32]>::reverse);
        }
    }

    fn transform(&self, images: Tensor<4>, drawn: &[bool]) -> Tensor<4> {
        let mirrored = images.clone().flip([3]);
        where_chosen(images, mirrored, drawn.iter().copied())
    }
}
