//! Stable names of errors.

use std::path::Path;

use super::Error;

impl Error {
    /// The error of a folder without an image; `ignored` says what else it holds.
    pub(crate) fn empty_folder(path: &Path, ignored: &str) -> Self {
        let ignored = if ignored.is_empty() { "nothing" } else { ignored }.to_owned();
        Self::EmptyFolder { path: path.to_owned(), ignored }
    }

    /// A stable name for scripts and for other languages.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownSource { .. } => "UNKNOWN_SOURCE",
            Self::Option { .. } => "OPTION",
            Self::NotADirectory { .. } => "NOT_A_DIRECTORY",
            Self::MissingFile { .. } => "MISSING_FILE",
            Self::Unreadable { .. } => "UNREADABLE",
            Self::Html { .. } => "HTML",
            Self::Pointer { .. } => "POINTER",
            Self::LabelCount { expected, got, .. } if got > expected => "OVERSIZED",
            Self::Truncated { .. } | Self::Remainder { .. } | Self::LabelCount { .. } => {
                "TRUNCATED"
            }
            Self::Oversized { .. } => "OVERSIZED",
            Self::Magic { .. } => "MAGIC",
            Self::PictureSize { .. } => "PICTURE_SIZE",
            Self::Label { .. } | Self::ClassNumber { .. } => "LABEL",
            Self::Text { .. } => "TEXT",
            Self::Layout { .. } => "LAYOUT",
            Self::Damaged { .. } => "DAMAGED",
            Self::EmptyFolder { .. } => "EMPTY_FOLDER",
            Self::Changed { .. } => "CHANGED",
            Self::EmptySplit { .. } => "EMPTY_SPLIT",
            Self::OneClass { .. } => "ONE_CLASS",
            Self::TooFew { .. } => "TOO_FEW",
            Self::TooMany { .. } => "TOO_MANY",
            Self::TooManySkipped { .. } => "TOO_MANY_SKIPPED",
            Self::Preparation { .. } => "PREPARATION",
        }
    }
}
