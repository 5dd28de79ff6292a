//! The command line.

mod about;
mod device;
mod shard;
mod fetch;
mod flags;
mod clean;
mod label;
mod replay;
mod resume;
mod serve;
mod split;
mod weights;
mod worker;
mod unused;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use about::{CLEAN, EXITS, EXPORT, IMPORT, LABEL, REPLAY, RESUME, WORKER};

pub(crate) use clean::CleanFlags;
pub(crate) use device::{DeviceChoice, DeviceChoices, RemoteAddress};
pub(crate) use fetch::FetchFlags;
pub(crate) use flags::{
    BenchmarkFlags, DataFlags, EvaluateFlags, FIT_SIDE, FitFlags, LogFormat, RecipeFlags, RunFlags,
    Shared, TrainFlags, ViewChoice,
};
pub(crate) use label::LabelFlags;
pub(crate) use replay::ReplayFlags;
pub(crate) use resume::ResumeFlags;
pub(crate) use serve::ServeFlags;
pub(crate) use shard::Shard;
pub(crate) use split::SplitChoice;
pub(crate) use weights::{ExportFlags, FilterChoice, ImportFlags, InputChoice, OutputChoice};
pub(crate) use worker::WorkerFlags;

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

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Train an encoder without labels, evaluate it and write a report
    Pretrain {
        /// A checkpoint, kith's own or an imported one, or a run's folder, whose encoder it begins with
        /// [default: fresh weights]
        #[arg(long)]
        from: Option<String>,
        #[command(flatten)]
        flags: TrainFlags,
    },
    /// Run a recorded run again, and say how far it agrees
    #[command(long_about = REPLAY)]
    Replay {
        #[command(flatten)]
        flags: ReplayFlags,
    },
    /// Go on with a run that was begun in the page, on its pictures
    #[command(long_about = RESUME)]
    Resume {
        #[command(flatten)]
        flags: ResumeFlags,
    },
    /// Train an encoder and a classifier on labels
    Finetune {
        /// A checkpoint, or a run's folder, to start from; or scratch: the supervised baseline
        #[arg(long)]
        from: String,
        #[command(flatten)]
        flags: TrainFlags,
    },
    /// Baseline, pre-training and fine-tuning, compared in one report
    Experiment {
        /// How many seeds, counted up from --seed
        #[arg(long, default_value_t = 1)]
        seeds: u64,
        #[command(flatten)]
        flags: TrainFlags,
    },
    /// Pre-train with every combination of some settings and seeds; one table and figure of all
    ///
    /// Each run has a folder of its own in that of the sweep. The same command again goes on: what is
    /// finished is kept, what was interrupted is resumed. The best combination is chosen on
    /// validation pictures.
    Sweep {
        /// A setting and its values, as in objective.temperature=0.05,0.1,0.2 (repeatable)
        ///
        /// Values are written as in --set. Commas within brackets, braces or quotes belong to a value:
        /// projection.hidden=[64],[128,64] has two.
        #[arg(long, required = true, value_name = "KEY=VALUE,VALUE")]
        grid: Vec<String>,
        /// How many seeds, counted up from --seed
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
        seeds: u64,
        #[command(flatten)]
        flags: TrainFlags,
    },
    /// Pre-train with every method by one protocol, over seeds; one table of all
    ///
    /// All methods have the same encoder, images, number of looks at them, views, probe and
    /// fine-tuning (docs/benchmark.md says which); epochs are chosen on validation pictures. Each run
    /// has a folder of its own in that of the benchmark. The same command again goes on, and with
    /// other methods or more seeds it extends what is there.
    Benchmark {
        #[command(flatten)]
        flags: BenchmarkFlags,
    },
    /// One run of a benchmark, in a process of its own; it stops when its standard input ends
    #[command(hide = true)]
    BenchmarkRun {
        /// The run's name in the benchmark's folder
        name: String,
        /// The benchmark's folder
        #[arg(long)]
        study: PathBuf,
        /// Labels a class to fine-tune with, in rising order
        #[arg(long, value_delimiter = ',')]
        few_label: Vec<usize>,
        #[command(flatten)]
        data: DataFlags,
    },
    /// A supervised baseline against learning from unlabelled pictures too
    Semi {
        /// A checkpoint, or a run's folder, whose encoder both start from [default: fresh weights]
        #[arg(long)]
        from: Option<String>,
        /// How many seeds, counted up from --seed
        #[arg(long, default_value_t = 1)]
        seeds: u64,
        /// Choose batch sizes and learning rates by measurement, and stop on a plateau
        #[arg(long)]
        auto: bool,
        #[command(flatten)]
        flags: TrainFlags,
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
    /// Draw the curves of several runs over each other, with a table of what they reached
    ///
    /// Nothing is computed anew: the numbers are those in the runs' folders. To measure checkpoints
    /// on the same pictures, use kith evaluate --compare.
    Compare {
        /// Folders of runs, at least two
        #[arg(required = true, num_args = 1.., value_name = "RUN")]
        runs: Vec<PathBuf>,
        /// The page to write
        #[arg(long, default_value = "compare.html")]
        out: PathBuf,
    },
    /// Draw pictures beside their augmented views
    Augment {
        /// A recipe: images on top, below them a weak view (what its classifier sees) and two strong
        /// ones (what it compares)
        #[arg(long, conflicts_with_all = ["policy", "views"])]
        recipe: Option<String>,
        /// Change a setting of the recipe (repeatable)
        #[arg(long = "set", value_name = "KEY=VALUE", requires = "recipe")]
        changes: Vec<String>,
        /// A named policy, or a recipe's, as in nnclr.views
        #[arg(long, default_value = "keras-simclr-contrastive")]
        policy: String,
        /// Views a picture
        #[arg(long, default_value_t = 8)]
        views: usize,
        /// How many images
        #[arg(long = "pictures", value_name = "PICTURES", default_value_t = 8)]
        images: usize,
        /// The picture to write
        #[arg(long, default_value = "augmentations.png")]
        out: PathBuf,
        #[command(flatten)]
        data: DataFlags,
    },
    /// Make a checkpoint of somebody else's encoder
    #[command(long_about = IMPORT)]
    Import {
        #[command(flatten)]
        flags: ImportFlags,
    },
    /// Write features of pictures as .npy, with names and labels as .csv
    Embed {
        /// A checkpoint, or a run's folder
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
        /// Take one part of the images, of so many: 2/4 is the second quarter
        ///
        /// Several machines can take a part each; `kith merge` puts together what they wrote.
        #[arg(long, value_name = "PART/PARTS")]
        shard: Option<Shard>,
        #[command(flatten)]
        data: DataFlags,
    },
    /// Put together what `embed --shard` or `evaluate --shard` wrote
    Merge {
        /// The files, without their endings: what was given as --out
        #[arg(default_value = "embeddings")]
        out: PathBuf,
    },
    /// Draw pictures beside their nearest neighbours
    Neighbours {
        /// A checkpoint, or a run's folder
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
    /// Find near-duplicates, doubtful labels and outliers, and move files aside
    #[command(long_about = CLEAN)]
    Clean {
        #[command(flatten)]
        flags: Box<CleanFlags>,
    },
    /// Label the images of a folder in the page, which proposes what to label next
    #[command(long_about = LABEL)]
    Label {
        #[command(flatten)]
        flags: Box<LabelFlags>,
    },
    /// Say what a checkpoint or a run is
    Info {
        /// A run's folder, or a checkpoint
        of: PathBuf,
    },
    /// Write a checkpoint anew, smaller, or in a form that other programs read
    #[command(long_about = EXPORT)]
    Export {
        #[command(flatten)]
        flags: ExportFlags,
    },
    /// Serve the page on this machine, with a run's checkpoint opened in it
    Serve {
        #[command(flatten)]
        flags: ServeFlags,
    },
    /// Lend this machine's device to training that runs on another machine
    #[command(long_about = WORKER)]
    Worker {
        #[command(flatten)]
        flags: WorkerFlags,
    },
    /// Download a data set
    Fetch {
        #[command(flatten)]
        flags: FetchFlags,
    },
    /// Say what this machine offers: adapters, limits, threads, versions; with --fit, which batches
    Doctor {
        #[command(flatten)]
        flags: FitFlags,
    },
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
