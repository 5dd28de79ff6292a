//! `MobileNet` v1 (Howard et al. 2017): depthwise separable convolutions.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::block::ConvNorm;
use super::conv::{Bottleneck, Geometry, KERNEL, Strided};
use super::{Pixels, global_average, large_enough};
use crate::activation::Activation;
use crate::error::Error;
use crate::image::CHANNELS;
use crate::norm::Constants;
use crate::range;
use crate::rng::Stream;

/// Whose network of this name. Weights of one form are of no use to the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// He-normal initial weights, padding all around.
    #[default]
    Pytorch,
    /// Glorot-uniform initial weights; where the stride is 2, padding below and to the right alone
    /// (`keras.applications`).
    Keras,
}

/// A convolution of stride 2, thirteen pairs of depthwise and pointwise convolutions, an average
/// over what is left; batch normalisation and `ReLU6` after each convolution.
#[derive(Module, Debug)]
pub struct MobileNet {
    stem: ConvNorm,
    pairs: Vec<Pair>,
    #[module(skip)]
    pixels: Pixels,
}

/// A 3×3 kernel a channel, then a product of channels.
#[derive(Module, Debug)]
struct Pair {
    depthwise: ConvNorm,
    pointwise: ConvNorm,
}

/// Channels of the first convolution (table 1 of the paper).
const STEM: usize = 32;
/// Stride and outputs of the pairs (table 1).
pub(crate) const PAIRS: [(usize, usize); 13] = [
    (1, 64),
    (2, 128),
    (1, 128),
    (2, 256),
    (1, 256),
    (2, 512),
    (1, 512),
    (1, 512),
    (1, 512),
    (1, 512),
    (1, 512),
    (2, 1024),
    (1, 1024),
];

/// The least side that Keras's padding leaves something of, in pixels.
const LEAST_SIDE: usize = 32;
/// The largest width multiplier.
const MOST_MULTIPLIER: f64 = 4.0;

/// Refuses a multiplier that is not above 0 and at most 4.
pub(super) fn check_multiplier(multiplier: f64) -> Result<(), Error> {
    let (name, range) = ("encoder.width_multiplier", f64::MIN_POSITIVE..=MOST_MULTIPLIER);
    range::within(name, multiplier, range, "above 0 and at most 4")
}

/// Refuses images of which Keras's padding leaves nothing.
pub(super) fn check_keras_side(side: usize) -> Result<(), Error> {
    large_enough(side, LEAST_SIDE, "at least 32 for Keras's MobileNet")
}

/// Channels times the width multiplier, rounded down as Keras does, at least 1.
fn thinned(channels: usize, multiplier: f64) -> usize {
    ((channels as f64 * multiplier) as usize).max(1)
}

/// Number of features.
pub(super) fn features(multiplier: f64) -> usize {
    thinned(PAIRS[PAIRS.len() - 1].1, multiplier)
}

impl MobileNet {
    /// Fresh weights; `multiplier` is the paper's α.
    ///
    /// Keras's form draws all kernels Glorot-uniform and pads layers of stride 2 only below and to
    /// the right; the other one has He's normal kernels and `PyTorch`'s padding.
    ///
    /// # Errors
    /// [`Error::Setting`] for a multiplier that is not above 0 and at most 4.
    pub fn new(
        multiplier: f64,
        (form, constants): (Form, Constants),
        stream: &mut Stream,
        device: &Device,
    ) -> Result<Self, Error> {
        check_multiplier(multiplier)?;
        let mut layer = |shape, geometry, strided| {
            let layer = match form {
                Form::Pytorch => ConvNorm::new(shape, geometry, stream, device),
                Form::Keras => ConvNorm::keras(shape, (geometry, strided), stream, device),
            };
            layer.with_constants(constants)
        };
        let mut inputs = thinned(STEM, multiplier);
        let stem = layer([CHANNELS, inputs, KERNEL], Geometry::same(KERNEL, 2), Strided::Same);
        let pairs = PAIRS.map(|(stride, outputs)| {
            let outputs = thinned(outputs, multiplier);
            let geometry = Geometry::depthwise(inputs, stride);
            let depthwise = layer([inputs, inputs, KERNEL], geometry, Strided::After);
            let pointwise = layer([inputs, outputs, 1], Geometry::same(1, 1), Strided::Around);
            inputs = outputs;
            Pair { depthwise, pointwise }
        });
        Ok(Self { stem, pairs: pairs.into(), pixels: Pixels::Unit })
    }

    /// The same with another range of pixels.
    pub(super) fn with_pixels(self, pixels: Pixels) -> Self {
        Self { pixels, ..self }
    }

    /// For inference.
    pub(super) fn folded(&self) -> Self {
        let pair = |pair: &Pair| Pair {
            depthwise: pair.depthwise.folded(),
            pointwise: pair.pointwise.folded(),
        };
        let pairs = self.pairs.iter().map(pair).collect();
        Self { stem: self.stem.folded(), pairs, pixels: self.pixels }
    }

    /// # Shapes
    /// - images: `[n, 3, side, side]`
    /// - result: `[n, 1024 · multiplier]`, in [0, 6]
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let maps = self.stem.forward(self.pixels.of(images), Activation::Relu6);
        let maps = self.pairs.iter().fold(maps, |maps, Pair { depthwise, pointwise }| {
            let relu6 = Activation::Relu6;
            let (expansion, projection) = (None, (pointwise.conv(), relu6));
            let at_once =
                Bottleneck { expansion, depthwise: (depthwise.conv(), relu6), projection };
            let one_by_one = || pointwise.forward(depthwise.forward(maps.clone(), relu6), relu6);
            at_once.infer(&maps).unwrap_or_else(one_by_one)
        });
        global_average(maps)
    }
}
