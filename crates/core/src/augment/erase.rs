//! Rectangles of a picture overwritten by one value.

use burn::tensor::{Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::Augmentation;
use super::crop::{RatioDraw, Region, sides};
use super::picture::Picture;
use crate::error::Error;
use crate::range;
use crate::rng::Stream;

/// Overwrites a rectangle inside the picture (torchvision's `RandomErasing`, Zhong et al. 2017).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
#[serde(deny_unknown_fields)]
pub struct Erase {
    /// How often, in [0, 1].
    pub probability: f64,
    /// Area of the rectangle as a share of the picture, lowest and highest.
    pub scale: [f64; 2],
    /// Width over height of the rectangle, lowest and highest; drawn log-uniformly. 1 and 1 is a
    /// square.
    pub ratio: [f64; 2],
    /// What it is overwritten by, in [0, 1].
    pub value: f64,
}

/// Overwrites a square around a random centre, of which the edges of the picture may cut off a part
/// (`DeVries` and Taylor 2017, with a random side as `FixMatch` has it).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
#[serde(deny_unknown_fields)]
pub struct CutOut {
    /// How often, in [0, 1].
    pub probability: f64,
    /// Largest side as a share of the picture's; each side up to it is as likely.
    pub side: f64,
    /// What it is overwritten by, in [0, 1].
    pub value: f64,
}

/// torchvision's number of tries to find a rectangle that fits, before the picture is left alone.
const TRIES: usize = 10;

impl Augmentation for Erase {
    type Drawn = Option<Region>;

    fn check(&self) -> Result<(), Error> {
        range::share("erase.probability", self.probability)?;
        self.scale.into_iter().try_for_each(|share| range::share("erase.scale", share))?;
        range::share("erase.value", self.value)?;
        range::interval("erase.scale", self.scale, 0.0)?;
        range::interval("erase.ratio", self.ratio, 0.0)
    }

    fn draw(&self, stream: &mut Stream) -> Option<Region> {
        if !stream.chance(self.probability) {
            return None;
        }
        (0..TRIES)
            .map(|_| sides(self.scale, (self.ratio, RatioDraw::LogUniform), stream))
            .find(|(height, width)| *height <= 1.0 && *width <= 1.0)
            .map(|(height, width)| Region::placed(height, width, stream))
    }

    fn change(&self, picture: &mut Picture, region: &Option<Region>) {
        overwrite_one(picture, region, self.value);
    }

    fn transform(&self, images: Tensor<4>, drawn: &[Option<Region>]) -> Tensor<4> {
        overwrite(images, drawn, self.value)
    }
}

impl Augmentation for CutOut {
    type Drawn = Option<Region>;

    fn check(&self) -> Result<(), Error> {
        range::share("cut_out.probability", self.probability)?;
        range::share("cut_out.side", self.side)?;
        range::share("cut_out.value", self.value)
    }

    fn draw(&self, stream: &mut Stream) -> Option<Region> {
        let chosen = stream.chance(self.probability);
        let side = stream.uniform(0.0, self.side);
        let mut along = || {
            let centre = stream.unit();
            let start = (centre - side / 2.0).max(0.0);
            (start, (centre + side / 2.0).min(1.0) - start)
        };
        let ((top, height), (left, width)) = (along(), along());
        chosen.then_some(Region { top, left, height, width })
    }

    fn change(&self, picture: &mut Picture, region: &Option<Region>) {
        overwrite_one(picture, region, self.value);
    }

    fn transform(&self, images: Tensor<4>, drawn: &[Option<Region>]) -> Tensor<4> {
        overwrite(images, drawn, self.value)
    }
}

/// Writes `value` into a rectangle of a picture, in whole pixels and at least one.
fn overwrite_one(picture: &mut Picture, region: &Option<Region>, value: f64) {
    let ([h, w], Some(region)) = (picture.size(), region) else { return };
    let (top, height) = Region::pixels(region.top, region.height, h);
    let (left, width) = Region::pixels(region.left, region.width, w);
    for plane in picture.planes_mut() {
        let rows = plane.chunks_exact_mut(w).skip(top).take(height);
        rows.for_each(|row| row[left..left + width].fill(value as f32));
    }
}

/// Writes `value` into each picture's rectangle, in whole pixels and at least one.
fn overwrite(images: Tensor<4>, regions: &[Option<Region>], value: f64) -> Tensor<4> {
    let [n, _, h, w] = images.dims();
    let device = images.device();
    let inside = |size: usize, edges: fn(&Region) -> (f64, f64)| {
        let mut inside = vec![0.0_f32; n * size];
        for (row, region) in inside.chunks_mut(size).zip(regions) {
            if let Some((start, length)) = region.as_ref().map(edges) {
                let (first, count) = Region::pixels(start, length, size);
                row[first..first + count].fill(1.0);
            }
        }
        inside
    };
    let rows = TensorData::new(inside(h, |r| (r.top, r.height)), [n, 1, h, 1]);
    let columns = TensorData::new(inside(w, |r| (r.left, r.width)), [n, 1, 1, w]);
    let inside = Tensor::<4>::from_data(rows, &device) * Tensor::from_data(columns, &device);
    images * inside.clone().neg().add_scalar(1.0) + inside.mul_scalar(value)
}

#[cfg(test)]
mod tests {
    use super::super::warp::tests::{noise, values};
    use super::*;
    use crate::rng::{Purpose, stream};

    fn drawn<A: Augmentation>(op: &A, count: u64) -> Vec<A::Drawn> {
        (0..count).map(|i| op.draw(&mut stream(4, Purpose::Test, 0, i))).collect()
    }

    /// Pixels of each picture that were overwritten by 2, which no picture holds.
    fn erased(drawn: &[Option<Region>], [h, w]: [usize; 2]) -> Vec<Vec<(usize, usize)>> {
        let own = values(noise([drawn.len(), h, w]));
        let out = values(overwrite(noise([drawn.len(), h, w]), drawn, 2.0));
        let area = h * w;
        let one = |picture: usize| {
            let plane = |plane: usize| (3 * picture + plane) * area;
            let hit = |place: &usize| {
                let hits = [0, 1, 2].map(|p| out[plane(p) + place] == 2.0);
                assert!(hits == [hits[0]; 3], "planes differ at {place}");
                let kept = [0, 1, 2].map(|p| out[plane(p) + place] == own[plane(p) + place]);
                assert!(hits[0] || kept == [true; 3], "a pixel outside changed");
                hits[0]
            };
            (0..area).filter(hit).map(|place| (place / w, place % w)).collect()
        };
        (0..drawn.len()).map(one).collect()
    }

    /// First row, first column, rows and columns of a full rectangle.
    fn rectangle(pixels: &[(usize, usize)]) -> [usize; 4] {
        let top = pixels.iter().map(|p| p.0).min().unwrap();
        let left = pixels.iter().map(|p| p.1).min().unwrap();
        let height = pixels.iter().map(|p| p.0).max().unwrap() - top + 1;
        let width = pixels.iter().map(|p| p.1).max().unwrap() - left + 1;
        assert_eq!(pixels.len(), height * width, "a full rectangle");
        [top, left, height, width]
    }

    #[test]
    fn a_square_of_that_area_is_erased_half_of_the_time_and_never_cut() {
        let op = Erase { probability: 0.5, scale: [0.111; 2], ratio: [1.0; 2], value: 0.0 };
        let drawn = drawn(&op, 400);
        let mut hit = 0;
        for pixels in erased(&drawn, [30, 30]).iter().filter(|pixels| !pixels.is_empty()) {
            let [_, _, height, width] = rectangle(pixels);
            // The root of 0.111 · 900 is 9.995.
            assert_eq!([height, width], [10, 10]);
            hit += 1;
        }
        assert!((160..240).contains(&hit), "{hit} of 400");
    }

    #[test]
    fn rectangles_have_the_areas_and_shapes_asked_for() {
        let op = Erase { probability: 1.0, scale: [0.1, 0.3], ratio: [0.5, 2.0], value: 0.0 };
        for region in drawn(&op, 1_000) {
            let Region { top, left, height, width } = region.unwrap();
            assert!((0.1..0.3).contains(&(height * width)), "{height} × {width}");
            assert!((0.5..=2.0).contains(&(width / height)), "{height} × {width}");
            assert!(top >= 0.0 && top + height <= 1.0 && left >= 0.0 && left + width <= 1.0);
        }
    }

    #[test]
    fn a_rectangle_that_never_fits_erases_nothing() {
        let op = Erase { probability: 1.0, scale: [0.5; 2], ratio: [8.0; 2], value: 0.0 };
        assert!(drawn(&op, 20).iter().all(Option::is_none));
    }

    #[test]
    fn a_square_is_cut_off_at_the_edges_alone() {
        let op = CutOut { probability: 1.0, side: 0.5, value: 0.5 };
        let drawn = drawn(&op, 400);
        let (mut largest, mut cut) = (0, 0);
        for pixels in erased(&drawn, [32, 32]) {
            let [top, left, height, width] = rectangle(&pixels);
            let at_edge = top == 0 || left == 0 || top + height == 32 || left + width == 32;
            assert!(at_edge || height.abs_diff(width) <= 1, "{height} × {width}");
            cut += usize::from(height.abs_diff(width) > 1);
            largest = largest.max(height);
        }
        assert!((15..=16).contains(&largest), "{largest}");
        assert!(cut > 20, "{cut}");
    }
}
