//! Why a recorded run cannot be run again, or is another one.

use std::path::PathBuf;

/// Why a recorded run cannot be run again, or is another one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// It is not what it was.
    #[error("the run does not agree with its record: {what}")]
    Departs {
        /// What differs, and by how much.
        what: String,
    },
    /// It had something else than there is here.
    #[error("the recorded run had another {what}: {then}, here {now}")]
    Other {
        /// What differs.
        what: &'static str,
        /// As the record has it.
        then: String,
        /// As it is here.
        now: String,
    },
    /// Its images have to be named.
    #[error(
        "the run was trained on data of the kind {kind}: say where they are with --data {kind}:DIR"
    )]
    DataNeeded {
        /// The kind.
        kind: String,
    },
    /// The page's gallery is not what it should be.
    #[error("{}: {reason}: `make page` builds the page anew", path.display())]
    PageGallery {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        reason: String,
    },
    /// Its images are nowhere but in a browser.
    #[error("the run was trained on {images}, which the browser alone has: open the link there")]
    BrowserOnly {
        /// What the record calls them.
        images: String,
    },
}

impl ReplayError {
    /// A stable name for scripts.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Departs { .. } => "DEPARTS",
            Self::Other { .. } => "OTHER_RUN",
            Self::DataNeeded { .. } => "DATA_NEEDED",
            Self::PageGallery { .. } => "PAGE_GALLERY",
            Self::BrowserOnly { .. } => "BROWSER_ONLY",
        }
    }
}
