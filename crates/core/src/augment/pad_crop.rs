//! A picture padded by reflection and cropped back at random.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::Augmentation;
use super::axis::{Axis, Beyond, Span};
use super::reflect::PerAxis;
use crate::rng::Stream;

/// Moves the picture by whole pixels; what comes in is mirrored without repeating the edge pixel
/// (torchvision's `RandomCrop` with padding mode `reflect`: the weak view of `FixMatch`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PadCrop {
    /// Pixels padded on each edge, as a share of the side, rounded.
    pub pad: f64,
}

impl Augmentation for PadCrop {
    /// Place of the crop among the possible ones, in [0, 1).
    type Drawn = PerAxis;

    fn draw(&self, stream: &mut Stream) -> PerAxis {
        let height = stream.unit();
        PerAxis { height, width: stream.unit() }
    }

    fn apply(&self, images: Tensor<4>, drawn: &[PerAxis]) -> Tensor<4> {
        let [_, _, h, w] = images.dims();
        let device = images.device();
        let axis = |size: usize, place: fn(&PerAxis) -> f64| {
            let pad = (self.pad * size as f64).round();
            let start = |d| (place(d) * (2.0 * pad + 1.0)).floor() - pad;
            let spans: Vec<_> = drawn.iter().map(|d| Span { start: start(d), step: 1.0 }).collect();
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

    #[test]
    fn views_are_crops_of_the_padded_picture() {
        let (size, pad) = (8_i64, 2_i64);
        let op = PadCrop { pad: 0.25 };
        let drawn: Vec<_> =
            (0..300).map(|i| op.draw(&mut stream(6, Purpose::Test, 0, i))).collect();
        let images = noise([1, 8, 8]).repeat_dim(0, 300);
        let own = values(noise([1, 8, 8]));
        let reflected = |place: i64| {
            let place = place.abs();
            if place < size { place } else { 2 * (size - 1) - place }
        };
        let mut seen = vec![0; 25];
        for view in values(op.apply(images, &drawn)).chunks(3 * 64) {
            let is_crop = |shift: &i64| {
                let (down, across) = (shift / 5 - pad, shift % 5 - pad);
                (0..3 * size * size).all(|i| {
                    let (plane, y, x) = (i / 64, i / 8 % 8, i % 8);
                    let place = plane * 64 + reflected(y + down) * 8 + reflected(x + across);
                    (view[i as usize] - own[place as usize]).abs() < 1e-6
                })
            };
            let shift = (0..25).find(is_crop).expect("one of the 25 crops");
            seen[shift as usize] += 1;
        }
        assert!(seen.iter().all(|&count| count > 0), "each crop turns up: {seen:?}");
    }
}
