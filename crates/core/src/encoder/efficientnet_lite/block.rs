//! Blocks of an EfficientNet-Lite: channels are made more, seen one by one, and made few again.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::size::Stage;
use crate::activation::Activation;
use crate::encoder::block::{folded, normalized};
use crate::encoder::conv::{Bottleneck, Conv, Geometry, Strided};
use crate::norm::{BatchNorm, Constants};
use crate::rng::Stream;

/// A product of channels that makes them more, a kernel a channel, and a product that makes them few;
/// where channels are not made more, the kernels come first and one product follows.
#[derive(Module, Debug)]
pub(super) struct Block {
    conv_pw: Conv,
    bn1: BatchNorm,
    conv_dw: Conv,
    bn2: BatchNorm,
    /// Of blocks that make channels more, as its normalisation.
    conv_pwl: Option<Conv>,
    bn3: Option<BatchNorm>,
    #[module(skip)]
    has_shortcut: bool,
}

/// Makes layers.
pub(super) struct Layers<'a> {
    pub(super) strided: Strided,
    pub(super) constants: Constants,
    pub(super) stream: &'a mut Stream,
    pub(super) device: &'a Device,
}

impl Layers<'_> {
    /// A convolution and its normalisation: inputs, outputs, side of the kernel.
    pub(super) fn pair(&mut self, shape: [usize; 3], geometry: Geometry) -> (Conv, BatchNorm) {
        let conv = Conv::without_bias(shape, geometry, self.stream, self.device);
        let norm = BatchNorm::new(shape[1], self.device).with(self.constants);
        (conv.strided(self.strided), norm)
    }
}

impl Block {
    pub(super) fn new(
        inputs: usize,
        &Stage { kernel, expansion, outputs, .. }: &Stage,
        stride: usize,
        layers: &mut Layers<'_>,
    ) -> Self {
        let has_shortcut = stride == 1 && inputs == outputs;
        let wide = inputs * expansion;
        let each = Geometry::same(kernel, stride).of_channels(wide);
        let all = Geometry::same(1, 1);
        if expansion == 1 {
            let (conv_dw, bn1) = layers.pair([wide, wide, kernel], each);
            let (conv_pw, bn2) = layers.pair([wide, outputs, 1], all);
            let (conv_pwl, bn3) = (None, None);
            return Self { conv_pw, bn1, conv_dw, bn2, conv_pwl, bn3, has_shortcut };
        }
        let (conv_pw, bn1) = layers.pair([inputs, wide, 1], all);
        let (conv_dw, bn2) = layers.pair([wide, wide, kernel], each);
        let (conv_pwl, bn3) = layers.pair([wide, outputs, 1], all);
        let (conv_pwl, bn3) = (Some(conv_pwl), Some(bn3));
        Self { conv_pw, bn1, conv_dw, bn2, conv_pwl, bn3, has_shortcut }
    }

    /// For inference.
    pub(super) fn folded(&self) -> Self {
        let Self { conv_pw, bn1, conv_dw, bn2, conv_pwl, bn3, has_shortcut } = self;
        let has_shortcut = *has_shortcut;
        match conv_pwl.as_ref().zip(bn3.as_ref()) {
            Some((conv_pwl, bn3)) => {
                let ((conv_pw, bn1), (conv_dw, bn2)) = (folded(conv_pw, bn1), folded(conv_dw, bn2));
                let (conv_pwl, bn3) = folded(conv_pwl, bn3);
                let (conv_pwl, bn3) = (Some(conv_pwl), Some(bn3));
                Self { conv_pw, bn1, conv_dw, bn2, conv_pwl, bn3, has_shortcut }
            }
            None => {
                let ((conv_dw, bn1), (conv_pw, bn2)) = (folded(conv_dw, bn1), folded(conv_pw, bn2));
                Self { conv_pw, bn1, conv_dw, bn2, conv_pwl: None, bn3: None, has_shortcut }
            }
        }
    }

    /// # Shapes
    /// - x: `[n, inputs, h, w]`
    /// - result: `[n, outputs, …]`, smaller by the stride
    pub(super) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let maps = self.at_once().infer(&x).unwrap_or_else(|| self.one_by_one(x.clone()));
        if self.has_shortcut { maps + x } else { maps }
    }

    fn at_once(&self) -> Bottleneck<'_> {
        let (pointwise, depthwise) = (&self.conv_pw, (&self.conv_dw, Activation::Relu6));
        match &self.conv_pwl {
            Some(projection) => {
                let expansion = Some((pointwise, Activation::Relu6));
                Bottleneck { expansion, depthwise, projection: (projection, Activation::Linear) }
            }
            None => {
                let projection = (pointwise, Activation::Linear);
                Bottleneck { expansion: None, depthwise, projection }
            }
        }
    }

    fn one_by_one(&self, x: Tensor<4>) -> Tensor<4> {
        let Self { conv_pw, bn1, conv_dw, bn2, conv_pwl, bn3, .. } = self;
        let first = if conv_pwl.is_some() { conv_pw } else { conv_dw };
        let maps = normalized((first, bn1), x, Activation::Relu6);
        match (conv_pwl, bn3) {
            (Some(conv_pwl), Some(bn3)) => {
                let maps = normalized((conv_dw, bn2), maps, Activation::Relu6);
                normalized((conv_pwl, bn3), maps, Activation::Linear)
            }
            _ => normalized((conv_pw, bn2), maps, Activation::Linear),
        }
    }
}
