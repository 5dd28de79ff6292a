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
use block::Block;
pub(crate) use block::EPSILON;
pub(crate) use block::RATIO;
use patches::PatchEmbed;
pub use positions::Positions;
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
    /// Both, the class token first: twice as many features, which `DINOv2`'s own linear probe takes.
    ClsMean,
}

/// What transformers of one size differ in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Which tokens become features.
    pub pool: Pool,
    /// What pixels become first.
    pub pixels: Pixels,
    /// Tokens besides those of class and patches, without a position (Darcet et al. 2024).
    pub registers: usize,
    /// Whether what blocks add is multiplied by learnt factors.
    pub layer_scale: bool,
    /// How positions are resampled.
    pub positions: Positions,
    /// Whether the class token has a position of its own.
    pub class_position: bool,
    /// Patches along a side of the table of positions; those of the images, unless it says otherwise.
    pub grid: Option<usize>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            pool: Pool::default(),
            pixels: Pixels::default(),
            registers: 0,
            layer_scale: false,
            positions: Positions::default(),
            class_position: true,
            grid: None,
        }
    }
}

/// Patches and a class token with learnt positions, blocks, and a norm.
#[derive(Module, Debug)]
pub struct VisionTransformer {
    /// `[1, 1, dim]`.
    cls_token: Param<Tensor<3>>,
    /// `[1, registers, dim]`.
    reg_token: Option<Param<Tensor<3>>>,
    /// `[1, 1 + side², dim]`: the class token's if it has one, then those of a square grid of patches.
    pos_embed: Param<Tensor<3>>,
    patch_embed: PatchEmbed,
    blocks: Vec<Block>,
    norm: LayerNorm,
    #[module(skip)]
    options: Options,
}

/// Refuses patches without pixels; `side` says which pictures they must cover.
pub(super) fn check_patch(patch: usize) -> Result<(), Error> {
    range::count("encoder.patch", patch as u64, 1..=u64::MAX)
}

/// Refuses more registers than anybody uses.
pub(super) fn check_registers(registers: usize) -> Result<(), Error> {
    const MOST: u64 = 64;
    range::count("encoder.registers", registers as u64, 0..=MOST)
}

/// Refuses a table of positions of no patch, or of more than any image has.
pub(super) fn check_grid(grid: Option<usize>) -> Result<(), Error> {
    const MOST: u64 = 1024;
    grid.map_or(Ok(()), |grid| range::count("encoder.grid", grid as u64, 1..=MOST))
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
        options: Options,
        (stream, device): (&mut Stream, &Device),
    ) -> Result<Self, Error> {
        shape.check()?;
        check_side("side", side, patch)?;
        check_registers(options.registers)?;
        check_grid(options.grid)?;
        let Shape { dim, depth, .. } = shape;
        let Options { registers, class_position, grid, .. } = options;
        let grid = grid.unwrap_or(side / patch);
        let places = usize::from(class_position) + grid * grid;
        let cls_token = initial::transformer([1, 1, dim], stream, device);
        let pos_embed = initial::transformer([1, places, dim], stream, device);
        let patch_embed = PatchEmbed::new(dim, patch, stream, device);
        let block = |_| Block::new(shape, options, stream, device);
        let blocks = (0..depth).map(block).collect();
        let reg_token =
            (registers > 0).then(|| initial::transformer([1, registers, dim], stream, device));
        let norm = LayerNorm::new(dim, EPSILON, device);
        Ok(Self { cls_token, reg_token, pos_embed, patch_embed, blocks, norm, options })
    }

    /// For inference: see [`Linear::packed`](crate::linear::Linear).
    pub(super) fn folded(&self) -> Self {
        Self { blocks: self.blocks.iter().map(Block::folded).collect(), ..self.clone() }
    }

    /// # Shapes
    /// - images: `[n, 3, side, side]`
    /// - result: `[n, dim]`, or twice as many where both pools are asked for
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let tokens = self.transformed(self.embedded(images));
        let [n, count, dim] = tokens.dims();
        let cls = || self.norm.forward(tokens.clone().narrow(1, 0, 1)).reshape([n, dim]);
        let before = 1 + self.options.registers;
        let patches = || tokens.clone().narrow(1, before, count - before);
        let mean = || self.norm.forward(patches()).mean_dim(1).reshape([n, dim]);
        match self.options.pool {
            Pool::Cls => cls(),
            Pool::Mean => mean(),
            Pool::ClsMean => Tensor::cat(vec![cls(), mean()], 1),
        }
    }

    /// Every token after the last norm: that of the class, registers, then those of patches row by row.
    ///
    /// # Shapes
    /// - images: `[n, 3, side, side]`
    /// - result: `[n, 1 + registers + (side / patch)², dim]`
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
        let (cls, registers) = (self.cls_token.val(), self.reg_token.as_ref().map(Param::val));
        let patches = self.patch_embed.forward(self.options.pixels.of(images));
        let positions = self.positions([height / patch, width / patch]);
        let [_, count, dim] = positions.dims();
        let own = usize::from(self.options.class_position);
        let cls = if own == 1 { cls + positions.clone().narrow(1, 0, 1) } else { cls };
        let patches = patches + positions.narrow(1, own, count - own);
        let before = [Some(cls), registers].into_iter().flatten();
        let before = before.map(|token| {
            let count = token.dims()[1];
            token.expand([n, count, dim])
        });
        Tensor::cat(before.chain([patches]).collect(), 1)
    }

    /// Positions for a grid of patches, `[1, rows · columns, dim]`, after that of the class token if it
    /// has one.
    ///
    /// # Shapes
    /// - grid: rows, columns
    pub fn positions(&self, grid: [usize; 2]) -> Tensor<3> {
        let table = self.pos_embed.val();
        let [_, count, dim] = table.dims();
        let own = usize::from(self.options.class_position);
        let side = (count - own).isqrt();
        if grid == [side; 2] {
            return table;
        }
        let patches = table.clone().narrow(1, own, count - own).reshape([count - own, dim]);
        let patches = resampled(patches, side, grid, self.options.positions).unsqueeze();
        match own {
            0 => patches,
            _ => Tensor::cat(vec![table.narrow(1, 0, own), patches], 1),
        }
    }

    fn transformed(&self, tokens: Tensor<3>) -> Tensor<3> {
        self.blocks.iter().fold(tokens, |tokens, block| block.forward(tokens))
    }
}
