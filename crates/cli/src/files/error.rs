//! What the system can refuse, in plain words.

use std::io;
use std::path::{Path, PathBuf};

use super::folder_of;

/// A file or folder that could not be written or read. What stood at the path before still does, unless
/// it says otherwise.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// No space, or no quota, is left on the disk.
    #[error("{}: disk full: free {free} bytes were not enough; make room and try again{KEPT}", path.display())]
    DiskFull {
        /// The file that was to be written.
        path: PathBuf,
        /// Bytes that were still free when the write failed.
        free: u64,
    },
    /// There is less free space than what is about to be written needs.
    #[error(
        "{}: disk too full: needs {needed} bytes, free {free} bytes; make room and try again{KEPT}",
        path.display()
    )]
    NoRoom {
        /// The folder that was to be filled.
        path: PathBuf,
        /// Bytes needed.
        needed: u64,
        /// Bytes free.
        free: u64,
    },
    /// The file would be larger than the disk's format, a quota or a limit of the shell allows.
    #[error("{}: larger than a file may be here; choose another disk, or raise the limit{KEPT}", path.display())]
    TooLarge {
        /// The file that was to be written.
        path: PathBuf,
    },
    /// The file system is mounted read-only.
    #[error("{}: the disk is read-only; choose another folder{KEPT}", path.display())]
    ReadOnly {
        /// The file that was to be written.
        path: PathBuf,
    },
    /// The user may not write or read there.
    #[error("{}: no permission; choose another folder or mend its rights{KEPT}", path.display())]
    NoPermission {
        /// The file concerned.
        path: PathBuf,
    },
    /// The file, or the folder it should go into, does not exist.
    #[error("{}: not found; check the path{KEPT}", path.display())]
    NotFound {
        /// The missing path.
        path: PathBuf,
    },
    /// A part of the path that should be a folder is a file.
    #[error("{}: a part of this path is a file, not a folder{KEPT}", path.display())]
    NotADirectory {
        /// The path concerned.
        path: PathBuf,
    },
    /// The path is a folder where a file should be.
    #[error("{}: is a folder, expected a file{KEPT}", path.display())]
    IsADirectory {
        /// The path concerned.
        path: PathBuf,
    },
    /// The path is a pipe or a device where a file should be.
    #[error("{}: is a pipe or a device, expected a file{KEPT}", path.display())]
    NotAFile {
        /// The path concerned.
        path: PathBuf,
    },
    /// The file or folder has its name, and the disk does not say that it will keep it.
    #[error(
        "{}: is written, but a power cut may lose it: {source}; look whether the disk is sound",
        path.display()
    )]
    Unsettled {
        /// The path concerned.
        path: PathBuf,
        /// The system's own words.
        source: io::Error,
    },
    /// Anything else the system says.
    #[error("{}: {source}{KEPT}", path.display())]
    Io {
        /// The path concerned.
        path: PathBuf,
        /// The system's own words.
        source: io::Error,
    },
}

/// The promise every message ends with.
const KEPT: &str = " (whatever was there before is intact)";

impl FileError {
    /// The error that the system's error at this path amounts to.
    pub fn new(path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                let free = free_bytes(&path);
                Self::DiskFull { path, free }
            }
            io::ErrorKind::FileTooLarge => Self::TooLarge { path },
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path },
            io::ErrorKind::PermissionDenied => Self::NoPermission { path },
            io::ErrorKind::NotFound => Self::NotFound { path },
            io::ErrorKind::NotADirectory => Self::NotADirectory { path },
            io::ErrorKind::IsADirectory => Self::IsADirectory { path },
            _ => Self::Io { path, source },
        }
    }

    /// A stable name for scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::DiskFull { .. } | Self::NoRoom { .. } => "DISK_FULL",
            Self::TooLarge { .. } => "FILE_TOO_LARGE",
            Self::ReadOnly { .. } => "READ_ONLY",
            Self::NoPermission { .. } => "NO_PERMISSION",
            Self::NotFound { .. } => "NOT_FOUND",
            Self::NotADirectory { .. } => "NOT_A_DIRECTORY",
            Self::IsADirectory { .. } => "IS_A_DIRECTORY",
            Self::NotAFile { .. } => "NOT_A_FILE",
            Self::Unsettled { .. } | Self::Io { .. } => "IO",
        }
    }
}

fn free_bytes(path: &Path) -> u64 {
    fs4::available_space(folder_of(path)).unwrap_or(0)
}
