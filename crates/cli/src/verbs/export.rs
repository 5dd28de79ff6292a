//! `kith export`: a checkpoint written anew, smaller.

use std::path::Path;

use kith_core::archive::Precision;
use serde_json::json;

use crate::checkpoint;
use crate::failure::Failure;
use crate::files;
use crate::output::{Console, lossy};

/// What using an encoder needs; the rest stays behind.
pub(super) const ENCODER: &[&str] = &["encoder.", "projection.", "probe."];
/// And what a method with a support set takes for neighbours.
pub(super) const WITH_SUPPORT: &[&str] = &["encoder.", "projection.", "probe.", "support."];

pub(super) fn run(
    checkpoint: &Path,
    out: &Path,
    precision: Precision,
    kept: &[&str],
    console: &Console,
) -> Result<(), Failure> {
    let (_, mut archive) = checkpoint::open(checkpoint)?;
    archive.keep(|name| kept.iter().any(|part| name.starts_with(part)));
    let bytes = archive.to_bytes(precision).map_err(Failure::of(checkpoint))?;
    files::write(out, &bytes)?;
    let words = format!("{}: {} bytes", out.display(), bytes.len());
    console.result(&words, &json!({ "checkpoint": lossy(out), "bytes": bytes.len() }));
    Ok(())
}
