//! Files that are either wholly written or not there: temporary file, fsync, rename.
//!
//! A process killed, or a disk filled, at any instant leaves the earlier file as it was. Only regular
//! files are replaced: a link is written through, a pipe or a device is written to.

mod error;
mod place;
mod disk;
mod relocate;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use disk::{Disk, System, Writer};
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
    let place = Place::of(path).map_err(|source| FileError::new(path, source))?;
    match place {
        Place::File(file) => replace(&System, &file, fill),
        Place::Stream => pour(path, fill).map_err(|source| FileError::new(path, source)),
    }
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

/// Makes or replaces a regular file. Once this returns, a power cut leaves the new one.
fn replace(
    disk: &impl Disk,
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), FileError> {
    let folder = folder_of(path);
    // What cannot be removed does no harm but to room.
    let _left = sweep(folder);
    let temporary = temporary(disk, folder, fill).map_err(|e| FileError::new(path, e))?;
    disk.rename(temporary, path).map_err(|e| FileError::new(path, e))?;
    disk.sync_folder(folder).map_err(|source| FileError::Unsettled { path: path.into(), source })
}

/// What `fill` writes, on the disk, under a name that is nobody's.
fn temporary(
    disk: &impl Disk,
    folder: &Path,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<tempfile::NamedTempFile<File>> {
    // The mode is what the user's umask asks for; tempfile's own would be 0600.
    let temporary = tempfile::Builder::new()
        .prefix(".")
        .suffix(UNFINISHED)
        .make_in(folder, |path| disk.create(path))?;
    let (file, path) = (temporary.as_file(), temporary.path());
    // Held while the process lives: who sweeps tells by it what nobody writes any more.
    let _unsupported = file.try_lock();
    let mut buffer = BufWriter::new(Writer { disk, file, path });
    fill(&mut buffer)?;
    buffer.flush()?;
    drop(buffer);
    disk.sync(file, path)?;
    Ok(temporary)
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
        if path.to_string_lossy().ends_with(UNFINISHED) && is_left(&path) {
            fs::remove_file(&path).map_err(|source| FileError::new(&path, source))?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// Whether nobody writes this temporary file any more.
fn is_left(path: &Path) -> bool {
    path.is_file() && File::open(path).is_ok_and(|file| file.try_lock().is_ok())
}

/// Makes the folder and those above it, which survive a power cut from then on.
///
/// # Errors
/// [`FileError`], for instance when a part of the path is a file.
pub fn make_folder(folder: &Path) -> Result<(), FileError> {
    make_folder_on(&System, folder)
}

fn make_folder_on(disk: &impl Disk, folder: &Path) -> Result<(), FileError> {
    if folder.is_dir() || folder.as_os_str().is_empty() {
        return Ok(());
    }
    let above = folder_of(folder);
    make_folder_on(disk, above)?;
    match disk.make_folder(folder) {
        // Another process was quicker.
        Err(_) if folder.is_dir() => {}
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
            return Err(FileError::NotADirectory { path: folder.to_path_buf() });
        }
        made => made.map_err(|source| FileError::new(folder, source))?,
    }
    let unsettled = |source| FileError::Unsettled { path: folder.into(), source };
    disk.sync_folder(above).map_err(unsettled)
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

/// Gives a file or a folder, whose bytes are on the disk, its final name for good.
pub(crate) fn publish(whole: &Path, target: &Path) -> Result<(), FileError> {
    let folder = folder_of(target);
    fs::rename(whole, target).map_err(|source| FileError::new(target, source))?;
    let unsettled = |source| FileError::Unsettled { path: target.into(), source };
    System.sync_folder(folder).map_err(unsettled)
}

/// Makes the names in a folder, and in all folders below it, survive a power cut.
pub(crate) fn settle(folder: &Path) -> Result<(), FileError> {
    let fail = |source| FileError::new(folder, source);
    for entry in fs::read_dir(folder).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        if entry.file_type().map_err(fail)?.is_dir() {
            settle(&entry.path())?;
        }
    }
    System.sync_folder(folder).map_err(fail)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod power_cut;

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
        assert_eq!(names(folder.path()), ["a.bin"], "the next write sweeps");
        let held = folder.path().join(format!(".b.bin.x1y2{UNFINISHED}"));
        let writer = File::create_new(&held).unwrap();
        writer.lock().unwrap();
        assert_eq!(sweep(folder.path()).unwrap(), 0, "what somebody writes is left alone");
        drop(writer);
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
