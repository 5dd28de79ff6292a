//! The command line.

use std::path::PathBuf;

use clap::builder::{StringValueParser, TypedValueParser};
use clap::{Args as Flags, Parser, Subcommand, ValueEnum, value_parser};
use kith_data::Source;

use crate::fetch::Published;

/// Learns what images have in common, without labels.
#[derive(Debug, Parser)]
#[command(name = "kith", version, after_help = EXITS)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) verb: Verb,
    #[command(flatten)]
    pub(crate) shared: Shared,
    /// Print results, and errors, as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print nothing but results
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
}

const EXITS: &str = "Exit codes: 0 done, 1 failed, 2 wrong command line, 3 unusable data, settings \
or checkpoint, 4 file system, 5 network, 130 interrupted (resume with --resume).";

/// Flags that every verb understands.
#[derive(Debug, Flags)]
pub(crate) struct Shared {
    /// Where to compute; auto takes a GPU if there is one
    #[arg(long, global = true, default_value = "auto")]
    pub(crate) device: DeviceChoice,
    /// The seed of everything random
    #[arg(long, global = true, default_value_t = 1)]
    pub(crate) seed: u64,
}

/// Where to compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DeviceChoice {
    /// A GPU if there is one, else the CPU.
    Auto,
    /// A GPU, or an error.
    Gpu,
    /// The CPU.
    Cpu,
}

/// Which pictures.
#[derive(Clone, Debug, Flags)]
pub(crate) struct DataFlags {
    /// gallery, stl10:DIR, cifar10:DIR, idx:DIR or folder:DIR
    ///
    /// folder:DIR takes png, jpeg, webp, gif, bmp and tiff files at any depth. First-level folders
    /// are classes, in alphabetical order. Folders called train, val (valid, validation) and test are splits instead, with
    /// a folder for each class in them; val tests where there is no test. Images in a folder called
    /// unlabelled are learnt from without labels. A file labels.csv in DIR, with the columns file and
    /// label, says the classes in place of folders. Where there are no test images, a fifth of each
    /// class is held out. What is passed over is counted.
    #[arg(long, default_value = "gallery")]
    pub(crate) data: Source,
    /// Side of the pictures in pixels [default: the data's own, 32 for idx]
    #[arg(long)]
    pub(crate) side: Option<usize>,
    /// Pictures that keep their labels, the same number of each class
    #[arg(long)]
    pub(crate) labelled: Option<usize>,
    /// Pictures without labels
    #[arg(long)]
    pub(crate) unlabelled: Option<usize>,
    /// One of STL-10's ten predefined folds, 0 to 9
    #[arg(long)]
    pub(crate) fold: Option<usize>,
    /// Keep a folder's images, resized, in DIR for the next command; none keeps nothing
    ///
    /// Without it this is done for folders that do not fit into memory (256 MiB of pixels), in the
    /// user's cache folder and up to 32 GiB. Changed images are noticed.
    #[arg(long, value_name = "DIR")]
    pub(crate) cache: Option<PathBuf>,
}

/// How to train.
#[derive(Clone, Debug, Flags)]
pub(crate) struct RecipeFlags {
    /// A built-in recipe (quick, nnclr, simclr, relational, keras-nnclr, keras-simclr, paper-relational,
    /// cifar10-semi) or a file
    #[arg(long, default_value = "quick")]
    pub(crate) recipe: String,
    /// Change a setting of the recipe, as in pretraining.epochs=5 (repeatable)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) changes: Vec<String>,
}

/// What to evaluate besides frozen features with all labels.
#[derive(Clone, Debug, Flags)]
pub(crate) struct EvaluateFlags {
    /// Compare checkpoints, or last networks of runs, on the same pictures
    #[arg(long, num_args = 2.., value_name = "CHECKPOINT")]
    #[arg(conflicts_with_all = ["few_label", "run"])]
    pub(crate) compare: Vec<PathBuf>,
    /// Accuracy by number of labels a class, as in 1,5,10,50,100,500
    #[arg(long, value_delimiter = ',', value_name = "COUNTS")]
    #[arg(value_parser = value_parser!(u64).range(1..))]
    pub(crate) few_label: Vec<u64>,
    /// How many seeds draw the few labels, counted up from --seed
    #[arg(long, default_value_t = 5, requires = "few_label")]
    #[arg(value_parser = value_parser!(u64).range(1..))]
    pub(crate) seeds: u64,
    /// Change a setting that few labels are learnt with, as in finetuning.batch=10
    #[arg(long = "set", value_name = "KEY=VALUE", requires = "few_label")]
    pub(crate) changes: Vec<String>,
}

