//! Files that are either wholly written or not there: temporary file, fsync, rename.
//!
//! A process killed, or a disk filled, at any instant leaves the earlier file as it was. Only regular
//! files are replaced: a link is written through, a pipe or a device is written to.

mod error;
mod place;
mod relocate;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

pub use error::FileError;
use place::Place;
pub(crate) use relocate::{relocate, same};

/// End of the names of files that are still being written.
const UNFINISHED: &str = ".kith-tmp";

/// Puts these bytes at the path, replacing what is there in one step.
///
/// # Errors
/// [`FileError`]; the earlier file is then untouched.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    write_with(path, |file| file.write_all(bytes))
}

/// Puts what `fill` writes at the path, replacing what is there in one step.
///
/// # Errors
/// [`FileError`], also for what `fill` returns; the earlier file is then untouched.
pub fn write_with(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), FileError> {
    let written = Place::of(path).and_then(|place| match place {
        Place::File(file) => replace(&file, fill),
        Place::Stream => pour(path, fill),
    });
    written.map_err(|source| FileError::new(path, source))
}

/// The regular file that a path leads to, made or not, for those who rename a file of their own to it.
///
/// # Errors
/// [`FileError`], also for a pipe or a device, which no file may take the place of.
pub(crate) fn regular(path: &Path) -> Result<PathBuf, FileError> {
    let found = Place::of(path).map_err(|source| FileError::new(path, source))?;
    match found {
        Place::File(file) => Ok(file),
        Place::Stream => Err(FileError::NotAFile { path: path.to_owned() }),
    }
}

/// Makes or replaces a regular file.
fn replace(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let folder = folder_of(path);
    // `create_new` gives the mode that the user's umask asks for; tempfile's own would be 0600.
    let mut temporary = tempfile::Builder::new()
        .prefix(".")
        .suffix(UNFINISHED)
        .make_in(folder, |path| File::create_new(path))?;
    let mut buffer = BufWriter::new(temporary.as_file_mut());
    fill(&mut buffer)?;
    buffer.flush()?;
    drop(buffer);
    temporary.as_file().sync_all()?;
    temporary.persist(path).map_err(|error| error.error)?;
    sync_folder(folder);
    Ok(())
}

/// Writes to a pipe or a device, which stays what it is. A pipe waits for its reader.
fn pour(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut buffer = BufWriter::new(File::options().write(true).open(path)?);
    fill(&mut buffer)?;
    buffer.flush()
}

/// Removes what killed processes left half-written in this folder; returns how many files.
///
/// # Errors
/// [`FileError`] when the folder cannot be read or a file not removed.
pub fn sweep(folder: &Path) -> Result<usize, FileError> {
    let fail = |source| FileError::new(folder, source);
    let mut removed = 0;
    for entry in fs::read_dir(folder).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        if path.to_string_lossy().ends_with(UNFINISHED) {
            fs::remove_file(&path).map_err(|source| FileError::new(&path, source))?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// Makes the folder and those above it.
///
/// # Errors
/// [`FileError`], for instance when a part of the path is a file.
pub fn make_folder(folder: &Path) -> Result<(), FileError> {
    fs::create_dir_all(folder).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => FileError::NotADirectory { path: folder.to_path_buf() },
        _ => FileError::new(folder, source),
    })
}

/// Makes sure, before the work, that the folder's disk has room for so many bytes.
///
/// # Errors
/// [`FileError::NoRoom`] when it has not. A disk that does not tell counts as roomy.
pub fn make_sure_of_room(folder: &Path, needed: u64) -> Result<(), FileError> {
    match fs4::available_space(folder) {
        Ok(free) if free < needed => {
            Err(FileError::NoRoom { path: folder.to_path_buf(), needed, free })
        }
        _ => Ok(()),
    }
}

/// Makes a rename in this folder survive a power cut, where the system offers that.
pub(crate) fn sync_folder(folder: &Path) {
    // Not every system lets a folder be opened, and the rename itself has already succeeded.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_write_replaces_the_earlier_file_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.bin");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(names(folder.path()), ["a.bin"]);
    }

    #[cfg(target_os = "linux")] // only Linux has /dev/full
    #[test]
    fn a_disk_that_fills_half_way_keeps_the_earlier_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.bin");
        write(&path, b"earlier").unwrap();
        let error = write_with(&path, |file| {
            file.write_all(&vec![7; 1 << 20])?;
            // The kernel's own "no space left on device".
            File::options().write(true).open("/dev/full")?.write_all(b"more")
        })
        .unwrap_err();
        assert_eq!(error.code(), "DISK_FULL");
        let text = error.to_string();
        assert!(text.contains("a.bin") && text.contains("disk full: free "), "{text}");
        assert!(text.contains("intact"), "{text}");
        assert_eq!(fs::read(&path).unwrap(), b"earlier");
        assert_eq!(names(folder.path()), ["a.bin"]);
    }

    #[test]
    fn every_refusal_has_its_code() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        write(&file, b"").unwrap();
        let code = |path: &Path| write(path, b"x").unwrap_err().code();
        assert_eq!(code(&file.join("below")), "NOT_A_DIRECTORY");
        assert_eq!(code(&folder.path().join("no/such")), "NOT_FOUND");
        assert_eq!(code(folder.path()), "IS_A_DIRECTORY");
        assert_eq!(make_folder(&file.join("below")).unwrap_err().code(), "NOT_A_DIRECTORY");
        assert_eq!(make_folder(&file).unwrap_err().code(), "NOT_A_DIRECTORY");
        let kind = |kind: io::ErrorKind| FileError::new(&file, kind.into()).code();
        assert_eq!(kind(io::ErrorKind::ReadOnlyFilesystem), "READ_ONLY");
        assert_eq!(kind(io::ErrorKind::PermissionDenied), "NO_PERMISSION");
        assert_eq!(kind(io::ErrorKind::TimedOut), "IO");
    }

    #[test]
    fn too_little_room_is_told_before_the_work() {
        let folder = tempfile::tempdir().unwrap();
        make_sure_of_room(folder.path(), 1).unwrap();
        let error = make_sure_of_room(folder.path(), u64::MAX).unwrap_err();
        assert_eq!(error.code(), "DISK_FULL");
    }

    #[test]
    fn leftovers_of_a_killed_process_are_swept() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(format!(".a.bin.x1y2{UNFINISHED}")), b"half").unwrap();
        write(&folder.path().join("a.bin"), b"whole").unwrap();
        assert_eq!(sweep(folder.path()).unwrap(), 1);
        assert_eq!(names(folder.path()), ["a.bin"]);
    }

    #[cfg(unix)]
    #[test]
    fn files_are_readable_by_whom_the_umask_allows() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let [ours, plain] = ["ours", "plain"].map(|name| folder.path().join(name));
        write(&ours, b"x").unwrap();
        fs::write(&plain, b"x").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&plain));
    }
}
