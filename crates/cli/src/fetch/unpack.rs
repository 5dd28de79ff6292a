//! A `.tar.gz` into its folder, which appears only when it is whole.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use flate2::read::GzDecoder;
use tar::{Archive, Entry, EntryType};

use super::error::FetchError;
use super::pour::{Fault, pour};
use super::published::{Content, Dataset, Remote};
use super::{Progress, Stage};
use crate::files::{self, FileError};

/// Unpacks the archive beside its place and moves the folder there at the end.
pub(super) fn unpack(
    dataset: &Dataset,
    remote: &Remote,
    into: &Path,
    watch: &mut dyn FnMut(Progress),
) -> Result<(), FetchError> {
    let archive = into.join(&remote.name);
    let total = dataset.contents.iter().map(|content| content.bytes).sum();
    files::make_sure_of_room(into, total)?;
    // The name is fixed, so that what a killed process left is found and removed.
    let scratch = into.join(format!(".{}.kith-tmp", dataset.folder));
    remove(&scratch)?;
    let mut watch = |done| {
        watch(Progress { stage: Stage::Unpack, file: &remote.name, done, total: Some(total) });
    };
    let result = fill(&archive, dataset, &scratch, &mut watch)
        .and_then(|()| publish(&scratch.join(&dataset.folder), &into.join(&dataset.folder)));
    remove(&scratch)?;
    result
}

/// The first file that a whole data set has and this folder has not, in words.
pub(super) fn missing(folder: &Path, contents: &[Content]) -> Option<String> {
    contents.iter().find_map(|content| match fs::metadata(folder.join(&content.path)) {
        Ok(data) if data.is_file() && data.len() == content.bytes => None,
        Ok(data) if data.is_file() => {
            Some(format!("{} has {} bytes, expected {}", content.path, data.len(), content.bytes))
        }
        _ => Some(format!("{} is missing", content.path)),
    })
}

fn fill(
    archive: &Path,
    dataset: &Dataset,
    scratch: &Path,
    watch: &mut impl FnMut(u64),
) -> Result<(), FetchError> {
    let unreadable =
        |error: io::Error| FetchError::Archive { path: archive.into(), reason: error.to_string() };
    let file = File::open(archive).map_err(|source| FileError::new(archive, source))?;
    let mut tar = Archive::new(GzDecoder::new(file));
    files::make_folder(scratch)?;
    let mut done = 0;
    for entry in tar.entries().map_err(unreadable)? {
        let mut entry = entry.map_err(unreadable)?;
        let path = scratch.join(safe_path(archive, &entry, &dataset.folder)?);
        match entry.header().entry_type() {
            EntryType::Directory => files::make_folder(&path)?,
            EntryType::XGlobalHeader => {}
            _ => done += write_entry(archive, &mut entry, &path, |bytes| watch(done + bytes))?,
        }
    }
    // What follows the last entry still carries the checksum of the compression.
    io::copy(&mut tar.into_inner(), &mut io::sink()).map_err(unreadable)?;
    match missing(&scratch.join(&dataset.folder), &dataset.contents) {
        Some(reason) => Err(FetchError::Archive { path: archive.into(), reason }),
        None => Ok(()),
    }
}

/// The entry's path, if it is a plain file or folder that stays inside the data set's folder.
fn safe_path(
    archive: &Path,
    entry: &Entry<impl Read>,
    folder: &str,
) -> Result<PathBuf, FetchError> {
    let refuse = |reason| FetchError::UnsafeEntry {
        path: archive.into(),
        entry: String::from_utf8_lossy(&entry.path_bytes()).into_owned(),
        reason,
    };
    match entry.header().entry_type() {
        EntryType::XGlobalHeader => return Ok(PathBuf::new()),
        EntryType::Regular | EntryType::Continuous | EntryType::Directory => {}
        _ => return Err(refuse("neither a plain file nor a folder")),
    }
    let mut safe = PathBuf::new();
    let path = entry.path().map_err(|_not_text| refuse("not a path"))?;
    for component in path.components() {
        match component {
            Component::Normal(name) => safe.push(name),
            Component::CurDir => {}
            _ => return Err(refuse("outside the archive's folder")),
        }
    }
    if !safe.as_os_str().is_empty() && !safe.starts_with(folder) {
        return Err(refuse("outside the archive's folder"));
    }
    Ok(safe)
}

fn write_entry(
    archive: &Path,
    entry: &mut Entry<impl Read>,
    path: &Path,
    watch: impl FnMut(u64),
) -> Result<u64, FetchError> {
    let refused = |source| FileError::new(path, source);
    if let Some(folder) = path.parent() {
        files::make_folder(folder)?;
    }
    let mut file = File::create_new(path).map_err(refused)?;
    let bytes = pour(entry, &mut file, watch).map_err(|fault| match fault {
        Fault::Write(source) => refused(source).into(),
        Fault::Read(source) => {
            FetchError::Archive { path: archive.into(), reason: source.to_string() }
        }
    })?;
    file.sync_all().map_err(refused)?;
    Ok(bytes)
}

fn publish(whole: &Path, target: &Path) -> Result<(), FetchError> {
    fs::rename(whole, target).map_err(|source| FileError::new(target, source))?;
    files::sync_folder(target.parent().unwrap_or(Path::new(".")));
    Ok(())
}

fn remove(scratch: &Path) -> Result<(), FileError> {
    match fs::remove_dir_all(scratch) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(FileError::new(scratch, error))
        }
        _ => Ok(()),
    }
}
