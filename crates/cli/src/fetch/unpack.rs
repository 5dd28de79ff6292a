//! An archive into its folder, which appears only when it is whole.

mod tar_gz;
mod zip;

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use super::error::FetchError;
use super::pour::{Fault, pour};
use super::published::{Content, Dataset, Form, Remote};
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
    let known = dataset.contents.iter().map(|content| content.bytes);
    let total: Option<u64> = known.sum();
    // Images are as large in their archive as outside.
    let packed = fs::metadata(&archive).map_or(0, |data| data.len());
    files::make_sure_of_room(into, total.unwrap_or(packed))?;
    // The name is fixed, so that what a killed process left is found and removed.
    let scratch = into.join(format!(".{}.kith-tmp", dataset.folder));
    remove(&scratch)?;
    let mut watch = |done| {
        watch(Progress { stage: Stage::Unpack, file: &remote.name, done, total });
    };
    let result = fill(&archive, dataset, &scratch, &mut watch)
        .and_then(|()| check(&archive, dataset, &scratch))
        .and_then(|()| publish(&scratch.join(&dataset.folder), &into.join(&dataset.folder)));
    remove(&scratch)?;
    result
}

/// The first file that a whole data set has and this folder has not, in words.
pub(super) fn missing(folder: &Path, contents: &[Content]) -> Option<String> {
    contents.iter().find_map(|Content { path, bytes }| {
        let there = fs::metadata(folder.join(path));
        match (there, *bytes) {
            (Ok(_), None) => None,
            (Ok(data), Some(bytes)) if data.is_file() && data.len() == bytes => None,
            (Ok(data), Some(bytes)) if data.is_file() => {
                Some(format!("{path} has {} bytes, expected {bytes}", data.len()))
            }
            _ => Some(format!("{path} is missing")),
        }
    })
}

fn fill(
    archive: &Path,
    dataset: &Dataset,
    scratch: &Path,
    watch: &mut impl FnMut(u64),
) -> Result<(), FetchError> {
    files::make_folder(scratch)?;
    match dataset.form {
        Form::Zip => zip::fill(archive, &dataset.folder, scratch, watch),
        Form::TarGz | Form::Files => tar_gz::fill(archive, &dataset.folder, scratch, watch),
    }
}

/// Refuses an archive that lacks something.
fn check(archive: &Path, dataset: &Dataset, scratch: &Path) -> Result<(), FetchError> {
    match missing(&scratch.join(&dataset.folder), &dataset.contents) {
        Some(reason) => Err(FetchError::Archive { path: archive.into(), reason }),
        None => Ok(()),
    }
}

/// An entry's path, if it stays inside the data set's folder.
fn safe_path(archive: &Path, entry: &str, folder: &str) -> Result<PathBuf, FetchError> {
    let outside = || unsafe_entry(archive, entry, "outside the archive's folder");
    let mut safe = PathBuf::new();
    for component in Path::new(entry).components() {
        match component {
            Component::Normal(name) => safe.push(name),
            Component::CurDir => {}
            _ => return Err(outside()),
        }
    }
    if !safe.as_os_str().is_empty() && !safe.starts_with(folder) {
        return Err(outside());
    }
    Ok(safe)
}

fn unsafe_entry(archive: &Path, entry: &str, reason: &'static str) -> FetchError {
    FetchError::UnsafeEntry { path: archive.into(), entry: entry.to_owned(), reason }
}

fn write_entry(
    archive: &Path,
    entry: &mut impl Read,
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

/// Gives the folder its name once all that is in it survives a power cut.
fn publish(whole: &Path, target: &Path) -> Result<(), FetchError> {
    files::settle(whole)?;
    Ok(files::publish(whole, target)?)
}

fn remove(scratch: &Path) -> Result<(), FileError> {
    match fs::remove_dir_all(scratch) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(FileError::new(scratch, error))
        }
        _ => Ok(()),
    }
}
