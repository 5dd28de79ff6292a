//! Horizontal flip.

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

    fn apply(&self, images: Tensor<4>, drawn: &[bool]) -> Tensor<4> {
        #[cfg(feature = "cpu")]
        if is_cpu(&images.device()) {
            let width = images.dims()[3].max(1);
            return each_chosen(images, drawn, |picture| {
                picture.chunks_exact_mut(width).for_each(<[f32]>::reverse);
            });
        }
        let mirrored = images.clone().flip([3]);
        where_chosen(images, mirrored, drawn.iter().copied())
    }
}
