//! The entries of a `.tar.gz`.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use tar::{Archive, Entry, EntryType};

use super::{safe_path, unsafe_entry, write_entry};
use crate::fetch::error::FetchError;
use crate::files::{self, FileError};

/// Writes all entries, which lie in `folder`, below `scratch`.
pub(super) fn fill(
    archive: &Path,
    folder: &str,
    scratch: &Path,
    watch: &mut impl FnMut(u64),
) -> Result<(), FetchError> {
    let unreadable =
        |error: io::Error| FetchError::Archive { path: archive.into(), reason: error.to_string() };
    let file = File::open(archive).map_err(|source| FileError::new(archive, source))?;
    let mut tar = Archive::new(GzDecoder::new(file));
    let mut done = 0;
    for entry in tar.entries().map_err(unreadable)? {
        let mut entry = entry.map_err(unreadable)?;
        let path = scratch.join(entry_path(archive, &entry, folder)?);
        match entry.header().entry_type() {
            EntryType::Directory => files::make_folder(&path)?,
            EntryType::XGlobalHeader => {}
            _ => done += write_entry(archive, &mut entry, &path, |bytes| watch(done + bytes))?,
        }
    }
    // What follows the last entry still carries the checksum of the compression.
    io::copy(&mut tar.into_inner(), &mut io::sink()).map_err(unreadable)?;
    Ok(())
}

/// The entry's path, if it is a plain file or folder that stays inside the data set's folder.
fn entry_path(
    archive: &Path,
    entry: &Entry<impl Read>,
    folder: &str,
) -> Result<PathBuf, FetchError> {
    let bytes = entry.path_bytes();
    let name = String::from_utf8_lossy(&bytes);
    match entry.header().entry_type() {
        EntryType::XGlobalHeader => Ok(PathBuf::new()),
        EntryType::Regular | EntryType::Continuous | EntryType::Directory => {
            safe_path(archive, &name, folder)
        }
        _ => Err(unsafe_entry(archive, &name, "neither a plain file nor a folder")),
    }
}
