//! `kith embed`: features of pictures as files for other programs.

use std::io;
use std::path::{Path, PathBuf};

use kith_core::image::CHANNELS;
use kith_data::Split;
use npyz::WriterBuilder;
use serde_json::json;

use crate::args::{DataFlags, Shared, SplitChoice};
use crate::failure::Failure;
use crate::files;
use crate::material::{open_checkpoint, open_for};
use crate::offline::embed;
use crate::say::{Say, lossy};

pub(super) fn run(
    checkpoint: &Path,
    choice: SplitChoice,
    (out, pixels): (&Path, Option<PathBuf>),
    (data, shared, say): (&DataFlags, &Shared, &Say),
) -> Result<(), Failure> {
    let (meta, archive) = open_checkpoint(checkpoint)?;
    let dataset = open_for(data, &meta, say)?;
    let chosen = super::device(shared, say)?;
    let encoder = meta.encoder(&archive, &chosen.device).map_err(Failure::of(checkpoint))?;
    let split = match choice {
        SplitChoice::Labelled => &dataset.labelled,
        SplitChoice::Unlabelled => &dataset.unlabelled,
        SplitChoice::Test => &dataset.test,
    };
    let features = embed(&encoder, split, &chosen.device)?;
    let (npy, csv) = (ending(out, "npy"), ending(out, "csv"));
    let shape = [features.len() as u64, features.dim as u64];
    files::write_with(&npy, |file| write_npy(&features.values, &shape, file))?;
    if let Some(path) = pixels {
        let all: Vec<u32> = (0..split.len() as u32).collect();
        let images = split.read(&all)?;
        let [height, width] = images.size();
        let shape = [images.len(), CHANNELS, height, width].map(|n| n as u64);
        files::write_with(&path, |file| write_npy(images.pixels(), &shape, file))?;
    }
    files::write_with(&csv, |file| write_csv(split, &dataset.class_names, file))?;
    let words = format!(
        "{} pictures, {} features each: {} and {}",
        features.len(),
        features.dim,
        npy.display(),
        csv.display()
    );
    say.result(&words, &json!({ "npy": lossy(&npy), "csv": lossy(&csv), "shape": shape }));
    Ok(())
}

/// The name of a file that is written, with its ending.
pub(super) fn ending(out: &Path, ending: &str) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

/// Numbers in row-major order.
fn write_npy<T: npyz::AutoSerialize + Copy>(
    numbers: &[T],
    shape: &[u64],
    file: &mut dyn io::Write,
) -> io::Result<()> {
    let mut writer =
        npyz::WriteOptions::new().default_dtype().shape(shape).writer(file).begin_nd()?;
    writer.extend(numbers.iter().copied())?;
    writer.finish()
}

/// A line a picture: its place in the array, its number in the set, its name and label if known.
fn write_csv(split: &Split, classes: &[String], file: &mut dyn io::Write) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(file);
    writer.write_record(["row", "picture", "name", "label", "class"])?;
    for row in 0..split.len() {
        let label = split.label(row);
        let class = label.and_then(|label| classes.get(usize::from(label)));
        writer.write_record([
            row.to_string(),
            split.pictures()[row].to_string(),
            split.name(row).unwrap_or_default().to_owned(),
            label.map_or(String::new(), |label| label.to_string()),
            class.cloned().unwrap_or_default(),
        ])?;
    }
    writer.flush()
}
