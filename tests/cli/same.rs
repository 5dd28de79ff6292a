//! Whether two folders hold the same, but for wall time and memory, which no two runs share.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// End of the names of files that are being written, or not yet done with.
const UNFINISHED: [&str; 4] = [".kith-tmp", ".part", ".part.tag", ".kith-fetched"];
/// Parts of the names of what no two runs share; what computes has its number of threads in it.
const TIMED: [&str; 5] = ["second", "timing", "memory", "time", "device"];

/// All files below a folder by their paths from it, in order.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut pending = vec![folder.to_owned()];
    while let Some(at) = pending.pop() {
        for entry in fs::read_dir(&at).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                pending.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).expect("below it").to_owned();
            // A process that ends meanwhile may take its temporary file with it.
            let Ok(bytes) = fs::read(&path) else { continue };
            found.insert(name, bytes);
        }
    }
    found
}

/// Fails where the folders differ.
pub(crate) fn same_folder(one: &Path, other: &Path) {
    let [one, other] = [one, other].map(files);
    let names = |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&one), names(&other), "files differ");
    for (name, bytes) in &one {
        same_file(name, bytes, &other[name]);
    }
}

fn same_file(name: &Path, one: &[u8], other: &[u8]) {
    match ending(name) {
        "safetensors" => {
            let [(note, tensors), (other_note, other_tensors)] = [one, other].map(split);
            same_value(&name.to_string_lossy(), &note, &other_note);
            assert!(tensors == other_tensors, "{}: tensors differ", name.display());
        }
        "json" | "jsonl" => {
            let [one, other] = [one, other].map(|bytes| Value::Array(values(bytes)));
            same_value(&name.to_string_lossy(), &one, &other);
        }
        "csv" => assert_eq!(rows(one), rows(other), "{} differs", name.display()),
        // A page shows wall time.
        "html" => assert!(!one.is_empty() && !other.is_empty(), "{} is empty", name.display()),
        _ => assert!(one == other, "{} differs", name.display()),
    }
}

/// Fails at the first value that differs, and says where it is.
fn same_value(place: &str, one: &Value, other: &Value) {
    let same_length = |one: usize, other: usize| assert_eq!(one, other, "{place}: other lengths");
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            same_length(one.len(), other.len());
            for (name, value) in one {
                same_value(&format!("{place} {name}"), value, &other[name]);
            }
        }
        (Value::Array(one), Value::Array(other)) => {
            same_length(one.len(), other.len());
            for (number, (one, other)) in one.iter().zip(other).enumerate() {
                same_value(&format!("{place} {number}"), one, other);
            }
        }
        _ => assert_eq!(one, other, "{place} differs"),
    }
}

fn ending(name: &Path) -> &str {
    name.extension().and_then(|ending| ending.to_str()).unwrap_or_default()
}

/// The header of a file of tensors, with the note as an object, and the bytes of the tensors.
fn split(bytes: &[u8]) -> (Value, &[u8]) {
    let length = bytes[..8].try_into().expect("eight bytes");
    let end = 8 + usize::try_from(u64::from_le_bytes(length)).expect("it fits");
    let mut header: Value = serde_json::from_slice(&bytes[8..end]).expect("a header is JSON");
    for note in header["__metadata__"].as_object_mut().expect("a note").values_mut() {
        *note = serde_json::from_str(note.as_str().expect("text")).unwrap_or(Value::Null);
    }
    (untimed(header), &bytes[end..])
}

/// Lines, or the one object, without what no two runs share.
fn values(bytes: &[u8]) -> Vec<Value> {
    let values = serde_json::Deserializer::from_slice(bytes).into_iter();
    values.map(|value| untimed(value.expect("JSON"))).collect()
}

fn untimed(value: Value) -> Value {
    match value {
        Value::Object(entries) => {
            let kept = entries.into_iter().filter(|(name, _)| !is_timed(name));
            Value::Object(kept.map(|(name, value)| (name, untimed(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(untimed).collect()),
        other => other,
    }
}

fn is_timed(name: &str) -> bool {
    TIMED.iter().any(|part| name.contains(part))
}

/// The cells of a table, without the columns that no two runs share.
fn rows(bytes: &[u8]) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(bytes);
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("a row")).collect();
    let kept: Vec<bool> = rows.first().into_iter().flatten().map(|name| !is_timed(name)).collect();
    let cells = |row: &csv::StringRecord| {
        let cells = row.iter().zip(&kept).filter(|(_, kept)| **kept);
        cells.map(|(cell, _)| cell.to_owned()).collect()
    };
    rows.iter().map(cells).collect()
}

/// Fails where a file that has its name already is not whole.
pub(crate) fn readable(folder: &Path) {
    for (name, bytes) in files(folder) {
        let text = name.to_string_lossy();
        if UNFINISHED.iter().any(|end| text.ends_with(end)) || text.contains(".kith-tmp/") {
            continue;
        }
        let whole = match ending(&name) {
            "safetensors" => kith_core::archive::Archive::from_bytes(&bytes).is_ok(),
            "json" | "jsonl" => serde_json::Deserializer::from_slice(&bytes)
                .into_iter::<Value>()
                .all(|value| value.is_ok()),
            "html" => text.ends_with("html") && bytes.trim_ascii_end().ends_with(b"</html>"),
            "toml" => toml::from_str::<toml::Table>(&String::from_utf8_lossy(&bytes)).is_ok(),
            _ => true,
        };
        assert!(whole, "{text} is not whole after a kill");
    }
}

/// How far the runs below a folder have come, by their state files.
#[derive(Default)]
pub(crate) struct Steps(BTreeMap<PathBuf, u64>);

impl Steps {
    /// Fails where a run has fewer steps than before.
    pub(crate) fn rise(&mut self, folder: &Path) {
        for (name, bytes) in files(folder) {
            if !name.ends_with("state.safetensors") {
                continue;
            }
            let (header, _) = split(&bytes);
            let steps = header["__metadata__"]["kith"]["counters"]["steps"].as_u64();
            let steps = steps.unwrap_or_else(|| panic!("{header} counts no steps"));
            let before = self.0.insert(name.clone(), steps).unwrap_or_default();
            assert!(before <= steps, "{}: {before} steps, then {steps}", name.display());
        }
    }
}
