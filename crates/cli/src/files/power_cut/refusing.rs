//! A disk that refuses one kind of operation.

use std::fs::File;
use std::io;
use std::path::Path;

use tempfile::NamedTempFile;

use super::super::disk::{Disk, System};

/// A disk that refuses one operation.
pub(super) struct Refusing(pub(super) &'static str);

impl Refusing {
    fn unless(&self, name: &str) -> io::Result<()> {
        if self.0 == name { Err(io::ErrorKind::Other.into()) } else { Ok(()) }
    }
}

impl Disk for Refusing {
    fn create(&self, path: &Path) -> io::Result<File> {
        self.unless("create").and_then(|()| System.create(path))
    }

    fn write(&self, file: &File, path: &Path, bytes: &[u8]) -> io::Result<usize> {
        self.unless("write").and_then(|()| System.write(file, path, bytes))
    }

    fn sync(&self, file: &File, path: &Path) -> io::Result<()> {
        self.unless("sync").and_then(|()| System.sync(file, path))
    }

    fn rename(&self, file: NamedTempFile<File>, path: &Path) -> io::Result<()> {
        self.unless("rename").and_then(|()| System.rename(file, path))
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.unless("sync_folder").and_then(|()| System.sync_folder(folder))
    }
}
