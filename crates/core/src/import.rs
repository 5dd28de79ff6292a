//! Other people's encoders: which one a file of weights holds, under whose names, and kith's own tensors
//! of it.
//!
//! Nothing is guessed where a guess could be wrong without anybody seeing it: what shapes do not tell is
//! asked for, and what was assumed is said.

mod hints;
mod config;
mod told;
mod view;
mod piece;
mod reading;
mod expected;
mod nearest;
mod resnet;
mod vit;
mod transformers;
mod lite;
mod mobilenet_v3;
mod candidates;
mod checkpoint;
mod any;

use burn::tensor::Device;
use serde::Serialize;

use crate::archive::{Archive, Stored};
use crate::encoder::EncoderSettings;
use crate::error::Error;
pub use any::AnyCheckpoint;
use candidates::Candidate;
pub use checkpoint::checkpoint;
pub use hints::Hints;
use reading::Reading;
pub use told::{Arch, Told};
use view::View;

/// An encoder that was found.
#[derive(Clone, Debug)]
pub struct Imported {
    /// Which, and how large.
    pub settings: EncoderSettings,
    /// Side of its images, in pixels.
    pub side: usize,
    /// What people call it.
    pub name: String,
    /// What came before its names in the file.
    pub prefix: String,
    /// Where else in the file an encoder lies.
    pub others: Vec<String>,
    /// How many tensors were taken, its classifier's among them.
    pub taken: usize,
    /// Names of those that were left.
    pub left: Vec<String>,
    /// What was assumed, a sentence each.
    pub assumed: Vec<String>,
    /// Classes of its classifier; none without one.
    pub classes: Option<usize>,
    /// Its tensors under kith's names, below `encoder.` and `probe.`.
    pub archive: Archive,
}

/// What an import took and what it left, in numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// What came before the encoder's names in the file.
    pub prefix: String,
    /// Where else in the file an encoder lies.
    pub other_prefixes: Vec<String>,
    /// How many tensors were taken, its classifier's among them.
    pub taken: usize,
    /// How many were left.
    pub left: usize,
    /// What was assumed, a sentence each.
    pub assumed: Vec<String>,
}

impl Imported {
    /// What was taken and what was left, in numbers.
    pub fn report(&self) -> Report {
        let Self { prefix, others, taken, left, assumed, .. } = self;
        Report {
            prefix: prefix.clone(),
            other_prefixes: others.clone(),
            taken: *taken,
            left: left.len(),
            assumed: assumed.clone(),
        }
    }
}

/// Finds the encoder of a file.
///
/// # Errors
/// [`Error::NoEncoder`] where there is none that kith has, [`Error::Setting`] for what the file does not
/// tell and the hints do not either, [`Error::TensorType`], [`Error::NotFinite`].
pub fn import(file: &Archive, hints: &Hints, device: &Device) -> Result<Imported, Error> {
    let candidates = candidates::of(file);
    let chosen = candidates::chosen((file, device), &candidates, hints.prefix.as_deref())?;
    let view = View::new(file, &chosen.prefix);
    let mut reading = chosen.family.read(&view, hints)?;
    asked_for(&reading, hints)?;
    reading.settings.check()?;
    expected::check_sizes(&reading, &view)?;
    let network = reading.settings.blank(reading.side, device)?;
    expected::check(&network, &reading, &view)?;
    let mut archive = Archive::default();
    for piece in &reading.pieces {
        archive.tensors.insert(format!("encoder.{}", piece.name), piece.tensor(&view)?);
    }
    let classes = classifier(&reading, &view, &mut archive)?;
    if classes.is_none() {
        reading.classifier = None;
    }
    let is_taken = |name: &str| {
        let relative = name.strip_prefix(&*chosen.prefix);
        relative.is_some_and(|relative| reading.takes(relative))
    };
    let left: Vec<String> =
        file.names().filter(|name| !is_taken(name)).map(str::to_owned).collect();
    let Candidate { prefix, .. } = chosen.clone();
    Ok(Imported {
        taken: file.names().count() - left.len(),
        left,
        others: others(&candidates, &prefix),
        prefix,
        settings: reading.settings,
        side: reading.side,
        name: reading.name,
        assumed: reading.assumed,
        classes,
        archive,
    })
}

/// Refuses hints that say something else than the file, or nothing about it.
fn asked_for(reading: &Reading, hints: &Hints) -> Result<(), Error> {
    let known: &[&str] = match reading.settings {
        EncoderSettings::Resnet { .. } => &["resnet"],
        EncoderSettings::Vit { .. } => &["vit", "deit", "dino"],
        EncoderSettings::EfficientnetLite { .. } => &["efficientnet_lite"],
        _ => &["mobilenet"],
    };
    let found = &reading.name;
    let is_of = |name: &String| known.iter().any(|word| name.contains(word));
    if let Some(name) = hints.architecture.as_ref().filter(|name| !is_of(name)) {
        return Err(Error::setting("arch", format!("nothing, or a name of a {found}"), name));
    }
    match hints.heads {
        Some(heads) if !matches!(reading.settings, EncoderSettings::Vit { .. }) => {
            Err(Error::setting("heads", format!("nothing: a {found} has none"), heads))
        }
        _ => Ok(()),
    }
}

fn others(candidates: &[Candidate], prefix: &str) -> Vec<String> {
    let others = candidates.iter().map(|other| &other.prefix).filter(|other| *other != prefix);
    others.cloned().collect()
}

/// Takes the last layer over, if it is one layer on these features.
fn classifier(
    reading: &Reading,
    view: &View<'_>,
    archive: &mut Archive,
) -> Result<Option<usize>, Error> {
    let Some([weight, bias]) = &reading.classifier else { return Ok(None) };
    let weight = view.stored(weight)?;
    let &[classes, features] = &weight.shape[..] else { return Ok(None) };
    if features != reading.settings.features() || classes < 2 {
        return Ok(None);
    }
    let bias: Stored = view.stored(bias)?;
    archive.tensors.insert("probe.weight".into(), weight);
    archive.tensors.insert("probe.bias".into(), bias);
    Ok(Some(classes))
}
