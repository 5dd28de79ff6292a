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
use crate::vectors::{Loop, widest};

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
        let mut along = vec![0.0; picture.area()];
        for plane in picture.planes_mut() {
            widest(Blend { plane, along: &mut along, width, sign, share: share.abs() as f32 });
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

/// A plane of rows of `width` samples that is blended with its dilation, or with its erosion where the sign
/// is -1.
struct Blend<'a> {
    plane: &'a mut [f32],
    /// Room for a plane.
    along: &'a mut [f32],
    width: usize,
    sign: f32,
    share: f32,
}

impl Loop for Blend<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { plane, along, width, sign, share } = self;
        let rows = plane.chunks_exact(width).zip(along.chunks_exact_mut(width));
        rows.for_each(|(row, along)| lightest_along(row, along, sign));
        let last = (plane.len() / width).saturating_sub(1);
        for (y, row) in plane.chunks_exact_mut(width).enumerate() {
            let line = |y: usize| &along[y * width..(y + 1) * width];
            let [above, own, below] = [y.saturating_sub(1), y, (y + 1).min(last)].map(line);
            for (((sample, &above), &own), &below) in row.iter_mut().zip(above).zip(own).zip(below)
            {
                let extreme = lighter(lighter(above, own), below);
                *sample += (sign * extreme - *sample) * share;
            }
        }
    }
}

/// Of each sample of a row times the sign and its neighbours in the row, the lightest.
#[inline(always)]
fn lightest_along(row: &[f32], along: &mut [f32], sign: f32) {
    let last = row.len() - 1;
    let inner = row.iter().zip(&row[1..]).zip(row.iter().skip(2));
    for (along, ((&before, &own), &after)) in along.iter_mut().skip(1).zip(inner) {
        *along = lighter(lighter(sign * before, sign * own), sign * after);
    }
    along[0] = lighter(sign * row[0], sign * row[last.min(1)]);
    along[last] = lighter(sign * row[last.saturating_sub(1)], sign * row[last]);
}

/// As `f32::max`, in one instruction: no sample is NaN.
#[inline(always)]
fn lighter(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
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

    #[test]
    fn a_row_a_column_and_a_pixel_have_edges_alone() {
        let op = Morphology { probability: 1.0, strength: 1.0 };
        for size in [[1, 1], [1, 2], [2, 1], [1, 5], [5, 1], [3, 3]] {
            let images = noise([2, size[0], size[1]]);
            let planes = values(images.clone());
            let drawn = [Some(0.8), Some(-0.6)];
            let area = size[0] * size[1];
            let expected: Vec<f32> = (0..planes.len())
                .map(|at| {
                    let share = drawn[at / area / 3].unwrap();
                    blended(&planes[at / area * area..][..area], size, at % area, share)
                })
                .collect();
            close(&values(op.apply(images, &drawn)), &expected, &format!("{size:?}"));
        }
    }
}
