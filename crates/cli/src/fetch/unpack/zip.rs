//! The entries of a `.zip`.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use zip::ZipArchive;
use zip::result::ZipError;

use super::{safe_path, unsafe_entry, write_entry};
use crate::fetch::error::FetchError;
use crate::files::{self, FileError};

/// Writes all entries, which lie in `folder`, below `scratch`. Sums of their contents are checked.
pub(super) fn fill(
    archive: &Path,
    folder: &str,
    scratch: &Path,
    watch: &mut impl FnMut(u64),
) -> Result<(), FetchError> {
    let broken = |reason: String| FetchError::Archive { path: archive.into(), reason };
    let unreadable = |error: ZipError| broken(error.to_string());
    let file = File::open(archive).map_err(|source| FileError::new(archive, source))?;
    let mut zip = ZipArchive::new(BufReader::new(file)).map_err(unreadable)?;
    let mut done = 0;
    for index in 0..zip.len() {
        let entry = zip.by_index(index).map_err(unreadable)?;
        let name = entry.name().map_err(unreadable)?.into_owned();
        let path = scratch.join(safe_path(archive, &name, folder)?);
        if entry.is_dir() {
            files::make_folder(&path)?;
        } else if entry.is_symlink() {
            return Err(unsafe_entry(archive, &name, "neither a plain file nor a folder"));
        } else {
            let said = entry.size();
            // An entry that goes on after the size that it says is not unpacked to its end.
            let mut content = entry.take(said.saturating_add(1));
            let wrote = write_entry(archive, &mut content, &path, |bytes| watch(done + bytes))?;
            if wrote != said {
                return Err(broken(format!("{name} has {wrote} bytes, expected {said}")));
            }
            done += wrote;
        }
    }
    Ok(())
}
