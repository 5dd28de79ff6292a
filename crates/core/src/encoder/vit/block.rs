//! One block of a transformer: attention, then a perceptron, each beside a shortcut.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::attention::Attention;
use super::size::Shape;
use crate::gelu::gelu;
use crate::layer_norm::LayerNorm;
use crate::linear::Linear;
use crate::rng::Stream;

/// Added to the variances of all layer normalisations, as in timm and DINO.
pub(super) const EPSILON: f64 = 1e-6;
/// Units of the perceptron for each number of a token.
pub(crate) const RATIO: usize = 4;

/// x + attention(norm x), then x + perceptron(norm x).
#[derive(Module, Debug)]
pub(super) struct Block {
    norm1: LayerNorm,
    attn: Attention,
    norm2: LayerNorm,
    mlp: Mlp,
}

/// Two layers with GELU between them.
#[derive(Module, Debug)]
struct Mlp {
    fc1: Linear,
    fc2: Linear,
}

impl Block {
    /// Fresh weights: normal of deviation 0.02, zero biases.
    pub(super) fn new(
        Shape { dim, heads, .. }: Shape,
        stream: &mut Stream,
        device: &Device,
    ) -> Self {
        let norm = || LayerNorm::new(dim, EPSILON, device);
        let attn = Attention::new(dim, heads, stream, device);
        let fc1 = Linear::transformer(dim, RATIO * dim, stream, device);
        let fc2 = Linear::transformer(RATIO * dim, dim, stream, device);
        Self { norm1: norm(), attn, norm2: norm(), mlp: Mlp { fc1, fc2 } }
    }

    /// # Shapes
    /// - x, result: `[n, tokens, dim]`
    pub(super) fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let x = x.clone() + self.attn.forward(self.norm1.forward(x));
        x.clone() + self.mlp.forward(self.norm2.forward(x))
    }
}

impl Mlp {
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let [n, tokens, dim] = x.dims();
        let hidden = gelu(self.fc1.forward(x.reshape([n * tokens, dim])));
        self.fc2.forward(hidden).reshape([n, tokens, dim])
    }
}
