//! Why a data set is not cleaned up, or its files are not moved.

use std::path::PathBuf;

/// What is wrong, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CleanError {
    /// There is no encoder to compare images with.
    #[error(
        "--checkpoint is missing: images are compared by an encoder. `kith pretrain --data {data}` trains \
         one on these images; then give --checkpoint runs/NAME"
    )]
    NoEncoder {
        /// The images.
        data: String,
    },
    /// A folder for a report holds a run.
    #[error("{} holds a run, whose report would be replaced: choose another --out", path.display())]
    OutIsRun {
        /// The folder.
        path: PathBuf,
    },
    /// A list of files cannot be read.
    #[error(
        "{}: expected accepted.json as the report saves it, or a text file with a path a line; {reason}",
        path.display()
    )]
    List {
        /// The list.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Images are no files.
    #[error(
        "the images of {data} are no files of their own, so none can be moved: --apply moves files of \
         --data folder:DIR"
    )]
    NoFiles {
        /// The data.
        data: String,
    },
    /// A list does not say which folder its paths are in.
    #[error(
        "the list does not say where its files are: add --data folder:DIR, the folder of the data"
    )]
    NoFolder,
    /// Files would be moved to where they are found again.
    #[error(
        "{} lies in {}, the folder of the data, where the files would be found again: choose a folder \
         outside of it for --move-to",
        to.display(), from.display()
    )]
    Inside {
        /// Where they would go.
        to: PathBuf,
        /// The folder of the data.
        from: PathBuf,
    },
    /// A folder has files from elsewhere.
    #[error(
        "{} holds files that were moved from {}, now they would come from {}: choose another folder for \
         --move-to",
        to.display(), then.display(), now.display()
    )]
    OtherMoves {
        /// Where they would go.
        to: PathBuf,
        /// Where those come from that are there.
        then: PathBuf,
        /// Where files are moved from now.
        now: PathBuf,
    },
    /// Nothing was moved to a folder.
    #[error(
        "nothing is to be moved back from {}: it has no kith-moves.json. Either nothing was moved there, \
         or all of it is back",
        path.display()
    )]
    NothingMoved {
        /// The folder.
        path: PathBuf,
    },
}

impl CleanError {
    /// A stable name for scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoEncoder { .. } => "CHECKPOINT_MISSING",
            Self::OutIsRun { .. } => "OUT_IS_RUN",
            Self::List { .. } => "LIST",
            Self::NoFiles { .. } => "NO_FILES",
            Self::NoFolder => "NO_FOLDER",
            Self::Inside { .. } => "INSIDE",
            Self::OtherMoves { .. } => "OTHER_MOVES",
            Self::NothingMoved { .. } => "NOTHING_MOVED",
        }
    }
}
