//! `kith export`: a checkpoint written anew, smaller.

use std::fmt::{self, Display, Formatter};
use std::path::Path;

use kith_core::archive::Precision;
use serde::Serialize;

use crate::checkpoint::{self, Checkpoint};
use crate::failure::Failure;
use crate::files;
use crate::output::lossy;

/// What using an encoder needs; the rest stays behind.
pub(super) const ENCODER: &[&str] = &["encoder.", "projection.", "probe."];
/// And what a method with a support set takes for neighbours.
pub(super) const WITH_SUPPORT: &[&str] = &["encoder.", "projection.", "probe.", "support."];

/// The new file.
#[derive(Debug, Serialize)]
pub(super) struct Exported {
    checkpoint: String,
    bytes: usize,
}

impl Display for Exported {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} bytes", self.checkpoint, self.bytes)
    }
}

pub(super) fn run(
    checkpoint: &Path,
    out: &Path,
    precision: Precision,
    kept: &[&str],
) -> Result<Exported, Failure> {
    let Checkpoint { path, mut archive, .. } = checkpoint::open(checkpoint)?;
    archive.keep(|name| kept.iter().any(|part| name.starts_with(part)));
    let bytes = archive.to_bytes(precision).map_err(Failure::of(&path))?;
    files::write(out, &bytes)?;
    Ok(Exported { checkpoint: lossy(out), bytes: bytes.len() })
}
