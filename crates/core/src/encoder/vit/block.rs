//! One block of a transformer: attention, then a perceptron, each beside a shortcut.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use super::Options;
use super::attention::Attention;
use super::size::Shape;
use crate::gelu::gelu;
use crate::initial;
use crate::layer_norm::LayerNorm;
use crate::linear::Linear;
use crate::rng::Stream;

/// Added to the variances of all layer normalisations, as in timm and DINO.
pub(crate) const EPSILON: f64 = 1e-6;
/// Units of the perceptron for each number of a token.
pub(crate) const RATIO: usize = 4;

/// x + attention(norm x), then x + perceptron(norm x).
#[derive(Module, Debug)]
pub(super) struct Block {
    norm1: LayerNorm,
    attn: Attention,
    ls1: Option<LayerScale>,
    norm2: LayerNorm,
    mlp: Mlp,
    ls2: Option<LayerScale>,
}

/// A factor for each number of a token (Touvron et al. 2021, "Going deeper with image transformers").
#[derive(Module, Debug)]
struct LayerScale {
    gamma: Param<Tensor<1>>,
}

/// Two layers with GELU between them.
#[derive(Module, Debug)]
struct Mlp {
    fc1: Linear,
    fc2: Linear,
}

impl Block {
    /// Fresh weights: normal of deviation 0.02, zero biases; factors of `DINOv2`'s 1e-5 if there are any.
    pub(super) fn new(
        Shape { dim, heads, .. }: Shape,
        options: Options,
        stream: &mut Stream,
        device: &Device,
    ) -> Self {
        let norm = || LayerNorm::new(dim, EPSILON, device);
        let attn = Attention::new(dim, heads, stream, device);
        let fc1 = Linear::transformer(dim, RATIO * dim, stream, device);
        let fc2 = Linear::transformer(RATIO * dim, dim, stream, device);
        let scale = || options.layer_scale.then(|| LayerScale::new(dim, device));
        let mlp = Mlp { fc1, fc2 };
        Self { norm1: norm(), attn, ls1: scale(), norm2: norm(), mlp, ls2: scale() }
    }

    /// For inference: see [`Linear::packed`].
    pub(super) fn folded(&self) -> Self {
        let mlp = Mlp { fc1: self.mlp.fc1.packed(), fc2: self.mlp.fc2.packed() };
        Self { attn: self.attn.folded(), mlp, ..self.clone() }
    }

    /// # Shapes
    /// - x, result: `[n, tokens, dim]`
    pub(super) fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let scaled = |scale: &Option<LayerScale>, x| match scale {
            Some(scale) => scale.forward(x),
            None => x,
        };
        let seen = self.attn.forward(self.norm1.forward(x.clone()));
        let x = x + scaled(&self.ls1, seen);
        let thought = self.mlp.forward(self.norm2.forward(x.clone()));
        x + scaled(&self.ls2, thought)
    }
}

impl LayerScale {
    fn new(dim: usize, device: &Device) -> Self {
        const SMALL: f64 = 1e-5;
        Self { gamma: initial::parameter(Tensor::full([dim], SMALL, device)) }
    }

    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let gamma = self.gamma.val();
        let [dim] = gamma.dims();
        x * gamma.reshape([1, 1, dim])
    }
}

impl Mlp {
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let [n, tokens, dim] = x.dims();
        let hidden = gelu(self.fc1.forward(x.reshape([n * tokens, dim])));
        self.fc2.forward(hidden).reshape([n, tokens, dim])
    }
}
