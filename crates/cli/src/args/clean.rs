//! Flags of the verb that cleans up.

use std::path::PathBuf;

use clap::Args as Flags;

use super::flags::DataFlags;

/// What to look for, and what to move.
#[derive(Clone, Debug, Flags)]
pub(crate) struct CleanFlags {
    /// The encoder that compares images: a checkpoint, or a run's folder. Best is one that learnt on
    /// these images
    #[arg(long, value_name = "FILE", conflicts_with_all = ["apply", "undo"])]
    pub(crate) checkpoint: Option<PathBuf>,
    /// The folder for the report [default: a new one in runs/]
    #[arg(long, value_name = "DIR", conflicts_with_all = ["apply", "undo"])]
    pub(crate) out: Option<PathBuf>,
    /// Two images closer than this are near-duplicates: a share of the usual distance of images, 0.2 for
    /// few and sure findings, 0.6 for many [default: found from the data]
    #[arg(long, value_name = "SHARE", conflicts_with_all = ["apply", "undo"])]
    pub(crate) duplicates: Option<f64>,
    /// Move the files of a list: accepted.json from the report, or a text file with a path a line
    #[arg(long, value_name = "LIST", requires = "move_to", conflicts_with = "undo")]
    pub(crate) apply: Option<PathBuf>,
    /// Where the files are moved to: a folder outside of the data
    #[arg(long, value_name = "DIR", requires = "apply")]
    pub(crate) move_to: Option<PathBuf>,
    /// Move back what was moved to this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) undo: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataFlags,
}
