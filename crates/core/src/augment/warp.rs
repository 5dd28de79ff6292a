//! Pictures seen through an affine map: what rotation, shear, scale and shift have in common.

use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::picture::Picture;

/// Which point of the picture each pixel of the result shows: x' = a·x + b·y + c and likewise y'.
///
/// In pixels; the upper left corner is (0, 0), the centre of the first pixel (½, ½).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Warp(pub [[f64; 3]; 2]);

/// What a point between the centres of pixels shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum Interpolation {
    /// The pixel that it lies in (Pillow's default).
    Nearest,
    /// A mean of the four around it, by nearness; beyond the edge counts as the fill.
    Bilinear,
}

impl Warp {
    /// A linear map around the centre of a picture of `size` = [h, w], then a `shift` (x, y).
    pub fn around_centre(
        [[a, b], [c, d]]: [[f64; 2]; 2],
        shift: [f64; 2],
        size: [usize; 2],
    ) -> Self {
        let [y, x] = size.map(|pixels| pixels as f64 / 2.0);
        Self([[a, b, x - a * x - b * y + shift[0]], [c, d, y - c * x - d * y + shift[1]]])
    }

    /// Warps a picture; what lies outside of it is `fill`.
    pub(super) fn change(self, picture: &mut Picture, interpolation: Interpolation, fill: f64) {
        let ([h, w], rows) = (picture.size(), self.0.map(|row| row.map(|x| x as f32)));
        let points: Vec<[f32; 2]> = (0..h)
            .flat_map(|y| (0..w).map(move |x| [x as f32 + 0.5, y as f32 + 0.5]))
            .map(|[x, y]| rows.map(|[a, b, c]| x * a + (y * b + c)))
            .collect();
        for plane in picture.planes_mut() {
            let own = Plane { samples: plane.to_vec(), size: [h, w], fill: fill as f32 };
            let seen = |&[x, y]: &[f32; 2]| match interpolation {
                Interpolation::Nearest => own.at(x, y),
                Interpolation::Bilinear => own.between(x - 0.5, y - 0.5),
            };
            plane.iter_mut().zip(&points).for_each(|(sample, point)| *sample = seen(point));
        }
    }
}

/// A plane that goes on beyond its edges.
struct Plane {
    samples: Vec<f32>,
    size: [usize; 2],
    fill: f32,
}

impl Plane {
    /// The sample whose pixel a point lies in.
    fn at(&self, x: f32, y: f32) -> f32 {
        let [h, w] = self.size;
        let inside = x >= 0.0 && y >= 0.0 && x < w as f32 && y < h as f32;
        if inside { self.samples[y as usize * w + x as usize] } else { self.fill }
    }

    /// The mean of the four samples around a point, by nearness.
    fn between(&self, x: f32, y: f32) -> f32 {
        let (left, top) = (x.floor(), y.floor());
        let row = |y: f32| {
            let first = self.at(left, y);
            first + (self.at(left + 1.0, y) - first) * (x - left)
        };
        let upper = row(top);
        upper + (row(top + 1.0) - upper) * (y - top)
    }
}

/// A number or another for each picture, `[n, 1, 1]`.
fn entry(warps: &[Warp], [row, column]: [usize; 2], device: &Device) -> Tensor<3> {
    let numbers: Vec<f32> = warps.iter().map(|warp| warp.0[row][column] as f32).collect();
    Tensor::from_data(TensorData::new(numbers, [warps.len(), 1, 1]), device)
}

/// Centres of pixels along an axis: ½, 1½, …
fn centres(size: usize, device: &Device) -> Tensor<1> {
    let centres: Vec<f32> = (0..size).map(|i| i as f32 + 0.5).collect();
    Tensor::from_data(TensorData::new(centres, [size]), device)
}

