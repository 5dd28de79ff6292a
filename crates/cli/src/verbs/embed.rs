//! `kith embed`: features of images as files for other programs.

pub(super) mod note;
pub(super) mod shards;

use std::ffi::OsStr;
use std::fmt::{self, Display, Formatter};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use kith_core::image::CHANNELS;
use kith_core::probe::Features;
use kith_data::{Dataset, Split};
use npyz::WriterBuilder;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::args::{DataFlags, Shard, SplitChoice};
use crate::checkpoint;
use crate::dataset::open_for;
use crate::failure::Failure;
use crate::files;
use crate::inference::embed;
use crate::output::lossy;
use crate::verbs::session::Command;
use note::Note;

/// Images that are read at a time where their bytes are written.
const AT_A_TIME: usize = 256;

/// Splits by name.
pub(super) type Parts = Vec<(String, Split)>;

/// What is written.
pub(super) struct Out<'a> {
    /// The files, without their endings.
    pub(super) path: &'a Path,
    /// Whether the images are written too.
    pub(super) pixels: bool,
    /// Which part of the images, where it is not all.
    pub(super) shard: Option<Shard>,
}

/// Features in files.
#[derive(Debug, Serialize)]
pub(super) struct Embedded {
    npy: String,
    csv: String,
    /// Images, and features of each.
    shape: [u64; 2],
    #[serde(skip)]
    counted: String,
}

impl Display for Embedded {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { npy, csv, shape: [_, features], counted } = self;
        write!(f, "{counted}{features} features each: {npy} and {csv}")
    }
}

pub(super) fn run(
    checkpoint: &Path,
    choice: SplitChoice,
    out: &Out<'_>,
    data: &DataFlags,
    command: Command<'_>,
) -> Result<Embedded, Failure> {
    let checkpoint = checkpoint::open(checkpoint)?;
    let dataset = open_for(data, &checkpoint.meta, command.console)?;
    let whole = parts(&dataset, choice)?;
    let total = whole.iter().map(|(_, split)| split.len()).sum();
    let rows = out.shard.map_or(0..total, |shard| shard.of(total));
    let parts = of_rows(&whole, &rows);
    let chosen = command.device()?;
    let encoder = checkpoint.encoder(&chosen.device)?;
    let dim = checkpoint.meta.recipe.encoder.features();
    let mut features = Features { dim, ..Features::default() };
    for (_, split) in &parts {
        features.values.extend(embed(&encoder, split, &chosen.device)?.values);
    }
    let whole_base = base(out.path);
    let base = match out.shard {
        Some(shard) => shards::begun(&whole_base, shard)?,
        None => whole_base,
    };
    let table = Table { parts: &parts, first: rows.start, classes: &dataset.class_names };
    let (npy, csv) = write(&base, features, table)?;
    let shape = [rows.len() as u64, dim as u64];
    let side = whole.first().map_or(0, |(_, split)| split.size()[0]);
    if out.pixels {
        write_pixels(&parts, side, &ending(&base, "pixels.npy"))?;
    }
    let counted = counted(&dataset, choice, total);
    let counted = match out.shard {
        None => counted,
        Some(shard) => {
            let note = Note {
                shard,
                images: total,
                features: dim,
                encoder: checkpoint.archive.fingerprint("encoder."),
                table: digest(&whole, &dataset.class_names),
                side,
                pixels: out.pixels,
                evaluation: None,
                numbers: Some(note::digest_of(&npy)?),
            };
            files::write(&ending(&base, "json"), &note.to_bytes())?;
            format!("shard {} of {}: {} of {counted}", shard.part, shard.parts, rows.len())
        }
    };
    Ok(Embedded { npy: lossy(&npy), csv: lossy(&csv), shape, counted })
}

/// Writes features and what is said of their images; the names of both files.
pub(super) fn write(
    base: &Path,
    features: Features,
    table: Table<'_>,
) -> Result<(PathBuf, PathBuf), Failure> {
    let (npy, csv) = (ending(base, "npy"), ending(base, "csv"));
    let shape = [features.len() as u64, features.dim as u64];
    write_array(&npy, &shape, [Ok::<_, Failure>(features.values)].into_iter())?;
    files::write_with(&csv, |file| table.write(file))?;
    Ok((npy, csv))
}

/// The images of some rows, over all splits; splits of which there are none are left out.
pub(super) fn of_rows(parts: &Parts, rows: &Range<usize>) -> Parts {
    let mut first = 0;
    let mut found = Vec::new();
    for (name, split) in parts {
        let here = rows.start.max(first)..rows.end.min(first + split.len());
        if here.len() == split.len() {
            found.push((name.clone(), split.clone()));
        } else if !here.is_empty() {
            let places: Vec<u32> = here.map(|row| (row - first) as u32).collect();
            found.push((name.clone(), split.subset(&places)));
        }
        first += split.len();
    }
    found
}