/// Where a run is kept.
#[derive(Clone, Debug, Flags)]
pub(crate) struct RunFlags {
    /// The run's folder [default: a new one in runs/, named after recipe and data]
    // Its name is written into the run's own files, which are text.
    #[arg(long, value_parser = StringValueParser::new().map(PathBuf::from))]
    pub(crate) run: Option<PathBuf>,
    /// Go on with an interrupted run
    #[arg(long, requires = "run")]
    pub(crate) resume: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Train an encoder without labels, evaluate it and write a report
    Pretrain {
        #[command(flatten)]
        data: DataFlags,
        #[command(flatten)]
        recipe: RecipeFlags,
        #[command(flatten)]
        run: RunFlags,
    },
    /// Train an encoder and a classifier on labels
    Finetune {
        /// A checkpoint to start from, or scratch: the supervised baseline
        #[arg(long)]
        from: String,
        #[command(flatten)]
        data: DataFlags,
        #[command(flatten)]
        recipe: RecipeFlags,
        #[command(flatten)]
        run: RunFlags,
    },
    /// Baseline, pre-training and fine-tuning, compared in one report
    Experiment {
        /// How many seeds, counted up from --seed
        #[arg(long, default_value_t = 1)]
        seeds: u64,
        #[command(flatten)]
        data: DataFlags,
        #[command(flatten)]
        recipe: RecipeFlags,
        #[command(flatten)]
        run: RunFlags,
    },
    /// A supervised baseline against learning from unlabelled pictures too
    Semi {
        /// A checkpoint whose encoder both start from [default: fresh weights]
        #[arg(long)]
        from: Option<String>,
        /// How many seeds, counted up from --seed
        #[arg(long, default_value_t = 1)]
        seeds: u64,
        /// Choose batch sizes and learning rates by measurement, and stop on a plateau
        #[arg(long)]
        auto: bool,
        #[command(flatten)]
        data: DataFlags,
        #[command(flatten)]
        recipe: RecipeFlags,
        #[command(flatten)]
        run: RunFlags,
    },
    /// Linear probe and nearest neighbours on frozen features, last and best
    Evaluate {
        /// A run's folder, or a checkpoint
        #[arg(required_unless_present = "compare", conflicts_with = "compare")]
        of: Option<PathBuf>,
        #[command(flatten)]
        how: EvaluateFlags,
        #[command(flatten)]
        data: DataFlags,
        #[command(flatten)]
        run: RunFlags,
    },
    /// Draw pictures beside their augmented views
    Augment {
        /// A named policy, or a recipe's, as in nnclr.views
        #[arg(long, default_value = "keras-simclr-contrastive")]
        policy: String,
        /// Views a picture
        #[arg(long, default_value_t = 8)]
        views: usize,
        /// Pictures
        #[arg(long, default_value_t = 8)]
        pictures: usize,
        /// The picture to write
        #[arg(long, default_value = "augmentations.png")]
        out: PathBuf,
        #[command(flatten)]
        data: DataFlags,
    },
    /// Write features of pictures as .npy, with names and labels as .csv
    Embed {
        /// A checkpoint
        #[arg(long)]
        checkpoint: PathBuf,
        /// Which images of the data; test is a fifth of a folder that has no test images
        #[arg(long, default_value = "test")]
        split: SplitChoice,
        /// The files to write, without their endings
        #[arg(long, default_value = "embeddings")]
        out: PathBuf,
        /// Write the pictures too, as bytes in an .npy
        #[arg(long)]
        pixels: bool,
        #[command(flatten)]
        data: DataFlags,
    },
    /// Draw pictures beside their nearest neighbours
    Neighbours {
        /// A checkpoint
        #[arg(long)]
        checkpoint: PathBuf,
        /// Neighbours a picture
        #[arg(long, short, default_value_t = 8)]
        k: usize,
        /// Pictures to look up
        #[arg(long, default_value_t = 10)]
        queries: usize,
        /// The picture to write
        #[arg(long, default_value = "neighbours.png")]
        out: PathBuf,
        #[command(flatten)]
        data: DataFlags,
    },
    /// Say what a checkpoint or a run is
    Info {
        /// A run's folder, or a checkpoint
        of: PathBuf,
    },
    /// Write a checkpoint anew, smaller
    Export {
        /// A checkpoint
        checkpoint: PathBuf,
        /// The file to write
        #[arg(long)]
        out: PathBuf,
        /// Store numbers in two bytes
        #[arg(long)]
        half: bool,
        /// Keep the support set, which pages look neighbours up in
        #[arg(long)]
        support: bool,
    },
    /// Serve the page on this machine, with a run's checkpoint opened in it
    Serve {
        /// A run's folder, or a checkpoint
        #[arg(long)]
        run: Option<PathBuf>,
        /// The built page [default: www/dist, here or above the program]
        #[arg(long)]
        page: Option<PathBuf>,
        /// The port; 0 takes any that is free
        #[arg(long, default_value_t = 8400)]
        port: u16,
    },
    /// Download a data set
    Fetch {
        /// Which one
        what: Published,
        /// Another server that has the files
        #[arg(long)]
        mirror: Option<String>,
        /// The folder that holds data sets
        #[arg(long, default_value = "data")]
        into: PathBuf,
    },
    /// Say what this machine offers: adapters, limits, threads, versions
    Doctor,
}

/// One of a data set's splits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SplitChoice {
    /// Training pictures with labels.
    Labelled,
    /// Pictures without labels.
    Unlabelled,
    /// Pictures to choose by, of data that have some of their own.
    Validation,
    /// Pictures that training never sees.
    Test,
    /// Every picture once.
    All,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }
}
