//! A checkpoint: a trained encoder with everything needed to use it and to know where it is from.

mod layers;
mod sizes;

use serde::{Deserialize, Serialize};

use crate::archive::Archive;
pub use crate::encoder::Normalization;
use crate::encoder::{Encoder, EncoderSettings};
use crate::error::Error;
use crate::recipe::Recipe;
use crate::square::{Frame, Preprocessing};

use burn::tensor::Device;

pub use layers::Layer;
pub use sizes::MOST_SIDE;
pub(crate) use sizes::encoder as check_sizes;

/// The format that this software writes.
pub const FORMAT: u32 = 1;

/// What a checkpoint says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Meta {
    /// Version of this note.
    pub format: u32,
    /// Version of the software that wrote it.
    pub software: String,
    /// How it came about.
    pub stage: Stage,
    /// The whole recipe.
    pub recipe: Recipe,
    /// Side of the pictures, in pixels.
    pub side: usize,
    /// What pixels in [0, 1] are shifted and scaled by before the encoder.
    pub normalization: Normalization,
    /// Name of each class; empty where nothing was labelled.
    pub class_names: Vec<String>,
    /// What it was trained on.
    pub dataset: Dataset,
    /// The seed of everything random.
    pub seed: u64,
    /// Steps done.
    pub steps: u64,
    /// Metrics after the last epoch.
    pub last: serde_json::Map<String, serde_json::Value>,
    /// Metrics of the best epoch so far.
    pub best: serde_json::Map<String, serde_json::Value>,
    /// How pictures of any shape are cut and resized; without it, as kith does it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preprocessing: Option<Preprocessing>,
    /// Whose weights it began with; none where they were fresh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// Where weights of somebody else's are from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
pub struct Origin {
    /// What people call the network.
    pub network: String,
    /// The file that they were in, or where it is to be had.
    pub source: String,
    /// What may be done with them, as their authors say; none where nobody said.
    pub licence: Option<String>,
}

/// How an encoder came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Pre-trained without labels.
    Pretrained,
    /// Trained on labels from fresh weights: the supervised baseline.
    Supervised,
    /// Pre-trained, then trained on labels.
    Finetuned,
    /// Trained on few labels and on pictures without any.
    SemiSupervised,
    /// Trained by others, with other software.
    Imported,
}

/// What a run was trained on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
pub struct Dataset {
    /// The source, as on the command line.
    pub name: String,
    /// Labelled pictures to train on.
    pub labelled: usize,
    /// Labelled pictures kept aside to choose by.
    pub validation: usize,
    /// Unlabelled pictures.
    pub unlabelled: usize,
    /// Test pictures.
    pub test: usize,
}

impl Meta {
    /// The note of an archive.
    ///
    /// # Errors
    /// [`Error::Version`] for a newer format, [`Error::Architecture`] for an encoder of a newer kith,
    /// [`Error::Metadata`] when it cannot be read; [`Error::TensorShape`], [`Error::MissingTensor`] or
    /// [`Error::Setting`] when it tells of other sizes than the tensors have.
    pub fn read(archive: &Archive) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        sizes::check_length(&archive.note)?;
        let unreadable = |e: serde_json::Error| Error::Metadata { reason: e.to_string() };
        let version: Version = serde_json::from_str(&archive.note)
            .map_err(|error| state_of_run(&archive.note).unwrap_or_else(|| unreadable(error)))?;
        if version.format != FORMAT {
            return Err(Error::Version { expected: FORMAT, got: version.format });
        }
        let meta: Self = serde_json::from_str(&archive.note)
            .map_err(|error| unknown_encoder(&archive.note).unwrap_or_else(|| unreadable(error)))?;
        sizes::check(&meta, archive)?;
        Ok(meta)
    }

    /// The square that pictures become.
    pub fn frame(&self) -> Frame {
        Frame { side: self.side, preprocessing: self.preprocessing }
    }

    /// The note as text.
    pub fn to_note(&self) -> String {
        serde_json::to_string(self).expect("a note is representable in JSON")
    }

    /// The encoder of an archive with this note, on a device without autodiff, for inference: see
    /// [`Encoder::folded`].
    ///
    /// # Errors
    /// [`Error::MissingTensor`] or [`Error::TensorShape`] when the tensors are not the recipe's.
    pub fn encoder(&self, archive: &Archive, device: &Device) -> Result<Encoder, Error> {
        let fresh = self.recipe.encoder.blank(self.side, device)?;
        Ok(archive.restore("encoder", fresh)?.folded())
    }
}

/// Whether the note is unreadable since it is that of a run's state.
fn state_of_run(note: &str) -> Option<Error> {
    let note: serde_json::Value = serde_json::from_str(note).ok()?;
    note.get("snapshot")?;
    let reason = "expected a checkpoint, got the state of a run: its checkpoint is another file, which `kith \
                  resume` makes of a run file";
    Some(Error::Metadata { reason: reason.to_owned() })
}

/// Whether the note is unreadable for its encoder.
fn unknown_encoder(note: &str) -> Option<Error> {
    let note: serde_json::Value = serde_json::from_str(note).ok()?;
    let got = note.pointer("/recipe/encoder/kind")?.as_str()?;
    let known = EncoderSettings::KINDS;
    let unknown = Error::Architecture { expected: known.join(", "), got: got.to_owned() };
    (!known.contains(&got)).then_some(unknown)
}
