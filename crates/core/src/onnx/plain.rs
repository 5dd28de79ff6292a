//! Networks that are a row of convolutions.

use super::graph::{Graph, Value};
use super::maps::{Convolution, Maps};
use crate::activation::Activation;
use crate::encoder::conv::{Geometry, KERNEL, Strided};
use crate::encoder::mobilenet::PAIRS;
use crate::encoder::{Form, Statistics, conv4, conv4_pool};
use crate::error::Error;
use crate::norm::Constants;

impl Graph<'_> {
    /// Convolutions with biases, and a dense layer.
    pub(super) fn conv4(&mut self, mut maps: Maps) -> Result<Value, Error> {
        for place in 0..conv4::DEPTH {
            let layer = format!("convs.{place}");
            let convolution = Convolution::new(&layer, Geometry::valid(conv4::STRIDE));
            maps = self.convolution(&maps, convolution)?;
            maps = self.activated(&maps, Activation::Relu);
        }
        let rows = self.after("Flatten", &[&maps.value]);
        let sums = self.linear(&rows, "encoder.dense")?;
        Ok(self.after("Relu", &[&sums]))
    }

    /// Four convolutions with normalisation, with poolings between them, and a dense layer if there is one.
    pub(super) fn conv4_pool(&mut self, mut maps: Maps, grid: usize) -> Result<Value, Error> {
        let last = conv4_pool::DEPTH - 1;
        for place in 0..=last {
            let layer = format!("layers.{place}");
            let how = (Constants::PYTORCH.epsilon, Activation::Relu);
            maps =
                self.conv_norm(&maps, &layer, (Geometry::same(KERNEL, 1), Strided::Around), how)?;
            if place < last {
                maps = self.halved(&maps);
            }
        }
        let means = self.cells(&maps, grid);
        if !self.has("encoder.dense.weight") {
            return Ok(means);
        }
        let rows = self.linear(&means, "encoder.dense")?;
        self.batch_norm(&rows, "encoder.norm", Constants::PYTORCH.epsilon)
    }

    /// A stem, and pairs of depthwise and pointwise convolutions.
    pub(super) fn mobilenet(
        &mut self,
        maps: &Maps,
        (form, statistics): (Form, Statistics),
    ) -> Result<Value, Error> {
        let how = (statistics.constants().epsilon, Activation::Relu6);
        let [of_stem, of_pairs] = match form {
            Form::Pytorch => [Strided::Around; 2],
            Form::Keras => [Strided::Same, Strided::After],
        };
        let mut maps = self.conv_norm(maps, "stem", (Geometry::same(KERNEL, 2), of_stem), how)?;
        for (place, (stride, _)) in PAIRS.into_iter().enumerate() {
            let layer = format!("pairs.{place}.depthwise");
            let weight = self.stored(&format!("encoder.{layer}.conv.weight"))?;
            let geometry = Geometry::depthwise(weight.shape[0], stride);
            maps = self.conv_norm(&maps, &layer, (geometry, of_pairs), how)?;
            let (layer, geometry) = (format!("pairs.{place}.pointwise"), Geometry::same(1, 1));
            maps = self.conv_norm(&maps, &layer, (geometry, Strided::Around), how)?;
        }
        Ok(self.average(&maps))
    }

    /// A layer whose tensors lie below `conv` and `norm`.
    fn conv_norm(
        &mut self,
        maps: &Maps,
        layer: &str,
        (geometry, strided): (Geometry, Strided),
        how: (f64, Activation),
    ) -> Result<Maps, Error> {
        let name = format!("{layer}.conv");
        let convolution = Convolution::new(&name, geometry).strided(strided);
        let maps = self.convolution(maps, convolution)?;
        self.normalized(&maps, &format!("{layer}.norm"), how)
    }
}
