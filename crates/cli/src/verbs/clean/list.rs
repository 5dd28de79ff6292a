//! Which files a list names: what the report saves, or a text file with a path a line.

use std::fs;
use std::path::{Path, PathBuf};

use kith_data::path_of_name;
use serde::Deserialize;

use crate::failure::{CleanError, Failure};
use crate::files::FileError;

/// Files to move.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct List {
    /// The folder that they are in, where the list says so.
    pub(super) folder: Option<PathBuf>,
    /// Whether the list says that images lie in no files of their own.
    pub(super) fileless: bool,
    /// Names as findings have them, each once.
    pub(super) names: Vec<String>,
}

/// What the report saves.
#[derive(Deserialize)]
struct Saved {
    folder: Option<String>,
    files: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Entry {
    Name(String),
    Finding { file: String },
}

impl List {
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let text = fs::read_to_string(path).map_err(|e| FileError::new(path, e))?;
        let list = match text.trim_start().starts_with('{') {
            true => Self::saved(&text)
                .map_err(|reason| CleanError::List { path: path.to_owned(), reason })?,
            false => Self::lines(&text),
        };
        Ok(list.once())
    }

    fn saved(text: &str) -> Result<Self, String> {
        let saved: Saved = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let name = |entry| match entry {
            Entry::Name(name) | Entry::Finding { file: name } => name,
        };
        Ok(Self {
            fileless: saved.folder.is_none(),
            folder: saved.folder.map(|folder| path_of_name(&folder)),
            names: saved.files.into_iter().map(name).collect(),
        })
    }

    fn lines(text: &str) -> Self {
        let lines = text.lines().map(|line| line.trim_end_matches('\r'));
        let names = lines.filter(|line| !line.trim().is_empty()).map(str::to_owned);
        Self { names: names.collect(), ..Self::default() }
    }

    /// An image may be in several findings.
    fn once(mut self) -> Self {
        let mut seen = std::collections::BTreeSet::new();
        self.names.retain(|name| seen.insert(name.clone()));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<List, Failure> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        List::read(file.path())
    }

    #[test]
    fn both_forms_are_read_and_a_file_comes_once() {
        let text = r#"{"folder": "/d", "files": ["a.png", {"file": "b.png", "finding": "x"},
            {"file": "a.png", "finding": "outlier"}]}"#;
        let list = read(text).unwrap();
        assert_eq!(list.folder, Some("/d".into()));
        assert_eq!(list.names, ["a.png", "b.png"]);
        let list = read("a.png\r\n\nb c.png\na.png\n").unwrap();
        assert_eq!((list.folder, list.fileless), (None, false));
        assert_eq!(list.names, ["a.png", "b c.png"]);
        assert!(read("").unwrap().names.is_empty());
        assert!(read(r#"{"folder": null, "files": []}"#).unwrap().fileless);
    }

    #[test]
    fn a_damaged_list_is_refused() {
        for text in ["{", "{\"files\": 3}", "{\"folder\": \"x\"}"] {
            assert_eq!(read(text).expect_err("damaged").code(), "LIST");
        }
    }
}
