//! Flags of `kith resume`.

use std::path::PathBuf;

use clap::Args as Flags;

/// Which run goes on, and how far.
#[derive(Clone, Debug, Flags)]
pub(crate) struct ResumeFlags {
    /// The run file, as the page's panel Learn and kith-web's `run.toFile()` give it
    pub(crate) file: PathBuf,
    /// How many steps [default: to the end of the run]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) steps: Option<u64>,
    /// The run file to write, for the page or for this command again [default: the same]
    #[arg(long)]
    pub(crate) out: Option<PathBuf>,
    /// The checkpoint to write [default: beside the run file, with -checkpoint in its name]
    #[arg(long)]
    pub(crate) checkpoint: Option<PathBuf>,
}
