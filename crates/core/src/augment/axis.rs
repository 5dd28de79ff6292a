//! Resampling along one axis as a product with a matrix a picture.
//!
//! Every spatial augmentation here is separable, so a batch is `rows · image · columnsᵀ`: two
//! batched matrix products, which every device does well, instead of a gather.

use burn::tensor::{Device, Tensor, TensorData};

use crate::matrix::Times;
use crate::resize::{Tap, bilinear};

/// A batch of matrices that resample one axis, `[n, out, in]`.
#[derive(Clone, Debug)]
pub struct Axis(pub(super) Tensor<3>);

/// Where the samples of one output axis lie in the input axis, for one picture.
///
/// Sample `i` lies at `start + i · step`, in pixels, 0 being the centre of the first pixel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    /// Position of the first sample, in pixels.
    pub start: f64,
    /// Distance between samples, in pixels.
    pub step: f64,
}

/// What lies beyond the first and the last pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beyond {
    /// The edge pixel goes on.
    Edge,
    /// The picture is mirrored, edge pixel included: `d c b a | a b c d | d c b a` (Keras's
    /// `reflect`, numpy's `symmetric`).
    Reflect,
    /// The picture is mirrored around the edge pixel: `d c b | a b c d | c b a` (numpy's and
    /// torchvision's `reflect`).
    Mirror,
}

impl Axis {
    /// Bilinear interpolation at each picture's span: `out` samples of an axis of `size` pixels.
    pub fn bilinear(
        spans: &[Span],
        size: usize,
        out: usize,
        beyond: Beyond,
        device: &Device,
    ) -> Self {
        let positions = spans
            .iter()
            .flat_map(|span| (0..out).map(move |i| span.start + i as f64 * span.step))
            .map(|position| beyond.fold(position, size));
        Self(hat(positions, [spans.len(), out], size, device, None))
    }

    /// Bilinear interpolation whose triangle widens when the axis shrinks, confined to a window
    /// of pixels a picture: Pillow's and torchvision's resize after a crop.
    ///
    /// `windows` holds each picture's first pixel and number of pixels.
    pub fn antialiased(
        windows: &[(usize, usize)],
        size: usize,
        out: usize,
        device: &Device,
    ) -> Self {
        let positions = windows.iter().flat_map(|&(first, count)| {
            let step = count as f64 / out as f64;
            (0..out).map(move |i| first as f64 + (i as f64 + 0.5) * step - 0.5)
        });
        let matrix = hat(positions, [windows.len(), out], size, device, Some(windows));
        Self(matrix.clone() / matrix.sum_dim(2))
    }

    /// Convolution with a Gaussian of `sigma` pixels a picture, cut off at `radius` pixels, mirrored
    /// at the edges without repeating the edge pixel, as torchvision's `gaussian_blur`.
    pub fn gaussian(sigmas: &[f64], radius: usize, size: usize, device: &Device) -> Self {
        let offsets = |shift: f64, sign: f64| {
            let i = ramp(size, device).reshape([1, size, 1]);
            let j = ramp(size, device).reshape([1, 1, size]).mul_scalar(sign).add_scalar(shift);
            i - j
        };
        let sharpness = column(sigmas.iter().map(|s| -0.5 / (s * s)), device);
        let bell = |offset: Tensor<3>| {
            let near = offset.clone().abs().lower_equal_elem(radius as f64 + 0.5).float();
            (offset.square() * sharpness.clone()).exp() * near
        };
        let inner =
            |from: f64| ramp(size, device).reshape([1, 1, size]).not_equal_elem(from).float();
        let last = size as f64 - 1.0;
        // Pixel -j is pixel j, and pixel 2·last - j is pixel j; the edge pixels have no twin.
        let matrix = bell(offsets(0.0, 1.0))
            + bell(offsets(0.0, -1.0)) * inner(0.0)
            + bell(offsets(2.0 * last, -1.0)) * inner(last);
        Self(matrix.clone() / matrix.sum_dim(2))
    }

    /// Resamples images `[n, c, h, w]` with `self` along the rows (height) and `columns` along the
    /// width.
    pub fn resample(self, columns: Self, images: Tensor<4>) -> Tensor<4> {
        let [n, c, h, w] = images.dims();
        let [_, out, _] = columns.0.dims();
        let wide = images.reshape([n, c * h, w]).times(columns.0.transpose());
        self.0.unsqueeze_dim::<4>(1).times(wide.reshape([n, c, h, out]))
    }
}

