//! `kith evaluate --shard` and `--features`: features that several machines embedded, each a part of the
//! images, and an evaluation that goes on with them.

use std::fmt::{self, Display, Formatter};
use std::path::Path;

use kith_core::probe::Features;
use serde::Serialize;

use super::Subject;
use crate::args::Shard;
use crate::eval::frozen::{Sets, labels_of};
use crate::failure::Failure;
use crate::files;
use crate::inference::embed;
use crate::output::lossy;
use crate::verbs::embed::note::{self as notes, Note, WHOLE};
use crate::verbs::embed::shards;
use crate::verbs::embed::{Parts, Table, base, digest, ending, of_rows, write as write_files};
use crate::verbs::session::Command;

/// Features of one part of the images of an evaluation, in files.
#[derive(Debug, Serialize)]
pub(super) struct Written {
    npy: String,
    csv: String,
    /// Images, and features of each.
    shape: [u64; 2],
    #[serde(skip)]
    shard: Shard,
    #[serde(skip)]
    images: usize,
    #[serde(skip)]
    base: String,
}

impl Display for Written {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { npy, csv, shape: [rows, features], shard: Shard { part, parts }, images, base } =
            self;
        writeln!(
            f,
            "shard {part} of {parts}: {rows} of {images} rows, {features} features each: {npy} and {csv}"
        )?;
        write!(f, "once all are in one folder: kith merge {base}")
    }
}

/// The images of a subject, in the order of their rows: each split is named after its checkpoint.
fn parts(subject: &Subject) -> Parts {
    let splits = &subject.splits;
    let all = [
        ("labelled", Some(&splits.labelled)),
        ("validation", Some(&splits.validation).filter(|split| labels_of(split).is_some())),
        ("test", Some(&splits.test)),
    ];
    let named = |(split, images): (&str, Option<&kith_data::Split>)| {
        images.map(|images| (format!("{}/{split}", subject.name), images.clone()))
    };
    all.into_iter().filter_map(named).collect()
}

fn count(parts: &Parts) -> usize {
    parts.iter().map(|(_, split)| split.len()).sum()
}

/// What is said of all features.
fn note(subjects: &[Subject]) -> Note {
    let whole: Parts = subjects.iter().flat_map(parts).collect();
    let first = subjects.first();
    let classes = first.map_or(&[][..], |subject| &subject.splits.class_names);
    let meta = first.map(|subject| &subject.checkpoint.meta);
    let cut = meta.and_then(|meta| meta.preprocessing).map(|how| json(&how));
    let prints = subjects.iter().map(|subject| subject.checkpoint.archive.fingerprint("encoder."));
    Note {
        shard: WHOLE,
        images: count(&whole),
        features: meta.map_or(0, |meta| meta.recipe.encoder.features()),
        encoder: prints.collect::<Vec<_>>().join(" and "),
        table: digest(&whole, classes),
        side: meta.map_or(0, |meta| meta.side),
        pixels: false,
        evaluation: Some(cut.unwrap_or_else(|| "to the largest square in the middle".into())),
        numbers: None,
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("it has nothing that JSON lacks")
}

/// Embeds one part of the images of all subjects, and writes it.
pub(super) fn write(
    subjects: &[Subject],
    shard: Shard,
    out: &Path,
    command: Command<'_>,
) -> Result<Written, Failure> {
    let note = Note { shard, ..note(subjects) };
    let rows = shard.of(note.images);
    let chosen = command.device()?;
    let mut features = Features { dim: note.features, ..Features::default() };
    let (mut own, mut first) = (Parts::new(), 0);
    for subject in subjects {
        let parts = parts(subject);
        let last = first + count(&parts);
        let here = rows.start.clamp(first, last) - first..rows.end.clamp(first, last) - first;
        first = last;
        if here.is_empty() {
            continue;
        }
        let encoder = subject.checkpoint.encoder(&chosen.device)?;
        for (name, split) in of_rows(&parts, &here) {
            features.values.extend(embed(&encoder, &split, &chosen.device)?.values);
            own.push((name, split));
        }
    }
    let whole = base(out);
    let path = shards::begun(&whole, shard)?;
    let classes = subjects.first().map_or(&[][..], |subject| &subject.splits.class_names);
    let shape = [rows.len() as u64, note.features as u64];
    let table = Table { parts: &own, first: rows.start, classes };
    let (npy, csv) = write_files(&path, features, table)?;
    let note = Note { numbers: Some(notes::digest_of(&npy)?), ..note };
    files::write(&ending(&path, "json"), &note.to_bytes())?;
    let (images, base) = (note.images, lossy(&whole));
    Ok(Written { npy: lossy(&npy), csv: lossy(&csv), shape, shard, images, base })
}

/// The features of each subject, out of files that were put together.
pub(super) fn read(subjects: &[Subject], out: &Path) -> Result<Vec<Sets>, Failure> {
    let (found, numbers) = notes::read(out)?;
    if let Some((what, [expected, got])) = note(subjects).difference(&found) {
        let reason = format!(
            "{what}: expected {expected}, got {got}; evaluate what they were embedded with, on the same \
             data, or embed again"
        );
        return Err(notes::unfit(&base(out), reason));
    }
    let mut numbers = numbers.into_iter();
    let mut sets = Vec::new();
    for subject in subjects {
        let mut set = Sets::default();
        for (name, split) in parts(subject) {
            let values = numbers.by_ref().take(split.len() * found.features).collect();
            let features = Features { dim: found.features, values };
            match name.rsplit('/').next() {
                Some("labelled") => set.labelled = features,
                Some("validation") => set.validation = features,
                _ => set.test = features,
            }
        }
        sets.push(set);
    }
    Ok(sets)
}
