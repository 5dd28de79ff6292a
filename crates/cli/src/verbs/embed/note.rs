//! What is said of features in files, and whether they are what it says.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use npyz::NpyFile;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::ending;
use crate::args::Shard;
use crate::failure::Failure;
use crate::files::FileError;
use crate::output::lossy;

/// What a shard says of itself, beside its files: parts fit together where all but `shard` is the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::verbs) struct Note {
    pub(in crate::verbs) shard: Shard,
    /// Of all shards together.
    pub(in crate::verbs) images: usize,
    pub(in crate::verbs) features: usize,
    /// The fingerprint of the encoder, or of the encoders one behind the other.
    pub(in crate::verbs) encoder: String,
    /// A digest of names, labels and splits of all images.
    pub(in crate::verbs) table: String,
    pub(in crate::verbs) side: usize,
    pub(in crate::verbs) pixels: bool,
    /// How images were cut and resized, where an evaluation goes on with the features.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::verbs) evaluation: Option<String>,
    /// A digest of the file of features.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::verbs) numbers: Option<String>,
}

impl Note {
    pub(in crate::verbs) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).expect("it has nothing that JSON lacks")
    }

    /// The verb that wrote it.
    pub(super) fn verb(&self) -> &'static str {
        if self.evaluation.is_some() { "evaluate" } else { "embed" }
    }

    /// The first thing that is not the same in two notes, as each of them has it; of which part they are,
    /// and of which numbers, is their own.
    pub(in crate::verbs) fn difference(&self, other: &Self) -> Option<(&'static str, [String; 2])> {
        let words = |note: &Self| {
            let of_evaluation = || "not for an evaluation".to_owned();
            [
                ("pictures are cut", note.evaluation.clone().unwrap_or_else(of_evaluation)),
                ("images", note.images.to_string()),
                ("features", note.features.to_string()),
                ("encoder", note.encoder.clone()),
                ("names, labels and splits of all images", note.table.clone()),
                ("side", note.side.to_string()),
                ("pictures", if note.pixels { "written" } else { "not written" }.to_owned()),
            ]
        };
        let mut pairs = words(self).into_iter().zip(words(other));
        let ((what, own), (_, other)) = pairs.find(|((_, own), (_, other))| own != other)?;
        Some((what, [own, other]))
    }
}

/// Which shard the whole is.
pub(in crate::verbs) const WHOLE: Shard = Shard { part: 1, parts: 1 };

/// A digest of a file.
pub(in crate::verbs) fn digest_of(path: &Path) -> Result<String, Failure> {
    let failed = |e| FileError::new(path, e);
    let mut file = BufReader::with_capacity(1 << 16, File::open(path).map_err(failed)?);
    let mut digest = Sha256::new();
    loop {
        let bytes = file.fill_buf().map_err(failed)?;
        if bytes.is_empty() {
            break;
        }
        digest.update(bytes);
        let count = bytes.len();
        file.consume(count);
    }
    Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Refuses a file of features that is not the one of its note: that of another shard, say.
pub(super) fn has_numbers(base: &Path, note: &Note, array: &Path) -> Result<(), Failure> {
    let Some(expected) = &note.numbers else { return Ok(()) };
    let got = digest_of(array)?;
    match *expected == got {
        true => Ok(()),
        false => {
            let path = lossy(array);
            let reason = format!(
                "{path} is not what its note says: expected numbers {expected}, got {got}; copy both \
                 anew, or write them again"
            );
            Err(unfit(base, reason))
        }
    }
}

/// Features of all images of an evaluation, as they were put together, and their note.
pub(in crate::verbs) fn read(out: &Path) -> Result<(Note, Vec<f32>), Failure> {
    let base = super::base(out);
    let (path, npy) = (ending(&base, "json"), ending(&base, "npy"));
    let bytes = match std::fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let merge = format!("kith merge {}", lossy(&base));
            let reason = format!(
                "expected {}, which `{merge}` writes once all parts are there; it is missing",
                lossy(&path)
            );
            return Err(unfit(&base, reason));
        }
        bytes => bytes.map_err(|e| FileError::new(&path, e))?,
    };
    let note: Option<Note> = serde_json::from_slice(&bytes).ok();
    let Some(note) = note.filter(|note| note.shard == WHOLE && note.evaluation.is_some()) else {
        let reason = format!("{} is no note of an evaluation: merge them again", lossy(&path));
        return Err(unfit(&base, reason));
    };
    has_numbers(&base, &note, &npy)?;
    let unread = |e| Failure::from(FileError::new(&npy, e));
    let file = File::open(&npy).map_err(unread)?;
    let array = NpyFile::new(BufReader::new(file)).map_err(unread)?;
    let expected = [note.images as u64, note.features as u64];
    if array.shape() != expected {
        let got = array.shape();
        let reason = format!("expected {expected:?} numbers in {}, got {got:?}", lossy(&npy));
        return Err(unfit(&base, reason));
    }
    let numbers = array.into_vec::<f32>().map_err(unread)?;
    Ok((note, numbers))
}

pub(in crate::verbs) fn unfit(base: &Path, reason: String) -> Failure {
    Failure::Shards { path: base.to_owned(), reason }
}
