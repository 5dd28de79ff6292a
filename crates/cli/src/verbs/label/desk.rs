//! Images with their labels, each of which is on the disk before anybody is told that it is kept.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::SystemTime;

use kith_data::{LabelTable, Labelling};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::files::{self, FileError};

/// A folder's table, and how its file was left.
#[derive(Debug)]
pub(super) struct Desk {
    table: LabelTable,
    /// Its file's time and size; none where there is no file yet.
    left: Option<(SystemTime, u64)>,
}

/// The folder as the page reads it.
#[derive(Debug, Serialize)]
pub(super) struct Listing {
    name: String,
    labels: String,
    classes: Vec<String>,
    images: Vec<Listed>,
}

/// An image as the page reads it.
#[derive(Debug, Serialize)]
struct Listed {
    file: String,
    label: Option<String>,
    unknown: bool,
    aside: bool,
}

/// What the page says of an image.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Said {
    label: Option<String>,
    #[serde(default)]
    unknown: bool,
    #[serde(default)]
    aside: bool,
}

impl Desk {
    pub(super) fn new(table: LabelTable) -> Result<Self, Failure> {
        let mut this = Self { table, left: None };
        this.left = this.stamp()?;
        Ok(this)
    }

    pub(super) fn listing(&self) -> Listing {
        let listed = |(file, known): (String, &Labelling)| {
            let Labelling { label, unknown, aside } = known.clone();
            Listed { file, label, unknown, aside }
        };
        let file_name = self.table.table().file_name().unwrap_or_default();
        Listing {
            name: self.table.name(),
            labels: file_name.to_string_lossy().into_owned(),
            classes: self.table.classes().into_iter().map(str::to_owned).collect(),
            images: self.table.images().map(listed).collect(),
        }
    }

    pub(super) fn file(&self, image: usize) -> Option<PathBuf> {
        self.table.file(image)
    }

    /// Notes what is said of an image: in the file first.
    pub(super) fn note(&mut self, image: usize, said: Said) -> Result<(), Failure> {
        if self.stamp()? != self.left {
            return Err(Failure::TableChanged { path: self.table.table().to_owned() });
        }
        let Said { label, unknown, aside } = said;
        let before = self.table.set(image, Labelling { label, unknown, aside })?;
        let written = files::write(self.table.table(), &self.table.to_csv());
        if let Err(error) = written {
            // Nobody is told of a label that is not kept.
            let _ours = self.table.set(image, before)?;
            return Err(error.into());
        }
        self.left = self.stamp()?;
        Ok(())
    }

    fn stamp(&self) -> Result<Option<(SystemTime, u64)>, FileError> {
        let path = self.table.table();
        let failed = |e| FileError::new(path, e);
        match fs::metadata(path) {
            Ok(known) => Ok(Some((known.modified().map_err(failed)?, known.len()))),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(failed(e)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use kith_data::Folders;

    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.png", "b.png"] {
            fs::write(folder.path().join(name), b"\x89PNG\r\n\x1a\n").unwrap();
        }
        folder
    }

    fn desk(folder: &Path) -> Desk {
        Desk::new(LabelTable::open(folder, None, Folders::Classes).unwrap()).unwrap()
    }

    fn said(label: &str) -> Said {
        Said { label: Some(label.to_owned()), unknown: false, aside: false }
    }

    #[test]
    fn a_label_is_in_the_file_before_it_is_told() {
        let folder = folder();
        let mut desk = desk(folder.path());
        desk.note(1, said("cat")).unwrap();
        let text = fs::read_to_string(folder.path().join("labels.csv")).unwrap();
        assert_eq!(text, "file,label,unknown,aside\nb.png,cat,,\n");
        assert_eq!(desk.listing().classes, ["cat"]);
        desk.note(1, Said { label: None, unknown: true, aside: false }).unwrap();
        let again = self::desk(folder.path()).listing();
        assert!(again.images[1].unknown && again.images[1].label.is_none());
    }

    #[test]
    fn a_table_that_somebody_else_changed_is_not_replaced() {
        let folder = folder();
        let mut desk = desk(folder.path());
        desk.note(0, said("cat")).unwrap();
        let table = folder.path().join("labels.csv");
        fs::write(&table, "file,label\na.png,dog\nb.png,dog\n").unwrap();
        let error = desk.note(1, said("cat")).expect_err("the file changed");
        assert_eq!(error.code(), "TABLE_CHANGED");
        assert!(fs::read_to_string(&table).unwrap().contains("b.png,dog"));
        assert_eq!(desk.listing().images[1].label, None);
    }

    #[test]
    fn a_label_that_cannot_be_kept_is_not_told() {
        let folder = folder();
        let mut desk = desk(folder.path());
        fs::create_dir(folder.path().join("gone")).unwrap();
        let elsewhere = folder.path().join("gone/labels.csv");
        let table = LabelTable::open(folder.path(), Some(&elsewhere), Folders::Classes).unwrap();
        let mut other = Desk::new(table).unwrap();
        fs::remove_dir(folder.path().join("gone")).unwrap();
        other.note(0, said("cat")).expect_err("there is no such folder");
        assert_eq!(other.listing().images[0].label, None);
        assert!(desk.note(7, said("cat")).is_err() && desk.note(0, said(" ")).is_err());
    }
}