impl Beyond {
    /// The position inside the axis that shows what lies at `position`.
    fn fold(self, position: f64, size: usize) -> f64 {
        let size = size as f64;
        let inside = match self {
            Self::Edge => position,
            Self::Reflect => {
                let around = (position + 0.5).rem_euclid(2.0 * size);
                around.min(2.0 * size - around) - 0.5
            }
            Self::Mirror if size > 1.0 => {
                let around = position.rem_euclid(2.0 * (size - 1.0));
                around.min(2.0 * (size - 1.0) - around)
            }
            Self::Mirror => 0.0,
        };
        inside.clamp(0.0, size - 1.0)
    }
}

impl Span {
    /// What each of `out` samples of an axis of `size` pixels takes: [`Axis::bilinear`] of one picture.
    pub(super) fn taps(self, [size, out]: [usize; 2], beyond: Beyond) -> Vec<Tap> {
        let tap = |i: usize| {
            let position = beyond.fold(self.start + i as f64 * self.step, size);
            let (start, share) = (position.floor(), (position - position.floor()) as f32);
            let weights = if share > 0.0 { vec![1.0 - share, share] } else { vec![1.0] };
            Tap { start: start as usize, weights }
        };
        (0..out).map(tap).collect()
    }
}

/// What each of `out` samples takes from a window of pixels: [`Axis::antialiased`] of one picture.
pub(super) fn antialiased((first, count): (usize, usize), out: usize) -> Vec<Tap> {
    let moved = |tap: Tap| Tap { start: first + tap.start, ..tap };
    bilinear(count, out).into_iter().map(moved).collect()
}

/// What each sample takes from those around: [`Axis::gaussian`] of one picture. `radius` is below `size`.
pub(super) fn gaussian(sigma: f64, radius: usize, size: usize) -> Vec<Tap> {
    let bell: Vec<f64> =
        (0..=radius).map(|away| (-0.5 * (away as f64 / sigma).powi(2)).exp()).collect();
    let sum = bell[0] + 2.0 * bell[1..].iter().sum::<f64>();
    let tap = |centre: usize| {
        let start = centre.saturating_sub(radius);
        let mut weights = vec![0.0; (centre + radius + 1).min(size) - start];
        for (away, weight) in bell.iter().enumerate() {
            // Pixel -j is pixel j, and pixel `size - 1 + j` is pixel `size - 1 - j`.
            let (before, after) = (centre.abs_diff(away), centre + away);
            let after = if after < size { after } else { 2 * (size - 1) - after };
            weights[after - start] += weight / sum;
            if away > 0 {
                weights[before - start] += weight / sum;
            }
        }
        Tap { start, weights: weights.into_iter().map(|weight| weight as f32).collect() }
    };
    (0..size).map(tap).collect()
}

/// Triangle weights around each position: `[n, out, size]`.
///
/// With windows, the triangle is as wide as the window shrinks and ends at the window.
fn hat(
    positions: impl Iterator<Item = f64>,
    [n, out]: [usize; 2],
    size: usize,
    device: &Device,
    windows: Option<&[(usize, usize)]>,
) -> Tensor<3> {
    // Whole and fraction travel apart, so that weights keep full precision far from the origin.
    let (whole, fraction): (Vec<f32>, Vec<f32>) =
        positions.map(|p| (p.floor() as f32, (p - p.floor()) as f32)).unzip();
    let upload = |v: Vec<f32>| Tensor::<3>::from_data(TensorData::new(v, [n, out, 1]), device);
    let pixels = ramp(size, device).reshape([1, 1, size]);
    let distance = (upload(whole) - pixels.clone() + upload(fraction)).abs();
    let Some(windows) = windows else {
        return distance.neg().add_scalar(1.0).clamp_min(0.0);
    };
    let shrink = |&(_, count): &(usize, usize)| (count as f64 / out as f64).max(1.0);
    let weights = distance / column(windows.iter().map(shrink), device);
    let first = column(windows.iter().map(|&(first, _)| first as f64 - 0.5), device);
    let end = column(windows.iter().map(|&(first, n)| (first + n) as f64 - 0.5), device);
    let inside =
        (pixels.clone() - first).sign().clamp_min(0.0) * (end - pixels).sign().clamp_min(0.0);
    weights.neg().add_scalar(1.0).clamp_min(0.0) * inside
}

