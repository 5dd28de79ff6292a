//! Flags of `kith fetch`.

use std::path::PathBuf;

use clap::Args as Flags;

use crate::fetch::Published;

/// What to download, from where, and into which folder.
#[derive(Clone, Debug, Flags)]
pub(crate) struct FetchFlags {
    /// Which one
    pub(crate) what: Published,
    /// Another server that has the files
    #[arg(long)]
    pub(crate) mirror: Option<String>,
    /// The folder that holds data sets
    #[arg(long, default_value = "data")]
    pub(crate) into: PathBuf,
}
