//! Layers on maps, as kith has them: convolutions, batch normalisation, activations, averages.

use super::graph::{Attribute, Graph, Value};
use crate::activation::{Activation, SIX};
use crate::encoder::conv::{Geometry, Strided};
use crate::error::Error;

/// Maps in a graph, `[batch, channels, side, side]`.
#[derive(Clone, Debug)]
pub(super) struct Maps {
    pub(super) value: Value,
    pub(super) side: usize,
}

/// A convolution: the place of its tensors in the checkpoint, and how its kernels go over maps.
#[derive(Clone, Copy)]
pub(super) struct Convolution<'a> {
    pub(super) layer: &'a str,
    pub(super) geometry: Geometry,
    pub(super) strided: Strided,
}

impl<'a> Convolution<'a> {
    /// With zeros all around.
    pub(super) fn new(layer: &'a str, geometry: Geometry) -> Self {
        Self { layer, geometry, strided: Strided::Around }
    }

    /// With another padding where the stride is more than 1.
    pub(super) fn strided(self, strided: Strided) -> Self {
        let strided = if self.geometry.stride > 1 { strided } else { Strided::Around };
        Self { strided, ..self }
    }
}

impl Graph<'_> {
    /// A convolution of the encoder.
    pub(super) fn convolution(
        &mut self,
        maps: &Maps,
        convolution: Convolution<'_>,
    ) -> Result<Maps, Error> {
        let Convolution { layer, geometry, strided } = convolution;
        let name = format!("encoder.{layer}.weight");
        let kernel = self.stored(&name)?.shape.last().copied().unwrap_or(1);
        let mut inputs = vec![maps.value.clone(), self.weight(&name)?];
        let bias = format!("encoder.{layer}.bias");
        if self.has(&bias) {
            inputs.push(self.weight(&bias)?);
        }
        let [before, after] = strided.padding(maps.side, kernel, geometry);
        let pads = [before, before, after, after].map(|pixels| pixels as i64);
        let [side, stride] = [kernel as i64, geometry.stride as i64];
        let attributes = [
            Attribute::Integers("kernel_shape", &[side; 2]),
            Attribute::Integers("strides", &[stride; 2]),
            Attribute::Integers("pads", &pads),
            Attribute::Integer("group", geometry.groups as i64),
        ];
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let value = self.node("Conv", &format!("encoder.{layer}"), &inputs, &attributes);
        let side = (maps.side + before + after - kernel) / geometry.stride + 1;
        Ok(Maps { value, side })
    }

    /// Batch normalisation by running statistics, and what follows it.
    pub(super) fn normalized(
        &mut self,
        maps: &Maps,
        layer: &str,
        (epsilon, activation): (f64, Activation),
    ) -> Result<Maps, Error> {
        let name = format!("encoder.{layer}");
        let value = self.batch_norm(&maps.value, &name, epsilon)?;
        Ok(self.activated(&Maps { value, ..*maps }, activation))
    }

    /// Batch normalisation by running statistics of what has channels as its second axis; one without
    /// scale and shift has ones and zeros.
    pub(super) fn batch_norm(
        &mut self,
        value: &str,
        name: &str,
        epsilon: f64,
    ) -> Result<Value, Error> {
        let mut inputs = vec![value.to_owned()];
        let mean = format!("{name}.running_mean");
        for (part, otherwise) in [("weight", 1.0), ("bias", 0.0)] {
            let tensor = format!("{name}.{part}");
            inputs.push(if self.has(&tensor) {
                self.weight(&tensor)?
            } else {
                let mut same = self.stored(&mean)?;
                same.values.fill(otherwise);
                self.constant(&tensor, &same)?
            });
        }
        inputs.push(self.weight(&mean)?);
        inputs.push(self.weight(&format!("{name}.running_var"))?);
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let epsilon = Attribute::Float("epsilon", epsilon as f32);
        Ok(self.node("BatchNormalization", name, &inputs, &[epsilon]))
    }

    /// What follows a layer.
    pub(super) fn activated(&mut self, maps: &Maps, activation: Activation) -> Maps {
        let value = match activation {
            Activation::Linear => maps.value.clone(),
            Activation::Relu => self.after("Relu", &[&maps.value]),
            Activation::Relu6 => {
                let (least, most) = (self.scalar(0.0), self.scalar(SIX));
                self.after("Clip", &[&maps.value, &least, &most])
            }
        };
        Maps { value, ..*maps }
    }

    /// The sum of two ways.
    pub(super) fn sum(&mut self, maps: &Maps, shortcut: &Maps) -> Maps {
        Maps { value: self.after("Add", &[&maps.value, &shortcut.value]), ..*maps }
    }

    /// Means over squares of 2×2, without an odd last row or column.
    pub(super) fn halved(&mut self, maps: &Maps) -> Maps {
        let shape = [("kernel_shape", &[2; 2][..]), ("strides", &[2; 2])];
        Maps { value: self.pooled("AveragePool", &maps.value, &shape), side: maps.side / 2 }
    }

    /// The largest of each 3×3, with a stride of 2.
    pub(super) fn maximum(&mut self, maps: &Maps) -> Maps {
        let shape = [("kernel_shape", &[3; 2][..]), ("strides", &[2; 2]), ("pads", &[1; 4])];
        Maps { value: self.pooled("MaxPool", &maps.value, &shape), side: maps.side.div_ceil(2) }
    }

    fn pooled(&mut self, op: &str, value: &str, shape: &[(&str, &[i64])]) -> Value {
        let attributes: Vec<Attribute<'_>> =
            shape.iter().map(|&(name, numbers)| Attribute::Integers(name, numbers)).collect();
        self.node(op, &format!("{value}/{op}"), &[value], &attributes)
    }

    /// Means over maps: `[batch, channels]`.
    pub(super) fn average(&mut self, maps: &Maps) -> Value {
        let means = self.after("GlobalAveragePool", &[&maps.value]);
        self.after("Flatten", &[&means])
    }

    /// The mean of each cell of a grid, in rows.
    pub(super) fn cells(&mut self, maps: &Maps, grid: usize) -> Value {
        if grid == 1 {
            return self.average(maps);
        }
        let cell = [(maps.side / grid) as i64; 2];
        let means = self.pooled(
            "AveragePool",
            &maps.value,
            &[("kernel_shape", &cell[..]), ("strides", &cell[..])],
        );
        self.after("Flatten", &[&means])
    }

    /// A fully connected layer on rows, with its tensors below a name; not all have a bias.
    pub(super) fn linear(&mut self, rows: &str, name: &str) -> Result<Value, Error> {
        let mut inputs = vec![rows.to_owned(), self.weight(&format!("{name}.weight"))?];
        let bias = format!("{name}.bias");
        if self.has(&bias) {
            inputs.push(self.weight(&bias)?);
        }
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        Ok(self.node("Gemm", name, &inputs, &[Attribute::Integer("transB", 1)]))
    }
}
