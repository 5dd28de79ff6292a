//! `kith import`: somebody else's encoder as a checkpoint of kith's.

use std::fmt::{self, Display, Formatter};
use std::path::Path;

use kith_core::Device;
use kith_core::archive::Precision;
use kith_core::encoder::EncoderSettings;
use kith_core::import::{Arch, Imported, Told, checkpoint};
use kith_core::resize::Filter;
use kith_core::square::Preprocessing;
use serde::Serialize;
use serde_json::json;

use crate::args::{FilterChoice, ImportFlags};
use crate::failure::Failure;
use crate::files::{self, FileError};
use crate::output::{Console, lossy};
use crate::report::facts;
use crate::weights;

/// Names of tensors that a line lists.
const LISTED: usize = 3;

/// What was written.
#[derive(Debug, Serialize)]
pub(super) struct Written {
    checkpoint: String,
    network: String,
    encoder: EncoderSettings,
    side: usize,
    features: usize,
    classes: usize,
    prefix: String,
    other_prefixes: Vec<String>,
    taken: usize,
    left: usize,
    assumed: Vec<String>,
    preprocessing: Option<Preprocessing>,
    licence: Option<String>,
    bytes: usize,
}

pub(super) fn run(flags: &ImportFlags, console: &Console) -> Result<Written, Failure> {
    let ImportFlags { file, out, .. } = flags;
    let told = told(flags, console)?;
    let tensors = weights::read(file)?;
    let found = checkpoint(&tensors, &told, &Device::flex());
    let (imported, meta) = found.map_err(Failure::of(file))?;
    console.note(&described(&imported));
    // What cannot be read again is not written.
    meta.encoder(&imported.archive, &Device::flex()).map_err(Failure::of(file))?;
    let precision = if flags.half { Precision::Half } else { Precision::Single };
    let bytes = imported.archive.to_bytes(precision).map_err(Failure::of(file))?;
    files::write(out, &bytes)?;
    Ok(Written {
        checkpoint: lossy(out),
        network: imported.name,
        features: meta.recipe.encoder.features(),
        encoder: meta.recipe.encoder,
        side: imported.side,
        classes: meta.class_names.len(),
        prefix: imported.prefix,
        other_prefixes: imported.others,
        taken: imported.taken,
        left: imported.left.len(),
        assumed: imported.assumed,
        preprocessing: meta.preprocessing,
        licence: meta.origin.and_then(|origin| origin.licence),
        bytes: bytes.len(),
    })
}

/// What the command line says, and the files beside the weights.
fn told(flags: &ImportFlags, console: &Console) -> Result<Told, Failure> {
    let name = || lossy(Path::new(flags.file.file_name().unwrap_or_default()));
    let mut told = Told {
        arch: flags.arch.as_deref().map(Arch::parse).transpose()?,
        prefix: flags.prefix.clone(),
        heads: flags.heads,
        pixels: flags.pixels.as_deref().map(Told::parse_pixels).transpose()?,
        side: flags.side,
        resize: flags.resize,
        filter: flags.filter.map(Filter::from),
        set: flags.changes.clone(),
        classes: flags.classes.as_deref().map(lines).transpose()?,
        licence: flags.licence.clone(),
        source: Some(flags.source.clone().unwrap_or_else(name)),
        ..Told::default()
    };
    let beside = weights::read_beside(&flags.file, &mut told)?;
    if !beside.is_empty() {
        console.note(&format!("beside it: {}", beside.join(", ")));
    }
    Ok(told)
}

/// The lines of a file that are not empty.
fn lines(path: &Path) -> Result<Vec<String>, FileError> {
    let text = std::fs::read_to_string(path).map_err(|e| FileError::new(path, e))?;
    Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

/// What was found, what was left, what was assumed: a line each.
fn described(imported: &Imported) -> String {
    let Imported { name, prefix, taken, left, others, assumed, .. } = imported;
    let below = if prefix.is_empty() { String::new() } else { format!(" below `{prefix}`") };
    let mut lines = vec![format!("{name}{below}: {taken} tensors taken, {} left", left.len())];
    let counters = left.iter().filter(|name| name.ends_with("num_batches_tracked")).count();
    let named: Vec<&str> = left
        .iter()
        .map(String::as_str)
        .filter(|name| !name.ends_with("num_batches_tracked"))
        .collect();
    if counters > 0 {
        lines.push(format!("left: {counters} counters of batches"));
    }
    if !named.is_empty() {
        let more = if named.len() > LISTED { ", …" } else { "" };
        let listed = named[..named.len().min(LISTED)].join(", ");
        lines.push(format!("left: {} others: {listed}{more}", named.len()));
    }
    if !others.is_empty() {
        lines.push(format!("other encoders in the file (--prefix): {}", others.join(", ")));
    }
    lines.extend(assumed.iter().map(|sentence| format!("assumed: {sentence}")));
    lines.join("\n")
}

impl From<FilterChoice> for Filter {
    fn from(choice: FilterChoice) -> Self {
        match choice {
            FilterChoice::Bilinear => Self::Bilinear,
            FilterChoice::Bicubic => Self::Bicubic,
        }
    }
}

impl Display for Written {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { checkpoint, network, side, features, bytes, .. } = self;
        let encoder = facts::described(&json!(self.encoder));
        writeln!(f, "{network}: {features} features of images of {side} pixels ({encoder})")?;
        match self.preprocessing {
            None => writeln!(f, "pictures: the largest square in the middle, resized bilinearly")?,
            Some(Preprocessing { resize, filter }) => {
                let filter = json!(filter);
                let filter = filter.as_str().unwrap_or_default();
                writeln!(
                    f,
                    "pictures: the shorter side to {resize} pixels ({filter}), then the middle"
                )?;
            }
        }
        match self.classes {
            0 => {}
            classes => writeln!(f, "its classifier tells {classes} classes")?,
        }
        match &self.licence {
            Some(licence) => writeln!(f, "licence: {licence}")?,
            None => writeln!(f, "licence: not stated; --licence writes it down")?,
        }
        write!(f, "{checkpoint}: {bytes} bytes")
    }
}
