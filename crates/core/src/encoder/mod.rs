//! Encoders: pictures to features.

pub mod conv;
pub mod conv4;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::rng::{Purpose, stream};
use conv4::Conv4;

/// Which encoder, and how large.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum EncoderSettings {
    /// Four 3×3 convolutions of stride 2 and a dense layer, without normalisation: the seeds' own.
    Conv4 {
        /// Channels of every convolution and number of features.
        width: usize,
    },
}

/// An encoder with its weights.
#[derive(Module, Debug)]
#[non_exhaustive]
pub enum Encoder {
    /// Four convolutions and a dense layer.
    Conv4(Conv4),
}

impl EncoderSettings {
    /// The kinds that there are, for people.
    pub const KINDS: [&str; 1] = ["conv4"];

    /// An encoder with fresh weights for pictures of `side` pixels.
    ///
    /// # Errors
    /// [`Error::Setting`] for a width of 0 or a side too small for the convolutions.
    pub fn init(&self, side: usize, seed: u64, device: &Device) -> Result<Encoder, Error> {
        match *self {
            Self::Conv4 { width } => {
                let mut stream = stream(seed, Purpose::Weights, 0, 0);
                Ok(Encoder::Conv4(Conv4::new(width, side, &mut stream, device)?))
            }
        }
    }

    /// Number of features.
    pub fn features(&self) -> usize {
        match *self {
            Self::Conv4 { width } => width,
        }
    }
}

impl Encoder {
    /// # Shapes
    /// - images: `[n, 3, side, side]` in [0, 1]
    /// - result: `[n, features]`, not normalised
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        match self {
            Self::Conv4(encoder) => encoder.forward(images),
        }
    }
}
