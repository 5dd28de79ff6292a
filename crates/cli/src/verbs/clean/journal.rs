//! Which files were to be moved from where: written before the first of them moves.
//!
//! What became of each follows from the two places alone, so that a kill at any instant leaves nothing
//! that could disagree: a file is at its old place, at its new one, or, for an instant, at both.

use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use kith_core::Error;
use kith_data::{name_of_path, path_of_name};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::files::{self, FileError};

/// The journal's name in the folder that files are moved to.
const NAME: &str = "kith-moves.json";
/// The form of the file.
const FORMAT: u32 = 1;

/// Moves from one folder to another.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    /// The folder that files are moved from.
    pub(super) from: PathBuf,
    /// Paths in both folders, in the order of their moves.
    pub(super) files: Vec<PathBuf>,
}

/// The journal as it is written.
#[derive(Serialize, Deserialize)]
struct Written {
    format: u32,
    from: String,
    files: Vec<String>,
}

impl Journal {
    /// An empty one for a folder.
    pub(super) fn new(to: &Path, from: PathBuf) -> Self {
        Self { path: to.join(NAME), from, files: Vec::new() }
    }

    /// That of a folder; none where there is none.
    pub(super) fn read(to: &Path) -> Result<Option<Self>, Failure> {
        let path = to.join(NAME);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(FileError::new(&path, e).into()),
        };
        let unreadable = |reason: String| Failure::of(&path)(Error::Metadata { reason });
        let written: Written =
            serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()))?;
        if written.format != FORMAT {
            return Err(unreadable(format!("format {}, expected {FORMAT}", written.format)));
        }
        let files: Vec<PathBuf> = written.files.iter().map(|name| path_of_name(name)).collect();
        if let Some(outside) = files.iter().find(|file| !is_inner(file)) {
            let reason = format!("{} is no path within a folder", outside.display());
            return Err(unreadable(reason));
        }
        let from = path_of_name(&written.from);
        Ok(Some(Self { path, from, files }))
    }

    /// Writes it, whole or not at all; an empty one is removed.
    pub(super) fn write(&self) -> Result<(), FileError> {
        if self.files.is_empty() {
            return match fs::remove_file(&self.path) {
                Err(e) if e.kind() != ErrorKind::NotFound => Err(FileError::new(&self.path, e)),
                _ => Ok(()),
            };
        }
        let written = Written {
            format: FORMAT,
            from: name_of_path(&self.from),
            files: self.files.iter().map(|file| name_of_path(file)).collect(),
        };
        let text = serde_json::to_string_pretty(&written).expect("names are text");
        files::write(&self.path, format!("{text}\n").as_bytes())
    }
}

/// Whether a path stays within the folder that it is meant in.
pub(super) fn is_inner(path: &Path) -> bool {
    let mut parts = path.components().peekable();
    parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Journal::read(folder.path()).unwrap().is_none());
        let mut journal = Journal::new(folder.path(), "/from".into());
        journal.files = vec!["a/b.png".into(), "c\\xd.png".into()];
        journal.write().unwrap();
        let found = Journal::read(folder.path()).unwrap().unwrap();
        assert_eq!((found.from, found.files), (journal.from.clone(), journal.files.clone()));
        journal.files.clear();
        journal.write().unwrap();
        assert!(Journal::read(folder.path()).unwrap().is_none(), "an empty one is removed");
        journal.write().unwrap();
    }

    #[test]
    fn a_journal_that_leads_elsewhere_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for text in [
            "{",
            r#"{"format": 2, "from": "/x", "files": []}"#,
            r#"{"format": 1, "from": "/x", "files": ["../y"]}"#,
            r#"{"format": 1, "from": "/x", "files": ["/etc/y"]}"#,
        ] {
            fs::write(folder.path().join(NAME), text).unwrap();
            assert_eq!(Journal::read(folder.path()).expect_err(text).code(), "METADATA");
        }
    }

    #[test]
    fn inner_paths_stay_within() {
        for (path, inner) in [
            ("a/b", true),
            ("a", true),
            ("", false),
            ("../a", false),
            ("/a", false),
            ("a/../b", false),
        ] {
            assert_eq!(is_inner(Path::new(path)), inner, "{path}");
        }
    }
}
