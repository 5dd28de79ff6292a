//! Residual blocks: convolutions beside a shortcut.

use burn::module::Module;
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};

use crate::activation::Activation;
use crate::encoder::conv::{Conv, Geometry, KERNEL};
use crate::norm::BatchNorm;
use crate::rng::Stream;

/// Outputs of a bottleneck for each of its inner channels.
pub(super) const EXPANSION: usize = 4;

/// A block of either kind.
#[derive(Module, Debug)]
pub(super) enum Block {
    /// Two 3×3 convolutions (figure 5 of the paper, left).
    Basic(Basic),
    /// 1×1, 3×3, 1×1 (figure 5, right), with the stride in the 3×3 as torchvision has it.
    Bottleneck(Bottleneck),
}

#[derive(Module, Debug)]
pub(super) struct Basic {
    conv1: Conv,
    bn1: BatchNorm,
    conv2: Conv,
    bn2: BatchNorm,
    downsample: Option<Downsample>,
}

#[derive(Module, Debug)]
pub(super) struct Bottleneck {
    conv1: Conv,
    bn1: BatchNorm,
    conv2: Conv,
    bn2: BatchNorm,
    conv3: Conv,
    bn3: BatchNorm,
    downsample: Option<Downsample>,
}

/// Of the shortcut where the shape changes: a 1×1 convolution and its normalisation.
type Downsample = (Conv, BatchNorm);

/// A convolution without bias: inputs, outputs, side of the kernel, stride.
fn conv(
    [inputs, outputs, kernel, stride]: [usize; 4],
    stream: &mut Stream,
    device: &Device,
) -> Conv {
    let geometry = Geometry::same(kernel, stride);
    Conv::without_bias([inputs, outputs, kernel], geometry, stream, device)
}

fn downsample(
    [inputs, outputs]: [usize; 2],
    stride: usize,
    stream: &mut Stream,
    device: &Device,
) -> Option<Downsample> {
    let is_needed = stride != 1 || inputs != outputs;
    let conv = is_needed.then(|| conv([inputs, outputs, 1, stride], stream, device));
    conv.map(|conv| (conv, BatchNorm::new(outputs, device)))
}

impl Block {
    /// Two 3×3 convolutions, the first with the stride, from so many inputs to so many outputs.
    pub(super) fn basic(
        [inputs, outputs]: [usize; 2],
        stride: usize,
        stream: &mut Stream,
        device: &Device,
    ) -> Self {
        Self::Basic(Basic {
            conv1: conv([inputs, outputs, KERNEL, stride], stream, device),
            bn1: BatchNorm::new(outputs, device),
            conv2: conv([outputs, outputs, KERNEL, 1], stream, device),
            bn2: BatchNorm::new(outputs, device),
            downsample: downsample([inputs, outputs], stride, stream, device),
        })
    }

    /// A 3×3 convolution with the stride between two 1×1, with so many channels inside and four
    /// times as many outputs.
    pub(super) fn bottleneck(
        [inputs, channels]: [usize; 2],
        stride: usize,
        stream: &mut Stream,
        device: &Device,
    ) -> Self {
        let outputs = EXPANSION * channels;
        Self::Bottleneck(Bottleneck {
            conv1: conv([inputs, channels, 1, 1], stream, device),
            bn1: BatchNorm::new(channels, device),
            conv2: conv([channels, channels, KERNEL, stride], stream, device),
            bn2: BatchNorm::new(channels, device),
            conv3: conv([channels, outputs, 1, 1], stream, device),
            bn3: BatchNorm::new(outputs, device),
            downsample: downsample([inputs, outputs], stride, stream, device),
        })
    }

    /// # Shapes
    /// - x: `[n, inputs, h, w]`
    /// - result: `[n, outputs, …]`, smaller by the stride; none negative
    pub(super) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let (maps, downsample) = match self {
            Self::Basic(block) => (block.residual(x.clone()), &block.downsample),
            Self::Bottleneck(block) => (block.residual(x.clone()), &block.downsample),
        };
        let shortcut = match downsample {
            Some((conv, norm)) => norm.forward(conv.forward(x)),
            None => x,
        };
        relu(maps + shortcut)
    }
}

impl Basic {
    fn residual(&self, x: Tensor<4>) -> Tensor<4> {
        let maps = self.bn1.forward_with(self.conv1.forward(x), Activation::Relu);
        self.bn2.forward(self.conv2.forward(maps))
    }
}

impl Bottleneck {
    fn residual(&self, x: Tensor<4>) -> Tensor<4> {
        let maps = self.bn1.forward_with(self.conv1.forward(x), Activation::Relu);
        let maps = self.bn2.forward_with(self.conv2.forward(maps), Activation::Relu);
        self.bn3.forward(self.conv3.forward(maps))
    }
}
