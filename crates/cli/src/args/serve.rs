//! Flags of `kith serve`.

use std::path::PathBuf;

use clap::Args as Flags;

/// What to serve, and where.
#[derive(Clone, Debug, Flags)]
pub(crate) struct ServeFlags {
    /// A run's folder, or a checkpoint
    #[arg(long)]
    pub(crate) run: Option<PathBuf>,
    /// The built page [default: www/dist, here or above the program]
    #[arg(long)]
    pub(crate) page: Option<PathBuf>,
    /// The port; 0 takes any that is free
    #[arg(long, default_value_t = 8400)]
    pub(crate) port: u16,
}
