//! Checkpoint files, and which data they were trained on.

use std::path::{Path, PathBuf};

use kith_core::Device;
use kith_core::archive::Archive;
use kith_core::checkpoint::{Dataset, Meta};
use kith_core::encoder::Encoder;
use kith_data::Source;

use crate::args::DataFlags;
use crate::failure::Failure;
use crate::files::FileError;

/// The last checkpoint of a run, in its folder.
pub(crate) const LAST: &str = "checkpoint.safetensors";

/// A checkpoint's note and tensors, and where it lies.
#[derive(Clone, Debug)]
pub(crate) struct Checkpoint {
    pub(crate) path: PathBuf,
    pub(crate) meta: Meta,
    pub(crate) archive: Archive,
}

impl Checkpoint {
    /// The encoder on a device.
    pub(crate) fn encoder(&self, device: &Device) -> Result<Encoder, Failure> {
        self.meta.encoder(&self.archive, device).map_err(Failure::of(&self.path))
    }
}

/// Reads a checkpoint; of a run's folder, the last.
pub(crate) fn open(path: &Path) -> Result<Checkpoint, Failure> {
    let path = if path.is_dir() { path.join(LAST) } else { path.to_owned() };
    let bytes = std::fs::read(&path).map_err(|e| FileError::new(&path, e))?;
    let archive = Archive::from_bytes(&bytes).map_err(Failure::of(&path))?;
    let meta = Meta::read(&archive).map_err(Failure::of(&path))?;
    Ok(Checkpoint { path, meta, archive })
}

/// Whether a checkpoint was trained on images that a seed draws for testing.
///
/// The gallery and folders have no test set of their own: the seed of a run draws it.
pub(crate) fn has_seen_test(meta: &Meta, flags: &DataFlags, seed: u64) -> bool {
    let then = meta.dataset.name.parse::<Source>();
    let same = flags.data.draws_test() && then.is_ok_and(|then| flags.data.is_same(&then));
    same && meta.seed != seed
}

/// Whether two sources, as on a command line, are the same, by where their paths lead.
pub(crate) fn is_same_source(then: &str, now: &str) -> bool {
    match (then.parse::<Source>(), now.parse::<Source>()) {
        (Ok(then), Ok(now)) => then.is_same(&now),
        _ => then == now,
    }
}

/// Whether two descriptions of data, as a state file keeps them, mean the same: paths are compared
/// by where they lead.
pub(crate) fn is_same_data(then: &str, now: &str) -> bool {
    let parse = |text: &str| serde_json::from_str::<Dataset>(text).ok();
    let (Some(then), Some(now)) = (parse(then), parse(now)) else { return then == now };
    is_same_source(&then.name, &now.name) && Dataset { name: now.name.clone(), ..then } == now
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(name: &str, test: usize) -> String {
        let data =
            Dataset { name: name.to_owned(), labelled: 1, validation: 2, unlabelled: 3, test };
        serde_json::to_string(&data).unwrap()
    }

    #[test]
    fn data_are_the_same_wherever_their_path_starts() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| format!("folder:{}", folder.path().join(path).display());
        assert!(is_same_data(&described(&at(""), 4), &described(&at("./"), 4)));
        assert!(is_same_data(&described("folder:gone", 4), &described("folder:gone", 4)));
        assert!(!is_same_data(&described(&at(""), 4), &described(&at("./"), 5)));
        assert!(!is_same_data(&described(&at(""), 4), &described("gallery", 4)));
        assert!(is_same_data("x", "x") && !is_same_data("x", "y"));
    }
}