/// A digest of what is said of all images: folders may have other paths on other machines.
pub(super) fn digest(parts: &Parts, classes: &[String]) -> String {
    let mut table = Vec::new();
    Table { parts, first: 0, classes }.write(&mut table).expect("memory takes all");
    Sha256::digest(&table).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The splits that are asked for; each has images.
fn parts(dataset: &Dataset, choice: SplitChoice) -> Result<Parts, Failure> {
    let name = match choice {
        SplitChoice::All => {
            let filled = dataset.all().into_iter().filter(|(_, split)| !split.is_empty());
            return Ok(filled.map(|(name, split)| (name.to_owned(), split)).collect());
        }
        SplitChoice::Labelled => "labelled",
        SplitChoice::Unlabelled => "unlabelled",
        SplitChoice::Validation => "validation",
        SplitChoice::Test => "test",
    };
    Ok(vec![(name.to_owned(), dataset.filled(name)?.clone())])
}

/// How many images of how many were embedded, and how to get the others.
fn counted(dataset: &Dataset, choice: SplitChoice, count: usize) -> String {
    let all: usize = dataset.all().iter().map(|(_, split)| split.len()).sum();
    match choice {
        _ if count == all => format!("{count} pictures, "),
        SplitChoice::Test if dataset.draws_test => format!(
            "{count} of {all} pictures, the fifth that is held out for testing (--split all takes \
             every one), "
        ),
        _ => format!("{count} of {all} pictures (--split all takes every one), "),
    }
}

/// The path without an ending that is written anyway.
pub(super) fn base(out: &Path) -> PathBuf {
    match out.extension().and_then(OsStr::to_str) {
        Some("npy" | "csv") => out.with_extension(""),
        _ => out.to_owned(),
    }
}

/// The name of a file that is written, with its ending.
pub(super) fn ending(out: &Path, ending: &str) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

/// The images themselves, some at a time.
fn write_pixels(parts: &Parts, side: usize, path: &Path) -> Result<(), Failure> {
    let count: usize = parts.iter().map(|(_, split)| split.len()).sum();
    let shape = [count, CHANNELS, side, side].map(|n| n as u64);
    let images = parts.iter().flat_map(|(_, split)| batches(split));
    let pixels = images.map(|(split, places)| Ok(split.read(&places)?.pixels().to_vec()));
    write_array(path, &shape, pixels)
}

/// The places of a split, some at a time.
fn batches(split: &Split) -> impl Iterator<Item = (&Split, Vec<u32>)> {
    let count = split.len();
    let batch = move |start: usize| (start as u32..count.min(start + AT_A_TIME) as u32).collect();
    (0..count).step_by(AT_A_TIME).map(move |start| (split, batch(start)))
}

/// Numbers in row-major order, some at a time. Those that cannot be read leave no file.
fn write_array<T: npyz::AutoSerialize, I: IntoIterator<Item = T>>(
    path: &Path,
    shape: &[u64],
    parts: impl Iterator<Item = Result<I, Failure>>,
) -> Result<(), Failure> {
    let mut unread = None;
    let written = files::write_with(path, |file| {
        let options = npyz::WriteOptions::new().default_dtype().shape(shape);
        let mut writer = options.writer(file).begin_nd()?;
        for part in parts {
            match part {
                Ok(numbers) => writer.extend(numbers)?,
                Err(failure) => {
                    unread = Some(failure);
                    return Err(io::Error::other("a part cannot be read"));
                }
            }
        }
        writer.finish()
    });
    match unread {
        Some(failure) => Err(failure),
        None => Ok(written?),
    }
}

/// What is said of every image.
pub(super) struct Table<'a> {
    pub(super) parts: &'a Parts,
    /// The row of the first image.
    pub(super) first: usize,
    pub(super) classes: &'a [String],
}

impl Table<'_> {
    /// A line an image: its place in the array of all shards, its number in the set, its name and label if
    /// known, and the split that it is in.
    fn write(&self, file: &mut dyn io::Write) -> io::Result<()> {
        let mut writer = csv::Writer::from_writer(file);
        writer.write_record(["row", "picture", "name", "label", "class", "split"])?;
        let rows = self
            .parts
            .iter()
            .flat_map(|(name, split)| (0..split.len()).map(move |i| (name, split, i)));
        for (row, (name, split, index)) in (self.first..).zip(rows) {
            let label = split.label(index);
            let class = label.and_then(|label| self.classes.get(usize::from(label)));
            writer.write_record([
                row.to_string(),
                split.pictures()[index].to_string(),
                split.name(index).unwrap_or_default().to_owned(),
                label.map_or(String::new(), |label| label.to_string()),
                class.cloned().unwrap_or_default(),
                name.clone(),
            ])?;
        }
        writer.flush()
    }
}
