//! The finished cells, and the file that keeps them.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::cell::{Cell, Key};
use super::summary::rows;
use crate::checkpoint::is_same_source;
use crate::failure::Failure;
use crate::files::FileError;
use crate::train::folder::{Folder, RESULTS};

/// The entry of a protocol that says which data.
pub(crate) const DATA: &str = "data";

/// The finished cells of a study.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Cells {
    /// What the cells have in common; cells of another protocol do not belong to them.
    protocol: Value,
    cells: Vec<Cell>,
}

impl Cells {
    /// Those that the folder holds, or none yet.
    pub(crate) fn open(folder: &Folder, protocol: Value) -> Result<Self, Failure> {
        let path = folder.file(RESULTS);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self { protocol, cells: Vec::new() });
            }
            Err(e) => return Err(FileError::new(&path, e).into()),
        };
        let unreadable =
            |e: serde_json::Error| kith_core::Error::Metadata { reason: e.to_string() };
        let kept: Self =
            serde_json::from_str(&text).map_err(unreadable).map_err(Failure::of(&path))?;
        for (name, now) in protocol.as_object().into_iter().flatten() {
            let then = &kept.protocol[name];
            if !is_same(name, then, now) {
                let (what, then) = ("protocol", format!("{name} {then}"));
                return Err(Failure::OtherRun { what, then, now: format!("{name} {now}") });
            }
        }
        Ok(kept)
    }

    /// Those of some numbers of labels and some seeds.
    pub(crate) fn of(&self, labels: &[usize], seeds: &[u64]) -> Vec<Cell> {
        let asked = |cell: &&Cell| labels.contains(&cell.labels) && seeds.contains(&cell.seed);
        self.cells.iter().filter(asked).copied().collect()
    }

    /// Whether a cell is finished.
    pub(crate) fn has(&self, key: Key) -> bool {
        self.cells.iter().any(|cell| cell.key() == key)
    }

    /// Adds a finished cell and keeps all of them.
    pub(crate) fn add(&mut self, cell: Cell, folder: &Folder) -> Result<(), Failure> {
        self.cells.push(cell);
        let object = json!({
            "protocol": self.protocol,
            "cells": self.cells,
            "accuracies": rows(&self.cells),
        });
        Ok(folder.write(RESULTS, format!("{object:#}\n").as_bytes())?)
    }
}

/// Whether an entry of two protocols is the same; the data may be spelled in another way.
fn is_same(name: &str, then: &Value, now: &Value) -> bool {
    match (name, then, now) {
        (DATA, Value::String(then), Value::String(now)) => is_same_source(then, now),
        _ => then == now,
    }
}

#[cfg(test)]
mod tests {
    use super::super::cell::Method;
    use super::*;
    use crate::args::RunFlags;

    #[test]
    fn cells_are_kept_and_those_of_another_protocol_refused() {
        let temporary = tempfile::tempdir().unwrap();
        crate::files::make_folder(&temporary.path().join("r")).unwrap();
        let flags = RunFlags { run: Some(temporary.path().join("r")), resume: false };
        let folder = Folder::choose(&flags, "x").unwrap();
        let mut cells = Cells::open(&folder, json!({ "encoder": "a" })).unwrap();
        let cell = Cell { method: Method::Knn, labels: 5, seed: 2, accuracy: 0.1 + 0.2 };
        cells.add(cell, &folder).unwrap();
        let again = Cells::open(&folder, json!({ "encoder": "a" })).unwrap();
        assert!(again.has(cell.key()) && !again.has(Key { seed: 3, ..cell.key() }));
        assert_eq!(again.of(&[5], &[2, 3]), [cell], "numbers come back to the bit");
        let error = Cells::open(&folder, json!({ "encoder": "b" })).expect_err("another encoder");
        assert_eq!(error.code(), "OTHER_RUN");
    }

    #[test]
    fn data_may_be_spelled_in_another_way() {
        let temporary = tempfile::tempdir().unwrap();
        let source =
            |path: &str| json!(format!("folder:{}", temporary.path().join(path).display()));
        assert!(is_same(DATA, &source(""), &source("./")));
        assert!(!is_same(DATA, &source(""), &json!("gallery")));
        assert!(!is_same("encoder", &source(""), &source("./")));
    }
}
