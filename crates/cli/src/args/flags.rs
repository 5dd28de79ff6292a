//! Flags that several verbs have in common.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args as Flags, ValueEnum, value_parser};
use kith_core::checkpoint::{MOST_SIDE, Meta};
use kith_core::recipe::Recipe;
use kith_core::square::Preprocessing;
use kith_data::Source;

use super::{DeviceChoices, Shard};

/// Flags that every verb understands.
#[derive(Debug, Flags)]
pub(crate) struct Shared {
    /// Where to compute: auto (a GPU if there is one), cpu, gpu, or a GPU as in gpu:1
    ///
    /// kith doctor numbers the GPUs. pretrain and sweep take several devices, as in gpu:0,gpu:1: each
    /// computes a part of every batch. They also take devices of other machines, where `kith worker` runs,
    /// as in remote:HOST or gpu,remote:HOST:8500.
    #[arg(long, global = true, default_value = "auto", value_name = "DEVICES")]
    pub(crate) device: DeviceChoices,
    /// The seed of everything random [default: 1]
    #[arg(long = "seed", global = true, value_name = "SEED")]
    pub(super) asked_seed: Option<u64>,
}

impl Shared {
    /// The seed of everything random.
    pub(crate) fn seed(&self) -> u64 {
        self.asked_seed.unwrap_or(1)
    }
}

/// Which pictures.
#[derive(Clone, Debug, Flags)]
pub(crate) struct DataFlags {
    /// gallery, stl10:DIR, cifar10:DIR, cifar100:DIR, cifar100-coarse:DIR, tiny-imagenet:DIR,
    /// imagenette:DIR, idx:DIR, parquet:FILES, tar:SHARDS or folder:DIR
    ///
    /// cifar100-coarse has CIFAR-100's twenty superclasses. Tiny ImageNet and Imagenette (Imagewoof,
    /// too) are tested on their val.
    ///
    /// parquet:FILES are tables with a column of images, as Hugging Face has them; tar:SHARDS are
    /// Webdataset's, where members of one key are a sample, as 0001.jpg and 0001.cls. Either is one
    /// file, a folder, or a pattern in quotes, as in 'tar:DIR/train-{000..099}.tar' or 'tar:DIR/*.tar'.
    /// Files with train, val or test as a word of their names are splits.
    ///
    /// folder:DIR takes png, jpeg, webp, gif, bmp and tiff files at any depth. First-level folders
    /// are classes, in alphabetical order. Folders called train, val (valid, validation) and test are
    /// splits instead, with a folder for each class in them; val tests where there is no test. Images
    /// in a folder called unlabelled are learnt from without labels. A file labels.csv in DIR, with
    /// the columns file and label, says the classes in place of folders. Where there are no test
    /// images, a fifth of each class is held out. What is passed over is counted.
    #[arg(long, default_value = "gallery")]
    pub(crate) data: Source,
    /// Side of the images in pixels, 1 to 4096 [default: the data's own; 32 for idx, 128 for
    /// imagenette, 96 for folders, tables and shards]
    #[arg(long, value_parser = side)]
    pub(crate) side: Option<usize>,
    /// Images that keep their labels, the same number of each class unless the recipe says labels =
    /// "uniform"
    #[arg(long)]
    pub(crate) labelled: Option<usize>,
    /// Images without labels
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
    /// How pictures are cut and resized, where a checkpoint says so.
    #[arg(skip)]
    pub(crate) preprocessing: Option<Preprocessing>,
}

impl DataFlags {
    /// Takes the side of a checkpoint's images, unless another is asked for, and how they are made
    /// where it is that side.
    pub(crate) fn take(&mut self, meta: &Meta) {
        let side = *self.side.get_or_insert(meta.side);
        self.preprocessing = meta.preprocessing.filter(|_| side == meta.side);
    }

    /// The same flags as words of a command line.
    pub(crate) fn words(&self) -> Vec<OsString> {
        let Self { data, side, labelled, unlabelled, fold, cache, preprocessing: _ } = self;
        let mut words = vec!["--data".into(), data.to_string().into()];
        let numbers = [
            ("--side", side),
            ("--labelled", labelled),
            ("--unlabelled", unlabelled),
            ("--fold", fold),
        ];
        for (name, number) in numbers {
            let number = number.map(|number| [name.into(), number.to_string().into()]);
            words.extend(number.into_iter().flatten());
        }
        let cache = cache.as_ref().map(|cache| ["--cache".into(), cache.into()]);
        words.extend(cache.into_iter().flatten());
        words
    }
}

/// A side that a checkpoint may have.
pub(super) fn side(text: &str) -> Result<usize, String> {
    let side = text.parse().map_err(|e: std::num::ParseIntError| e.to_string())?;
    let known = (1..=MOST_SIDE).contains(&side);
    known.then_some(side).ok_or_else(|| format!("expected 1 to {MOST_SIDE} pixels"))
}

/// The built-in recipes, each with what it is and what it is for.
fn recipe_help() -> String {
    let line = |&(name, text): &(&str, &str)| {
        let recipe = Recipe::parse(text, &[]).expect("core's tests read every built-in recipe");
        format!("\n- {name}: {}. {}", recipe.title, recipe.description)
    };
    let lines: String = Recipe::all_built_in().iter().map(line).collect();
    format!("A built-in recipe, or a file:\n{lines}")
}

