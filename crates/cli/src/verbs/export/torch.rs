//! Weights under the names of torchvision or timm.

use std::fmt::{self, Display, Formatter};
use std::path::Path;

use kith_core::archive::Precision;
use kith_core::torch::{StateDict, state_dict};
use serde::Serialize;

use crate::checkpoint::Checkpoint;
use crate::failure::Failure;
use crate::files;
use crate::output::lossy;

/// The new file.
#[derive(Debug, Serialize)]
pub(super) struct Exported {
    file: String,
    /// Whose names they are.
    library: &'static str,
    tensors: usize,
    leaves_classifier: bool,
    bytes: usize,
}

impl Display for Exported {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { file, library, tensors, bytes, .. } = self;
        if self.leaves_classifier {
            writeln!(f, "left: the classifier, for which {library}'s network has another place")?;
        }
        write!(f, "{file}: {tensors} tensors under {library}'s names, {bytes} bytes")
    }
}

pub(super) fn run(
    checkpoint: &Checkpoint,
    out: &Path,
    precision: Precision,
) -> Result<Exported, Failure> {
    let Checkpoint { path, meta, archive } = checkpoint;
    let StateDict { library, archive, leaves_classifier } =
        state_dict(meta, archive).map_err(Failure::of(path))?;
    let bytes = archive.to_foreign(precision).map_err(Failure::of(path))?;
    files::write(out, &bytes)?;
    Ok(Exported {
        file: lossy(out),
        library,
        tensors: archive.names().count(),
        leaves_classifier,
        bytes: bytes.len(),
    })
}
