//! Checkpoint files, and which data they were trained on.

use std::path::Path;

use kith_core::archive::Archive;
use kith_core::checkpoint;
use kith_data::Source;

use crate::args::DataFlags;
use crate::failure::Failure;
use crate::files::FileError;

/// A checkpoint's note and tensors.
pub(crate) fn open(path: &Path) -> Result<(checkpoint::Meta, Archive), Failure> {
    let bytes = std::fs::read(path).map_err(|e| FileError::new(path, e))?;
    let archive = Archive::from_bytes(&bytes).map_err(Failure::of(path))?;
    let meta = checkpoint::Meta::read(&archive).map_err(Failure::of(path))?;
    Ok((meta, archive))
}

/// Whether a checkpoint was trained on pictures that a seed draws for testing.
///
/// The gallery and folders have no test set of their own: the seed of a run draws it.
pub(crate) fn has_seen_test(meta: &checkpoint::Meta, flags: &DataFlags, seed: u64) -> bool {
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
    let parse = |text: &str| serde_json::from_str::<checkpoint::Dataset>(text).ok();
    let (Some(then), Some(now)) = (parse(then), parse(now)) else { return then == now };
    is_same_source(&then.name, &now.name)
        && checkpoint::Dataset { name: now.name.clone(), ..then } == now
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(name: &str, test: usize) -> String {
        let data = checkpoint::Dataset {
            name: name.to_owned(),
            labelled: 1,
            validation: 2,
            unlabelled: 3,
            test,
        };
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
