//! Moving a file such that nothing is ever overwritten and no instant has no copy of it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use super::disk::{Disk, System};
use super::error::FileError;
use super::{UNFINISHED, folder_of, make_folder};

/// Moves a regular file to a path where nothing is, and makes the folders above it.
///
/// The file has both names before it loses the first one: a process killed in between leaves two, which
/// [`same`] tells. To another disk it is copied, and removed when the copy is safe.
///
/// # Errors
/// [`FileError`], also where something is at the new path; the file is then where it was.
pub(crate) fn relocate(from: &Path, to: &Path) -> Result<(), FileError> {
    make_folder(folder_of(to))?;
    let fail = |source| FileError::new(to, source);
    if fs::symlink_metadata(to).is_ok() {
        return Err(fail(io::ErrorKind::AlreadyExists.into()));
    }
    match fs::hard_link(from, to) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(fail(error)),
        // Another disk, or one without links.
        Err(_) => copy(from, to).map_err(fail)?,
    }
    let settle = |path: &Path| {
        let unsettled = |source| FileError::Unsettled { path: path.into(), source };
        System.sync_folder(folder_of(path)).map_err(unsettled)
    };
    settle(to)?;
    fs::remove_file(from).map_err(|source| FileError::new(from, source))?;
    settle(from)
}

/// Copies a file with its rights and times to a path where nothing is.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut temporary = tempfile::Builder::new()
        .prefix(".")
        .suffix(UNFINISHED)
        .make_in(folder_of(to), |path| File::create_new(path))?;
    // Held while the process lives, as for all unfinished files.
    let _unsupported = temporary.as_file().try_lock();
    let mut source = File::open(from)?;
    let found = source.metadata()?;
    io::copy(&mut source, temporary.as_file_mut())?;
    let file = temporary.as_file();
    file.set_permissions(found.permissions())?;
    let times = fs::FileTimes::new().set_modified(found.modified()?);
    file.set_times(times)?;
    file.sync_all()?;
    temporary.persist_noclobber(to).map_err(|error| error.error)?;
    Ok(())
}

/// Whether two files have the same bytes.
///
/// # Errors
/// [`FileError`] where one cannot be read.
pub(crate) fn same(one: &Path, other: &Path) -> Result<bool, FileError> {
    let open = |path: &Path| {
        let file = File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
        file.map_err(|source| FileError::new(path, source))
    };
    let ((length, mut one_file), (other_length, mut other_file)) = (open(one)?, open(other)?);
    if length != other_length {
        return Ok(false);
    }
    const AT_A_TIME: usize = 1 << 16;
    let (mut a, mut b) = (vec![0; AT_A_TIME], vec![0; AT_A_TIME]);
    let mut left = length;
    while left > 0 {
        let count = left.min(AT_A_TIME as u64) as usize;
        one_file.read_exact(&mut a[..count]).map_err(|source| FileError::new(one, source))?;
        other_file.read_exact(&mut b[..count]).map_err(|source| FileError::new(other, source))?;
        if a[..count] != b[..count] {
            return Ok(false);
        }
        left -= count as u64;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_moved_and_nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("a"), b"one").unwrap();
        relocate(&at("a"), &at("deep/er/b")).unwrap();
        assert_eq!(fs::read(at("deep/er/b")).unwrap(), b"one");
        assert!(!at("a").exists());
        fs::write(at("a"), b"two").unwrap();
        let error = relocate(&at("a"), &at("deep/er/b")).unwrap_err();
        assert!(error.to_string().contains("deep"), "{error}");
        assert_eq!(fs::read(at("a")).unwrap(), b"two", "it is where it was");
        assert_eq!(fs::read(at("deep/er/b")).unwrap(), b"one");
    }

    #[test]
    fn a_copy_has_the_bytes_and_the_time_and_overwrites_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("a"), vec![7; 200_000]).unwrap();
        let time = |name: &str| fs::metadata(at(name)).unwrap().modified().unwrap();
        copy(&at("a"), &at("b")).unwrap();
        assert!(same(&at("a"), &at("b")).unwrap() && time("a") == time("b"));
        fs::write(at("c"), b"other").unwrap();
        assert!(copy(&at("a"), &at("c")).is_err());
        assert_eq!(fs::read(at("c")).unwrap(), b"other");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "nothing is left beside them");
    }

    #[test]
    fn files_are_the_same_by_their_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for (name, bytes) in [("a", b"one"), ("b", b"one"), ("c", b"two")] {
            fs::write(at(name), bytes).unwrap();
        }
        assert!(same(&at("a"), &at("b")).unwrap());
        assert!(!same(&at("a"), &at("c")).unwrap());
        assert_eq!(same(&at("a"), &at("no")).unwrap_err().code(), "NOT_FOUND");
    }
}
