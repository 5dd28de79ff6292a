//! Residual networks.

use super::graph::{Graph, Value};
use super::maps::{Convolution, Maps};
use crate::activation::Activation;
use crate::encoder::conv::{Geometry, KERNEL};
use crate::encoder::resnet::{Depth, Stem, WIDE_KERNEL};
use crate::error::Error;
use crate::norm::Constants;

impl Graph<'_> {
    /// A stem and four stages of blocks.
    pub(super) fn resnet(
        &mut self,
        image: &Maps,
        (depth, stem): (Depth, Stem),
    ) -> Result<Value, Error> {
        let (kernel, stride) = match stem {
            Stem::Cifar => (KERNEL, 1),
            Stem::Imagenet => (WIDE_KERNEL, 2),
        };
        let names = ["conv1", "bn1"].map(String::from);
        let first = Step { kernel, stride, activation: Activation::Relu };
        let mut maps = self.step(image, names, first)?;
        if stem == Stem::Imagenet {
            maps = self.maximum(&maps);
        }
        let stages = depth.blocks().into_iter().enumerate();
        for (stage, place) in stages.flat_map(|(stage, count)| (0..count).map(move |n| (stage, n)))
        {
            let stride = if stage > 0 && place == 0 { 2 } else { 1 };
            let block = format!("layer{}.{place}", stage + 1);
            maps = self.residual_block(&maps, &block, stride)?;
        }
        Ok(self.average(&maps))
    }

    /// Two convolutions or a bottleneck of three, beside a shortcut.
    fn residual_block(&mut self, x: &Maps, block: &str, stride: usize) -> Result<Maps, Error> {
        let is_bottleneck = self.has(&format!("encoder.{block}.conv3.weight"));
        // Kernel and stride of each convolution.
        let convolutions: &[(usize, usize)] = match is_bottleneck {
            true => &[(1, 1), (KERNEL, stride), (1, 1)],
            false => &[(KERNEL, stride), (KERNEL, 1)],
        };
        let mut maps = x.clone();
        for (place, &(kernel, stride)) in convolutions.iter().enumerate() {
            let activation = match place + 1 == convolutions.len() {
                true => Activation::Linear,
                false => Activation::Relu,
            };
            let names = ["conv", "bn"].map(|kind| format!("{block}.{kind}{}", place + 1));
            maps = self.step(&maps, names, Step { kernel, stride, activation })?;
        }
        let mut shortcut = x.clone();
        if self.has(&format!("encoder.{block}.downsample.0.weight")) {
            let names = ["0", "1"].map(|part| format!("{block}.downsample.{part}"));
            let step = Step { kernel: 1, stride, activation: Activation::Linear };
            shortcut = self.step(x, names, step)?;
        }
        let sum = self.sum(&maps, &shortcut);
        Ok(self.activated(&sum, Activation::Relu))
    }

    /// A convolution and its normalisation, by their names.
    fn step(&mut self, maps: &Maps, [conv, norm]: [String; 2], step: Step) -> Result<Maps, Error> {
        let geometry = Geometry::same(step.kernel, step.stride);
        let maps = self.convolution(maps, Convolution::new(&conv, geometry))?;
        self.normalized(&maps, &norm, (Constants::PYTORCH.epsilon, step.activation))
    }
}

/// How a convolution goes over maps, and what follows its normalisation.
struct Step {
    kernel: usize,
    stride: usize,
    activation: Activation,
}
