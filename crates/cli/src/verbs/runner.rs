//! Where the runs of a study are done: the device, and the images that were opened last.

use kith_core::recipe::{LabelDraw, Recipe};
use kith_data::Dataset;

use crate::args::{DataFlags, LogFormat};
use crate::dataset;
use crate::device::Chosen;
use crate::failure::Failure;
use crate::output::Console;
use crate::study::PlannedRun;
use crate::train::claim::Rival;
use crate::train::folder::Folder;
use crate::train::splits::Splits;
use crate::verbs::pretrain;
use crate::verbs::session::Session;

/// Does runs one after another.
pub(super) struct Runner<'a> {
    pub(super) chosen: Chosen,
    log: Option<LogFormat>,
    console: &'a Console,
    rival: Rival,
    opened: Option<(u64, LabelDraw, Dataset)>,
}

impl<'a> Runner<'a> {
    /// On a device, with images still to be opened.
    pub(super) fn new(chosen: Chosen, log: Option<LogFormat>, console: &'a Console) -> Self {
        Self { chosen, log, console, rival: Rival::Refused, opened: None }
    }

    /// The same, in a process that another one may still be ending for.
    pub(super) fn waits(self) -> Self {
        Self { rival: Rival::Awaited, ..self }
    }

    /// The images of a run before any are kept aside; opened anew only where the seed or the draw of
    /// labels is another.
    pub(super) fn dataset(
        &mut self,
        data: &DataFlags,
        recipe: &Recipe,
        seed: u64,
    ) -> Result<&Dataset, Failure> {
        let draw = recipe.labels;
        if self.opened.as_ref().is_none_or(|(known, labels, _)| (*known, *labels) != (seed, draw)) {
            // What is found is told once.
            let silent = Console::silent();
            let console = if self.opened.is_none() { self.console } else { &silent };
            let dataset = dataset::open_to_learn(data, recipe, seed, console)?;
            self.opened = Some((seed, draw, dataset));
        }
        let (_, _, dataset) = self.opened.as_ref().expect("it was just opened");
        Ok(dataset)
    }

    /// The images of a run.
    pub(super) fn splits(&mut self, run: &PlannedRun) -> Result<Splits, Failure> {
        let PlannedRun { recipe, data, seed, .. } = run;
        let dataset = self.dataset(data, recipe, *seed)?.clone();
        Ok(Splits::new(data, recipe, dataset, *seed))
    }

    /// A session of a run, which tells nothing on the way.
    pub(super) fn session<'b>(
        &self,
        run: &PlannedRun,
        folder: Folder,
        silent: &'b Console,
    ) -> Session<'b> {
        Session {
            recipe: run.recipe.clone(),
            data: run.data.clone(),
            start: None,
            device: self.chosen.clone(),
            folder,
            seed: run.seed,
            console: silent,
            log: self.log,
            rival: self.rival,
        }
    }

    /// Refuses a run that could not begin on its images.
    pub(super) fn check(&mut self, run: &PlannedRun, folder: Folder) -> Result<(), Failure> {
        let splits = self.splits(run)?;
        let silent = Console::silent();
        let session = self.session(run, folder, &silent);
        pretrain::check(&session.context(&splits))
    }

    /// One run from start to end, or on from where it was stopped.
    pub(super) fn pretrain(&mut self, run: &PlannedRun, folder: Folder) -> Result<(), Failure> {
        let splits = self.splits(run)?;
        let silent = Console::silent();
        let session = self.session(run, folder, &silent);
        pretrain::complete(&session, &splits)?;
        Ok(())
    }
}
