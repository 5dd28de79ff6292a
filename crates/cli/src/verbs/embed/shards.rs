//! `kith merge`: what several machines embedded, as if one had.

use std::fmt::{self, Display, Formatter};
use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use npyz::NpyFile;
use serde::Serialize;

use super::note::{Note, WHOLE, digest_of, has_numbers, unfit};
use super::{ending, write_array};
use crate::args::Shard;
use crate::failure::Failure;
use crate::files::{self, FileError};
use crate::output::lossy;

/// The files of a shard, without their endings.
fn path(base: &Path, shard: Shard) -> PathBuf {
    ending(base, &shard.to_string())
}

/// The same for writing them. What is said of earlier ones goes first: a shard whose files are written anew
/// is none until its note is there.
pub(in crate::verbs) fn begun(base: &Path, shard: Shard) -> Result<PathBuf, Failure> {
    let path = path(base, shard);
    forget(&ending(&path, "json"))?;
    Ok(path)
}

/// Removes a note, if it is there.
fn forget(note: &Path) -> Result<(), Failure> {
    match std::fs::remove_file(note) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(FileError::new(note, error).into())
        }
        _ => Ok(()),
    }
}

/// Shards, put together.
#[derive(Debug, Serialize)]
pub(in crate::verbs) struct Merged {
    npy: String,
    csv: String,
    /// Images, and features of each.
    shape: [u64; 2],
    shards: usize,
    /// What goes on with them, where an evaluation does.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl Display for Merged {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { npy, csv, shape: [images, features], shards, next } = self;
        // An evaluation has a row for each image and checkpoint.
        let what = if next.is_some() { "rows" } else { "pictures" };
        write!(f, "{images} {what} of {shards} shards, {features} features each: {npy} and {csv}")?;
        write!(f, "; the shards stay")?;
        next.iter().try_for_each(|next| write!(f, "\ngo on with: {next}"))
    }
}

/// Puts together all shards of some files.
pub(in crate::verbs) fn merge(out: &Path) -> Result<Merged, Failure> {
    let base = super::base(out);
    let notes = notes(&base)?;
    let first = &notes[0];
    let whole = first.evaluation.is_some().then(|| ending(&base, "json"));
    whole.iter().try_for_each(|note| forget(note))?;
    let parts: Vec<PathBuf> = notes.iter().map(|note| path(&base, note.shard)).collect();
    let shape = [first.images as u64, first.features as u64];
    let (npy, csv) = (ending(&base, "npy"), ending(&base, "csv"));
    let arrays: Vec<(PathBuf, u64)> = notes
        .iter()
        .zip(&parts)
        .map(|(note, part)| (ending(part, "npy"), note.shard.of(note.images).len() as u64))
        .collect();
    for (note, (array, _)) in notes.iter().zip(&arrays) {
        has_numbers(&base, note, array)?;
    }
    join::<f32>(&base, &arrays, &shape, &npy)?;
    if first.pixels {
        let pixels: Vec<(PathBuf, u64)> = arrays
            .iter()
            .zip(&parts)
            .map(|((_, rows), part)| (ending(part, "pixels.npy"), *rows))
            .collect();
        let side = first.side as u64;
        join::<u8>(&base, &pixels, &[shape[0], 3, side, side], &ending(&base, "pixels.npy"))?;
    }
    join_tables(&base, &parts, first.images, &csv)?;
    if let Some(path) = &whole {
        let note = Note { shard: WHOLE, numbers: Some(digest_of(&npy)?), ..first.clone() };
        files::write(path, &note.to_bytes())?;
    }
    let next = whole.map(|_| format!("kith evaluate RUN --features {}", lossy(&base)));
    Ok(Merged { npy: lossy(&npy), csv: lossy(&csv), shape, shards: notes.len(), next })
}

/// The notes of all shards, in their order: none is missing, and all are of the same images and encoder.
fn notes(base: &Path) -> Result<Vec<Note>, Failure> {
    let mut notes = found(base)?;
    notes.sort_by_key(|note| (note.shard.parts, note.shard.part));
    let Some(first) = notes.first().cloned() else {
        let reason = "there are none; `kith embed --shard 1/4` and so on write them, and `kith evaluate RUN --shard \
             1/4` does, with the same --out";
        return Err(unfit(base, reason.into()));
    };
    let parts = first.shard.parts;
    if let Some(other) = notes.iter().find(|note| note.shard.parts != parts) {
        let reason = format!(
            "some are of {parts} and some of {}: remove those of the other run",
            other.shard.parts
        );
        return Err(unfit(base, reason));
    }
    let is_there = |part: &usize| notes.iter().any(|note| note.shard.part == *part);
    let missing: Vec<String> =
        (1..=parts).filter(|part| !is_there(part)).map(|part| part.to_string()).collect();
    if !missing.is_empty() {
        let reason = format!(
            "expected {parts}, got {}; missing: {} (`kith {} --shard {}/{parts}`)",
            notes.len(),
            missing.join(", "),
            first.verb(),
            missing[0]
        );
        return Err(unfit(base, reason));
    }
    for note in &notes {
        if let Some(reason) = differing(&first, note) {
            return Err(unfit(base, reason));
        }
    }
    Ok(notes)
}

