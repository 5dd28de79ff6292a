//! The unfinished file: `NAME.part`, and beside it what proves that the server's file is the same.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::super::error::FetchError;
use crate::files::{self, FileError};

/// An unfinished file, locked against a second download of it.
pub(super) struct Part {
    file: File,
    path: PathBuf,
    validator: PathBuf,
    /// Whether it begins with bytes of an earlier process, which a power cut may have spoilt.
    is_resumed: bool,
}

/// A file whose bytes are all there.
pub(in crate::fetch) struct Downloaded {
    pub(in crate::fetch) path: PathBuf,
    /// Whether it begins with bytes of an earlier process.
    pub(in crate::fetch) is_resumed: bool,
}

impl Part {
    /// Opens what an earlier run left, or starts an empty file.
    pub(super) fn open(target: &Path) -> Result<Self, FetchError> {
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let path = target.with_file_name(format!("{name}.part"));
        let validator = target.with_file_name(format!("{name}.part.tag"));
        let file = File::options()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(|source| FileError::new(&path, source))?;
        // Some network disks know no locks; the checksum still guards the result.
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            return Err(FetchError::Busy { path });
        }
        let length = file.metadata().map_err(|source| FileError::new(&path, source))?.len();
        Ok(Self { file, path, validator, is_resumed: length > 0 })
    }

    /// Bytes held.
    pub(super) fn length(&self) -> Result<u64, FetchError> {
        self.file.metadata().map(|data| data.len()).map_err(|source| self.fault(source))
    }

    /// Where the bytes go.
    pub(super) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// The folder it lies in.
    pub(super) fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
    }

    /// What the server said identifies the file these bytes are of.
    pub(super) fn validator(&self) -> Option<String> {
        fs::read_to_string(&self.validator).ok()
    }

    /// Empties the file and remembers what identifies its successor.
    pub(super) fn restart(&mut self, validator: Option<&str>) -> Result<(), FetchError> {
        self.file.set_len(0).map_err(|source| self.fault(source))?;
        self.is_resumed = false;
        match validator {
            Some(text) => files::write(&self.validator, text.as_bytes())?,
            None => self.forget_validator(),
        }
        Ok(())
    }

    /// Makes the disk keep the bytes.
    pub(super) fn finish(self) -> Result<Downloaded, FetchError> {
        self.file.sync_all().map_err(|source| self.fault(source))?;
        self.forget_validator();
        Ok(Downloaded { path: self.path, is_resumed: self.is_resumed })
    }

    /// Leaves no empty file behind where nothing came.
    pub(super) fn discard_if_empty(&self) {
        if self.length().is_ok_and(|length| length == 0) {
            self.forget_validator();
            // A leftover of no bytes does no harm; the download's own error is the one to tell.
            let _ = fs::remove_file(&self.path);
        }
    }

    /// The error that the system's error at this file amounts to.
    pub(super) fn fault(&self, source: io::Error) -> FetchError {
        FileError::new(&self.path, source).into()
    }

    fn forget_validator(&self) {
        // It may not exist; a stale one only makes the server send everything anew.
        let _ = fs::remove_file(&self.validator);
    }
}
