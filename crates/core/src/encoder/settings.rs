//! Which encoder, and how large.

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::conv4::Conv4;
use super::conv4_pool::{self, Conv4Pool};
use super::efficientnet_lite::{self, EfficientNetLite, Padding};
use super::mobilenet::{self, Form, MobileNet};
use super::mobilenet_v3::{self, MobileNetV3};
use super::resnet::{self, Depth, ResNet, Stem};
use super::vit::{self, Pool, Positions, Size, VisionTransformer};
use super::{Encoder, Pixels, Statistics};
use crate::error::Error;
use crate::rng::{Purpose, Stream, stream};

/// Which encoder, and how large.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[serde(expecting = "an encoder's settings, `kind` among them")]
#[non_exhaustive]
pub enum EncoderSettings {
    /// Four 3×3 convolutions of stride 2 and a dense layer, without normalisation: that of the Keras
    /// examples.
    Conv4 {
        /// Channels of every convolution and number of features.
        width: usize,
    },
    /// Four convolutions with batch normalisation and average pooling: the paper of relational
    /// reasoning.
    Conv4Pool {
        /// Channels of the first, each other has twice as many as the one before; features are eight
        /// times as many, for each cell of the grid.
        #[serde(default = "conv4_pool::paper_width")]
        width: usize,
        /// Cells along a side of the grid whose means are taken, instead of one mean of all: features tell
        /// where something is. Must divide an eighth of the side of images.
        #[serde(default = "conv4_pool::one", skip_serializing_if = "is_one")]
        grid: usize,
        /// Features, by a dense layer without bias and batch normalisation without scale behind the means.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        features: Option<usize>,
        /// What pixels become first.
        #[serde(default)]
        pixels: Pixels,
    },
    /// A residual network: of basic blocks, or of bottlenecks where its depth is 50.
    Resnet {
        /// 18, 34 or 50.
        depth: Depth,
        /// How it begins.
        #[serde(default)]
        stem: Stem,
        /// Channels of the first blocks; features are eight times as many, with bottlenecks 32 times.
        #[serde(default = "paper_width")]
        width: usize,
        /// What pixels become first.
        #[serde(default)]
        pixels: Pixels,
    },
    /// `MobileNet` v1.
    Mobilenet {
        /// The paper's α: a quarter makes it ten times as fast.
        width_multiplier: f64,
        /// What pixels become first.
        #[serde(default)]
        pixels: Pixels,
        /// How soon batch statistics are those of inference.
        #[serde(default)]
        statistics: Statistics,
        /// Whose initial weights and padding.
        #[serde(default)]
        form: Form,
    },
    /// A vision transformer: timm's `vit_tiny_patch16` is `size = "tiny", patch = 16`.
    Vit {
        /// `"tiny"`, `"small"`, or a table of `dim`, `depth` and `heads`.
        size: Size,
        /// Side of a patch, in pixels; that of images must be a multiple. Half of it makes four times
        /// as many tokens.
        patch: usize,
        /// Which tokens become features.
        #[serde(default)]
        pool: Pool,
        /// What pixels become first.
        #[serde(default)]
        pixels: Pixels,
        /// Tokens besides those of class and patches: 4 in `DINOv2` with registers.
        #[serde(default)]
        registers: usize,
        /// Whether what blocks add is multiplied by learnt factors, as in `DINOv2`.
        #[serde(default)]
        layer_scale: bool,
        /// How positions are resampled for images of another side.
        #[serde(default)]
        positions: Positions,
        /// Whether the class token has a position of its own.
        #[serde(default = "yes")]
        class_position: bool,
        /// Patches along a side of the table of positions, where those are of images of another side.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        grid: Option<usize>,
    },
    /// EfficientNet-Lite: made for phones, and light in a browser.
    EfficientnetLite {
        /// `"lite0"` to `"lite4"`, or a table of stem, stages and head.
        size: efficientnet_lite::Size,
        /// Where layers of stride 2 have their padding.
        #[serde(default)]
        padding: Padding,
        /// What pixels become first.
        #[serde(default)]
        pixels: Pixels,
        /// How soon batch statistics are those of inference, and what is added to variances.
        #[serde(default = "keras_statistics")]
        statistics: Statistics,
    },
    /// `MobileNetV3`-small.
    #[serde(rename = "mobilenet_v3")]
    MobilenetV3 {
        /// Channels of all layers beside the paper's.
        #[serde(default = "whole")]
        width_multiplier: f64,
        /// What pixels become first.
        #[serde(default)]
        pixels: Pixels,
    },
}

/// Whether a setting is left out where settings are written.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_one(number: &usize) -> bool {
    *number == 1
}

/// Channels of the first blocks of a residual network in its paper.
fn paper_width() -> usize {
    const WIDTH: usize = 64;
    WIDTH
}

/// What a vision transformer of the paper has.
fn yes() -> bool {
    true
}

/// What EfficientNet-Lite was trained with.
fn keras_statistics() -> Statistics {
    Statistics::Keras
}

/// The width of the paper.
fn whole() -> f64 {
    1.0
}

impl EncoderSettings {
    /// The kinds that there are, for people.
    pub const KINDS: [&str; 7] =
        ["conv4", "conv4_pool", "resnet", "mobilenet", "vit", "efficientnet_lite", "mobilenet_v3"];

