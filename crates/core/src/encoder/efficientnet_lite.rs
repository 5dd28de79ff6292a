//! EfficientNet-Lite (Tan and Le 2019, without what phones compute slowly), with timm's names.

mod size;
mod block;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::block::{folded, normalized};
use super::conv::{Conv, Geometry, KERNEL, Strided};
use super::{Pixels, global_average};
use crate::activation::Activation;
use crate::error::Error;
use crate::image::CHANNELS;
use crate::norm::{BatchNorm, Constants};
use crate::rng::Stream;
use block::{Block, Layers};
pub use size::{Lite, Shape, Size, Stage};

/// Where layers of stride 2 have their padding.
///
/// Weights of one kind are of no use to the other, and nothing in a file tells which it is: `tf_…` of
/// timm and the packages made from TensorFlow's weights have the first, timm's own have the second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Padding {
    /// TensorFlow's: the larger half below and to the right.
    #[default]
    Same,
    /// `PyTorch`'s: half the kernel on all sides.
    Around,
}

/// A convolution, stages of inverted bottlenecks, a 1×1 convolution, an average over the map; batch
/// normalisation after every convolution and `ReLU6` after all but those that end a block.
#[derive(Module, Debug)]
pub struct EfficientNetLite {
    conv_stem: Conv,
    bn1: BatchNorm,
    blocks: Vec<Vec<Block>>,
    conv_head: Conv,
    bn2: BatchNorm,
    #[module(skip)]
    pixels: Pixels,
}

impl From<Padding> for Strided {
    fn from(padding: Padding) -> Self {
        match padding {
            Padding::Same => Self::Same,
            Padding::Around => Self::Around,
        }
    }
}

impl EfficientNetLite {
    /// Fresh weights.
    ///
    /// # Errors
    /// [`Error::Setting`] for a shape that cannot be.
    pub fn new(
        shape: &Shape,
        (padding, constants): (Padding, Constants),
        pixels: Pixels,
        (stream, device): (&mut Stream, &Device),
    ) -> Result<Self, Error> {
        shape.check()?;
        let layers = &mut Layers { strided: padding.into(), constants, stream, device };
        let stem = Geometry::same(KERNEL, 2);
        let (conv_stem, bn1) = layers.pair([CHANNELS, shape.stem, KERNEL], stem);
        let mut inputs = shape.stem;
        let mut blocks = Vec::new();
        for stage in &shape.stages {
            let strides = (0..stage.repeats).map(|place| if place == 0 { stage.stride } else { 1 });
            let stage = strides.map(|stride| {
                let inputs = core::mem::replace(&mut inputs, stage.outputs);
                Block::new(inputs, stage, stride, layers)
            });
            blocks.push(stage.collect());
        }
        let (conv_head, bn2) = layers.pair([inputs, shape.head, 1], Geometry::same(1, 1));
        Ok(Self { conv_stem, bn1, blocks, conv_head, bn2, pixels })
    }

    /// For inference.
    pub(super) fn folded(&self) -> Self {
        let (conv_stem, bn1) = folded(&self.conv_stem, &self.bn1);
        let stage = |blocks: &Vec<Block>| blocks.iter().map(Block::folded).collect();
        let blocks = self.blocks.iter().map(stage).collect();
        let (conv_head, bn2) = folded(&self.conv_head, &self.bn2);
        Self { conv_stem, bn1, blocks, conv_head, bn2, pixels: self.pixels }
    }

    /// # Shapes
    /// - images: `[n, 3, side, side]`
    /// - result: `[n, head]`, in [0, 6]
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let images = self.pixels.of(images);
        let maps = normalized((&self.conv_stem, &self.bn1), images, Activation::Relu6);
        let blocks = self.blocks.iter().flatten();
        let maps = blocks.fold(maps, |maps, block| block.forward(maps));
        global_average(normalized((&self.conv_head, &self.bn2), maps, Activation::Relu6))
    }
}
