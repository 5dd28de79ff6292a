//! `kith merge`: what several machines embedded, as if one had.

use std::fmt::{self, Display, Formatter};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use npyz::NpyFile;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{ending, write_array};
use crate::args::Shard;
use crate::failure::Failure;
use crate::files::{self, FileError};
use crate::output::lossy;

/// What a shard says of itself, beside its files: parts fit together where all but `shard` is the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::verbs) struct Note {
    pub(in crate::verbs) shard: Shard,
    /// Of all shards together.
    pub(in crate::verbs) images: usize,
    pub(in crate::verbs) features: usize,
    /// The fingerprint of the encoder, or of the encoders one behind the other.
    pub(in crate::verbs) encoder: String,
    /// A digest of names, labels and splits of all images.
    pub(in crate::verbs) table: String,
    pub(in crate::verbs) side: usize,
    pub(in crate::verbs) pixels: bool,
    /// How images were cut and resized, where an evaluation goes on with the features.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::verbs) evaluation: Option<String>,
    /// A digest of the file of features.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::verbs) numbers: Option<String>,
}

impl Note {
    pub(in crate::verbs) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).expect("it has nothing that JSON lacks")
    }

    /// The verb that wrote it.
    fn verb(&self) -> &'static str {
        if self.evaluation.is_some() { "evaluate" } else { "embed" }
    }

    /// The first thing that is not the same in two notes, as each of them has it; of which part they are,
    /// and of which numbers, is their own.
    pub(in crate::verbs) fn difference(&self, other: &Self) -> Option<(&'static str, [String; 2])> {
        let words = |note: &Self| {
            let of_evaluation = || "not for an evaluation".to_owned();
            [
                ("pictures are cut", note.evaluation.clone().unwrap_or_else(of_evaluation)),
                ("images", note.images.to_string()),
                ("features", note.features.to_string()),
                ("encoder", note.encoder.clone()),
                ("names, labels and splits of all images", note.table.clone()),
                ("side", note.side.to_string()),
                ("pictures", if note.pixels { "written" } else { "not written" }.to_owned()),
            ]
        };
        let mut pairs = words(self).into_iter().zip(words(other));
        let ((what, own), (_, other)) = pairs.find(|((_, own), (_, other))| own != other)?;
        Some((what, [own, other]))
    }
}

/// Which shard the whole is.
pub(in crate::verbs) const WHOLE: Shard = Shard { part: 1, parts: 1 };

/// A digest of a file.
pub(in crate::verbs) fn digest_of(path: &Path) -> Result<String, Failure> {
    let failed = |e| FileError::new(path, e);
    let mut file = BufReader::with_capacity(1 << 16, File::open(path).map_err(failed)?);
    let mut digest = Sha256::new();
    loop {
        let bytes = file.fill_buf().map_err(failed)?;
        if bytes.is_empty() {
            break;
        }
        digest.update(bytes);
        let count = bytes.len();
        file.consume(count);
    }
    Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

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

/// Refuses a file of features that is not the one of its note: that of another shard, say.
fn has_numbers(base: &Path, note: &Note, array: &Path) -> Result<(), Failure> {
    let Some(expected) = &note.numbers else { return Ok(()) };
    let got = digest_of(array)?;
    match *expected == got {
        true => Ok(()),
        false => {
            let path = lossy(array);
            let reason = format!(
                "{path} is not what its note says: expected numbers {expected}, got {got}; copy both \
                 anew, or write them again"
            );
            Err(unfit(base, reason))
        }
    }
}

/// Features of all images of an evaluation, as they were put together, and their note.
pub(in crate::verbs) fn read(out: &Path) -> Result<(Note, Vec<f32>), Failure> {
    let base = super::base(out);
    let (path, npy) = (ending(&base, "json"), ending(&base, "npy"));
    let bytes = match std::fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let merge = format!("kith merge {}", lossy(&base));
            let reason = format!(
                "expected {}, which `{merge}` writes once all parts are there; it is missing",
                lossy(&path)
            );
            return Err(unfit(&base, reason));
        }
        bytes => bytes.map_err(|e| FileError::new(&path, e))?,
    };
    let note: Option<Note> = serde_json::from_slice(&bytes).ok();
    let Some(note) = note.filter(|note| note.shard == WHOLE && note.evaluation.is_some()) else {
        let reason = format!("{} is no note of an evaluation: merge them again", lossy(&path));
        return Err(unfit(&base, reason));
    };
    has_numbers(&base, &note, &npy)?;
    let unread = |e| Failure::from(FileError::new(&npy, e));
    let file = File::open(&npy).map_err(unread)?;
    let array = NpyFile::new(BufReader::new(file)).map_err(unread)?;
    let expected = [note.images as u64, note.features as u64];
    if array.shape() != expected {
        let got = array.shape();
        let reason = format!("expected {expected:?} numbers in {}, got {got:?}", lossy(&npy));
        return Err(unfit(&base, reason));
    }
    let numbers = array.into_vec::<f32>().map_err(unread)?;
    Ok((note, numbers))
}

pub(in crate::verbs) fn unfit(base: &Path, reason: String) -> Failure {
    Failure::Shards { path: base.to_owned(), reason }
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
