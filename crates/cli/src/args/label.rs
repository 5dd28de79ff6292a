//! Flags of the verb that labels.

use std::path::PathBuf;

use clap::Args as Flags;

use super::flags::DataFlags;

/// What to label, or what a simulation measures.
#[derive(Clone, Debug, Flags)]
pub(crate) struct LabelFlags {
    /// The folder of the images
    #[arg(required_unless_present = "simulate", conflicts_with_all = ["simulate", "data"])]
    pub(crate) folder: Option<PathBuf>,
    /// The encoder: a checkpoint, or a run's folder [default: the page's own]
    #[arg(long, value_name = "FILE")]
    pub(crate) checkpoint: Option<PathBuf>,
    /// The table of labels, a file of its own or one that is there [default: labels.csv in the folder]
    #[arg(long, value_name = "FILE", conflicts_with = "simulate")]
    pub(crate) labels: Option<PathBuf>,
    /// Folders within the folder are no classes; without it they are, where there are two at least and no
    /// table of labels
    #[arg(long, conflicts_with = "simulate")]
    pub(crate) ignore_folders: bool,
    /// The built page [default: www/dist, here or above the program]
    #[arg(long, conflicts_with = "simulate")]
    pub(crate) page: Option<PathBuf>,
    /// The port; 0 takes any that is free
    #[arg(long, default_value_t = 8400)]
    pub(crate) port: u16,
    /// Label images of --data whose labels are known, to compare the rules of proposals
    #[arg(long, requires = "checkpoint")]
    pub(crate) simulate: bool,
    /// How many seeds, counted up from --seed
    #[arg(long, default_value_t = 5, requires = "simulate")]
    pub(crate) seeds: u64,
    /// Numbers of labels after which accuracy is measured
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "10,20,30,50,75,100,150,200,300",
        requires = "simulate"
    )]
    pub(crate) counts: Vec<usize>,
    /// The folder for the report [default: a new one in runs/]
    #[arg(long, value_name = "DIR", requires = "simulate")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataFlags,
}