/// 0, 1, 2, … as numbers, `[size]`.
fn ramp(size: usize, device: &Device) -> Tensor<1> {
    let ramp: Vec<f32> = (0..size).map(|i| i as f32).collect();
    Tensor::from_data(TensorData::new(ramp, [size]), device)
}

/// One number a picture, `[n, 1, 1]`.
fn column(numbers: impl Iterator<Item = f64>, device: &Device) -> Tensor<3> {
    let numbers: Vec<f32> = numbers.map(|x| x as f32).collect();
    let n = numbers.len();
    Tensor::from_data(TensorData::new(numbers, [n, 1, 1]), device)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests run natively and read what they computed")]
mod tests {
    use super::*;

    fn matrix(axis: Axis) -> Vec<Vec<f32>> {
        let [_, _, size] = axis.0.dims();
        let values = axis.0.into_data().try_to_vec::<f32>().unwrap();
        values.chunks(size).map(<[f32]>::to_vec).collect()
    }

    #[test]
    fn reflection_repeats_the_edge_pixel() {
        let folded = [-0.3, -1.0, -2.0, 4.2, 5.0, 9.0].map(|p| Beyond::Reflect.fold(p, 5));
        for (got, expected) in folded.into_iter().zip([0.0, 0.0, 1.0, 4.0, 4.0, 0.0]) {
            assert!((got - expected).abs() < 1e-12, "expected {expected}, got {got}");
        }
    }

    #[test]
    fn a_mirror_does_not_repeat_the_edge_pixel() {
        let folded = [-0.5, -1.0, -4.0, 4.5, 5.0, 9.0].map(|p| Beyond::Mirror.fold(p, 5));
        for (got, expected) in folded.into_iter().zip([0.5, 1.0, 4.0, 3.5, 3.0, 1.0]) {
            assert!((got - expected).abs() < 1e-12, "expected {expected}, got {got}");
        }
        assert_eq!(Beyond::Mirror.fold(-3.0, 1), 0.0);
    }

    #[test]
    fn an_identity_span_is_the_identity_matrix() {
        let device = Device::flex();
        let span = [Span { start: 0.0, step: 1.0 }];
        for (i, row) in
            matrix(Axis::bilinear(&span, 4, 4, Beyond::Edge, &device)).iter().enumerate()
        {
            let expected: Vec<f32> = (0..4).map(|j| f32::from(u8::from(i == j))).collect();
            assert_eq!(row, &expected);
        }
    }

    #[test]
    fn halving_with_antialias_weighs_four_pixels() {
        let rows = matrix(Axis::antialiased(&[(0, 8)], 8, 4, &Device::flex()));
        let expected = [0.0, 0.125, 0.375, 0.375, 0.125, 0.0, 0.0, 0.0];
        for (got, expected) in rows[1].iter().zip(expected) {
            assert!((got - expected).abs() < 1e-6, "row {:?}", rows[1]);
        }
    }

    #[test]
    fn a_window_is_never_left() {
        for row in matrix(Axis::antialiased(&[(2, 3)], 8, 8, &Device::flex())) {
            assert!(row[..2].iter().chain(&row[5..]).all(|&w| w == 0.0), "{row:?}");
            assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn a_gaussian_mirrors_without_repeating_the_edge() {
        let rows = matrix(Axis::gaussian(&[1.0], 2, 6, &Device::flex()));
        let bell: Vec<f32> = (-2..=2).map(|t| (-0.5 * f64::from(t * t)).exp() as f32).collect();
        let total: f32 = bell.iter().sum();
        // Around pixel 0 the taps -2 -1 0 1 2 fall on pixels 2 1 0 1 2.
        let expected = [bell[2], bell[1] + bell[3], bell[0] + bell[4], 0.0, 0.0, 0.0];
        for (got, expected) in rows[0].iter().zip(expected) {
            assert!((got - expected / total).abs() < 1e-6, "row {:?}", rows[0]);
        }
    }
}
