//! Sharpness: a blend with a smoothed picture.

use burn::tensor::Tensor;

use super::per_image;
use super::picture::Picture;

/// Weight of the pixel itself in Pillow's `SMOOTH` filter, beside 1 for each of its neighbours.
const CENTRE: f64 = 5.0;
/// Sum of the filter's weights.
const WEIGHTS: f64 = 13.0;
/// Side of the filter.
const SIDE: usize = 3;

/// [`sharpness`] of one picture.
pub(super) fn sharpen(picture: &mut Picture, factor: f64) {
    let ([h, w], factor) = (picture.size(), factor as f32);
    if h < SIDE || w < SIDE {
        return;
    }
    for plane in picture.planes_mut() {
        let own = plane.to_vec();
        let column =
            |y: usize, x: usize| own[(y - 1) * w + x] + own[y * w + x] + own[(y + 1) * w + x];
        for y in 1..h - 1 {
            for (x, sample) in plane[y * w..][..w - 1].iter_mut().enumerate().skip(1) {
                let around = column(y, x - 1) + column(y, x) + column(y, x + 1);
                let smooth = (around + *sample * (CENTRE - 1.0) as f32) / WEIGHTS as f32;
                *sample = (smooth + (*sample - smooth) * factor).clamp(0.0, 1.0);
            }
        }
    }
}

/// Blends each picture with its smoothed self, of which it keeps the share `factors` (Pillow's
/// `ImageEnhance.Sharpness`); the pixels at the edges stay.
pub(super) fn sharpness(images: Tensor<4>, factors: &[f64]) -> Tensor<4> {
    let [n, c, h, w] = images.dims();
    if h < SIDE || w < SIDE {
        return images;
    }
    let inner = [h, w].map(|size| size - SIDE + 1);
    let sum = |images: Tensor<4>, axis: usize| {
        let part = |start| images.clone().narrow(axis, start, inner[axis - 2]);
        part(0) + part(1) + part(2)
    };
    let own = images.clone().narrow(2, 1, inner[0]).narrow(3, 1, inner[1]);
    let around = sum(sum(images.clone(), 2), 3);
    let smooth = (around + own.clone().mul_scalar(CENTRE - 1.0)).div_scalar(WEIGHTS);
    let factors = per_image(factors.iter().copied(), &images.device());
    let blended = smooth.clone() + (own - smooth) * factors;
    images.slice_assign([0..n, 0..c, 1..h - 1, 1..w - 1], blended.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::super::warp::tests::{close, noise, values};
    use super::*;

    /// Sample `place` of a plane `[h, w]`, by Pillow's `SMOOTH` filter and blend.
    fn blended(plane: &[f32], [h, w]: [usize; 2], place: usize, kept: f64) -> f32 {
        let (y, x, own) = (place / w, place % w, f64::from(plane[place]));
        if y == 0 || x == 0 || y == h - 1 || x == w - 1 {
            return plane[place];
        }
        let around = (0..9).map(|i| f64::from(plane[(y + i / 3 - 1) * w + x + i % 3 - 1]));
        let smooth = (around.sum::<f64>() + 4.0 * own) / 13.0;
        (kept * own + (1.0 - kept) * smooth) as f32
    }

    #[test]
    fn the_inside_is_blended_and_the_edges_stay() {
        let (size, factors) = ([6, 7], [0.3, 0.95]);
        let images = noise([2, 6, 7]);
        let mut expected = Vec::new();
        for (index, plane) in values(images.clone()).chunks(42).enumerate() {
            expected.extend((0..42).map(|place| blended(plane, size, place, factors[index / 3])));
        }
        close(&values(sharpness(images, &factors)), &expected, "sharpness");
    }

    #[test]
    fn a_picture_without_an_inside_stays() {
        let images = noise([1, 2, 9]);
        close(&values(sharpness(images.clone(), &[0.1])), &values(images), "two rows");
    }
}
