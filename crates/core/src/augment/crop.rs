//! Random resized crop: a box of random area and shape, blown up to the whole picture.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::Augmentation;
use super::axis::{Axis, Beyond, Span, antialiased};
use super::picture::Picture;
use crate::error::Error;
use crate::range;
use crate::rng::Stream;

/// Random resized crop (Szegedy et al. 2015).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
#[serde(deny_unknown_fields)]
pub struct Crop {
    /// Area of the box as a share of the picture, lowest and highest. Lower is harder.
    pub scale: [f64; 2],
    /// Width over height of the box, lowest and highest.
    pub ratio: [f64; 2],
    /// How width over height is drawn between them.
    #[serde(default)]
    pub ratio_draw: RatioDraw,
    /// How the box is drawn and resampled.
    pub convention: Convention,
}

/// How a ratio is drawn between the lowest and the highest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum RatioDraw {
    /// Its logarithm is uniform: wide and tall boxes are equally likely (Szegedy et al. 2015,
    /// torchvision).
    #[default]
    LogUniform,
    /// It is uniform (`keras_cv`): 3/4 to 4/3 then has a mean of 1.042.
    Uniform,
}

impl RatioDraw {
    fn draw(self, [low, high]: [f64; 2], stream: &mut Stream) -> f64 {
        match self {
            Self::LogUniform => stream.uniform(low.ln(), high.ln()).exp(),
            Self::Uniform => stream.uniform(low, high),
        }
    }
}

/// The two ways in which libraries crop and resize.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum Convention {
    /// `tf.image.crop_and_resize`: real-valued boxes, corners on corners, no antialias. A side that
    /// would leave the picture is cut to it.
    CornerAligned,
    /// torchvision's `RandomResizedCrop`: whole pixels, half-pixel centres, antialias; ten tries to
    /// find a box that fits, then the largest central one of an allowed shape.
    HalfPixel,
}

/// A box in fractions of the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Region {
    /// Upper edge.
    pub top: f64,
    /// Left edge.
    pub left: f64,
    /// Height.
    pub height: f64,
    /// Width.
    pub width: f64,
}

/// torchvision's number of tries before the central box.
const TRIES: usize = 10;

impl Crop {
    /// Width over height of photographs, as every library's default has it.
    pub const PHOTO_RATIO: [f64; 2] = [3.0 / 4.0, 4.0 / 3.0];

    /// Height and width of a box, in fractions of the image; more than 1 where it does not fit.
    fn sides(&self, stream: &mut Stream) -> (f64, f64) {
        sides(self.scale, (self.ratio, self.ratio_draw), stream)
    }

    /// The box of a picture, resampled to a height and a width in pixels.
    pub(super) fn resample(&self, picture: &mut Picture, drawn: &Region, size: [usize; 2]) {
        let taps = |(start, length), size: [usize; 2]| match self.convention {
            Convention::CornerAligned => {
                Span::corner_aligned((start, length), size).taps(size, Beyond::Edge)
            }
            Convention::HalfPixel => antialiased(Region::pixels(start, length, size[0]), size[1]),
        };
        let [h, w] = picture.size();
        let rows = taps((drawn.top, drawn.height), [h, size[0]]);
        let columns = taps((drawn.left, drawn.width), [w, size[1]]);
        picture.resample(&rows, &columns);
    }

    /// The boxes, each resampled to a height and a width in pixels.
    pub(super) fn resampled(
        &self,
        images: Tensor<4>,
        drawn: &[Region],
        [height, width]: [usize; 2],
    ) -> Tensor<4> {
        let [_, _, h, w] = images.dims();
        let device = images.device();
        let axis = |edges: Vec<(f64, f64)>, [size, out]: [usize; 2]| match self.convention {
            Convention::CornerAligned => {
                let span = |edges| Span::corner_aligned(edges, [size, out]);
                let spans: Vec<_> = edges.into_iter().map(span).collect();
                Axis::bilinear(&spans, size, out, Beyond::Edge, &device)
            }
            Convention::HalfPixel => {
                let window = |(start, length)| Region::pixels(start, length, size);
                let windows: Vec<_> = edges.into_iter().map(window).collect();
                Axis::antialiased(&windows, size, out, &device)
            }
        };
        let rows = axis(drawn.iter().map(|r| (r.top, r.height)).collect(), [h, height]);
        let columns = axis(drawn.iter().map(|r| (r.left, r.width)).collect(), [w, width]);
        rows.resample(columns, images)
    }

    fn draw_half_pixel(&self, stream: &mut Stream) -> Region {
        for _ in 0..TRIES {
            let (height, width) = self.sides(stream);
            if height <= 1.0 && width <= 1.0 {
                return Region::placed(height, width, stream);
            }
        }
        let height = (1.0 / self.ratio[0]).min(1.0).min(1.0 / self.ratio[0].max(1.0));
        let width = self.ratio[1].min(1.0).max(self.ratio[0].min(1.0));
        Region { top: (1.0 - height) / 2.0, left: (1.0 - width) / 2.0, height, width }
    }
}

