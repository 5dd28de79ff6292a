//! Projection and prediction heads: features to the space in which the loss compares.

use burn::module::Module;
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::gelu::gelu;
use crate::linear::Linear;
use crate::norm::BatchNorm;
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
    /// What follows each hidden layer, before its activation.
    #[serde(default, skip_serializing_if = "is_default")]
    pub norm: HeadNorm,
    /// What follows the last layer.
    #[serde(default, skip_serializing_if = "is_default")]
    pub last_norm: HeadNorm,
    /// Which layers have a bias.
    #[serde(default, skip_serializing_if = "is_default")]
    pub bias: HeadBias,
    /// What follows each hidden layer.
    #[serde(default, skip_serializing_if = "is_default")]
    pub activation: HeadActivation,
}

/// Whether a setting is what it is where nothing is said.
fn is_default<T: Default + PartialEq>(setting: &T) -> bool {
    *setting == T::default()
}

/// How a layer of a head normalises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeadNorm {
    /// Not.
    #[default]
    None,
    /// By the batch.
    Batch,
    /// By the batch, without scale and shift: `PyTorch`'s `affine=False`.
    BatchWithoutScale,
}

/// Which layers of a head have a bias.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeadBias {
    /// Those that no normalisation follows: lightly. A bias before one has no gradient.
    #[default]
    WithoutNorm,
    /// All: `SwAV`, DINO.
    All,
    /// All but the last: BYOL, `VICReg`.
    Hidden,
    /// None: Barlow Twins, `MoCo` v3.
    None,
}

/// What follows a hidden layer of a head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeadActivation {
    /// max(x, 0).
    #[default]
    Relu,
    /// x·Φ(x), with the normal distribution function Φ: DINO.
    Gelu,
}

/// Linear layers, with normalisation and activation between them.
#[derive(Module, Debug)]
pub struct Head {
    layers: Vec<Linear>,
    /// The normalisation behind each layer, if it has one.
    norms: Vec<Option<BatchNorm>>,
    #[module(skip)]
    activation: HeadActivation,
}

impl HeadSettings {
    /// A head with biases and `ReLU`, and without normalisation.
    pub fn new(hidden: Vec<usize>, output: usize) -> Self {
        Self {
            hidden,
            output,
            norm: HeadNorm::None,
            last_norm: HeadNorm::None,
            bias: HeadBias::WithoutNorm,
            activation: HeadActivation::Relu,
        }
    }

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
        let (mut layers, mut norms) = (Vec::new(), Vec::new());
        let mut before = inputs;
        let hidden = self.hidden.iter().map(|&after| (after, self.norm, false));
        for (after, norm, is_last) in hidden.chain([(self.output, self.last_norm, true)]) {
            if after == 0 {
                let got = format!("{self:?}");
                return Err(Error::setting("head", "at least 1 unit a layer", got));
            }
            let layer = Linear::new(before, after, stream, device);
            let biased = match self.bias {
                HeadBias::All => true,
                HeadBias::WithoutNorm => norm == HeadNorm::None,
                HeadBias::Hidden => !is_last,
                HeadBias::None => false,
            };
            layers.push(if biased { layer } else { layer.without_bias() });
            norms.push(match norm {
                HeadNorm::None => None,
                HeadNorm::Batch => Some(BatchNorm::new(after, device)),
                HeadNorm::BatchWithoutScale => Some(BatchNorm::new(after, device).without_scale()),
            });
            before = after;
        }
        Ok(Head { layers, norms, activation: self.activation })
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
    /// - result: `[n, output]`, not normalised to length one
    pub fn forward(&self, features: Tensor<2>) -> Tensor<2> {
        let last = self.layers.len() - 1;
        let layers = self.layers.iter().zip(&self.norms).enumerate();
        layers.fold(features, |x, (place, (layer, norm))| {
            let sums = layer.forward(x);
            let sums = match norm {
                Some(norm) => norm.forward(sums),
                None => sums,
            };
            match self.activation {
                _ if place == last => sums,
                HeadActivation::Relu => relu(sums),
                HeadActivation::Gelu => gelu(sums),
            }
        })
    }
}
