//! Flags of `kith replay`.

use std::path::PathBuf;

use clap::Args as Flags;
use kith_data::Source;

use super::RunFlags;

/// What to run again, and with what.
#[derive(Clone, Debug, Flags)]
pub(crate) struct ReplayFlags {
    /// A link with #learn?run= in it, a replay.json, or the folder of a finished run
    pub(crate) of: String,
    /// Where its images are [default: the gallery, where it was trained on that]
    #[arg(long)]
    pub(crate) data: Option<Source>,
    /// The checkpoint, or the run's folder, that it began with, where it began with one
    #[arg(long)]
    pub(crate) from: Option<String>,
    /// Run the first steps alone, and compare their losses; keeps nothing
    #[arg(long, conflicts_with = "run")]
    pub(crate) first_steps: bool,
    /// Print the run as the end of an address and run nothing; PAGE is put before it
    #[arg(long, value_name = "PAGE", num_args = 0..=1, default_missing_value = "")]
    #[arg(conflicts_with_all = ["data", "from", "first_steps", "page", "run"])]
    pub(crate) link: Option<String>,
    /// The built page, whose gallery a run in the page was trained on [default: www/dist, here or above
    /// the program]
    #[arg(long)]
    pub(crate) page: Option<PathBuf>,
    /// Keep a folder's images, resized, in DIR for the next command; none keeps nothing
    #[arg(long, value_name = "DIR")]
    pub(crate) cache: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) run: RunFlags,
}