/// Warps each picture of `[n, 3, h, w]`; what lies outside of it is `fill`.
///
/// By gathering: burn's sampler of grids says nothing that this does not, and would be a tenth of
/// what a browser downloads for the CPU.
pub(super) fn warp(
    images: Tensor<4>,
    warps: &[Warp],
    interpolation: Interpolation,
    fill: f64,
) -> Tensor<4> {
    let [n, c, h, w] = images.dims();
    let device = images.device();
    let x = centres(w, &device).reshape([1, 1, w]);
    let y = centres(h, &device).reshape([1, h, 1]);
    let along = |row: usize| {
        let number = |column| entry(warps, [row, column], &device);
        x.clone() * number(0) + (y.clone() * number(1) + number(2))
    };
    let (x, y, pictures) = (along(0), along(1), images.reshape([n, c, h * w]));
    let at = |x: Tensor<3>, y: Tensor<3>| pixels(&pictures, [x, y], [h, w], fill);
    let seen = match interpolation {
        Interpolation::Nearest => at(x.floor(), y.floor()),
        Interpolation::Bilinear => {
            let (x, y) = (x.sub_scalar(0.5), y.sub_scalar(0.5));
            let (left, top) = (x.clone().floor(), y.clone().floor());
            let share = |point: Tensor<3>, whole: &Tensor<3>| {
                (point - whole.clone()).reshape([n, 1, h * w])
            };
            let (across, down) = (share(x, &left), share(y, &top));
            let row = |y: Tensor<3>| {
                let first = at(left.clone(), y.clone());
                let second = at(left.clone().add_scalar(1.0), y);
                first.clone() + (second - first) * across.clone()
            };
            let upper = row(top.clone());
            upper.clone() + (row(top.add_scalar(1.0)) - upper) * down
        }
    };
    seen.reshape([n, c, h, w])
}

