//! Vision transformers under timm's and Meta's names.

use super::hints::Hints;
use super::piece::{How, Piece};
use super::reading::{Reading, is_beside, last_layer, refused};
use super::view::View;
use crate::encoder::vit::{Pool, Positions, Shape, Size};
use crate::encoder::{EncoderSettings, Pixels};
use crate::error::Error;

/// Numbers of a token for each head, of almost all transformers.
const HEAD: usize = 64;
/// Numbers of a token and heads of `MoCo` v3's small transformer, which has twice as many.
const MOCO: (usize, usize) = (384, 12);
/// The usual side of images, in pixels, for transformers whose tables are of larger ones.
const USUAL_SIDE: usize = 224;
/// The table of a transformer for images of more pixels a side is resampled for the usual side.
const MOST_NATIVE: usize = 400;
const POSITIONS: &str = "pos_embed";
const METAS_REGISTERS: &str = "register_tokens";
const KERNEL: &str = "patch_embed.proj.weight";

/// What other vision transformers have, and what they are.
const OTHERS: [(&str, &str); 4] = [
    ("blocks.0.mlp.w12.weight", "SwiGLU in place of a perceptron"),
    ("patch_embed.proj.0.weight", "a stem of several convolutions (MoCo v3's vit_conv)"),
    ("rope_embed.periods", "rotary positions (DINOv3)"),
    ("dist_token", "a token for distillation (DeiT)"),
];

/// What names and shapes tell.
pub(super) struct Table {
    pub(super) dim: usize,
    pub(super) patch: usize,
    pub(super) depth: usize,
    /// Rows of positions.
    pub(super) places: usize,
}

pub(super) fn read(view: &View<'_>, hints: &Hints) -> Result<Reading, Error> {
    if let Some((name, what)) = OTHERS.into_iter().find(|(name, _)| view.has(name)) {
        let name = view.whole(name);
        return Err(refused(format!(
            "a vision transformer with {what} is none that kith has: `{name}` is not one of its tensors"
        )));
    }
    let &[dim, 3, patch, _] = view.shape(KERNEL).unwrap_or_default() else {
        return Err(refused(format!("`{}` must be [dim, 3, patch, patch]", view.whole(KERNEL))));
    };
    let &[_, places, _] = view.shape(POSITIONS).unwrap_or_default() else {
        return Err(refused(format!("`{}` must be [1, tokens, dim]", view.whole(POSITIONS))));
    };
    let is_metas = view.has(METAS_REGISTERS);
    let pieces = pieces(view)?;
    let depth = pieces.iter().filter(|piece| piece.name.ends_with("norm1.weight")).count();
    let (has_mask, has_scale) = (view.has("mask_token"), has(&pieces, "blocks.0.ls1.gamma"));
    let registers = if is_metas { METAS_REGISTERS } else { "reg_token" };
    let registers = view.shape(registers).and_then(|shape| shape.get(1)).copied().unwrap_or(0);
    let mut assumed = Vec::new();
    let pixels = match hints.pixels {
        Some(pixels) => pixels,
        None if !(view.is_self_supervised() || has_mask || has_scale || registers > 0) => {
            return Err(untold_pixels());
        }
        None => {
            assumed.push("pixels are normalised by ImageNet's mean and deviation".to_owned());
            Pixels::Imagenet
        }
    };
    let positions = match has_mask && registers == 0 || view.prefix().contains("teacher") {
        true => Positions::Hub,
        false => Positions::Timm,
    };
    let table = Table { dim, patch, depth, places: places - usize::from(is_metas) };
    let mut reading = table.reading(view, hints, (registers, has_scale, positions, pixels))?;
    reading.assumed.extend(assumed);
    reading.pieces = pieces;
    reading.classifier = last_layer(view, "head");
    Ok(reading)
}

/// That pixels must be told.
pub(super) fn untold_pixels() -> Error {
    Error::Untold {
        what: "pixels",
        reason: "no tensor tells how pixels were normalised: imagenet for DINO, DeiT and MAE, signed for \
                 timm's augreg weights and Google's in transformers"
            .into(),
    }
}

/// Registers, whether there are factors, rule of positions, pixels.
pub(super) type Traits = (usize, bool, Positions, Pixels);

