//! Networks of inverted bottlenecks.

use super::graph::{Attribute, Graph, Value};
use super::maps::{Convolution, Maps};
use crate::activation::Activation;
use crate::encoder::Statistics;
use crate::encoder::conv::{Geometry, KERNEL, Strided};
use crate::encoder::efficientnet_lite::{Padding, Shape};
use crate::encoder::mobilenet_v3::{Nonlinearity, ROWS, Row};
use crate::error::Error;
use crate::norm::Constants;

/// A convolution and its normalisation by their names, and how its kernels go.
struct Layer<'a> {
    conv: &'a str,
    norm: &'a str,
    geometry: Geometry,
}

impl Graph<'_> {
    /// A stem, stages of bottlenecks, a head.
    pub(super) fn efficientnet_lite(
        &mut self,
        image: &Maps,
        shape: &Shape,
        (padding, statistics): (Padding, Statistics),
    ) -> Result<Value, Error> {
        let how = (Strided::from(padding), statistics.constants().epsilon);
        let stem = Layer { conv: "conv_stem", norm: "bn1", geometry: Geometry::same(KERNEL, 2) };
        let mut maps = self.lite_layer(image, &stem, how, Activation::Relu6)?;
        let stages = shape.stages.iter().enumerate();
        let blocks =
            stages.flat_map(|(place, stage)| (0..stage.repeats).map(move |n| (place, stage, n)));
        for (place, stage, number) in blocks {
            let stride = if number == 0 { stage.stride } else { 1 };
            let block = format!("blocks.{place}.{number}");
            maps = self.lite_block(&maps, &block, (stage.kernel, stride), how)?;
        }
        let head = Layer { conv: "conv_head", norm: "bn2", geometry: Geometry::same(1, 1) };
        let maps = self.lite_layer(&maps, &head, how, Activation::Relu6)?;
        Ok(self.average(&maps))
    }

    fn lite_block(
        &mut self,
        x: &Maps,
        block: &str,
        (kernel, stride): (usize, usize),
        how: (Strided, f64),
    ) -> Result<Maps, Error> {
        let outputs = |graph: &Self, conv: &str| {
            graph.stored(&format!("encoder.{block}.{conv}.weight")).map(|kernel| kernel.shape)
        };
        let each = Geometry::same(kernel, stride).of_channels(outputs(self, "conv_dw")?[0]);
        let all = Geometry::same(1, 1);
        let widens = self.has(&format!("encoder.{block}.conv_pwl.weight"));
        let layers: &[(&str, &str, Geometry)] = match widens {
            true => &[("conv_pw", "bn1", all), ("conv_dw", "bn2", each), ("conv_pwl", "bn3", all)],
            false => &[("conv_dw", "bn1", each), ("conv_pw", "bn2", all)],
        };
        let mut maps = x.clone();
        for (place, &(conv, norm, geometry)) in layers.iter().enumerate() {
            let activation = match place + 1 == layers.len() {
                true => Activation::Linear,
                false => Activation::Relu6,
            };
            let [conv, norm] = [conv, norm].map(|name| format!("{block}.{name}"));
            let layer = Layer { conv: &conv, norm: &norm, geometry };
            maps = self.lite_layer(&maps, &layer, how, activation)?;
        }
        let inputs = outputs(self, layers[0].0)?;
        let inputs = if widens { inputs[1] } else { inputs[0] };
        let is_kept = stride == 1 && inputs == outputs(self, layers[layers.len() - 1].0)?[0];
        Ok(if is_kept { self.sum(&maps, x) } else { maps })
    }

    fn lite_layer(
        &mut self,
        maps: &Maps,
        layer: &Layer<'_>,
        (strided, epsilon): (Strided, f64),
        activation: Activation,
    ) -> Result<Maps, Error> {
        let convolution = Convolution::new(layer.conv, layer.geometry).strided(strided);
        let maps = self.convolution(maps, convolution)?;
        self.normalized(&maps, layer.norm, (epsilon, activation))
    }

    /// A convolution, bottlenecks, a 1×1 convolution.
    pub(super) fn mobilenet_v3(&mut self, image: &Maps) -> Result<Value, Error> {
        let mut maps = self.small_layer(image, "features.0", Geometry::same(KERNEL, 2))?;
        maps = self.hard_swish(&maps);
        for (place, row) in ROWS.into_iter().enumerate() {
            maps = self.small_block(&maps, &format!("features.{}.block", place + 1), row)?;
        }
        let last = format!("features.{}", ROWS.len() + 1);
        let maps = self.small_layer(&maps, &last, Geometry::same(1, 1))?;
        let maps = self.hard_swish(&maps);
        Ok(self.average(&maps))
    }

    fn small_block(&mut self, x: &Maps, block: &str, row: Row) -> Result<Maps, Error> {
        let (kernel, .., nonlinearity, stride) = row;
        let mut maps = x.clone();
        let (mut inputs, mut outputs) = (None, 0);
        for place in 0.. {
            let layer = format!("{block}.{place}");
            if self.has(&format!("encoder.{layer}.fc1.weight")) {
                maps = self.squeezed(&maps, &layer)?;
                continue;
            }
            let Ok(weight) = self.stored(&format!("encoder.{layer}.0.weight")) else { break };
            let [wide, within, side] = [weight.shape[0], weight.shape[1], weight.shape[3]];
            let each = Geometry::same(kernel, stride).of_channels(wide);
            let geometry = if side == 1 { Geometry::same(1, 1) } else { each };
            inputs = inputs.or(Some(if side == 1 { within } else { wide }));
            outputs = wide;
            maps = self.small_layer(&maps, &layer, geometry)?;
            let is_last = !self.has(&format!("encoder.{block}.{}.0.weight", place + 1))
                && !self.has(&format!("encoder.{block}.{}.fc1.weight", place + 1));
            maps = match nonlinearity {
                _ if is_last => maps,
                Nonlinearity::Relu => self.activated(&maps, Activation::Relu),
                Nonlinearity::HardSwish => self.hard_swish(&maps),
            };
        }
        let is_kept = stride == 1 && inputs == Some(outputs);
        Ok(if is_kept { self.sum(&maps, x) } else { maps })
    }

    /// A factor for each channel.
    fn squeezed(&mut self, maps: &Maps, layer: &str) -> Result<Maps, Error> {
        let means = self.after("GlobalAveragePool", &[&maps.value]);
        let one = Maps { value: means, side: 1 };
        let [fc1, fc2] = ["fc1", "fc2"].map(|name| format!("{layer}.{name}"));
        let few = self.convolution(&one, Convolution::new(&fc1, Geometry::same(1, 1)))?;
        let few = self.activated(&few, Activation::Relu);
        let factors = self.convolution(&few, Convolution::new(&fc2, Geometry::same(1, 1)))?;
        let factors = self.hard_sigmoid(&factors);
        Ok(Maps { value: self.after("Mul", &[&maps.value, &factors.value]), ..*maps })
    }

    fn small_layer(&mut self, maps: &Maps, layer: &str, geometry: Geometry) -> Result<Maps, Error> {
        let conv = format!("{layer}.0");
        let maps = self.convolution(maps, Convolution::new(&conv, geometry))?;
        let how = (Constants::KERAS.epsilon, Activation::Linear);
        self.normalized(&maps, &format!("{layer}.1"), how)
    }

    /// min(max(x / 6 + ½, 0), 1).
    fn hard_sigmoid(&mut self, maps: &Maps) -> Maps {
        let slope = [Attribute::Float("alpha", 1.0 / 6.0), Attribute::Float("beta", 0.5)];
        let name = format!("{}/HardSigmoid", maps.value);
        Maps { value: self.node("HardSigmoid", &name, &[&maps.value], &slope), ..*maps }
    }

    /// x times its hard sigmoid. ONNX has a node of its own for it, which few GPUs' runtimes have.
    fn hard_swish(&mut self, maps: &Maps) -> Maps {
        let factor = self.hard_sigmoid(maps);
        Maps { value: self.after("Mul", &[&maps.value, &factor.value]), ..*maps }
    }
}
