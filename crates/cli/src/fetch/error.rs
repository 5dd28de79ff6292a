//! What can go wrong between a server and a folder.

use std::path::PathBuf;

use crate::files::FileError;

/// A data set that could not be fetched. Its [`code`](FetchError::code) is stable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The disk refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// No connection, or none that lasted until the answer.
    #[error("{url} cannot be reached: {reason}; check the network, or name a mirror with --mirror")]
    Unreachable {
        /// The address asked.
        url: String,
        /// The system's words.
        reason: String,
    },
    /// The address cannot be asked at all, or its certificate is not trusted.
    #[error("{url} cannot be used: {reason}; an address looks like https://host/folder")]
    Unusable {
        /// The address given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The server answered with an error.
    #[error("{url}: the server answered {status}; expected 200. Is the file there?")]
    Status {
        /// The address asked.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// The server sends on to another one, or without end.
    #[error(
        "{url}: the server sends on to {to}, which is another one than was asked; if you trust it, name its \
         folder with --mirror"
    )]
    Elsewhere {
        /// The address asked.
        url: String,
        /// The address that it names.
        to: String,
    },
    /// The server answered with a web page instead of the file.
    #[error(
        "{url}: the mirror answered with a web page, not with the file; open the address in a \
         browser to see what it wants"
    )]
    WebPage {
        /// The address asked.
        url: String,
    },
    /// The body ended before, or went on after, its announced end.
    #[error("{url}: got {done} bytes, expected {}; run the command again to go on", bytes(*total))]
    Incomplete {
        /// The address asked.
        url: String,
        /// Bytes that came.
        done: u64,
        /// Bytes that were announced.
        total: Option<u64>,
    },
    /// All bytes came and they are not the published ones.
    #[error(
        "{url}: wrong checksum: expected MD5 {expected}, got {got}; the download was deleted. \
         Try again, or another mirror"
    )]
    Checksum {
        /// The address asked.
        url: String,
        /// The sums of the file's right versions.
        expected: String,
        /// The sum of what came.
        got: String,
    },
    /// Another process is writing the same file.
    #[error("{}: another download is writing this file; wait for it or stop it", path.display())]
    Busy {
        /// The unfinished file.
        path: PathBuf,
    },
    /// The archive is not a readable `.tar.gz` or `.zip`, or not all of one.
    #[error("{}: cannot be unpacked: {reason}; delete it and try again", path.display())]
    Archive {
        /// The archive.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The archive holds an entry that would be written outside its folder, or is no plain file.
    #[error("{}: refused: the entry {entry:?} is {reason}", path.display())]
    UnsafeEntry {
        /// The archive.
        path: PathBuf,
        /// Name of the entry.
        entry: String,
        /// Why it is refused.
        reason: &'static str,
    },
    /// A folder of the data set's name stands there and is not the whole data set.
    #[error("{}: is in the way: {missing}; move the folder away and try again", folder.display())]
    InTheWay {
        /// The folder.
        folder: PathBuf,
        /// The first file that is not as it should be.
        missing: String,
    },
}

impl FetchError {
    /// A stable name for scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::File(error) => error.code(),
            Self::Unreachable { .. } => "UNREACHABLE",
            Self::Unusable { .. } => "BAD_URL",
            Self::Status { status: 404 | 410, .. } => "NOT_FOUND",
            Self::Status { .. } => "HTTP_STATUS",
            Self::Elsewhere { .. } => "REDIRECT",
            Self::WebPage { .. } => "WEB_PAGE",
            Self::Incomplete { .. } => "INCOMPLETE",
            Self::Checksum { .. } => "CHECKSUM",
            Self::Busy { .. } => "BUSY",
            Self::Archive { .. } => "BAD_ARCHIVE",
            Self::UnsafeEntry { .. } => "UNSAFE_ARCHIVE",
            Self::InTheWay { .. } => "IN_THE_WAY",
        }
    }

    /// Whether the same request may well succeed in a moment.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Incomplete { .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 425 | 429 | 500..),
            _ => false,
        }
    }

    /// What the HTTP client says, sorted by whether trying again makes sense.
    pub(super) fn from_client(url: &str, error: &ureq::Error) -> Self {
        let [url, reason] = [url.to_owned(), error.to_string()];
        match error {
            ureq::Error::Io(_)
            | ureq::Error::Timeout(_)
            | ureq::Error::HostNotFound
            | ureq::Error::ConnectionFailed
            | ureq::Error::Protocol(_) => Self::Unreachable { url, reason },
            _ => Self::Unusable { url, reason },
        }
    }
}

fn bytes(total: Option<u64>) -> String {
    total.map_or("more".into(), |total| format!("{total}"))
}