impl Table {
    /// Everything but the pieces.
    pub(super) fn reading(
        self,
        view: &View<'_>,
        hints: &Hints,
        (registers, layer_scale, positions, pixels): Traits,
    ) -> Result<Reading, Error> {
        let Self { dim, patch, depth, places } = self;
        let class_position = places.isqrt().pow(2) != places;
        let grid = (places - usize::from(class_position)).isqrt();
        if grid == 0 || grid * grid + usize::from(class_position) != places {
            return Err(refused(format!(
                "{places} rows of positions are no square of patches, with or without a class token"
            )));
        }
        let mut assumed = Vec::new();
        let heads = heads(view, hints, dim, &mut assumed)?;
        let shape = Shape { dim, depth, heads };
        let named = [Size::Tiny, Size::Small, Size::Base].into_iter().find(|s| s.shape() == shape);
        let size = named.unwrap_or(Size::Numbers(shape));
        let native = grid * patch;
        let usual = if native > MOST_NATIVE { USUAL_SIDE / patch * patch } else { native };
        let side = hints.side.unwrap_or(usual);
        if side == 0 || !side.is_multiple_of(patch) {
            let expected = format!("a multiple of the patch, {patch}");
            return Err(Error::setting("side", expected, side));
        }
        let own = EncoderSettings::Vit {
            size,
            patch,
            pool: Pool::Cls,
            pixels,
            registers,
            layer_scale,
            positions,
            class_position,
            grid: (side != native).then_some(grid),
        };
        let with = if registers > 0 { format!(", {registers} registers") } else { String::new() };
        Ok(Reading {
            name: format!("vision transformer, {depth} blocks of {dim}, patches of {patch}{with}"),
            settings: hints.settings.clone().unwrap_or(own),
            side,
            pieces: Vec::new(),
            classifier: None,
            assumed,
        })
    }
}

/// Heads are in no shape: those of everybody, unless they are given.
fn heads(
    view: &View<'_>,
    hints: &Hints,
    dim: usize,
    assumed: &mut Vec<String>,
) -> Result<usize, Error> {
    if let Some(heads) = hints.heads {
        return Ok(heads);
    }
    let is_moco = ["base_encoder", "momentum_encoder"].iter().any(|p| view.prefix().contains(p));
    let (heads, why) = match () {
        () if is_moco && dim == MOCO.0 => (MOCO.1, "as MoCo v3 has"),
        () if dim.is_multiple_of(HEAD) => (dim / HEAD, "64 numbers each"),
        () => {
            let reason = format!(
                "no tensor tells how many heads share the {dim} numbers of a token; 64 each are usual, and \
                 do not fit"
            );
            return Err(Error::Untold { what: "heads", reason });
        }
    };
    assumed.push(format!("attention has {heads} heads, {why}"));
    Ok(heads)
}

fn has(pieces: &[Piece], name: &str) -> bool {
    pieces.iter().any(|piece| piece.name == name)
}

/// Meta's registers come with a class token whose position lies in the table: added up, it is timm's.
fn pieces(view: &View<'_>) -> Result<Vec<Piece>, Error> {
    let is_metas = view.has(METAS_REGISTERS);
    let mut pieces = Vec::new();
    for name in view.names().filter(|name| !is_beside(name)) {
        pieces.push(match name {
            METAS_REGISTERS => Piece::same("reg_token", name),
            POSITIONS if is_metas => Piece {
                name: POSITIONS.into(),
                from: vec![POSITIONS.into()],
                how: How::WithoutFirstRow,
            },
            "cls_token" if is_metas => Piece {
                name: name.into(),
                from: vec![name.into(), POSITIONS.into()],
                how: How::PlusFirstRow,
            },
            _ => Piece::same(unchunked(name), name),
        });
    }
    let mut names: Vec<&str> = pieces.iter().map(|piece| piece.name.as_str()).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(refused(format!("two tensors of the file are `{}`", pair[0]))),
        None => Ok(pieces),
    }
}

/// `DINOv2`'s training keeps blocks in chunks: `blocks.0.11.norm1` is block 11.
fn unchunked(name: &str) -> String {
    let parts: Vec<&str> = name.split('.').collect();
    match parts[..] {
        ["blocks", chunk, block, ref rest @ ..]
            if chunk.parse::<usize>().is_ok() && block.parse::<usize>().is_ok() =>
        {
            format!("blocks.{block}.{}", rest.join("."))
        }
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_in_chunks_are_numbered_through() {
        assert_eq!(unchunked("blocks.0.11.norm1.weight"), "blocks.11.norm1.weight");
        assert_eq!(unchunked("blocks.3.norm1.weight"), "blocks.3.norm1.weight");
        assert_eq!(unchunked("norm.weight"), "norm.weight");
    }
}
