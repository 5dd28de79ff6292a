//! Gamma: each colour on a curve of its own.

use burn::tensor::{Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::Augmentation;
use super::picture::Picture;
use crate::error::Error;
use crate::image::CHANNELS;
use crate::range;
use crate::rng::Stream;
use crate::vectors::{Loop, exp, ln, widest};

/// Raises each colour of a picture to a power: black and white stay, what is between gets lighter or
/// darker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
#[serde(deny_unknown_fields)]
pub struct Gamma {
    /// Largest change of the exponent's logarithm, one number a colour, at most [`Gamma::MOST`]: 0.7
    /// draws exponents from a half to two.
    pub strength: f64,
}

impl Gamma {
    /// Exponents of a seventh to seven.
    pub const MOST: f64 = 2.0;
}

/// Darker samples are taken as this, since 0 has no logarithm.
const DARKEST: f64 = 1e-4;

impl Augmentation for Gamma {
    /// An exponent a colour.
    type Drawn = [f64; CHANNELS];

    fn check(&self) -> Result<(), Error> {
        range::within("gamma.strength", self.strength, 0.0..=Self::MOST, "0 to 2")
    }

    fn draw(&self, stream: &mut Stream) -> [f64; CHANNELS] {
        [(); CHANNELS].map(|()| stream.uniform(-self.strength, self.strength).exp())
    }

    fn change(&self, picture: &mut Picture, exponents: &[f64; CHANNELS]) {
        for (plane, &exponent) in picture.planes_mut().zip(exponents) {
            widest(Raise { plane, exponent: exponent as f32 });
        }
    }

    fn transform(&self, images: Tensor<4>, drawn: &[[f64; CHANNELS]]) -> Tensor<4> {
        let exponents: Vec<f32> = drawn.as_flattened().iter().map(|&x| x as f32).collect();
        let data = TensorData::new(exponents, [drawn.len(), CHANNELS, 1, 1]);
        let exponents = Tensor::<4>::from_data(data, &images.device());
        (images.clamp(DARKEST, 1.0).log() * exponents).exp()
    }
}

/// A colour's samples and the exponent of their power.
struct Raise<'a> {
    plane: &'a mut [f32],
    exponent: f32,
}

impl Loop for Raise<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for sample in self.plane {
            *sample = exp(ln(sample.clamp(DARKEST as f32, 1.0)) * self.exponent);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::warp::tests::{close, noise, values};
    use super::*;

    #[test]
    fn each_colour_is_raised_to_its_power() {
        let drawn = [[0.5, 1.0, 2.0], [1.5, 0.7, 1.0]];
        let images = noise([2, 4, 5]);
        let planes = values(images.clone());
        let expected: Vec<f32> = planes
            .chunks(20)
            .zip(drawn.as_flattened())
            .flat_map(|(plane, &power)| {
                plane.iter().map(move |&x| f64::from(x).max(DARKEST).powf(power) as f32)
            })
            .collect();
        close(&values(Gamma { strength: 1.0 }.apply(images, &drawn)), &expected, "gamma");
    }
}
