//! `Dinov2` and `ViT` under the names of Hugging Face's transformers.

use super::hints::Hints;
use super::piece::{How, Piece};
use super::reading::{Reading, is_beside, refused};
use super::view::View;
use super::vit::{Table, untold_pixels};
use crate::encoder::Pixels;
use crate::encoder::vit::Positions;
use crate::error::Error;

const KERNEL: &str = "embeddings.patch_embeddings.projection.weight";
const POSITIONS: &str = "embeddings.position_embeddings";

/// Tensors outside the blocks, and timm's names of them.
const OUTSIDE: [(&str, &str); 6] = [
    ("embeddings.cls_token", "cls_token"),
    (POSITIONS, "pos_embed"),
    (KERNEL, "patch_embed.proj.weight"),
    ("embeddings.patch_embeddings.projection.bias", "patch_embed.proj.bias"),
    ("layernorm.weight", "norm.weight"),
    ("layernorm.bias", "norm.bias"),
];
/// The token that stands for a hidden patch in training.
const MASK: &str = "embeddings.mask_token";
/// Layers of a block of either network.
const INSIDE: [(&str, &str); 10] = [
    ("attention.output.dense", "attn.proj"),
    ("layer_scale1.lambda1", "ls1.gamma"),
    ("layer_scale2.lambda1", "ls2.gamma"),
    ("norm1", "norm1"),
    ("norm2", "norm2"),
    ("mlp", "mlp"),
    ("layernorm_before", "norm1"),
    ("layernorm_after", "norm2"),
    ("intermediate.dense", "mlp.fc1"),
    ("output.dense", "mlp.fc2"),
];
/// What its library calls a network of a block of its own names.
const PLAIN: &str = "encoder.layer.0.layernorm_before.weight";
/// Queries, keys and values, which timm has in one layer.
const SEEN: [&str; 3] = ["query", "key", "value"];
const ATTENTION: &str = "attention.attention";

pub(super) fn read(view: &View<'_>, hints: &Hints) -> Result<Reading, Error> {
    let &[dim, 3, patch, _] = view.shape(KERNEL).unwrap_or_default() else {
        return Err(refused(format!("`{}` must be [dim, 3, patch, patch]", view.whole(KERNEL))));
    };
    let &[_, places, _] = view.shape(POSITIONS).unwrap_or_default() else {
        return Err(refused(format!("`{}` must be [1, tokens, dim]", view.whole(POSITIONS))));
    };
    let depth = view.count("encoder.layer.");
    let table = Table { dim, patch, depth, places };
    let has_scale = view.has("encoder.layer.0.layer_scale1.lambda1");
    // `Dinov2` has one author, `ViT` many.
    let pixels = match hints.pixels {
        None if view.has(PLAIN) => return Err(untold_pixels()),
        pixels => pixels.unwrap_or(Pixels::Imagenet),
    };
    let mut reading =
        table.reading(view, hints, (0, has_scale, Positions::Transformers, pixels))?;
    if hints.pixels.is_none() {
        reading.assumed.push("pixels are normalised by ImageNet's mean and deviation".to_owned());
    }
    for name in view.names().filter(|name| !is_beside(name) && *name != MASK) {
        reading.pieces.extend(piece(name)?);
    }
    Ok(reading)
}

/// The tensor that one of the file's is or begins.
fn piece(name: &str) -> Result<Option<Piece>, Error> {
    if let Some((_, own)) = OUTSIDE.iter().find(|(other, _)| *other == name) {
        return Ok(Some(Piece::same(*own, name)));
    }
    let unknown =
        || refused(format!("`{name}` is none of the tensors of transformers' Dinov2 or ViT"));
    let rest = name.strip_prefix("encoder.layer.").ok_or_else(unknown)?;
    let (block, rest) = rest.split_once('.').ok_or_else(unknown)?;
    if let Some(seen) = rest.strip_prefix(ATTENTION) {
        let (layer, part) = seen.trim_start_matches('.').split_once('.').ok_or_else(unknown)?;
        let from = SEEN
            .iter()
            .map(|layer| format!("encoder.layer.{block}.{ATTENTION}.{layer}.{part}"))
            .collect();
        let name = format!("blocks.{block}.attn.qkv.{part}");
        return match SEEN.iter().position(|own| *own == layer).ok_or_else(unknown)? {
            0 => Ok(Some(Piece { name, from, how: How::Rows })),
            _ => Ok(None),
        };
    }
    let own = INSIDE.iter().find_map(|(other, own)| {
        let after = rest.strip_prefix(other)?;
        (after.is_empty() || after.starts_with('.')).then(|| format!("{own}{after}"))
    });
    let own = own.ok_or_else(unknown)?;
    Ok(Some(Piece::same(format!("blocks.{block}.{own}"), name)))
}
