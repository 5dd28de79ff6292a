//! The Conv-4 backbone of few-shot learning, as relational reasoning uses it (Patacchiola and
//! Storkey 2020), and the same with features that keep where something is.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::block::ConvNorm;
use super::pool::{cells, halve};
use super::{Pixels, large_enough};
use crate::activation::Activation;
use crate::encoder::conv::{Geometry, KERNEL};
use crate::error::Error;
use crate::image::CHANNELS;
use crate::linear::Linear;
use crate::norm::BatchNorm;
use crate::range;
use crate::rng::Stream;

/// Convolution (3×3, padding 1, no bias), batch normalisation, `ReLU` and average pooling, four times.
///
/// The last pooling is over all that is left, or over each cell of a grid. Each convolution has twice the
/// channels of the one before. A dense layer and a normalisation may follow.
#[derive(Module, Debug)]
pub struct Conv4Pool {
    layers: Vec<ConvNorm>,
    dense: Option<Linear>,
    norm: Option<BatchNorm>,
    #[module(skip)]
    shape: Shape,
    #[module(skip)]
    pixels: Pixels,
}

/// How large it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Channels of the first layer.
    pub width: usize,
    /// Cells along a side of the grid whose means the last layer leaves; 1 is one mean.
    pub grid: usize,
    /// Features, by a dense layer without bias and batch normalisation without scale; without it the
    /// means are the features.
    pub features: Option<usize>,
}

/// Layers.
pub(crate) const DEPTH: usize = 4;

/// Channels of the first layer in the paper.
pub(super) fn paper_width() -> usize {
    const WIDTH: usize = 8;
    WIDTH
}

/// One mean, as in the paper.
pub(super) fn one() -> usize {
    1
}

impl Shape {
    /// Channels of the last layer: each has twice as many as the one before.
    fn channels(self) -> usize {
        self.width << (DEPTH - 1)
    }

    /// Means that the last layer leaves.
    fn means(self) -> usize {
        self.channels().saturating_mul(self.grid).saturating_mul(self.grid)
    }

    /// Number of features.
    pub fn features(self) -> usize {
        self.features.unwrap_or_else(|| self.means())
    }

    /// Refuses what no machine holds.
    pub(super) fn check(self) -> Result<(), Error> {
        const MOST_GRID: u64 = 64;
        range::count("encoder.width", self.width as u64, 1..=range::MOST_WIDTH)?;
        range::count("encoder.grid", self.grid as u64, 1..=MOST_GRID)?;
        let features = self.features.unwrap_or(1) as u64;
        range::count("encoder.features", features, 1..=range::MOST_WIDTH)
    }

    /// Refuses images of which three poolings leave nothing, or a map that has no such grid.
    pub(super) fn check_side(self, side: usize) -> Result<(), Error> {
        large_enough(side, LEAST_SIDE, "at least 8 pixels for three poolings")?;
        let map = side / LEAST_SIDE;
        if map.is_multiple_of(self.grid) {
            return Ok(());
        }
        let expected = format!(
            "a divisor of {map}, the side of the map that three poolings leave of {side} pixels"
        );
        Err(Error::setting("encoder.grid", expected, self.grid))
    }
}

/// The least side of which three poolings leave a pixel.
const LEAST_SIDE: usize = 8;

impl Conv4Pool {
    /// Fresh weights for pictures of `side` pixels.
    ///
    /// # Errors
    /// [`Error::Setting`] for a shape out of range, a side below 8, or one whose maps have no such grid.
    pub fn new(
        shape: Shape,
        pixels: Pixels,
        side: usize,
        stream: &mut Stream,
        device: &Device,
    ) -> Result<Self, Error> {
        shape.check()?;
        shape.check_side(side)?;
        let mut inputs = CHANNELS;
        let layers = (0..DEPTH).map(|depth| {
            let outputs = shape.width << depth;
            let sizes = [inputs, outputs, KERNEL];
            inputs = outputs;
            ConvNorm::new(sizes, Geometry::same(KERNEL, 1), stream, device)
        });
        let layers = layers.collect();
        let dense = shape
            .features
            .map(|features| Linear::new(shape.means(), features, stream, device).without_bias());
        let norm = shape.features.map(|features| BatchNorm::new(features, device).without_scale());
        Ok(Self { layers, dense, norm, shape, pixels })
    }

    /// For inference.
    pub(super) fn folded(&self) -> Self {
        let layers = self.layers.iter().map(ConvNorm::folded).collect();
        Self { layers, dense: self.dense.as_ref().map(Linear::packed), ..self.clone() }
    }

    /// # Shapes
    /// - images: `[n, 3, side, side]`
    /// - result: `[n, features]`; without a dense layer none is negative
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let (last, layers) = self.layers.split_last().expect("there are four layers");
        let maps = layers.iter().fold(self.pixels.of(images), |maps, layer| {
            halve(layer.forward(maps, Activation::Relu))
        });
        let means = cells(last.forward(maps, Activation::Relu), self.shape.grid);
        match (&self.dense, &self.norm) {
            (Some(dense), Some(norm)) => norm.forward(dense.forward(means)),
            _ => means,
        }
    }
}
