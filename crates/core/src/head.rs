//! Projection and prediction heads: features to the space in which the loss compares.

use burn::module::Module;
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::linear::Linear;
use crate::range;
use crate::rng::Stream;

/// Shape of a head.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadSettings {
    /// Units of each hidden layer; empty makes the head one linear layer.
    pub hidden: Vec<usize>,
    /// Dimensions of the result.
    pub output: usize,
}

/// Linear layers with `ReLU` between them.
#[derive(Module, Debug)]
pub struct Head {
    layers: Vec<Linear>,
}

impl HeadSettings {
    /// Whether every layer has a size that a machine may hold.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the first that has not.
    pub fn check(&self) -> Result<(), Error> {
        let width = |name, width: usize| range::count(name, width as u64, 1..=range::MOST_WIDTH);
        self.hidden.iter().try_for_each(|&hidden| width("hidden", hidden))?;
        width("output", self.output)
    }

    /// A head with fresh weights on `inputs` features.
    ///
    /// # Errors
    /// [`Error::Setting`] when a layer has no unit.
    pub fn init(&self, inputs: usize, stream: &mut Stream, device: &Device) -> Result<Head, Error> {
        let mut layers = Vec::new();
        let mut before = inputs;
        for &after in self.hidden.iter().chain([&self.output]) {
            if after == 0 {
                let got = format!("{self:?}");
                return Err(Error::setting("head", "at least 1 unit a layer", got));
            }
            layers.push(Linear::new(before, after, stream, device));
            before = after;
        }
        Ok(Head { layers })
    }
}

impl Head {
    /// Features behind a head, if there is one, else the features themselves.
    pub fn maybe(head: Option<&Self>, features: Tensor<2>) -> Tensor<2> {
        match head {
            Some(head) => head.forward(features),
            None => features,
        }
    }

    /// # Shapes
    /// - features: `[n, inputs]`
    /// - result: `[n, output]`, not normalised
    pub fn forward(&self, features: Tensor<2>) -> Tensor<2> {
        let (last, hidden) = self.layers.split_last().expect("a head has at least its output");
        last.forward(hidden.iter().fold(features, |x, layer| relu(layer.forward(x))))
    }
}