/// The pixels of pictures `[n, c, h·w]` in columns x and rows y, whole numbers `[n, h, w]`: fill
/// beyond the edges.
fn pixels(
    pictures: &Tensor<3>,
    [x, y]: [Tensor<3>; 2],
    [h, w]: [usize; 2],
    fill: f64,
) -> Tensor<3> {
    let [n, c, area] = pictures.dims();
    // 1 for whole numbers in [0, size), else 0.
    let within = |point: &Tensor<3>, size: usize| {
        let after = point.clone().add_scalar(1.0).clamp(0.0, 1.0);
        after * point.clone().neg().add_scalar(size as f64).clamp(0.0, 1.0)
    };
    let inside = (within(&x, w) * within(&y, h)).reshape([n, 1, area]);
    let column = x.clamp(0.0, w as f64 - 1.0);
    let place = y.clamp(0.0, h as f64 - 1.0).mul_scalar(w as f64) + column;
    let place = place.int().reshape([n, 1, area]).expand([n, c, area]);
    let outside = inside.clone().neg().add_scalar(1.0).mul_scalar(fill);
    pictures.clone().gather(2, place) * inside + outside
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests run natively and read what they computed")]
pub(super) mod tests {
    use super::*;
    use crate::rng::{Purpose, stream};

    /// Noise on the 256 levels, `[n, 3, h, w]`.
    pub(in super::super) fn noise([n, h, w]: [usize; 3]) -> Tensor<4> {
        let mut stream = stream(3, Purpose::Test, 0, 0);
        let pixels: Vec<f32> =
            (0..n * 3 * h * w).map(|_| stream.below(256) as f32 / 255.0).collect();
        Tensor::from_data(TensorData::new(pixels, [n, 3, h, w]), &Device::flex())
    }

    pub(in super::super) fn values(images: Tensor<4>) -> Vec<f32> {
        images.into_data().try_to_vec().unwrap()
    }

    /// The pixel at whole (y, x) of a plane `[h, w]`, the fill beyond it.
    fn pixel(plane: &[f32], [h, w]: [usize; 2], [y, x]: [f64; 2], fill: f64) -> f64 {
        let inside = x >= 0.0 && y >= 0.0 && x < w as f64 && y < h as f64;
        if inside { f64::from(plane[y as usize * w + x as usize]) } else { fill }
    }

    /// The same by the book: a loop over pixels, in f64.
    pub(in super::super) fn by_the_book(
        image: &[f32],
        size: [usize; 2],
        Warp([[a, b, c], [d, e, f]]): Warp,
        interpolation: Interpolation,
        fill: f64,
    ) -> Vec<f32> {
        let [h, w] = size;
        let sample = |(plane, place): (&[f32], usize)| {
            let (y, x) = ((place / w) as f64 + 0.5, (place % w) as f64 + 0.5);
            let (y, x) = (d * x + e * y + f, a * x + b * y + c);
            let at = |y, x| pixel(plane, size, [y, x], fill);
            if interpolation == Interpolation::Nearest {
                return at(y.floor(), x.floor()) as f32;
            }
            let (top, left) = ((y - 0.5).floor(), (x - 0.5).floor());
            let (v, u) = (y - 0.5 - top, x - 0.5 - left);
            let row = |y| at(y, left) * (1.0 - u) + at(y, left + 1.0) * u;
            (row(top) * (1.0 - v) + row(top + 1.0) * v) as f32
        };
        image
            .chunks(h * w)
            .flat_map(|plane| (0..h * w).map(move |p| (plane, p)))
            .map(sample)
            .collect()
    }

    pub(in super::super) fn close(got: &[f32], expected: &[f32], name: &str) {
        assert_eq!(got.len(), expected.len());
        for (place, (got, expected)) in got.iter().zip(expected).enumerate() {
            let far = (got - expected).abs();
            assert!(far < 1e-4, "{name}, place {place}: expected {expected}, got {got}");
        }
    }

    #[test]
    fn any_warp_is_the_one_by_the_book() {
        let (size, fill) = ([9, 13], 0.3);
        let images = noise([3, 9, 13]);
        let warps = [
            Warp::around_centre([[0.9, 0.31], [-0.27, 1.1]], [1.3, -2.2], size),
            Warp([[1.0, 0.23, 0.0], [0.0, 1.0, 0.0]]),
            Warp([[0.5, 0.0, 2.1], [0.0, 2.0, -3.7]]),
        ];
        for interpolation in [Interpolation::Nearest, Interpolation::Bilinear] {
            let got = values(warp(images.clone(), &warps, interpolation, fill));
            let own = values(images.clone());
            let area = 3 * 9 * 13;
            for (picture, &warp) in warps.iter().enumerate() {
                let one = picture * area..(picture + 1) * area;
                let expected = by_the_book(&own[one.clone()], size, warp, interpolation, fill);
                close(&got[one], &expected, &format!("picture {picture}, {interpolation:?}"));
            }
        }
    }

    #[test]
    fn a_quarter_turn_and_a_whole_shift_move_pixels_exactly() {
        for interpolation in [Interpolation::Nearest, Interpolation::Bilinear] {
            let images = noise([1, 6, 6]);
            let quarter = Warp::around_centre([[0.0, 1.0], [-1.0, 0.0]], [0.0; 2], [6, 6]);
            let turned = values(warp(images.clone(), &[quarter], interpolation, 0.0));
            // Pixel (y, x) shows what was at (w - 1 - x, y).
            let expected = images.clone().swap_dims(2, 3).flip([3]);
            close(&turned, &values(expected), "a quarter turn");
            let shift = Warp([[1.0, 0.0, 2.0], [0.0, 1.0, -1.0]]);
            let shifted = values(warp(images.clone(), &[shift], interpolation, 0.0));
            let inside = images.clone().narrow(2, 0, 5).narrow(3, 2, 4);
            let expected = Tensor::zeros([1, 3, 6, 6], &Device::flex());
            let expected = expected.slice_assign([0..1, 0..3, 1..6, 0..4], inside);
            close(&shifted, &values(expected), "a shift");
        }
    }
}
