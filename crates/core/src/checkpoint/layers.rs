//! The layers of a checkpoint's encoder, one after the other: what each gives and what it has learnt.

use super::Meta;
use crate::archive::Archive;
use crate::encoder::conv::side_after;
use crate::encoder::mobilenet::PAIRS;
use crate::encoder::resnet::Stem;
use crate::encoder::vit::Pool;
use crate::encoder::{EncoderSettings, Form, efficientnet_lite, mobilenet_v3};

/// A layer, by the name of its tensors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Its name in the file, without `encoder.`.
    pub name: String,
    /// What it does.
    pub kind: &'static str,
    /// Shape of what it gives of one image: channels, height, width; tokens and the numbers of each;
    /// or features.
    pub output: Vec<usize>,
    /// Numbers that it learns.
    pub parameters: usize,
    /// Its number, from 1, among those that can be frozen; none for one without parameters. What learns
    /// together has one number.
    pub number: Option<usize>,
}

impl Meta {
    /// The layers of the encoder, in the order of data.
    pub fn layers(&self, archive: &Archive) -> Vec<Layer> {
        let mut list = LayerList { archive, side: self.side, layers: Vec::new() };
        match self.recipe.encoder {
            EncoderSettings::Conv4 { .. } => list.conv4(),
            EncoderSettings::Conv4Pool { grid, .. } => list.conv4_pool(grid),
            EncoderSettings::Resnet { stem, .. } => list.resnet(stem),
            EncoderSettings::Mobilenet { form, .. } => list.mobilenet(form),
            EncoderSettings::Vit { pool, .. } => list.vit(pool),
            EncoderSettings::EfficientnetLite { ref size, .. } => {
                list.efficientnet_lite(&size.shape());
            }
            EncoderSettings::MobilenetV3 { .. } => list.mobilenet_v3(),
        }
        for layer in list.layers.iter_mut().filter(|layer| layer.parameters > 0) {
            layer.number = Some(1 + self.recipe.encoder.layer_of(&layer.name));
        }
        list.layers
    }
}

/// The layers so far, in the order of data.
struct LayerList<'a> {
    archive: &'a Archive,
    /// Of the maps that the last layer gave.
    side: usize,
    layers: Vec<Layer>,
}

