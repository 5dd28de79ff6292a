//! `kith export`: a checkpoint written anew, smaller.

use std::path::Path;

use kith_core::archive::Precision;
use serde_json::json;

use crate::failure::Failure;
use crate::files;
use crate::material::open_checkpoint;
use crate::say::Say;

/// What using an encoder needs; the rest stays behind.
pub(super) const ENCODER: &[&str] = &["encoder.", "projection.", "probe."];
/// And what a method with a support set takes for neighbours.
pub(super) const WITH_SUPPORT: &[&str] = &["encoder.", "projection.", "probe.", "support."];

pub(super) fn run(
    checkpoint: &Path,
    out: &Path,
    (precision, kept): (Precision, &[&str]),
    say: &Say,
) -> Result<(), Failure> {
    let (_, mut archive) = open_checkpoint(checkpoint)?;
    archive.tensors.retain(|name, _| kept.iter().any(|part| name.starts_with(part)));
    let bytes = archive.to_bytes(precision);
    files::write(out, &bytes)?;
    let words = format!("{}: {} bytes", out.display(), bytes.len());
    say.result(&words, &json!({ "checkpoint": out.display().to_string(), "bytes": bytes.len() }));
    Ok(())
}
