//! What is known of a file besides its tensors.

use crate::encoder::{EncoderSettings, Pixels};

/// What is known of a file besides its tensors.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hints {
    /// What comes before the names of the encoder's tensors, where there are several.
    pub prefix: Option<String>,
    /// timm's or torchvision's name of the network.
    pub architecture: Option<String>,
    /// The whole encoder, where its shapes are no published ones.
    pub settings: Option<EncoderSettings>,
    /// Heads of a transformer's attention, which no shape tells.
    pub heads: Option<usize>,
    /// What pixels become first.
    pub pixels: Option<Pixels>,
    /// Side of the images, in pixels.
    pub side: Option<usize>,
}