/// What keeps two shards from being of one whole.
fn differing(first: &Note, other: &Note) -> Option<String> {
    let (what, [then, now]) = first.difference(other)?;
    let [one, two] = [first, other].map(|note| note.shard.part);
    Some(format!("{what} of shard {one}: {then}, of shard {two}: {now}; embed all with the same"))
}

/// The notes beside some files.
fn found(base: &Path) -> Result<Vec<Note>, Failure> {
    let folder = match base.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let name = base.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let shard_of = |file: &str| {
        let between = file.strip_prefix(&name)?.strip_prefix('.')?.strip_suffix(".json")?;
        between.replacen("-of-", "/", 1).parse::<Shard>().ok()
    };
    let mut notes = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|e| FileError::new(folder, e))? {
        let path = entry.map_err(|e| FileError::new(folder, e))?.path();
        let Some(shard) = path.file_name().and_then(|file| shard_of(&file.to_string_lossy()))
        else {
            continue;
        };
        let bytes = std::fs::read(&path).map_err(|e| FileError::new(&path, e))?;
        let note: Option<Note> = serde_json::from_slice(&bytes).ok();
        match note.filter(|note| note.shard == shard) {
            Some(note) => notes.push(note),
            None => {
                let reason = format!("{} is no note of this shard: embed it again", lossy(&path));
                return Err(unfit(base, reason));
            }
        }
    }
    Ok(notes)
}

/// Arrays of so many rows, one behind the other.
fn join<T: npyz::AutoSerialize + npyz::Deserialize>(
    base: &Path,
    arrays: &[(PathBuf, u64)],
    shape: &[u64],
    out: &Path,
) -> Result<(), Failure> {
    let mut open = Vec::new();
    for (path, rows) in arrays {
        let file = File::open(path).map_err(|e| FileError::new(path, e))?;
        let array = NpyFile::new(BufReader::new(file)).map_err(|e| FileError::new(path, e))?;
        let expected = [&[*rows], &shape[1..]].concat();
        if array.shape() != expected {
            let got = array.shape();
            let reason = format!(
                "expected {expected:?} numbers in {}, got {got:?}: embed it again",
                lossy(path)
            );
            return Err(unfit(base, reason));
        }
        open.push((path, array.data::<T>()));
    }
    let mut numbers = Vec::new();
    for (path, data) in open {
        let data = data.map_err(|e| FileError::new(path, io::Error::other(e.to_string())))?;
        let failed = |e| Failure::from(FileError::new(path, e));
        numbers.push(data.map(move |number| number.map(std::iter::once).map_err(failed)));
    }
    write_array(out, shape, numbers.into_iter().flatten())
}

/// Tables, one behind the other; together they have a line an image, in order.
fn join_tables(base: &Path, parts: &[PathBuf], images: usize, out: &Path) -> Result<(), Failure> {
    let mut lines = Vec::with_capacity(images + 1);
    for part in parts {
        let path = ending(part, "csv");
        let unread = |error: csv::Error| FileError::new(&path, io::Error::other(error.to_string()));
        let mut table = csv::Reader::from_path(&path).map_err(unread)?;
        if lines.is_empty() {
            lines.push(table.headers().map_err(unread)?.clone());
        }
        for line in table.records() {
            let line = line.map_err(unread)?;
            if line.get(0) != Some((lines.len() - 1).to_string().as_str()) {
                let reason = format!(
                    "expected row {} in {}, got {:?}: embed it again",
                    lines.len() - 1,
                    lossy(&path),
                    line.get(0).unwrap_or_default()
                );
                return Err(unfit(base, reason));
            }
            lines.push(line);
        }
    }
    if lines.len() != images + 1 {
        let got = lines.len() - 1;
        return Err(unfit(base, format!("expected {images} rows in their tables, got {got}")));
    }
    Ok(files::write_with(out, |file| {
        let mut writer = csv::Writer::from_writer(file);
        for line in &lines {
            writer.write_record(line)?;
        }
        writer.flush()
    })?)
}