    /// Its kind, as recipes name it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Conv4 { .. } => "conv4",
            Self::Conv4Pool { .. } => "conv4_pool",
            Self::Resnet { .. } => "resnet",
            Self::Mobilenet { .. } => "mobilenet",
            Self::Vit { .. } => "vit",
            Self::EfficientnetLite { .. } => "efficientnet_lite",
            Self::MobilenetV3 { .. } => "mobilenet_v3",
        }
    }

    /// The same encoder for images of another side than it was made for: a transformer keeps the table of
    /// positions that it learnt.
    #[must_use]
    pub fn at_side(mut self, side: usize, made_for: usize) -> Self {
        if let Self::Vit { patch, ref mut grid, .. } = self
            && side != made_for
        {
            *grid = grid.or(made_for.checked_div(patch));
        }
        self
    }

    /// An encoder with fresh weights for pictures of `side` pixels.
    ///
    /// # Errors
    /// [`Error::Setting`] for a width out of range or a side too small for the encoder.
    pub fn init(&self, side: usize, seed: u64, device: &Device) -> Result<Encoder, Error> {
        self.built(side, &mut stream(seed, Purpose::Weights, 0, 0), device)
    }

    /// An encoder whose weights are to be replaced: none is drawn.
    ///
    /// # Errors
    /// As [`Self::init`].
    pub(crate) fn blank(&self, side: usize, device: &Device) -> Result<Encoder, Error> {
        self.built(side, &mut Stream::blank(), device)
    }

    fn built(&self, side: usize, stream: &mut Stream, device: &Device) -> Result<Encoder, Error> {
        Ok(match *self {
            Self::Conv4 { width } => Encoder::Conv4(Conv4::new(width, side, stream, device)?),
            Self::Conv4Pool { width, grid, features, pixels } => {
                let shape = conv4_pool::Shape { width, grid, features };
                Encoder::Conv4Pool(Conv4Pool::new(shape, pixels, side, stream, device)?)
            }
            Self::Resnet { depth, stem, width, pixels } => {
                let shape = resnet::Shape { depth, stem, width };
                Encoder::Resnet(ResNet::new(shape, pixels, stream, device)?)
            }
            Self::Mobilenet { width_multiplier, pixels, statistics, form } => {
                if form == Form::Keras {
                    mobilenet::check_keras_side(side)?;
                }
                let kind = (form, statistics.constants());
                let network = MobileNet::new(width_multiplier, kind, stream, device)?;
                Encoder::Mobilenet(network.with_pixels(pixels))
            }
            Self::Vit { size, patch, .. } => {
                let (sides, options) = ([side, patch], self.transformer());
                let place = (stream, device);
                Encoder::Vit(VisionTransformer::new(size.shape(), sides, options, place)?)
            }
            Self::EfficientnetLite { ref size, padding, pixels, statistics } => {
                let (shape, kind) = (size.shape(), (padding, statistics.constants()));
                let place = (stream, device);
                Encoder::EfficientnetLite(EfficientNetLite::new(&shape, kind, pixels, place)?)
            }
            Self::MobilenetV3 { width_multiplier, pixels } => {
                Encoder::MobilenetV3(MobileNetV3::new(width_multiplier, pixels, stream, device)?)
            }
        })
    }

    /// Number of features.
    pub fn features(&self) -> usize {
        match *self {
            Self::Conv4 { width } => width,
            Self::Conv4Pool { width, grid, features, .. } => {
                conv4_pool::Shape { width, grid, features }.features()
            }
            Self::Resnet { depth, width, .. } => resnet::features(depth, width),
            Self::Mobilenet { width_multiplier, .. } => mobilenet::features(width_multiplier),
            Self::Vit { size, pool: Pool::ClsMean, .. } => 2 * size.shape().dim,
            Self::Vit { size, .. } => size.shape().dim,
            Self::EfficientnetLite { ref size, .. } => size.features(),
            Self::MobilenetV3 { width_multiplier, .. } => mobilenet_v3::features(width_multiplier),
        }
    }

    /// Whether layers normalise by batches, and so have running statistics.
    pub fn normalises(&self) -> bool {
        !matches!(self, Self::Conv4 { .. } | Self::Vit { .. })
    }

    /// What pixels become before the first layer.
    pub fn pixels(&self) -> Pixels {
        match *self {
            Self::Conv4 { .. } => Pixels::Unit,
            Self::Conv4Pool { pixels, .. }
            | Self::Resnet { pixels, .. }
            | Self::Mobilenet { pixels, .. }
            | Self::Vit { pixels, .. }
            | Self::EfficientnetLite { pixels, .. }
            | Self::MobilenetV3 { pixels, .. } => pixels,
        }
    }

    /// What a vision transformer has besides its size; the defaults of all others.
    fn transformer(&self) -> vit::Options {
        match *self {
            Self::Vit {
                pool,
                pixels,
                registers,
                layer_scale,
                positions,
                class_position,
                grid,
                size: _,
                patch: _,
            } => vit::Options {
                pool,
                pixels,
                registers,
                layer_scale,
                positions,
                class_position,
                grid,
            },
            _ => vit::Options::default(),
        }
    }
}
