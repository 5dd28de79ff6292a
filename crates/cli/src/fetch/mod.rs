//! Data sets from where their authors publish them, or from a mirror: resumed, checked, unpacked.
//!
//! A file gets its final name only after its checksum was right, a folder only when it is whole.

mod published;
mod error;
mod pour;
mod checksum;
mod download;
mod unpack;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use download::Address;
pub use error::FetchError;
pub use published::{Content, Dataset, Form, Published, Remote};

use crate::files::{self, FileError};

/// How patiently and from where to fetch.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Look for each file at this address, a slash and the file's name, instead of at its authors'.
    pub mirror: Option<String>,
    /// Tries that may fail in a row before giving up; tries that got further do not count.
    pub attempts: u32,
    /// Pause after the first failed try; it doubles after each further one.
    pub backoff: Duration,
    /// A server that sends nothing for this long counts as gone.
    pub silence: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        let [backoff, silence] = [1, 30].map(Duration::from_secs);
        Self { mirror: None, attempts: 5, backoff, silence }
    }
}

/// What is being done with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It is on its way.
    Download,
    /// Its checksum is being computed.
    Check,
    /// It is being unpacked.
    Unpack,
}

/// How far a file is: enough to draw a bar.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// What is being done.
    pub stage: Stage,
    /// The file's name.
    pub file: &'a str,
    /// Bytes done.
    pub done: u64,
    /// Bytes in all, where known.
    pub total: Option<u64>,
}

/// Where the data set now is, and whether anything had to be done for that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was fetched into this folder.
    Fetched(PathBuf),
    /// It stood whole in this folder already.
    AlreadyThere(PathBuf),
}

/// Fetches the data set into a folder of its own below `into`, telling `watch` how far it is.
///
/// # Errors
/// [`FetchError`]. What was downloaded so far stays and the next call goes on from there.
pub fn fetch(
    dataset: &Dataset,
    into: &Path,
    settings: &Settings,
    watch: &mut dyn FnMut(Progress),
) -> Result<Outcome, FetchError> {
    match dataset.form {
        Form::Files => fetch_files(dataset, into, settings, watch),
        Form::TarGz | Form::Zip => fetch_archive(dataset, into, settings, watch),
    }
}

fn fetch_files(
    dataset: &Dataset,
    into: &Path,
    settings: &Settings,
    watch: &mut dyn FnMut(Progress),
) -> Result<Outcome, FetchError> {
    let folder = into.join(&dataset.folder);
    files::make_folder(&folder)?;
    let mut outcome = Outcome::AlreadyThere(folder.clone());
    for remote in &dataset.files {
        if let Source::Downloaded = bring(dataset, remote, &folder, settings, watch)? {
            outcome = Outcome::Fetched(folder.clone());
        }
    }
    Ok(outcome)
}

fn fetch_archive(
    dataset: &Dataset,
    into: &Path,
    settings: &Settings,
    watch: &mut dyn FnMut(Progress),
) -> Result<Outcome, FetchError> {
    let folder = into.join(&dataset.folder);
    if folder.exists() {
        if let Some(missing) = unpack::missing(&folder, &dataset.contents) {
            return Err(FetchError::InTheWay { folder, missing });
        }
        dataset.files.iter().try_for_each(|remote| remove_archive(remote, into))?;
        return Ok(Outcome::AlreadyThere(folder));
    }
    files::make_folder(into)?;
    for remote in &dataset.files {
        let source = bring(dataset, remote, into, settings, watch)?;
        unpack::unpack(dataset, remote, into, watch)?;
        if let Source::Downloaded = source {
            remove_archive(remote, into)?;
        }
    }
    Ok(Outcome::Fetched(folder))
}

/// Says of an archive that it was downloaded and is to be removed, also to a later process.
fn mark(remote: &Remote, into: &Path) -> PathBuf {
    into.join(format!(".{}.kith-fetched", remote.name))
}

/// Removes an archive that was downloaded, and that alone.
fn remove_archive(remote: &Remote, into: &Path) -> Result<(), FileError> {
    let mark = mark(remote, into);
    if !mark.exists() {
        return Ok(());
    }
    for path in [into.join(&remote.name), mark] {
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(FileError::new(&path, source));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Where a file came from; what the user had before is never removed.
enum Source {
    Found,
    Downloaded,
}

/// Sees to it that the file stands in the folder with the right checksum.
fn bring(
    dataset: &Dataset,
    remote: &Remote,
    folder: &Path,
    settings: &Settings,
    watch: &mut dyn FnMut(Progress),
) -> Result<Source, FetchError> {
    let target = files::regular(&folder.join(&remote.name))?;
    let mark = mark(remote, folder);
    if target.is_file() && remote.md5.contains(&checksum::md5(&target, watch)?) {
        return Ok(if mark.exists() { Source::Downloaded } else { Source::Found });
    }
    let base = settings.mirror.as_ref().unwrap_or(&dataset.base).trim_end_matches('/');
    let url = format!("{base}/{}", remote.name);
    let trusted = if settings.mirror.is_some() { &[] } else { &dataset.hosts[..] };
    let address = Address { url: &url, trusted };
    let mut part = download::download(address, &target, settings, watch)?;
    let mut got = checksum::md5(&part.path, watch)?;
    if !remote.md5.contains(&got) && part.is_resumed {
        // What an earlier process left may be what a power cut left of it.
        fs::remove_file(&part.path).map_err(|source| FileError::new(&part.path, source))?;
        part = download::download(address, &target, settings, watch)?;
        got = checksum::md5(&part.path, watch)?;
    }
    let part = part.path;
    if !remote.md5.contains(&got) {
        fs::remove_file(&part).map_err(|source| FileError::new(&part, source))?;
        return Err(FetchError::Checksum { url, expected: remote.md5.join(" or "), got });
    }
    if dataset.form != Form::Files {
        files::write(&mark, b"")?;
    }
    files::publish(&part, &target)?;
    Ok(Source::Downloaded)
}

#[cfg(test)]
mod server;
#[cfg(test)]
mod tests;
