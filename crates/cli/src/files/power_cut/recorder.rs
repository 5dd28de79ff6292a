//! A disk that keeps a list of what is done to it.

use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::super::disk::{Disk, System};

/// What was done to a disk.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Operation {
    Create(PathBuf),
    Write(PathBuf, Vec<u8>),
    Sync(PathBuf),
    Rename(PathBuf, PathBuf),
    MakeFolder(PathBuf),
    SyncFolder(PathBuf),
}

/// The disk, and what was done to it.
#[derive(Default)]
pub(super) struct Recorder(RefCell<Vec<Operation>>);

impl Recorder {
    fn add(&self, operation: Operation) {
        self.0.borrow_mut().push(operation);
    }

    pub(super) fn operations(&self) -> Vec<Operation> {
        self.0.borrow().clone()
    }

    pub(super) fn count(&self) -> usize {
        self.0.borrow().len()
    }
}

impl Disk for Recorder {
    fn create(&self, path: &Path) -> io::Result<File> {
        self.add(Operation::Create(path.to_owned()));
        System.create(path)
    }

    fn write(&self, file: &File, path: &Path, bytes: &[u8]) -> io::Result<usize> {
        let wrote = System.write(file, path, bytes)?;
        self.add(Operation::Write(path.to_owned(), bytes[..wrote].to_vec()));
        Ok(wrote)
    }

    fn sync(&self, file: &File, path: &Path) -> io::Result<()> {
        self.add(Operation::Sync(path.to_owned()));
        System.sync(file, path)
    }

    fn rename(&self, file: NamedTempFile<File>, path: &Path) -> io::Result<()> {
        self.add(Operation::Rename(file.path().to_owned(), path.to_owned()));
        System.rename(file, path)
    }

    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        self.add(Operation::MakeFolder(folder.to_owned()));
        System.make_folder(folder)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.add(Operation::SyncFolder(folder.to_owned()));
        System.sync_folder(folder)
    }
}
