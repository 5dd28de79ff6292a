//! The Conv-4 backbone of few-shot learning, as relational reasoning uses it (Patacchiola and
//! Storkey 2020).

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::block::ConvNorm;
use super::pool::halve;
use super::{Pixels, global_average, large_enough};
use crate::activation::Activation;
use crate::encoder::conv::{Geometry, KERNEL};
use crate::error::Error;
use crate::image::CHANNELS;
use crate::rng::Stream;

/// Convolution (3×3, padding 1, no bias), batch normalisation, `ReLU` and average pooling, four
/// times; the last pooling is over all that is left. Each has twice the channels of the one before.
#[derive(Module, Debug)]
pub struct Conv4Pool {
    layers: Vec<ConvNorm>,
    #[module(skip)]
    pixels: Pixels,
}

/// Layers.
pub(crate) const DEPTH: usize = 4;

/// Channels of the first layer in the paper.
pub(super) fn paper_width() -> usize {
    const WIDTH: usize = 8;
    WIDTH
}

/// Number of features: each layer has twice the channels of the one before.
pub(super) fn features(width: usize) -> usize {
    width << (DEPTH - 1)
}

/// The least side of which three poolings leave a pixel.
const LEAST_SIDE: usize = 8;

/// Refuses images of which three poolings leave nothing.
pub(super) fn check_side(side: usize) -> Result<(), Error> {
    large_enough(side, LEAST_SIDE, "at least 8 pixels for three poolings")
}

impl Conv4Pool {
    /// Fresh weights for pictures of `side` pixels, `width` channels in the first layer.
    ///
    /// # Errors
    /// [`Error::Setting`] for a width of 0 or a side below 8.
    pub fn new(
        width: usize,
        pixels: Pixels,
        side: usize,
        stream: &mut Stream,
        device: &Device,
    ) -> Result<Self, Error> {
        if width == 0 {
            return Err(Error::setting("encoder.width", "at least 1", width));
        }
        check_side(side)?;
        let mut inputs = CHANNELS;
        let layers = (0..DEPTH).map(|depth| {
            let outputs = width << depth;
            let shape = [inputs, outputs, KERNEL];
            inputs = outputs;
            ConvNorm::new(shape, Geometry::same(KERNEL, 1), stream, device)
        });
        Ok(Self { layers: layers.collect(), pixels })
    }

    /// For inference.
    pub(super) fn folded(&self) -> Self {
        Self { layers: self.layers.iter().map(ConvNorm::folded).collect(), pixels: self.pixels }
    }

    /// # Shapes
    /// - images: `[n, 3, side, side]`
    /// - result: `[n, 8 · width]`, none negative
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let (last, layers) = self.layers.split_last().expect("there are four layers");
        let maps = layers.iter().fold(self.pixels.of(images), |maps, layer| {
            halve(layer.forward(maps, Activation::Relu))
        });
        global_average(last.forward(maps, Activation::Relu))
    }
}
