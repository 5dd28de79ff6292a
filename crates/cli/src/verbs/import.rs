//! `kith import`: somebody else's encoder as a checkpoint of kith's.

use std::fmt::{self, Display, Formatter};
use std::path::Path;

use kith_core::Device;
use kith_core::Error;
use kith_core::archive::Precision;
use kith_core::checkpoint::{Dataset, FORMAT, Meta, Origin, Stage};
use kith_core::encoder::{EncoderSettings, Pixels};
use kith_core::import::{Hints, Imported, import};
use kith_core::recipe::Recipe;
use kith_core::resize::Filter;
use kith_core::square::Preprocessing;
use serde::Serialize;
use serde_json::json;

use crate::args::{FilterChoice, ImportFlags};
use crate::failure::Failure;
use crate::files::{self, FileError};
use crate::output::{Console, lossy};
use crate::report::facts;
use crate::weights::{self, Beside};

/// The recipe whose views an imported encoder is measured by.
const RECIPE: &str = "simclr";
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
    let beside = Beside::read(file)?;
    if !beside.files.is_empty() {
        console.note(&format!("beside it: {}", beside.files.join(", ")));
    }
    let archive = weights::read(file)?;
    let hints = hints(flags, &beside)?;
    let imported = import(&archive, &hints, &Device::flex()).map_err(Failure::of(file))?;
    console.note(&told(&imported));
    let meta = meta(flags, &beside, &imported)?;
    let mut archive = imported.archive.clone();
    archive.note = meta.to_note();
    // What cannot be read again is not written.
    let checked = Meta::read(&archive).and_then(|meta| meta.encoder(&archive, &Device::flex()));
    checked.map_err(Failure::of(file))?;
    let precision = if flags.half { Precision::Half } else { Precision::Single };
    let bytes = archive.to_bytes(precision).map_err(Failure::of(file))?;
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

/// What the command line says, else the files beside the weights.
fn hints(flags: &ImportFlags, beside: &Beside) -> Result<Hints, Failure> {
    let settings = match flags.arch.as_deref() {
        Some(table) if table.trim_start().starts_with('{') => {
            Some(with(&[format!("encoder={table}")])?)
        }
        _ => None,
    };
    let architecture = match &settings {
        Some(_) => None,
        None => flags.arch.clone().or_else(|| beside.architecture.clone()),
    };
    let pixels = match &flags.pixels {
        Some(text) => Some(pixels(text)?),
        None => beside.pixels,
    };
    let (prefix, heads) = (flags.prefix.clone(), flags.heads.or(beside.heads));
    let side = flags.side.or(beside.side);
    Ok(Hints { prefix, architecture, settings, heads, pixels, side })
}

/// Pixels by their name, or as a table of mean and std.
fn pixels(text: &str) -> Result<Pixels, Failure> {
    let any = "encoder={kind=\"conv4_pool\"}".to_owned();
    Ok(with(&[any, format!("encoder.pixels={text}")])?.pixels())
}

/// The encoder of a recipe with such changes.
fn with(changes: &[String]) -> Result<EncoderSettings, Error> {
    let text = Recipe::built_in_text(RECIPE).expect("it is built in");
    Recipe::parse(text, changes).map(|recipe| recipe.encoder)
}

/// What was found, what was left, what was assumed: a line each.
fn told(imported: &Imported) -> String {
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

fn meta(flags: &ImportFlags, beside: &Beside, imported: &Imported) -> Result<Meta, Failure> {
    let text = Recipe::built_in(RECIPE).expect("it is built in");
    let found = Recipe { encoder: imported.settings.clone(), name: "imported".into(), ..text };
    let recipe = Recipe::parse(&found.to_toml(), &flags.changes)?;
    let origin = Origin {
        network: imported.name.clone(),
        source: flags
            .source
            .clone()
            .unwrap_or_else(|| lossy(Path::new(flags.file.file_name().unwrap_or_default()))),
        licence: flags.licence.clone().or_else(|| beside.licence.clone()),
    };
    Ok(Meta {
        format: FORMAT,
        software: env!("CARGO_PKG_VERSION").into(),
        stage: Stage::Imported,
        side: imported.side,
        normalization: recipe.encoder.pixels().into(),
        recipe,
        class_names: class_names(flags, beside, imported.classes)?,
        dataset: Dataset {
            name: "elsewhere".into(),
            labelled: 0,
            validation: 0,
            unlabelled: 0,
            test: 0,
        },
        seed: 0,
        steps: 0,
        last: Default::default(),
        best: Default::default(),
        preprocessing: preprocessing(flags, beside, imported.side)?,
        origin: Some(origin),
    })
}

/// How pictures are cut and resized: as the command line says, else the files beside the weights; none
/// where neither does, which is kith's own way.
fn preprocessing(
    flags: &ImportFlags,
    beside: &Beside,
    side: usize,
) -> Result<Option<Preprocessing>, Error> {
    let filter = flags.filter.map(Filter::from).or(beside.filter);
    // What is told of another side is in its proportion.
    let of_side = |(resize, own): (usize, usize)| (resize * side).div_ceil(own.max(1));
    let resize = flags.resize.or(beside.resize.zip(beside.side).map(of_side));
    if filter.is_none() && resize.is_none() {
        return Ok(None);
    }
    let preprocessing =
        Preprocessing { resize: resize.unwrap_or(side), filter: filter.unwrap_or_default() };
    preprocessing.check(side)?;
    Ok(Some(preprocessing))
}

/// Names of the classifier's classes: those of a file, a line each, those beside the weights, or numbers.
fn class_names(
    flags: &ImportFlags,
    beside: &Beside,
    classes: Option<usize>,
) -> Result<Vec<String>, Failure> {
    let Some(classes) = classes else { return Ok(Vec::new()) };
    let names: Vec<String> = match &flags.classes {
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|e| FileError::new(path, e))?;
            text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
        }
        None if beside.class_names.is_empty() => {
            (0..classes).map(|class| class.to_string()).collect()
        }
        None => beside.class_names.clone(),
    };
    match names.len() == classes {
        true => Ok(names),
        false => {
            let expected = format!("{classes} names, as many as the classifier has classes");
            Err(Error::setting("--classes", expected, names.len()).into())
        }
    }
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
