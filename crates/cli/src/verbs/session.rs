//! What a command works with, opened alike for every verb.

use kith_core::Error;
use kith_core::precision::TrainingPrecision;
use kith_core::recipe::Recipe;
use kith_core::semi::Start;

use crate::args::{DataFlags, LogFormat, RecipeFlags, Shared, TrainFlags};
use crate::checkpoint::Checkpoint;
use crate::dataset;
use crate::device::{Chosen, choose};
use crate::failure::Failure;
use crate::files::FileError;
use crate::interrupt::listen_for_ctrl_c;
use crate::output::Console;
use crate::train::claim::Rival;
use crate::train::context::RunContext;
use crate::train::folder::Folder;
use crate::train::initial_weights;
use crate::train::splits::Splits;

/// What every verb has: the flags that all understand, and whom to tell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Command<'a> {
    pub(super) shared: &'a Shared,
    pub(super) console: &'a Console,
}

impl Command<'_> {
    /// The device, announced.
    pub(super) fn device(self) -> Result<Chosen, Failure> {
        let chosen = choose(&self.shared.device)?;
        self.console.note(&format!("device: {}", chosen.why));
        Ok(chosen)
    }

    /// The same for training in a precision, which each device was seen to compute in.
    pub(super) fn device_for(self, precision: TrainingPrecision) -> Result<Chosen, Failure> {
        let chosen = self.device()?;
        self.prove(&chosen, precision)?;
        Ok(chosen)
    }

    /// Tests the devices of this machine in a precision.
    pub(super) fn prove(
        self,
        chosen: &Chosen,
        precision: TrainingPrecision,
    ) -> Result<(), Failure> {
        chosen.able(precision)?;
        if precision == TrainingPrecision::Mixed && chosen.encodes_on_cpu() {
            self.console.note(
                "precision: a CPU rounds numbers as mixed precision does on a GPU, which takes longer \
                 than full",
            );
        }
        Ok(())
    }
}

/// A verb that trains, opened.
pub(super) struct Session<'a> {
    pub(super) recipe: Recipe,
    pub(super) data: DataFlags,
    /// The checkpoint that training starts from; none for fresh weights.
    pub(super) start: Option<Checkpoint>,
    pub(super) device: Chosen,
    pub(super) folder: Folder,
    pub(super) seed: u64,
    pub(super) console: &'a Console,
    pub(super) log: Option<LogFormat>,
    pub(super) rival: Rival,
}

impl<'a> Session<'a> {
    /// Opens everything but the data, which seeds split in their own ways. A run without a name is
    /// called after `verb`.
    pub(super) fn open(
        verb: &str,
        from: Option<&str>,
        flags: &TrainFlags,
        command: Command<'a>,
    ) -> Result<Self, Failure> {
        listen_for_ctrl_c();
        let (mut recipe, mut data) = (recipe(&flags.recipe)?, flags.data.clone());
        let start = initial_weights::open(from, &mut recipe, &mut data)?;
        if start.is_none() {
            refuse_frozen(verb, &recipe)?;
        }
        let device = command.device_for(recipe.precision)?;
        let Command { shared, console } = command;
        if start.as_ref().is_some_and(|start| start.meta.preprocessing != data.preprocessing) {
            console.note(
                "pictures: the largest square in the middle, as --side is another than that of the \
                 checkpoint, which resizes and cuts",
            );
        }
        let name = run_name(verb, &recipe, &data.data, shared.seed());
        let folder = Folder::choose(&flags.run, &name)?;
        console.note(&format!("run: {}", folder.path().display()));
        let (seed, log) = (shared.seed(), flags.log);
        let rival = Rival::Refused;
        Ok(Self { recipe, data, start, device, folder, seed, console, log, rival })
    }

    /// The data, split by a seed.
    pub(super) fn splits(&self, seed: u64) -> Result<Splits, Failure> {
        let dataset = dataset::open_to_learn(&self.data, &self.recipe, seed, self.console)?;
        Ok(Splits::new(&self.data, &self.recipe, dataset, seed))
    }

    /// The same, for what needs classes to tell apart.
    pub(super) fn labelled_splits(&self, seed: u64, what: &'static str) -> Result<Splits, Failure> {
        let splits = self.splits(seed)?;
        if splits.labelled.labels().is_none() || splits.classes() < 2 {
            return Err(Failure::NoLabels { what });
        }
        Ok(splits)
    }

    /// What to know of a start that has seen the test images of a seed; none if it has not.
    pub(super) fn seen_test(&self, seed: u64) -> Option<String> {
        let start = self.start.as_ref()?;
        initial_weights::seen_test(&start.meta, &self.data, seed)
    }

    /// A run on these splits, in the session's folder and by its seed.
    pub(super) fn context<'b>(&'b self, splits: &'b Splits) -> RunContext<'b> {
        RunContext {
            recipe: &self.recipe,
            splits,
            folder: &self.folder,
            whole: &self.folder,
            device: &self.device.device,
            parts_on: &self.device.parts_on,
            device_reason: &self.device.why,
            origin: self.start.as_ref().and_then(|start| start.meta.origin.as_ref()),
            seed: self.seed,
            console: self.console,
            log: self.log,
            rival: self.rival,
        }
    }
}

/// Refuses to freeze layers where a verb begins with fresh weights.
fn refuse_frozen(verb: &str, recipe: &Recipe) -> Result<(), Error> {
    let semi = recipe.semi.as_ref().filter(|semi| semi.start == Start::Fresh);
    let (name, layers) = match verb {
        "pretrain" => ("pretraining.freeze", recipe.pretraining.freeze),
        "baseline" => ("finetuning.freeze", recipe.finetuning.freeze),
        "semi" => ("semi.freeze", semi.map_or(0, |semi| semi.freeze)),
        _ => return Ok(()),
    };
    match layers {
        0 => Ok(()),
        _ => {
            let expected = "0 where the encoder begins with fresh weights, or --from a checkpoint";
            Err(Error::setting(name, expected, layers))
        }
    }
}

/// The recipe that the flags name, with their changes.
pub(super) fn recipe(flags: &RecipeFlags) -> Result<Recipe, Failure> {
    if let Some(text) = Recipe::built_in_text(&flags.recipe) {
        return Ok(Recipe::parse(text, &flags.changes)?);
    }
    let path = std::path::Path::new(&flags.recipe);
    if !path.exists() {
        let names: Vec<&str> = Recipe::all_built_in().iter().map(|(name, _)| *name).collect();
        let expected = match Recipe::renamed(&flags.recipe) {
            Some(now) => format!("{now}, as it is called now"),
            None => format!("{} or a file", names.join(", ")),
        };
        return Err(Failure::Unknown { what: "recipe", got: flags.recipe.clone(), expected });
    }
    let text = std::fs::read_to_string(path).map_err(|e| FileError::new(path, e))?;
    Recipe::parse(&text, &flags.changes).map_err(Failure::of(path))
}

/// The name of a run that has none.
pub(super) fn run_name(verb: &str, recipe: &Recipe, data: &kith_data::Source, seed: u64) -> String {
    format!("{verb}-{}-{}-seed{seed}", recipe.name, data.kind())
}
