//! `kith export`: a checkpoint written anew, smaller, or in a form that other programs read.

mod transformers;
mod onnx;
mod torch;

use std::fmt::{self, Display, Formatter};

use kith_core::archive::Precision;
use serde::Serialize;

use crate::args::ExportFlags;
use crate::checkpoint::{self, Checkpoint};
use crate::failure::Failure;
use crate::files;
use crate::output::{Outcome, lossy};

/// What using an encoder needs; the rest stays behind.
const ENCODER: &[&str] = &["encoder.", "projection.", "probe."];
/// And what a method with a support set takes for neighbours.
const WITH_SUPPORT: &[&str] = &["encoder.", "projection.", "probe.", "support."];

/// The new file.
#[derive(Debug, Serialize)]
struct Exported {
    checkpoint: String,
    bytes: usize,
}

impl Display for Exported {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} bytes", self.checkpoint, self.bytes)
    }
}

pub(super) fn run(flags: &ExportFlags) -> Result<Box<dyn Outcome>, Failure> {
    let checkpoint = checkpoint::open(&flags.checkpoint)?;
    let precision = if flags.half { Precision::Half } else { Precision::Single };
    match (flags.onnx, flags.torch) {
        (true, _) => Ok(Box::new(onnx::run(&checkpoint, flags, precision)?)),
        (_, true) => Ok(Box::new(torch::run(&checkpoint, &flags.out, precision)?)),
        _ => Ok(Box::new(smaller(checkpoint, flags, precision)?)),
    }
}

/// The same checkpoint without what only training needs.
fn smaller(
    checkpoint: Checkpoint,
    flags: &ExportFlags,
    precision: Precision,
) -> Result<Exported, Failure> {
    let Checkpoint { path, mut archive, .. } = checkpoint;
    let kept = if flags.support { WITH_SUPPORT } else { ENCODER };
    archive.keep(|name| kept.iter().any(|part| name.starts_with(part)));
    let bytes = archive.to_bytes(precision).map_err(Failure::of(&path))?;
    files::write(&flags.out, &bytes)?;
    Ok(Exported { checkpoint: lossy(&flags.out), bytes: bytes.len() })
}
