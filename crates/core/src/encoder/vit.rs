//! Vision transformers (Dosovitskiy et al. 2021), with timm's names.

mod size;
mod patches;
mod positions;
mod attention;
mod block;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::Pixels;
use crate::error::Error;
use crate::initial;
use crate::layer_norm::LayerNorm;
use crate::range;
use crate::rng::Stream;
pub(crate) use block::RATIO;
use block::{Block, EPSILON};
use patches::PatchEmbed;
use positions::resampled;
pub use size::{Shape, Size};

/// Which tokens become features.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pool {
    /// The class token after the last norm.
    #[default]
    Cls,
    /// The mean of the patches after the last norm.
    Mean,
}

/// Patches and a class token with learnt positions, blocks, and a norm.
#[derive(Module, Debug)]
pub struct VisionTransformer {
    /// `[1, 1, dim]`.
    cls_token: Param<Tensor<3>>,
    /// `[1, 1 + side², dim]`: the class token's, then those of a square grid of patches.
    pos_embed: Param<Tensor<3>>,
    patch_embed: PatchEmbed,
    blocks: Vec<Block>,
    norm: LayerNorm,
    #[module(skip)]
    pool: Pool,
    #[module(skip)]
    pixels: Pixels,
}

/// Refuses patches without pixels; `side` says which pictures they must cover.
pub(super) fn check_patch(patch: usize) -> Result<(), Error> {
    range::count("encoder.patch", patch as u64, 1..=u64::MAX)
}

/// Refuses pictures that patches do not cover exactly; the setting `name` holds their side.
pub(super) fn check_side(name: &'static str, side: usize, patch: usize) -> Result<(), Error> {
    check_patch(patch)?;
    match side > 0 && side.is_multiple_of(patch) {
        true => Ok(()),
        false => {
            let expected =
                format!("a multiple of encoder.patch = {patch}: change either of the two");
            Err(Error::setting(name, expected, side))
        }
    }
}

impl VisionTransformer {
    /// Fresh weights for pictures of `side` pixels; those of other sides get resampled positions.
    ///
    /// Class token and positions are normal of deviation 0.02, as in DINO (timm begins with a class
    /// token of deviation 1e-6).
    ///
    /// # Errors
    /// [`Error::Setting`] for a shape that cannot be, or a side that is no multiple of the patch.
    pub fn new(
        shape: Shape,
        [side, patch]: [usize; 2],
        stream: &mut Stream,
        device: &Device,
    ) -> Result<Self, Error> {
        shape.check()?;
        check_side("side", side, patch)?;
        let Shape { dim, depth, .. } = shape;
        let tokens = 1 + (side / patch) * (side / patch);
        Ok(Self {
            cls_token: initial::transformer([1, 1, dim], stream, device),
            pos_embed: initial::transformer([1, tokens, dim], stream, device),
            patch_embed: PatchEmbed::new(dim, patch, stream, device),
            blocks: (0..depth).map(|_| Block::new(shape, stream, device)).collect(),
            norm: LayerNorm::new(dim, EPSILON, device),
            pool: Pool::Cls,
            pixels: Pixels::Unit,
        })
    }

    /// The same with other features and another range of pixels.
    pub fn with(self, pool: Pool, pixels: Pixels) -> Self {
        Self { pool, pixels, ..self }
    }

    /// # Shapes
    /// - images: `[n, 3, side, side]`
    /// - result: `[n, dim]`
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let tokens = self.transformed(self.embedded(images));
        let [n, count, dim] = tokens.dims();
        let features = match self.pool {
            Pool::Cls => self.norm.forward(tokens.narrow(1, 0, 1)),
            Pool::Mean => self.norm.forward(tokens.narrow(1, 1, count - 1)).mean_dim(1),
        };
        features.reshape([n, dim])
    }

    /// Every token after the last norm: that of the class, then those of patches row by row.
    ///
    /// # Shapes
    /// - images: `[n, 3, side, side]`
    /// - result: `[n, 1 + (side / patch)², dim]`
    pub fn tokens(&self, images: Tensor<4>) -> Tensor<3> {
        self.norm.forward(self.transformed(self.embedded(images)))
    }

    /// Every token with its position, before the first block.
    ///
    /// # Shapes
    /// As [`Self::tokens`].
    ///
    /// # Panics
    /// For images whose side is no multiple of the patch.
    pub fn embedded(&self, images: Tensor<4>) -> Tensor<3> {
        let [n, _, height, width] = images.dims();
        let patch = self.patch_embed.patch();
        let covered = height.is_multiple_of(patch) && width.is_multiple_of(patch);
        assert!(covered, "images of {height}x{width} are not made of patches of {patch}");
        let cls = self.cls_token.val();
        let [.., dim] = cls.dims();
        let patches = self.patch_embed.forward(self.pixels.of(images));
        let tokens = Tensor::cat(vec![cls.expand([n, 1, dim]), patches], 1);
        tokens + self.positions([height / patch, width / patch])
    }

    /// Positions for a grid of patches, `[1, 1 + rows · columns, dim]`.
    ///
    /// # Shapes
    /// - grid: rows, columns
    pub fn positions(&self, grid: [usize; 2]) -> Tensor<3> {
        let table = self.pos_embed.val();
        let [_, count, dim] = table.dims();
        let side = (count - 1).isqrt();
        if grid == [side; 2] {
            return table;
        }
        let patches = table.clone().narrow(1, 1, count - 1).reshape([count - 1, dim]);
        let patches = resampled(patches, side, grid).unsqueeze();
        Tensor::cat(vec![table.narrow(1, 0, 1), patches], 1)
    }

    fn transformed(&self, tokens: Tensor<3>) -> Tensor<3> {
        self.blocks.iter().fold(tokens, |tokens, block| block.forward(tokens))
    }
}
