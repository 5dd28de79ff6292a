//! Residual networks (He et al. 2016), with torchvision's names.

mod block;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::block::{folded, normalized};
use super::conv::{Conv, Geometry, KERNEL};
use super::pool::maximum;
use super::{Pixels, global_average};
use crate::activation::Activation;
use crate::error::Error;
use crate::image::CHANNELS;
use crate::norm::BatchNorm;
use crate::rng::Stream;
use block::Block;

/// How a residual network begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stem {
    /// 3×3 of stride 1, for pictures of 32 pixels (Chen et al. 2020, appendix B.9).
    #[default]
    Cifar,
    /// 7×7 of stride 2 and a maximum over 3×3 of stride 2, for pictures of 96 pixels and more.
    Imagenet,
}

/// How many blocks, and of which kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum Depth {
    /// 2, 2, 2, 2 basic blocks.
    Eighteen,
    /// 3, 4, 6, 3 basic blocks.
    ThirtyFour,
    /// 3, 4, 6, 3 bottlenecks.
    Fifty,
}

impl Depth {
    /// Blocks of the four stages.
    pub(crate) fn blocks(self) -> [usize; 4] {
        match self {
            Self::Eighteen => [2, 2, 2, 2],
            Self::ThirtyFour | Self::Fifty => [3, 4, 6, 3],
        }
    }

    /// Outputs of a block for each channel of its 3×3 convolutions.
    fn expansion(self) -> usize {
        match self {
            Self::Eighteen | Self::ThirtyFour => 1,
            Self::Fifty => block::EXPANSION,
        }
    }

    /// A block from so many inputs with 3×3 convolutions of so many channels.
    fn block(
        self,
        sizes: [usize; 2],
        stride: usize,
        stream: &mut Stream,
        device: &Device,
    ) -> Block {
        match self {
            Self::Eighteen | Self::ThirtyFour => Block::basic(sizes, stride, stream, device),
            Self::Fifty => Block::bottleneck(sizes, stride, stream, device),
        }
    }
}

impl TryFrom<u8> for Depth {
    type Error = String;

    fn try_from(depth: u8) -> Result<Self, String> {
        match depth {
            18 => Ok(Self::Eighteen),
            34 => Ok(Self::ThirtyFour),
            50 => Ok(Self::Fifty),
            _ => Err(format!("a residual network of depth {depth}: expected 18, 34 or 50")),
        }
    }
}

impl From<Depth> for u8 {
    fn from(depth: Depth) -> Self {
        match depth {
            Depth::Eighteen => 18,
            Depth::ThirtyFour => 34,
            Depth::Fifty => 50,
        }
    }
}

/// ResNet-18, -34 or -50 without its classifier.
#[derive(Module, Debug)]
pub struct ResNet {
    conv1: Conv,
    bn1: BatchNorm,
    layer1: Vec<Block>,
    layer2: Vec<Block>,
    layer3: Vec<Block>,
    layer4: Vec<Block>,
    #[module(skip)]
    stem: Stem,
    #[module(skip)]
    pixels: Pixels,
}

/// Depth, beginning and width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// How many blocks.
    pub depth: Depth,
    /// How it begins.
    pub stem: Stem,
    /// Channels of the first blocks (64 in the paper); features are eight times as many, with
    /// bottlenecks 32 times.
    pub width: usize,
}

/// Side of the kernel that begins the larger stem.
pub(crate) const WIDE_KERNEL: usize = 7;
/// What the width grows by from the first blocks to the last.
pub(crate) const GROWTH: usize = 8;

/// Number of features.
pub(super) fn features(depth: Depth, width: usize) -> usize {
    GROWTH * width * depth.expansion()
}

impl ResNet {
    /// Fresh weights.
    ///
    /// # Errors
    /// [`Error::Setting`] for a width of 0.
    pub fn new(
        Shape { depth, stem, width }: Shape,
        pixels: Pixels,
        stream: &mut Stream,
        device: &Device,
    ) -> Result<Self, Error> {
        if width == 0 {
            return Err(Error::setting("encoder.width", "at least 1", width));
        }
        let (kernel, stride) = match stem {
            Stem::Cifar => (KERNEL, 1),
            Stem::Imagenet => (WIDE_KERNEL, 2),
        };
        let geometry = Geometry::same(kernel, stride);
        let conv1 = Conv::without_bias([CHANNELS, width, kernel], geometry, stream, device);
        let mut inputs = width;
        let mut layer = |stage: usize| -> Vec<Block> {
            let channels = width << stage;
            let outputs = channels * depth.expansion();
            let strides = (0..depth.blocks()[stage]).map(|number| match (stage, number) {
                (1.., 0) => 2,
                _ => 1,
            });
            let mut block = |stride| {
                let inputs = core::mem::replace(&mut inputs, outputs);
                depth.block([inputs, channels], stride, stream, device)
            };
            strides.map(&mut block).collect()
        };
        let [layer1, layer2, layer3, layer4] = [layer(0), layer(1), layer(2), layer(3)];
        let bn1 = BatchNorm::new(width, device);
        Ok(Self { conv1, bn1, layer1, layer2, layer3, layer4, stem, pixels })
    }

    /// For inference.
    pub(super) fn folded(&self) -> Self {
        let (conv1, bn1) = folded(&self.conv1, &self.bn1);
        let layer = |blocks: &[Block]| blocks.iter().map(Block::folded).collect();
        let [layer1, layer2] = [&self.layer1, &self.layer2].map(|blocks| layer(blocks));
        let [layer3, layer4] = [&self.layer3, &self.layer4].map(|blocks| layer(blocks));
        let Self { stem, pixels, .. } = *self;
        Self { conv1, bn1, layer1, layer2, layer3, layer4, stem, pixels }
    }

    /// # Shapes
    /// - images: `[n, 3, side, side]`
    /// - result: `[n, 8 · width]`, with bottlenecks `[n, 32 · width]`; none negative
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let images = self.pixels.of(images);
        let maps = normalized((&self.conv1, &self.bn1), images, Activation::Relu);
        let maps = match self.stem {
            Stem::Cifar => maps,
            Stem::Imagenet => maximum(maps),
        };
        let blocks = [&self.layer1, &self.layer2, &self.layer3, &self.layer4];
        let maps = blocks.into_iter().flatten().fold(maps, |maps, block| block.forward(maps));
        global_average(maps)
    }
}
