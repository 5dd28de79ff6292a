//! Dilation and erosion: strokes grow thicker or thinner.

use burn::tensor::Tensor;
use burn::tensor::module::max_pool2d;
use burn::tensor::ops::MaxPoolOptions;
use serde::{Deserialize, Serialize};

use super::groups::each_group;
use super::picture::Picture;
use super::{Augmentation, per_image};
use crate::error::Error;
use crate::range;
use crate::rng::Stream;

/// Blends a picture with its grey-scale dilation or erosion by a square of 3×3 pixels.
///
/// Dilation grows what is light, erosion what is dark, so outlines and strokes differ in thickness
/// as two draughtsmen's do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
#[serde(deny_unknown_fields)]
pub struct Morphology {
    /// How often, in [0, 1].
    pub probability: f64,
    /// Largest share of the dilation or the erosion in the blend, in [0, 1].
    pub strength: f64,
}

/// Side of the square, in pixels.
const SQUARE: usize = 3;

/// The lightest sample of the square around each; beyond the edges there is none.
fn dilated(images: Tensor<4>) -> Tensor<4> {
    let padding = [(SQUARE / 2, SQUARE / 2); 2];
    let options = MaxPoolOptions { stride: [1; 2], padding, ..MaxPoolOptions::new([SQUARE; 2]) };
    max_pool2d(images, options)
}

/// The lightest sample of the square around each sample of a plane of rows of `width` pixels.
fn dilated_plane(plane: &[f32], width: usize) -> Vec<f32> {
    let lightest = |of: &[f32]| of.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let around = |place: usize| place.saturating_sub(SQUARE / 2)..place + SQUARE / 2 + 1;
    let along: Vec<f32> = plane
        .chunks_exact(width)
        .flat_map(|row| {
            (0..width).map(move |x| lightest(&row[around(x).start..around(x).end.min(width)]))
        })
        .collect();
    let height = along.len() / width;
    let sample = |y: usize, x: usize| {
        let rows = around(y).start..around(y).end.min(height);
        rows.map(|y| along[y * width + x]).fold(f32::NEG_INFINITY, f32::max)
    };
    (0..height).flat_map(|y| (0..width).map(move |x| (y, x))).map(|(y, x)| sample(y, x)).collect()
}

impl Augmentation for Morphology {
    /// Share of the dilation where it is above 0, of the erosion where it is below.
    type Drawn = Option<f64>;

    fn check(&self) -> Result<(), Error> {
        range::share("morphology.probability", self.probability)?;
        range::share("morphology.strength", self.strength)
    }

    fn draw(&self, stream: &mut Stream) -> Option<f64> {
        let chosen = stream.chance(self.probability);
        let share = stream.uniform(-self.strength, self.strength);
        chosen.then_some(share)
    }

    fn change(&self, picture: &mut Picture, share: &Option<f64>) {
        let ([_, width], Some(share)) = (picture.size(), *share) else { return };
        // The darkest sample is the lightest of the negative.
        let sign = if share > 0.0 { 1.0 } else { -1.0 };
        let share = share.abs() as f32;
        for plane in picture.planes_mut() {
            let signed: Vec<f32> = plane.iter().map(|sample| sign * sample).collect();
            let extreme = dilated_plane(&signed, width);
            for (sample, extreme) in plane.iter_mut().zip(extreme) {
                *sample += (sign * extreme - *sample) * share;
            }
        }
    }

    fn transform(&self, images: Tensor<4>, drawn: &[Option<f64>]) -> Tensor<4> {
        let grows: Vec<Option<bool>> = drawn.iter().map(|d| d.map(|share| share > 0.0)).collect();
        each_group(images, &grows, |light, places, part| {
            let extreme =
                if light { dilated(part.clone()) } else { dilated(part.clone().neg()).neg() };
            let shares = places.iter().filter_map(|&place| drawn[place]).map(f64::abs);
            let shares = per_image(shares, &part.device());
            part.clone() + (extreme - part) * shares
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::warp::tests::{close, noise, values};
    use super::*;

    /// The sample at `place` of a plane `[h, w]`, blended by definition.
    fn blended(plane: &[f32], [h, w]: [usize; 2], place: usize, share: f64) -> f32 {
        let near = |at: usize, other: usize| at.abs_diff(other) <= SQUARE / 2;
        let around = (0..h * w)
            .filter(|other| near(place / w, other / w) && near(place % w, other % w))
            .map(|other| f64::from(plane[other]));
        let own = f64::from(plane[place]);
        let extreme = if share > 0.0 {
            around.fold(f64::NEG_INFINITY, f64::max)
        } else {
            around.fold(f64::INFINITY, f64::min)
        };
        (own + (extreme - own) * share.abs()) as f32
    }

    #[test]
    fn light_grows_or_dark_grows_by_the_share_drawn() {
        let (size, drawn) = ([6, 7], [Some(0.7), None, Some(-0.4), Some(1.0), Some(0.0)]);
        let images = noise([drawn.len(), 6, 7]);
        let planes = values(images.clone());
        let plane = size[0] * size[1];
        let expected: Vec<f32> = planes
            .chunks(plane)
            .enumerate()
            .flat_map(|(index, samples)| {
                let share = drawn[index / 3].unwrap_or(0.0);
                (0..plane).map(move |place| blended(samples, size, place, share))
            })
            .collect();
        let op = Morphology { probability: 1.0, strength: 1.0 };
        close(&values(op.apply(images, &drawn)), &expected, "morphology");
    }
}
