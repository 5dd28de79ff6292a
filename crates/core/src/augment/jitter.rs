//! Colour jitter: brightness, contrast, saturation and hue in a random order a picture.

mod pixels;

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::color::{Matrix, mix, upload};
use super::groups::each_group;
use super::picture::Picture;
use super::{Augmentation, LUMA, gray, per_image, planes};
use crate::error::Error;
use crate::range;
use crate::rng::Stream;

/// torchvision's `ColorJitter`, applied with a probability (`SimCLR`, appendix A).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
#[serde(deny_unknown_fields)]
pub struct ColorJitter {
    /// How often, in [0, 1].
    pub probability: f64,
    /// Factor in [1 - b, 1 + b], not below 0.
    pub brightness: f64,
    /// Blend with the mean luma, factor as for brightness.
    pub contrast: f64,
    /// Blend with the luma, factor as for brightness.
    pub saturation: f64,
    /// Turn of the hue circle in [-h, h], at most 0.5.
    pub hue: f64,
}

/// One of the four changes, with what was drawn for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// Pixels times the factor.
    Brightness(f64),
    /// Blend with the picture's mean luma.
    Contrast(f64),
    /// Blend with each pixel's luma.
    Saturation(f64),
    /// Part of a turn of the hue circle.
    Hue(f64),
}

/// Keeps divisions by a colourless pixel's zero range finite.
const TINY: f64 = 1e-12;
/// Sectors of the hue circle.
const SECTORS: f64 = 6.0;

impl Augmentation for ColorJitter {
    /// The four changes in their order, or nothing for a picture left alone.
    type Drawn = Option<[Change; 4]>;

    fn check(&self) -> Result<(), Error> {
        range::share("color_jitter.probability", self.probability)
    }

    fn draw(&self, stream: &mut Stream) -> Self::Drawn {
        let chosen = stream.chance(self.probability);
        let mut factor = |strength: f64| stream.uniform((1.0 - strength).max(0.0), 1.0 + strength);
        let mut changes = [
            Change::Brightness(factor(self.brightness)),
            Change::Contrast(factor(self.contrast)),
            Change::Saturation(factor(self.saturation)),
            Change::Hue(stream.uniform(-self.hue, self.hue)),
        ];
        stream.shuffle(&mut changes);
        chosen.then_some(changes)
    }

    fn change(&self, picture: &mut Picture, drawn: &Self::Drawn) {
        drawn.iter().flatten().for_each(|change| change.make(picture));
    }

    fn transform(&self, images: Tensor<4>, drawn: &[Self::Drawn]) -> Tensor<4> {
        (0..4).fold(images, |images, slot| {
            let slot: Vec<_> = drawn.iter().map(|changes| changes.map(|c| c[slot])).collect();
            turn_hues(blend(images, &slot), &slot)
        })
    }
}

impl Change {
    /// The change as a colour matrix and a weight of the mean luma.
    fn as_blend(self) -> (Matrix, f64) {
        let scaled = |f: f64| [[f, 0.0, 0.0], [0.0, f, 0.0], [0.0, 0.0, f]];
        match self {
            Self::Brightness(f) => (scaled(f), 0.0),
            Self::Contrast(f) => (scaled(f), 1.0 - f),
            Self::Saturation(f) => {
                let mut matrix = scaled(f);
                for (entry, luma) in matrix.as_flattened_mut().iter_mut().zip(luma_rows()) {
                    *entry += (1.0 - f) * luma;
                }
                (matrix, 0.0)
            }
            Self::Hue(_) => (scaled(1.0), 0.0),
        }
    }
}

/// The luma's weight of each entry of a colour matrix: the same along a row.
fn luma_rows() -> impl Iterator<Item = f64> {
    LUMA.into_iter().flat_map(|luma| [luma; 3])
}

/// Brightness, contrast and saturation of a slot: a matrix a picture plus a share of its mean luma.
pub(super) fn blend(images: Tensor<4>, slot: &[Option<Change>]) -> Tensor<4> {
    let device = images.device();
    let (matrices, weights): (Vec<_>, Vec<_>) =
        slot.iter().map(|c| c.unwrap_or(Change::Brightness(1.0)).as_blend()).unzip();
    let mean = gray(images.clone()).mean_dim(3).mean_dim(2);
    let shift = mean * per_image(weights.into_iter(), &device);
    (mix(images, Tensor::from_data(upload(&matrices), &device)) + shift).clamp(0.0, 1.0)
}

/// Turns the hue of those pictures whose slot says so, and leaves the others as they are.
fn turn_hues(images: Tensor<4>, slot: &[Option<Change>]) -> Tensor<4> {
    let turn = |change: &Option<Change>| match change {
        Some(Change::Hue(turn)) => Some(*turn),
        _ => None,
    };
    let turned: Vec<Option<()>> = slot.iter().map(|change| turn(change).map(|_| ())).collect();
    each_group(images, &turned, |(), places, part| {
        let turns = places.iter().filter_map(|&place| turn(&slot[place]));
        let turns = per_image(turns, &part.device());
        turn_hue(part, turns)
    })
}