/// Height and width of a box of an area and a width over height in these ranges, in fractions;
/// more than 1 where it does not fit.
pub(super) fn sides(
    scale: [f64; 2],
    (ratio, draw): ([f64; 2], RatioDraw),
    stream: &mut Stream,
) -> (f64, f64) {
    let area = stream.uniform(scale[0], scale[1]);
    let ratio = draw.draw(ratio, stream);
    ((area / ratio).sqrt(), (area * ratio).sqrt())
}

impl Region {
    /// A box of this size at a uniformly random place.
    pub(super) fn placed(height: f64, width: f64, stream: &mut Stream) -> Self {
        let top = stream.uniform(0.0, 1.0 - height);
        let left = stream.uniform(0.0, 1.0 - width);
        Self { top, left, height, width }
    }

    /// Whole pixels covered along an axis of `size`: first and count.
    pub(super) fn pixels(start: f64, length: f64, size: usize) -> (usize, usize) {
        let count = ((length * size as f64).round() as usize).clamp(1, size);
        let first = ((start * size as f64).round() as usize).min(size - count);
        (first, count)
    }
}

impl Augmentation for Crop {
    type Drawn = Region;

    fn check(&self) -> Result<(), Error> {
        self.scale.into_iter().try_for_each(|share| range::share("crop.scale", share))?;
        range::interval("crop.scale", self.scale, 0.0)?;
        range::interval("crop.ratio", self.ratio, 0.0)
    }

    fn draw(&self, stream: &mut Stream) -> Region {
        match self.convention {
            Convention::CornerAligned => {
                let (height, width) = self.sides(stream);
                Region::placed(height.min(1.0), width.min(1.0), stream)
            }
            Convention::HalfPixel => self.draw_half_pixel(stream),
        }
    }

    fn change(&self, picture: &mut Picture, drawn: &Region) {
        self.resample(picture, drawn, picture.size());
    }

    fn transform(&self, images: Tensor<4>, drawn: &[Region]) -> Tensor<4> {
        let [_, _, h, w] = images.dims();
        self.resampled(images, drawn, [h, w])
    }
}

impl Span {
    /// First sample on the box's first edge, last on its last; both in fractions of the picture.
    fn corner_aligned((start, length): (f64, f64), [size, out]: [usize; 2]) -> Self {
        let last = |count: usize| count as f64 - 1.0;
        let step = if out == size { length } else { length * last(size) / last(out).max(1.0) };
        Self { start: start * last(size), step }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, stream};

    fn regions(convention: Convention) -> Vec<Region> {
        let (scale, ratio) = ([0.2, 1.0], Crop::PHOTO_RATIO);
        let crop = Crop { scale, ratio, ratio_draw: RatioDraw::default(), convention };
        (0..2_000).map(|i| crop.draw(&mut stream(5, Purpose::Test, 0, i))).collect()
    }

    #[test]
    fn boxes_stay_inside_the_picture() {
        for convention in [Convention::CornerAligned, Convention::HalfPixel] {
            for r in regions(convention) {
                assert!(r.top >= 0.0 && r.left >= 0.0, "{r:?}");
                assert!(
                    r.top + r.height <= 1.0 + 1e-12 && r.left + r.width <= 1.0 + 1e-12,
                    "{r:?}"
                );
            }
        }
    }

    /// Mean of width over height, and how often a box is taller than wide.
    fn shapes(draw: RatioDraw) -> (f64, f64) {
        let draws = 20_000;
        let ratio = |i| draw.draw(Crop::PHOTO_RATIO, &mut stream(5, Purpose::Test, 1, i));
        let ratios: Vec<f64> = (0..draws).map(ratio).collect();
        let tall = ratios.iter().filter(|&&ratio| ratio < 1.0).count();
        (ratios.iter().sum::<f64>() / draws as f64, tall as f64 / draws as f64)
    }

    #[test]
    fn ratios_have_the_means_of_their_libraries() {
        let (mean, tall) = shapes(RatioDraw::LogUniform);
        assert!((mean - 1.0139).abs() < 0.004 && (tall - 0.5).abs() < 0.01, "{mean}, {tall}");
        let (mean, tall) = shapes(RatioDraw::Uniform);
        assert!((mean - 1.0417).abs() < 0.004 && (tall - 3.0 / 7.0).abs() < 0.01, "{mean}, {tall}");
    }

    #[test]
    fn areas_fill_the_asked_range() {
        let areas: Vec<f64> =
            regions(Convention::HalfPixel).iter().map(|r| r.height * r.width).collect();
        let (low, high) = areas.iter().fold((1.0_f64, 0.0_f64), |(l, h), &a| (l.min(a), h.max(a)));
        assert!((0.2..0.22).contains(&low) && (0.9..=1.0).contains(&high), "{low} {high}");
    }
}