impl LayerList<'_> {
    fn conv4(&mut self) {
        for place in 0.. {
            let name = format!("convs.{place}");
            let Some(channels) = self.channels(&format!("{name}.weight")) else { break };
            self.side = side_after(self.side, 2).unwrap_or(0);
            self.maps(name, "convolution, ReLU", channels);
        }
        let features = self.channels("dense.weight").unwrap_or(0);
        self.add("dense".into(), "dense, ReLU", vec![features]);
    }

    fn conv4_pool(&mut self, grid: usize) {
        for place in 0.. {
            let name = format!("layers.{place}");
            let Some(channels) = self.channels(&format!("{name}.conv.weight")) else { break };
            let is_last = self.channels(&format!("layers.{}.conv.weight", place + 1)).is_none();
            if is_last {
                self.maps(name, "convolution, norm, ReLU", channels);
            } else {
                self.side /= 2;
                self.maps(name, "convolution, norm, ReLU, pool", channels);
            }
        }
        if grid == 1 {
            self.average();
        } else {
            let channels = self.layers.last().map_or(0, |layer| layer.output[0]);
            let means = channels.saturating_mul(grid).saturating_mul(grid);
            self.add("average".into(), "average over each cell", vec![means]);
        }
        if let Some(features) = self.channels("dense.weight") {
            self.add("dense".into(), "dense, norm", vec![features]);
        }
    }

    fn resnet(&mut self, stem: Stem) {
        let channels = self.channels("conv1.weight").unwrap_or(0);
        if stem == Stem::Imagenet {
            self.side = self.side.div_ceil(2);
        }
        self.maps("conv1".into(), "convolution, norm, ReLU", channels);
        // Its normalisation has a name of its own.
        let norm = self.parameters("bn1");
        self.layers.iter_mut().for_each(|layer| layer.parameters += norm);
        if stem == Stem::Imagenet {
            self.side = self.side.div_ceil(2);
            self.maps("maxpool".into(), "maximum", channels);
        }
        (1..=4).for_each(|stage| self.stage(stage));
        self.average();
    }

    /// Blocks of one size; the first of all stages but one halves the map.
    fn stage(&mut self, stage: usize) {
        for place in 0.. {
            let name = format!("layer{stage}.{place}");
            let channels = |conv: &str| self.channels(&format!("{name}.{conv}.weight"));
            // A bottleneck has a third.
            let Some(channels) = channels("conv3").or_else(|| channels("conv2")) else { return };
            let stride = if stage > 1 && place == 0 { 2 } else { 1 };
            self.side = self.side.div_ceil(stride);
            self.maps(name, "residual block", channels);
        }
    }

    fn mobilenet(&mut self, form: Form) {
        let stem = [("stem".to_owned(), "convolution, norm, ReLU6", 2)].into_iter();
        let pairs = PAIRS.into_iter().enumerate().flat_map(|(place, (stride, _))| {
            let name = |which: &str| format!("pairs.{place}.{which}");
            [
                (name("depthwise"), "depthwise convolution, norm, ReLU6", stride),
                (name("pointwise"), "pointwise convolution, norm, ReLU6", 1),
            ]
        });
        for (name, kind, stride) in stem.chain(pairs) {
            let channels = self.channels(&format!("{name}.conv.weight")).unwrap_or(0);
            // Keras pads its depthwise layers of stride 2 on one side alone.
            let floors = form == Form::Keras && name.ends_with("depthwise");
            self.side = if floors { self.side / stride } else { self.side.div_ceil(stride) };
            self.maps(name, kind, channels);
        }
        self.average();
    }

    fn vit(&mut self, pool: Pool) {
        let positions = self.archive.shape("encoder.pos_embed").unwrap_or_default();
        let &[_, places, dim] = positions else { return };
        let registers = self.archive.shape("encoder.reg_token").map_or(0, |shape| shape[1]);
        let kernel = self.archive.shape("encoder.patch_embed.proj.weight").unwrap_or_default();
        let patch = kernel.last().copied().unwrap_or(1).max(1);
        let patches = (self.side / patch) * (self.side / patch);
        self.add("patch_embed".into(), "patches to tokens", vec![patches, dim]);
        let learnt = (places + 1 + registers) * dim;
        let tokens = 1 + registers + patches;
        let (name, output) = ("pos_embed".into(), vec![tokens, dim]);
        let kind = match registers {
            0 => "class token, positions",
            _ => "class token, registers, positions",
        };
        self.layers.push(Layer { name, kind, output, parameters: learnt, number: None });
        for place in 0.. {
            let name = format!("blocks.{place}");
            let Some(_) = self.channels(&format!("{name}.norm1.weight")) else { break };
            self.add(name, "attention, perceptron", vec![tokens, dim]);
        }
        self.add("norm".into(), "layer norm", vec![tokens, dim]);
        let (kind, features) = match pool {
            Pool::Cls => ("class token", dim),
            Pool::Mean => ("average over patches", dim),
            Pool::ClsMean => ("class token, average over patches", 2 * dim),
        };
        self.add("pool".into(), kind, vec![features]);
    }

    /// Both paddings leave half of a side, rounded up.
    fn efficientnet_lite(&mut self, shape: &efficientnet_lite::Shape) {
        self.named("conv_stem", "bn1", ("convolution, norm, ReLU6", 2));
        for (place, stage) in shape.stages.iter().enumerate() {
            let strides = (0..stage.repeats).map(|block| if block == 0 { stage.stride } else { 1 });
            for (block, stride) in strides.enumerate() {
                self.side = self.side.div_ceil(stride);
                self.maps(format!("blocks.{place}.{block}"), "inverted bottleneck", stage.outputs);
            }
        }
        self.named("conv_head", "bn2", ("convolution, norm, ReLU6", 1));
        self.average();
    }

    /// A convolution whose normalisation has a name of its own.
    fn named(&mut self, conv: &str, norm: &str, (kind, stride): (&'static str, usize)) {
        self.side = self.side.div_ceil(stride);
        let channels = self.channels(&format!("{conv}.weight")).unwrap_or(0);
        self.maps(conv.into(), kind, channels);
        let norm = self.parameters(norm);
        self.layers.last_mut().expect("it was just added").parameters += norm;
    }

    fn mobilenet_v3(&mut self) {
        let last = mobilenet_v3::strides().count() - 1;
        for (place, stride) in mobilenet_v3::strides().enumerate() {
            let name = format!("features.{place}");
            self.side = self.side.div_ceil(stride);
            if place == 0 || place == last {
                let channels = self.channels(&format!("{name}.0.weight")).unwrap_or(0);
                self.maps(name, "convolution, norm, hard swish", channels);
                continue;
            }
            let outputs = |step| self.channels(&format!("{name}.block.{step}.0.weight"));
            let channels = (0..=3).rev().find_map(outputs).unwrap_or(0);
            self.maps(name, "inverted bottleneck", channels);
        }
        self.average();
    }

    fn average(&mut self) {
        let channels = self.layers.last().map_or(0, |layer| layer.output[0]);
        self.add("average".into(), "average over the map", vec![channels]);
    }

    fn maps(&mut self, name: String, kind: &'static str, channels: usize) {
        self.add(name, kind, vec![channels, self.side, self.side]);
    }

    fn add(&mut self, name: String, kind: &'static str, output: Vec<usize>) {
        let parameters = self.parameters(&name);
        self.layers.push(Layer { name, kind, output, parameters, number: None });
    }

    fn channels(&self, name: &str) -> Option<usize> {
        self.archive.shape(&format!("encoder.{name}"))?.first().copied()
    }

    fn parameters(&self, name: &str) -> usize {
        self.archive.parameters(&format!("encoder.{name}."))
    }
}

