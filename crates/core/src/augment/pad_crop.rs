//! A picture padded by reflection and cropped back at random.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::Augmentation;
use super::axis::{Axis, Beyond, Span};
use super::picture::Picture;
use super::reflect::PerAxis;
use crate::error::Error;
use crate::range;
use crate::rng::Stream;

/// Moves the picture by whole pixels; what comes in is mirrored without repeating the edge pixel
/// (torchvision's `RandomCrop` with padding mode `reflect`: the weak view of `FixMatch`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
#[serde(deny_unknown_fields)]
pub struct PadCrop {
    /// Pixels padded on each edge, as a share of the side, rounded.
    pub pad: f64,
}

impl PadCrop {
    /// The crop at a place among the possible ones of an axis of `size` pixels.
    fn span(&self, place: f64, size: usize) -> Span {
        let pad = (self.pad * size as f64).round();
        Span { start: (place * (2.0 * pad + 1.0)).floor() - pad, step: 1.0 }
    }
}

impl Augmentation for PadCrop {
    /// Place of the crop among the possible ones, in [0, 1).
    type Drawn = PerAxis;

    fn check(&self) -> Result<(), Error> {
        range::share("pad_crop.pad", self.pad)
    }

    fn draw(&self, stream: &mut Stream) -> PerAxis {
        let height = stream.unit();
        PerAxis { height, width: stream.unit() }
    }

    fn change(&self, picture: &mut Picture, drawn: &PerAxis) {
        let [h, w] = picture.size();
        let taps = |place, size| self.span(place, size).taps([size; 2], Beyond::Mirror);
        picture.resample(&taps(drawn.height, h), &taps(drawn.width, w));
    }

    fn transform(&self, images: Tensor<4>, drawn: &[PerAxis]) -> Tensor<4> {
        let [_, _, h, w] = images.dims();
        let device = images.device();
        let axis = |size: usize, place: fn(&PerAxis) -> f64| {
            let spans: Vec<_> = drawn.iter().map(|d| self.span(place(d), size)).collect();
            Axis::bilinear(&spans, size, size, Beyond::Mirror, &device)
        };
        axis(h, |d| d.height).resample(axis(w, |d| d.width), images)
    }
}

#[cfg(test)]
mod tests {
    use super::super::warp::tests::{noise, values};
    use super::*;
    use crate::rng::{Purpose, stream};

    const SIZE: usize = 8;
    /// Pixels padded, and places of the crop along an axis.
    const PAD: usize = 2;
    const PLACES: usize = 2 * PAD + 1;

    /// The pixel that lies at `place` of the padded axis, by numpy's `pad` with mode `reflect`.
    fn reflected(place: usize) -> usize {
        let place = place.abs_diff(PAD);
        if place < SIZE { place } else { 2 * (SIZE - 1) - place }
    }

    /// Sample `i` of the crop at a place, of a picture `[3, 8, 8]`.
    fn cropped(own: &[f32], place: usize, i: usize) -> f32 {
        let (plane, y, x) = (i / (SIZE * SIZE), i / SIZE % SIZE, i % SIZE);
        let (y, x) = (reflected(y + place / PLACES), reflected(x + place % PLACES));
        own[(plane * SIZE + y) * SIZE + x]
    }

    #[test]
    fn views_are_crops_of_the_padded_picture() {
        let op = PadCrop { pad: 0.25 };
        let drawn: Vec<_> =
            (0..300).map(|i| op.draw(&mut stream(6, Purpose::Test, 0, i))).collect();
        let images = noise([1, SIZE, SIZE]).repeat_dim(0, 300);
        let own = values(noise([1, SIZE, SIZE]));
        let mut seen = [0; PLACES * PLACES];
        for view in values(op.apply(images, &drawn)).chunks(3 * SIZE * SIZE) {
            let is_crop = |&place: &usize| {
                view.iter().enumerate().all(|(i, x)| (x - cropped(&own, place, i)).abs() < 1e-6)
            };
            let place = (0..seen.len()).find(is_crop).expect("a crop of the padded picture");
            seen[place] += 1;
        }
        assert!(seen.iter().all(|&count| count > 0), "each crop turns up: {seen:?}");
    }
}
