//! What a run came to, as its folder tells.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::Deserialize;

use crate::eval::frozen::Validated;
use crate::failure::Failure;
use crate::files::FileError;
use crate::train::folder::RESULTS;
use crate::train::record::Record;

/// What a run came to.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub(crate) struct RunResults {
    pub(crate) last_epoch: Option<Record>,
    pub(crate) best_epoch: Option<Record>,
    /// Where there were labels to evaluate by.
    pub(crate) frozen: Option<Frozen>,
    /// Numbers by name, of a run whose study measures more.
    #[serde(default)]
    pub(crate) numbers: BTreeMap<String, f64>,
    /// What a line of progress says of it, where its study has words of its own.
    pub(crate) summary: Option<String>,
}

/// Accuracies of frozen features.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub(crate) struct Frozen {
    pub(crate) last: Accuracies,
    pub(crate) best: Accuracies,
}

/// Shares of the test images told right by an encoder's features.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub(crate) struct Accuracies {
    pub(crate) linear: f64,
    /// k 200, temperature 0.1.
    #[serde(rename = "knn_200_0.1")]
    pub(crate) knn: f64,
    /// Of images that were kept aside to choose by; none where none were.
    pub(crate) validation: Option<Validated>,
}

impl RunResults {
    /// Those of a run's folder; none where it has none yet.
    pub(crate) fn read(folder: &Path) -> Result<Option<Self>, Failure> {
        let path = folder.join(RESULTS);
        let text = match std::fs::read_to_string(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text.map_err(|e| FileError::new(&path, e))?,
        };
        let unreadable =
            |e: serde_json::Error| kith_core::Error::Metadata { reason: e.to_string() };
        serde_json::from_str(&text).map(Some).map_err(unreadable).map_err(Failure::of(&path))
    }
}
