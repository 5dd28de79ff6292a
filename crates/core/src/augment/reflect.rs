//! Translation and zoom whose missing parts are filled by reflection, as Keras layers do it.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::Augmentation;
use super::axis::{Axis, Beyond, Span};
use super::picture::Picture;
use crate::error::Error;
use crate::range;
use crate::rng::Stream;

/// Shifts the picture (Keras `RandomTranslation`, fill mode reflect, bilinear).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
#[serde(deny_unknown_fields)]
pub struct Translate {
    /// Largest shift up or down, as a share of the height.
    pub height: f64,
    /// Largest shift left or right, as a share of the width.
    pub width: f64,
}

/// Zooms each axis by itself (Keras `RandomZoom`, fill mode reflect, bilinear).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
#[serde(deny_unknown_fields)]
pub struct Zoom {
    /// Change of the visible height, lowest and highest: -0.3 shows 70 % of it.
    pub height: [f64; 2],
    /// Change of the visible width, lowest and highest.
    pub width: [f64; 2],
}

/// A number for the height and one for the width.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PerAxis {
    /// Along the height.
    pub height: f64,
    /// Along the width.
    pub width: f64,
}

impl Translate {
    /// An axis of `size` pixels shifted by a share of it.
    fn span(shift: f64, size: usize) -> Span {
        Span { start: -shift * size as f64, step: 1.0 }
    }
}

impl Zoom {
    /// The share of an axis of `size` pixels around its centre.
    fn span(share: f64, size: usize) -> Span {
        Span { start: (size as f64 - 1.0) / 2.0 * (1.0 - share), step: share }
    }
}

impl Augmentation for Translate {
    /// Shift as a share of the side; positive moves the picture down and right.
    type Drawn = PerAxis;

    fn check(&self) -> Result<(), Error> {
        range::share("translate.height", self.height)?;
        range::share("translate.width", self.width)
    }

    fn draw(&self, stream: &mut Stream) -> PerAxis {
        let height = stream.uniform(-self.height, self.height);
        PerAxis { height, width: stream.uniform(-self.width, self.width) }
    }

    fn change(&self, picture: &mut Picture, drawn: &PerAxis) {
        reflect(picture, drawn, Self::span);
    }

    fn transform(&self, images: Tensor<4>, drawn: &[PerAxis]) -> Tensor<4> {
        reflected(images, drawn, Self::span)
    }
}

impl Augmentation for Zoom {
    /// Share of the side that stays visible, from the centre: 0.7 enlarges.
    type Drawn = PerAxis;

    fn check(&self) -> Result<(), Error> {
        range::interval("zoom.height", self.height, -1.0)?;
        range::interval("zoom.width", self.width, -1.0)
    }

    fn draw(&self, stream: &mut Stream) -> PerAxis {
        let height = 1.0 + stream.uniform(self.height[0], self.height[1]);
        PerAxis { height, width: 1.0 + stream.uniform(self.width[0], self.width[1]) }
    }

    fn change(&self, picture: &mut Picture, drawn: &PerAxis) {
        reflect(picture, drawn, Self::span);
    }

    fn transform(&self, images: Tensor<4>, drawn: &[PerAxis]) -> Tensor<4> {
        reflected(images, drawn, Self::span)
    }
}

/// Resamples both axes of a picture at the spans that its numbers give.
fn reflect(picture: &mut Picture, drawn: &PerAxis, span: impl Fn(f64, usize) -> Span) {
    let [h, w] = picture.size();
    let taps = |number, size| span(number, size).taps([size; 2], Beyond::Reflect);
    picture.resample(&taps(drawn.height, h), &taps(drawn.width, w));
}

/// Resamples both axes at the spans that each picture's numbers give.
fn reflected(images: Tensor<4>, drawn: &[PerAxis], span: impl Fn(f64, usize) -> Span) -> Tensor<4> {
    let [_, _, h, w] = images.dims();
    let device = images.device();
    let axis = |size: usize, number: fn(&PerAxis) -> f64| {
        let spans: Vec<_> = drawn.iter().map(|d| span(number(d), size)).collect();
        Axis::bilinear(&spans, size, size, Beyond::Reflect, &device)
    };
    axis(h, |d| d.height).resample(axis(w, |d| d.width), images)
}