/// How to train.
#[derive(Clone, Debug, Flags)]
pub(crate) struct RecipeFlags {
    /// A built-in recipe, or a file (--help lists them)
    #[arg(long, default_value = Recipe::DEFAULT, long_help = recipe_help())]
    pub(crate) recipe: String,
    /// Change a setting of the recipe, as in pretraining.epochs=5 (repeatable)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) changes: Vec<String>,
}

/// Side of the images of which memory is measured, in pixels: STL-10's.
pub(crate) const FIT_SIDE: usize = 96;

/// What to measure of a recipe.
#[derive(Clone, Debug, Flags)]
pub(crate) struct FitFlags {
    /// Measure what a training step of the recipe holds in memory (CPU), and say which batch fits
    #[arg(long)]
    pub(crate) fit: bool,
    #[arg(long, value_parser = side, requires = "fit")]
    #[arg(help = format!("Side of its images in pixels [default: {FIT_SIDE}]"))]
    pub(crate) side: Option<usize>,
    #[arg(long, requires = "fit")]
    #[arg(help = format!("A built-in recipe, or a file [default: {}]", Recipe::DEFAULT))]
    pub(crate) recipe: Option<String>,
    /// Change a setting of the recipe, as in pretraining.accumulate=4 (repeatable)
    #[arg(long = "set", value_name = "KEY=VALUE", requires = "fit")]
    pub(crate) changes: Vec<String>,
}

/// What to train on, how, and where the run is kept.
#[derive(Clone, Debug, Flags)]
pub(crate) struct TrainFlags {
    #[command(flatten)]
    pub(crate) data: DataFlags,
    #[command(flatten)]
    pub(crate) recipe: RecipeFlags,
    #[command(flatten)]
    pub(crate) run: RunFlags,
    /// Write the numbers of every epoch in another form, too, beside metrics.jsonl
    #[arg(long, value_name = "FORM")]
    pub(crate) log: Option<LogFormat>,
}

/// A form of a run's numbers besides its metrics file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Event files for tensorboard --logdir.
    Tensorboard,
}

/// What to evaluate besides frozen features with all labels.
#[derive(Clone, Debug, Flags)]
pub(crate) struct EvaluateFlags {
    /// Measure checkpoints, or last networks of runs, on the same pictures, and compare
    ///
    /// For the curves and final numbers that runs have already, use kith compare.
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
    /// Embed one part of the images alone, of so many: 2/4 is the second quarter
    ///
    /// Several machines can take a part each; `kith merge` puts together what they wrote, and --features
    /// goes on with it.
    #[arg(long, value_name = "PART/PARTS")]
    #[arg(conflicts_with_all = ["compare", "few_label", "features", "run"])]
    pub(crate) shard: Option<Shard>,
    /// The files that --shard writes, without their endings
    #[arg(long, default_value = "evaluation", requires = "shard")]
    pub(crate) out: PathBuf,
    /// Take the features from files that `kith merge` put together, without their endings
    #[arg(long, value_name = "FILES", conflicts_with_all = ["compare", "few_label"])]
    pub(crate) features: Option<PathBuf>,
}

/// Which views the methods of a benchmark compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ViewChoice {
    /// The protocol's, for all methods alike.
    Same,
    /// Those of each method's recipe.
    Own,
}

/// What a benchmark compares, and how.
#[derive(Clone, Debug, Flags)]
pub(crate) struct BenchmarkFlags {
    /// Built-in recipes to compare, as in simclr,byol [default: one of every method]
    #[arg(long, value_delimiter = ',', value_name = "RECIPES")]
    pub(crate) methods: Vec<String>,
    /// How many seeds, counted up from --seed
    #[arg(long, default_value_t = 3, value_parser = value_parser!(u64).range(1..))]
    pub(crate) seeds: u64,
    /// The same views for all methods, or those of each recipe
    #[arg(long, default_value = "same")]
    pub(crate) views: ViewChoice,
    /// Labels a class to fine-tune with, as in 10,100 [default: the protocol's]
    #[arg(long, value_delimiter = ',', value_name = "COUNTS")]
    #[arg(value_parser = value_parser!(u64).range(1..))]
    pub(crate) few_label: Vec<u64>,
    /// Change a setting for all methods, KEY=VALUE, or for one, METHOD:KEY=VALUE (repeatable)
    #[arg(long = "set", value_name = "[METHOD:]KEY=VALUE")]
    pub(crate) changes: Vec<String>,
    /// Search settings for each method first, on validation pictures; compares nothing
    #[arg(long, conflicts_with_all = ["seeds", "few_label", "markdown"])]
    pub(crate) search: bool,
    /// Write the tables as Markdown, too
    #[arg(long, value_name = "FILE")]
    pub(crate) markdown: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataFlags,
    #[command(flatten)]
    pub(crate) run: RunFlags,
}

/// Where a run is kept.
#[derive(Clone, Debug, Flags)]
pub(crate) struct RunFlags {
    /// The run's folder [default: a new one in runs/, named after recipe and data]
    #[arg(long)]
    pub(crate) run: Option<PathBuf>,
    /// Go on with an interrupted run; begin where nothing was begun
    #[arg(long, requires = "run")]
    pub(crate) resume: bool,
}