#[cfg(test)]
mod tests {
    use super::super::sizes::tests::{ENCODERS, written};
    use super::*;

    fn layers(encoder: &str) -> (Vec<Layer>, usize, usize) {
        let archive = written(encoder);
        let meta = Meta::read(&archive).unwrap();
        let parameters = archive.parameters("encoder.");
        (meta.layers(&archive), parameters, meta.recipe.encoder.features())
    }

    #[test]
    fn layers_have_all_parameters_and_end_in_the_features() {
        for encoder in ENCODERS {
            let (layers, parameters, features) = layers(encoder);
            let sum: usize = layers.iter().map(|layer| layer.parameters).sum();
            assert_eq!(sum, parameters, "{encoder}: {layers:#?}");
            assert_eq!(layers.last().unwrap().output, [features], "{encoder}");
            let numbers: Vec<usize> = layers.iter().filter_map(|layer| layer.number).collect();
            assert!(numbers.is_sorted() && numbers[0] == 1, "{encoder}: {numbers:?}");
            let settings = Meta::read(&written(encoder)).unwrap().recipe.encoder;
            assert_eq!(numbers.last(), Some(&settings.freezable()), "{encoder}");
        }
    }

    #[test]
    fn tokens_are_those_of_whole_patches_and_the_class() {
        let (layers, ..) = layers(ENCODERS[6]);
        let outputs: Vec<&[usize]> = layers.iter().map(|layer| &layer.output[..]).collect();
        assert_eq!(outputs, [&[16, 6][..], &[17, 6], &[17, 6], &[17, 6], &[17, 6], &[6]]);
    }

    #[test]
    fn shapes_are_those_of_papers_and_of_keras() {
        let sides = |encoder: &str| {
            let (layers, ..) = layers(encoder);
            layers.iter().filter_map(|layer| layer.output.get(1).copied()).collect::<Vec<_>>()
        };
        // 32 pixels: the Keras examples' `encoder.summary()`, 3×3 valid with stride 2.
        assert_eq!(sides(ENCODERS[0]), [15, 7, 3, 1]);
        assert_eq!(sides(ENCODERS[1]), [16, 8, 4, 4]);
        // He et al. 2016, table 1, at an eighth of their size.
        let imagenet = sides(ENCODERS[3]);
        assert_eq!(imagenet[..2], [16, 8]);
        let blocks = [8, 8, 8, 4, 4, 4, 4, 2, 2, 2, 2, 2, 2, 1, 1, 1];
        assert_eq!(imagenet[2..], blocks);
        // The same, of bottlenecks, with the smaller stem.
        let (bottlenecks, ..) = layers(ENCODERS[5]);
        let outputs = bottlenecks[1..17].iter().map(|layer| [layer.output[0], layer.output[1]]);
        let stages = [([4, 32], 3), ([8, 16], 4), ([16, 8], 6), ([32, 4], 3)];
        let expected = stages.into_iter().flat_map(|(output, count)| vec![output; count]);
        assert!(outputs.eq(expected), "{bottlenecks:#?}");
        // Howard et al. 2017, table 1, at a seventh of their size: 224 ends in 7.
        let mobile = sides(ENCODERS[4]);
        let pointwise: Vec<usize> = mobile.iter().skip(2).step_by(2).copied().collect();
        assert_eq!(mobile[0], 16);
        assert_eq!(pointwise, [16, 8, 8, 4, 4, 2, 2, 2, 2, 2, 2, 1, 1]);
    }
}
