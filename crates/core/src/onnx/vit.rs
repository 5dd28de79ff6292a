//! Vision transformers.

use super::graph::{Attribute, Graph, Value};
use super::maps::{Convolution, Maps};
use crate::archive::Stored;
use crate::encoder::conv::Geometry;
use crate::encoder::vit::{EPSILON, Pool, Positions};
use crate::error::Error;

/// What a transformer's tensors do not tell.
#[derive(Clone, Copy)]
pub(super) struct Transformer {
    pub(super) dim: usize,
    pub(super) depth: usize,
    pub(super) heads: usize,
    pub(super) patch: usize,
    pub(super) registers: usize,
    pub(super) class_position: bool,
    pub(super) positions: Positions,
    pub(super) pool: Pool,
}

/// Where GELU's error function has its argument divided: √2.
const ROOT: f32 = core::f32::consts::SQRT_2;

impl Graph<'_> {
    /// Patches and other tokens with their positions, blocks, a norm of what becomes features.
    pub(super) fn vit(&mut self, image: &Maps, of: Transformer) -> Result<Value, Error> {
        let mut tokens = self.embedded(image, of)?;
        for place in 0..of.depth {
            tokens = self.attended(&tokens, place, of)?;
            tokens = self.perceived(&tokens, place)?;
        }
        let before = 1 + of.registers;
        match of.pool {
            Pool::Cls => self.class_token(&tokens),
            Pool::Mean => self.mean_of_patches(&tokens, before),
            Pool::ClsMean => {
                let parts = [self.class_token(&tokens)?, self.mean_of_patches(&tokens, before)?];
                let [cls, mean] = parts.each_ref().map(String::as_str);
                Ok(self.node("Concat", "features", &[cls, mean], &[Attribute::Integer("axis", 1)]))
            }
        }
    }

    /// Patches as tokens behind as many zeros as there are other tokens, and one table added to all.
    fn embedded(&mut self, image: &Maps, of: Transformer) -> Result<Value, Error> {
        let cut = Convolution::new("patch_embed.proj", Geometry::valid(of.patch));
        let maps = self.convolution(image, cut)?;
        let rows = self.integers("patches/shape", &[0, of.dim as i64, -1]);
        let rows = self.node("Reshape", "patches/rows", &[&maps.value, &rows], &[]);
        let order = [Attribute::Integers("perm", &[0, 2, 1])];
        let patches = self.node("Transpose", "patches", &[&rows], &order);
        let pads = self.integers("tokens/pads", &[0, 1 + of.registers as i64, 0, 0, 0, 0]);
        let tokens = self.node("Pad", "tokens/padded", &[&patches, &pads], &[]);
        let table = self.table(maps.side, of)?;
        let table = self.constant("tokens/table", &table)?;
        Ok(self.node("Add", "tokens", &[&tokens, &table], &[]))
    }

    /// What is added to all tokens, `[1, tokens, dim]`: class token and registers themselves, and
    /// positions, resampled for this grid.
    fn table(&self, grid: usize, of: Transformer) -> Result<Stored, Error> {
        let Transformer { dim, registers, .. } = of;
        let mut rows = self.stored("encoder.cls_token")?.values;
        let positions = self.stored("encoder.pos_embed")?.values;
        let own = usize::from(of.class_position);
        let (of_class, of_patches) = positions.split_at(own * dim);
        rows.iter_mut().zip(of_class).for_each(|(token, position)| *token += position);
        if registers > 0 {
            rows.extend(self.stored("encoder.reg_token")?.values);
        }
        let learnt = (of_patches.len() / dim).isqrt();
        match learnt == grid {
            true => rows.extend(of_patches),
            false => rows.extend(resampled(of_patches, [learnt, grid, dim], of.positions)),
        }
        Ok(Stored { shape: vec![1, rows.len() / dim, dim], values: rows })
    }

    /// x + attention(norm x).
    fn attended(&mut self, x: &str, place: usize, of: Transformer) -> Result<Value, Error> {
        let Transformer { dim, heads, .. } = of;
        let block = format!("encoder.blocks.{place}");
        let seen = self.layer_norm(x, &format!("{block}.norm1"))?;
        let attention = format!("{block}.attn");
        let mut parts = Vec::new();
        let apart = self
            .integers(&format!("{attention}/apart"), &[0, 0, heads as i64, (dim / heads) as i64]);
        for (part, perm) in
            [("query", [0, 2, 1, 3]), ("key", [0, 2, 3, 1]), ("value", [0, 2, 1, 3])]
        {
            let sums = self.part(&seen, &attention, (part, of))?;
            let sums = self.after("Reshape", &[&sums, &apart]);
            let name = format!("{attention}.{part}/heads");
            let order = [Attribute::Integers("perm", &perm)];
            parts.push(self.node("Transpose", &name, &[&sums], &order));
        }
        let scores =
            self.node("MatMul", &format!("{attention}/scores"), &[&parts[0], &parts[1]], &[]);
        let axis = [Attribute::Integer("axis", -1)];
        let shares = self.node("Softmax", &format!("{attention}/shares"), &[&scores], &axis);
        let found = self.node("MatMul", &format!("{attention}/found"), &[&shares, &parts[2]], &[]);
        let order = [Attribute::Integers("perm", &[0, 2, 1, 3])];
        let turned = self.node("Transpose", &format!("{attention}/turned"), &[&found], &order);
        let together = self.integers(&format!("{attention}/together"), &[0, 0, dim as i64]);
        let found = self.after("Reshape", &[&turned, &together]);
        let result =
            self.scaled_product(&found, &format!("{attention}.proj"), &format!("{block}.ls1"))?;
        Ok(self.node("Add", &format!("{block}/attended"), &[x, &result], &[]))
    }

    /// Queries, divided by the root of a head's size, keys or values: a third of the layer's rows.
    fn part(
        &mut self,
        x: &str,
        attention: &str,
        (part, of): (&str, Transformer),
    ) -> Result<Value, Error> {
        let Transformer { dim, heads, .. } = of;
        let third = ["query", "key", "value"].iter().position(|name| *name == part).unwrap_or(0);
        let factor = if third == 0 { ((dim / heads) as f32).sqrt().recip() } else { 1.0 };
        let rows = |stored: Stored, width: usize| -> Vec<f32> {
            let part = &stored.values[third * dim * width..][..dim * width];
            part.iter().map(|value| value * factor).collect()
        };
        let weight = rows(self.stored(&format!("{attention}.qkv.weight"))?, dim);
        let bias = rows(self.stored(&format!("{attention}.qkv.bias"))?, 1);
        let weight = Stored { shape: vec![dim, dim], values: weight };
        let bias = Stored { shape: vec![dim], values: bias };
        self.product(x, &format!("{attention}.{part}"), (weight, bias))
    }

    /// x + perceptron(norm x).
    fn perceived(&mut self, x: &str, place: usize) -> Result<Value, Error> {
        let block = format!("encoder.blocks.{place}");
        let seen = self.layer_norm(x, &format!("{block}.norm2"))?;
        let hidden = format!("{block}.mlp.fc1");
        let tensors =
            (self.stored(&format!("{hidden}.weight"))?, self.stored(&format!("{hidden}.bias"))?);
        let hidden = self.product(&seen, &hidden, tensors)?;
        let hidden = self.gelu(&hidden);
        let result =
            self.scaled_product(&hidden, &format!("{block}.mlp.fc2"), &format!("{block}.ls2"))?;
        Ok(self.node("Add", &format!("{block}/perceived"), &[x, &result], &[]))
    }

    /// A linear layer whose outputs are multiplied by learnt factors, if there are any.
    fn scaled_product(&mut self, x: &str, layer: &str, factors: &str) -> Result<Value, Error> {
        let mut weight = self.stored(&format!("{layer}.weight"))?;
        let mut bias = self.stored(&format!("{layer}.bias"))?;
        let factors = format!("{factors}.gamma");
        if self.has(&factors) {
            let inputs = weight.shape[1];
            for (output, factor) in self.stored(&factors)?.values.into_iter().enumerate() {
                bias.values[output] *= factor;
                let row = &mut weight.values[output * inputs..][..inputs];
                row.iter_mut().for_each(|value| *value *= factor);
            }
        }
        self.product(x, layer, (weight, bias))
    }

    /// x·Wᵀ + b of tokens, with W stored as it is multiplied.
    fn product(
        &mut self,
        x: &str,
        layer: &str,
        (weight, bias): (Stored, Stored),
    ) -> Result<Value, Error> {
        let weight = self.constant(&format!("{layer}.weight"), &transposed(&weight))?;
        let bias = self.constant(&format!("{layer}.bias"), &bias)?;
        let sums = self.node("MatMul", &format!("{layer}/product"), &[x, &weight], &[]);
        Ok(self.node("Add", layer, &[&sums, &bias], &[]))
    }

    fn layer_norm(&mut self, x: &str, layer: &str) -> Result<Value, Error> {
        let [weight, bias] = ["weight", "bias"].map(|part| format!("{layer}.{part}"));
        let [weight, bias] = [self.weight(&weight)?, self.weight(&bias)?];
        let how = [Attribute::Integer("axis", -1), Attribute::Float("epsilon", EPSILON as f32)];
        Ok(self.node("LayerNormalization", layer, &[x, &weight, &bias], &how))
    }

    /// x·Φ(x) = x / 2 · (1 + erf(x / √2)); ONNX has a node of its own for it from opset 20 on.
    pub(super) fn gelu(&mut self, x: &str) -> Value {
        let [root, one, half] = [ROOT, 1.0, 0.5].map(|number| self.scalar(number));
        let scaled = self.node("Div", &format!("{x}/gelu/scaled"), &[x, &root], &[]);
        let erf = self.node("Erf", &format!("{x}/gelu/erf"), &[&scaled], &[]);
        let share = self.node("Add", &format!("{x}/gelu/share"), &[&erf, &one], &[]);
        let halved = self.node("Mul", &format!("{x}/gelu/halved"), &[x, &half], &[]);
        self.node("Mul", &format!("{x}/gelu"), &[&halved, &share], &[])
    }

    /// The class token after the last norm: `[batch, dim]`.
    fn class_token(&mut self, tokens: &str) -> Result<Value, Error> {
        let first = self.integer("class_token/place", 0);
        let axis = [Attribute::Integer("axis", 1)];
        let cls = self.node("Gather", "class_token", &[tokens, &first], &axis);
        self.last_norm(&cls, "class_token/norm")
    }

    /// The mean of patches after the last norm: `[batch, dim]`.
    fn mean_of_patches(&mut self, tokens: &str, before: usize) -> Result<Value, Error> {
        let start = self.integers("patches/start", &[before as i64]);
        let end = self.integers("patches/end", &[i64::MAX]);
        let axis = self.integers("patches/axis", &[1]);
        let patches = self.node("Slice", "patches/last", &[tokens, &start, &end, &axis], &[]);
        let normalized = self.last_norm(&patches, "patches/norm")?;
        let over = [Attribute::Integers("axes", &[1]), Attribute::Integer("keepdims", 0)];
        Ok(self.node("ReduceMean", "patches/mean", &[&normalized], &over))
    }

    /// The norm after the last block, under a name of its own: both pools have it.
    fn last_norm(&mut self, x: &str, name: &str) -> Result<Value, Error> {
        let [weight, bias] = ["weight", "bias"].map(|part| format!("encoder.norm.{part}"));
        let [weight, bias] = [self.shared(&weight)?, self.shared(&bias)?];
        let how = [Attribute::Integer("axis", -1), Attribute::Float("epsilon", EPSILON as f32)];
        Ok(self.node("LayerNormalization", name, &[x, &weight, &bias], &how))
    }
}

fn transposed(matrix: &Stored) -> Stored {
    let [rows, columns] = [matrix.shape[0], matrix.shape[1]];
    let column = |column: usize| (0..rows).map(move |row| matrix.values[row * columns + column]);
    Stored { shape: vec![columns, rows], values: (0..columns).flat_map(column).collect() }
}

/// A square table of positions for another grid: R·P·Rᵀ along rows and columns.
fn resampled(table: &[f32], [from, to, dim]: [usize; 3], rule: Positions) -> Vec<f32> {
    let matrix = rule.matrix(from, to);
    let place = |row: usize, column: usize| {
        let lines = matrix[row * from..][..from].iter().enumerate();
        let mut sums = vec![0.0_f64; dim];
        for (y, &of_row) in lines {
            for (x, &of_column) in matrix[column * from..][..from].iter().enumerate() {
                let weight = f64::from(of_row) * f64::from(of_column);
                let position = &table[(y * from + x) * dim..][..dim];
                sums.iter_mut().zip(position).for_each(|(sum, &p)| *sum += weight * f64::from(p));
            }
        }
        sums.into_iter().map(|sum| sum as f32)
    };
    (0..to * to).flat_map(|number| place(number / to, number % to)).collect()
}
