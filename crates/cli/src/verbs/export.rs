//! `kith export`: a checkpoint written anew, smaller.

use std::path::Path;

use kith_core::archive::Precision;
use serde_json::json;

use crate::failure::Failure;
use crate::files;
use crate::material::open_checkpoint;
use crate::say::Say;

/// What using an encoder needs; the rest stays behind.
const KEPT: [&str; 3] = ["encoder.", "projection.", "probe."];

pub(super) fn run(
    checkpoint: &Path,
    out: &Path,
    precision: Precision,
    say: &Say,
) -> Result<(), Failure> {
    let (_, mut archive) = open_checkpoint(checkpoint)?;
    archive.tensors.retain(|name, _| KEPT.iter().any(|kept| name.starts_with(kept)));
    let bytes = archive.to_bytes(precision);
    files::write(out, &bytes)?;
    let words = format!("{}: {} bytes", out.display(), bytes.len());
    say.result(&words, &json!({ "checkpoint": out, "bytes": bytes.len() }));
    Ok(())
}
