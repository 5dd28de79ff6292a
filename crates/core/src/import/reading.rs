//! What a file's tensors are, family by family.

use super::piece::Piece;
use super::view::View;
use crate::encoder::EncoderSettings;
use crate::error::Error;

/// What was read of a file's names and shapes.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    /// What people call the network.
    pub(super) name: String,
    pub(super) settings: EncoderSettings,
    /// Side of the images, in pixels.
    pub(super) side: usize,
    pub(super) pieces: Vec<Piece>,
    /// Names of weight and bias of a last layer.
    pub(super) classifier: Option<[String; 2]>,
    /// What was assumed, a sentence each.
    pub(super) assumed: Vec<String>,
}

/// Layers after the encoder, and what trains beside it: nothing of it is an encoder's.
const BESIDE: [&str; 17] = [
    "pooler.",
    "fc.",
    "head.",
    "heads.",
    "head_drop.",
    "classifier.",
    "_fc.",
    "projection_head.",
    "projection.",
    "prototypes.",
    "projector.",
    "predictor.",
    "decoder_",
    "mask_token",
    "dino_head.",
    "ibot_head.",
    "queue",
];
/// How often statistics were updated: kith does not ask.
const COUNTER: &str = "num_batches_tracked";

impl Reading {
    /// Whether a tensor, or what it says, is in kith's.
    pub(super) fn takes(&self, name: &str) -> bool {
        let is_piece = |piece: &Piece| piece.from.iter().any(|from| from == name);
        self.classifier.iter().flatten().any(|own| own == name) || self.pieces.iter().any(is_piece)
    }
}

/// Whether a name, seen from the encoder, is none of its own.
pub(super) fn is_beside(name: &str) -> bool {
    name.ends_with(COUNTER) || BESIDE.iter().any(|other| name.starts_with(other))
}

/// Weight and bias of a last layer of such a name; none where a method has its projection there.
pub(super) fn last_layer(view: &View<'_>, name: &str) -> Option<[String; 2]> {
    if view.is_self_supervised() {
        return None;
    }
    let both = ["weight", "bias"].map(|part| format!("{name}.{part}"));
    both.iter().all(|part| view.has(part)).then_some(both)
}

/// A tensor under each of the encoder's names as `renamed` writes it.
pub(super) fn pieces(
    view: &View<'_>,
    renamed: impl Fn(&str) -> Result<String, Error>,
) -> Result<Vec<Piece>, Error> {
    let own = view.names().filter(|name| !is_beside(name));
    own.map(|name| Ok(Piece::same(renamed(name)?, name))).collect()
}

/// The refusal of what is no network of kith's.
pub(super) fn refused(reason: impl Into<String>) -> Error {
    Error::NoEncoder { reason: reason.into() }
}