/// Adds a part of a turn, `[n, 1, 1, 1]`, to the hue, by way of hue, saturation and value.
fn turn_hue(images: Tensor<4>, turns: Tensor<4>) -> Tensor<4> {
    let [red, green, blue] = planes(images.clone());
    let value = images.clone().max_dim(1);
    let range = value.clone() - images.min_dim(1);
    let safe = range.clone().clamp_min(TINY);
    let sector = |a: &Tensor<4>, b: &Tensor<4>, start: f64| {
        ((a.clone() - b.clone()) / safe.clone()).add_scalar(start)
    };
    // The sector of the largest plane; red wins ties over green, green over blue.
    let hue = sector(&red, &green, 4.0)
        .mask_where(green.clone().equal(value.clone()), sector(&blue, &red, 2.0))
        .mask_where(red.equal(value.clone()), sector(&green, &blue, 0.0));
    let hue = hue + turns.mul_scalar(SECTORS);
    let plane = |start: f64| {
        let k = wrapped(hue.clone().add_scalar(start));
        let falling = k.clone().neg().add_scalar(4.0);
        let share = Tensor::cat(vec![k, falling], 1).min_dim(1).clamp(0.0, 1.0);
        value.clone() - range.clone() * share
    };
    Tensor::cat(vec![plane(5.0), plane(3.0), plane(1.0)], 1).clamp(0.0, 1.0)
}

/// The remainder of dividing by a full circle, in [0, 6).
fn wrapped(sectors: Tensor<4>) -> Tensor<4> {
    let turns = sectors.clone().div_scalar(SECTORS).floor();
    sectors - turns.mul_scalar(SECTORS)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests run natively and read what they computed")]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    fn one_pixel(rgb: [f32; 3], changes: [Change; 4]) -> Vec<f32> {
        let image = TensorData::new(rgb.to_vec(), [1, 3, 1, 1]);
        let image = Tensor::from_data(image, &Device::flex());
        let jitter = ColorJitter {
            probability: 1.0,
            brightness: 0.0,
            contrast: 0.0,
            saturation: 0.0,
            hue: 0.0,
        };
        jitter.apply(image, &[Some(changes)]).into_data().try_to_vec().unwrap()
    }

    fn close(got: &[f32], expected: [f32; 3]) {
        let far = got.iter().zip(expected).any(|(g, e)| (g - e).abs() > 1e-5);
        assert!(!far, "expected {expected:?}, got {got:?}");
    }

    const NOTHING: Change = Change::Brightness(1.0);

    #[test]
    fn a_pixel_at_a_time_or_all_at_once_turn_to_the_same_bits() {
        let mut stream = crate::rng::stream(4, crate::rng::Purpose::Test, 0, 0);
        // Also coarse samples, of which planes are often equal.
        let mut sample = |at| {
            let fine = stream.unit() as f32;
            if at % 2 == 0 { (fine * 8.0).floor() / 8.0 } else { fine }
        };
        let samples: Vec<f32> = (0..30 * 3 * 35).map(&mut sample).collect();
        let turns: Vec<f64> = (0..30).map(|_| stream.uniform(-0.5, 0.5)).collect();
        let one = samples.chunks(3 * 35).zip(&turns).flat_map(|(samples, &turn)| {
            let mut picture = Picture::new(samples.to_vec(), [5, 7]);
            Change::Hue(turn).make(&mut picture);
            picture.samples().to_vec()
        });
        let bits = |x: Vec<f32>| -> Vec<u32> { x.into_iter().map(f32::to_bits).collect() };
        let one = bits(one.collect());
        assert_ne!(one, bits(samples.clone()), "most pixels are changed");
        let images = TensorData::new(samples, [30, 3, 5, 7]);
        let images: Tensor<4> = Tensor::from_data(images, &Device::flex());
        let turns = per_image(turns.into_iter(), &images.device());
        let all = turn_hue(images, turns).into_data().try_to_vec().unwrap();
        assert_eq!(one, bits(all));
    }

    #[test]
    fn a_third_of_a_turn_moves_red_to_green() {
        let third = Change::Hue(1.0 / 3.0);
        close(&one_pixel([1.0, 0.0, 0.0], [third, NOTHING, NOTHING, NOTHING]), [0.0, 1.0, 0.0]);
        close(&one_pixel([0.2, 0.4, 0.9], [third, NOTHING, NOTHING, NOTHING]), [0.9, 0.2, 0.4]);
    }

    #[test]
    fn no_turn_changes_nothing() {
        for rgb in [[0.3, 0.3, 0.3], [0.1, 0.9, 0.5], [0.0, 0.0, 0.0], [0.7, 0.2, 0.7]] {
            close(&one_pixel(rgb, [Change::Hue(0.0), NOTHING, NOTHING, NOTHING]), rgb);
        }
    }

    #[test]
    fn order_matters_and_is_kept() {
        let rgb = [0.8, 0.2, 0.2];
        let (light, dull) = (Change::Brightness(1.5), Change::Saturation(0.5));
        let luma = 0.299 * 0.8 + 0.701 * 0.2;
        let dulled = rgb.map(|p: f32| 0.5 * p + 0.5 * luma);
        close(&one_pixel(rgb, [dull, light, NOTHING, NOTHING]), dulled.map(|p| (1.5 * p).min(1.0)));
        let lit: [f32; 3] = [1.0, 0.3, 0.3];
        let luma = 0.299 + 0.701 * 0.3;
        close(&one_pixel(rgb, [light, dull, NOTHING, NOTHING]), lit.map(|p| 0.5 * p + 0.5 * luma));
    }

    #[test]
    fn no_contrast_leaves_the_mean_luma() {
        close(
            &one_pixel([0.8, 0.2, 0.2], [Change::Contrast(0.0), NOTHING, NOTHING, NOTHING]),
            [0.3794; 3],
        );
    }
}
