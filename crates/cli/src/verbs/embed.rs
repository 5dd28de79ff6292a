//! `kith embed`: features of pictures as files for other programs.

use std::io;
use std::path::{Path, PathBuf};

use kith_core::probe::Features;
use kith_data::Split;
use npyz::WriterBuilder;
use serde_json::json;

use crate::args::{DataFlags, Shared, SplitChoice};
use crate::failure::Failure;
use crate::files;
use crate::material::{open_checkpoint, open_for};
use crate::offline::embed;
use crate::say::Say;

pub(super) fn run(
    checkpoint: &Path,
    choice: SplitChoice,
    out: &Path,
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
    let ending = |ending: &str| PathBuf::from(format!("{}.{ending}", out.display()));
    let (npy, csv) = (ending("npy"), ending("csv"));
    files::write_with(&npy, |file| write_npy(&features, file))?;
    files::write_with(&csv, |file| write_csv(split, &dataset.class_names, file))?;
    let words = format!(
        "{} pictures, {} features each: {} and {}",
        features.len(),
        features.dim,
        npy.display(),
        csv.display()
    );
    say.result(&words, &json!({ "npy": npy, "csv": csv, "shape": [features.len(), features.dim] }));
    Ok(())
}

/// `[pictures, features]` of f32.
fn write_npy(features: &Features, file: &mut dyn io::Write) -> io::Result<()> {
    let shape = [features.len() as u64, features.dim as u64];
    let mut writer = npyz::WriteOptions::new().default_dtype().shape(&shape).writer(file).begin_nd()?;
    writer.extend(features.values.iter().copied())?;
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
