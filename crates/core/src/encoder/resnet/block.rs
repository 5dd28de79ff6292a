//! Residual blocks: convolutions beside a shortcut.

use burn::module::Module;
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};

#[cfg(feature = "cpu")]
use crate::activation;
use crate::activation::Activation;
use crate::encoder::block::{folded, normalized};
use crate::encoder::conv::{Conv, Geometry, KERNEL};
use crate::norm::BatchNorm;
use crate::rng::Stream;

/// Outputs of a bottleneck for each of its inner channels.
pub(super) const EXPANSION: usize = 4;

/// Two 3×3 convolutions (figure 5 of the paper, left), or a bottleneck of 1×1, 3×3 and 1×1 (right).
#[derive(Module, Debug)]
pub(super) struct Block {
    conv1: Conv,
    bn1: BatchNorm,
    conv2: Conv,
    bn2: BatchNorm,
    /// Of bottlenecks alone, as its normalisation.
    conv3: Option<Conv>,
    bn3: Option<BatchNorm>,
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
        Self {
            conv1: conv([inputs, outputs, KERNEL, stride], stream, device),
            bn1: BatchNorm::new(outputs, device),
            conv2: conv([outputs, outputs, KERNEL, 1], stream, device),
            bn2: BatchNorm::new(outputs, device),
            conv3: None,
            bn3: None,
            downsample: downsample([inputs, outputs], stride, stream, device),
        }
    }

    /// A 3×3 convolution with the stride, as torchvision has it, between two 1×1, with so many channels
    /// inside and four times as many outputs.
    pub(super) fn bottleneck(
        [inputs, channels]: [usize; 2],
        stride: usize,
        stream: &mut Stream,
        device: &Device,
    ) -> Self {
        let outputs = EXPANSION * channels;
        Self {
            conv1: conv([inputs, channels, 1, 1], stream, device),
            bn1: BatchNorm::new(channels, device),
            conv2: conv([channels, channels, KERNEL, stride], stream, device),
            bn2: BatchNorm::new(channels, device),
            conv3: Some(conv([channels, outputs, 1, 1], stream, device)),
            bn3: Some(BatchNorm::new(outputs, device)),
            downsample: downsample([inputs, outputs], stride, stream, device),
        }
    }

    /// For inference.
    pub(super) fn folded(&self) -> Self {
        let (conv1, bn1) = folded(&self.conv1, &self.bn1);
        let (conv2, bn2) = folded(&self.conv2, &self.bn2);
        let third = self.conv3.as_ref().zip(self.bn3.as_ref());
        let (conv3, bn3) = third.map(|(conv, norm)| folded(conv, norm)).unzip();
        let downsample = self.downsample.as_ref().map(|(conv, norm)| folded(conv, norm));
        Self { conv1, bn1, conv2, bn2, conv3, bn3, downsample }
    }

    /// # Shapes
    /// - x: `[n, inputs, h, w]`
    /// - result: `[n, outputs, …]`, smaller by the stride; none negative
    pub(super) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let maps = normalized((&self.conv1, &self.bn1), x.clone(), Activation::Relu);
        let second = (&self.conv2, &self.bn2);
        let maps = match (&self.conv3, &self.bn3) {
            (Some(conv3), Some(bn3)) => {
                let maps = normalized(second, maps, Activation::Relu);
                normalized((conv3, bn3), maps, Activation::Linear)
            }
            _ => normalized(second, maps, Activation::Linear),
        };
        let shortcut = match &self.downsample {
            Some((conv, norm)) => normalized((conv, norm), x, Activation::Linear),
            None => x,
        };
        joined(maps, shortcut)
    }
}

/// The sum of a block's two ways, and `ReLU`.
fn joined(maps: Tensor<4>, shortcut: Tensor<4>) -> Tensor<4> {
    #[cfg(feature = "cpu")]
    if maps.device().inner() == Device::flex() {
        // Channels last, as maps lie there: seen so, both are added without a copy.
        let [maps, shortcut] = [maps, shortcut].map(|x| x.permute([0, 2, 3, 1]));
        return activation::sum::relu(maps, shortcut).permute([0, 3, 1, 2]);
    }
    relu(maps + shortcut)
}
