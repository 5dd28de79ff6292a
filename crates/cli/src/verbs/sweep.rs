//! `kith sweep`: pre-training with every combination of some settings, over some seeds.

mod grid;
mod found;
mod tables;
mod figure;

use std::fmt::{self, Display, Formatter};

use kith_core::recipe::{LabelDraw, Recipe};
use kith_data::Dataset;
use serde::Serialize;
use serde_json::{Value, json};

use crate::args::TrainFlags;
use crate::dataset;
use crate::device::Chosen;
use crate::failure::Failure;
use crate::interrupt::listen_for_ctrl_c;
use crate::output::{Console, Outcome};
use crate::report::page::{Report, html};
use crate::study::{PlannedRun, Study};
use crate::train::context::RunContext;
use crate::train::folder::{self, Folder};
use crate::train::splits::Splits;
use crate::verbs::outcome::Place;
use crate::verbs::pretrain;
use crate::verbs::session::{Command, Session, run_name};
use found::{Choice, Found};
use grid::Combination;

/// The verb, and the kind of its studies.
const SWEEP: &str = "sweep";
/// Every number for scripts: means, and runs.
const JSON: &str = "sweep.json";
const CSV: &str = "sweep.csv";

/// The grid and the seeds.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) grid: &'a [String],
    pub(super) seeds: u64,
}

/// What a sweep found.
#[derive(Debug, Serialize)]
pub(super) struct Sweep {
    #[serde(flatten)]
    place: Place,
    recipe: String,
    data: String,
    seeds: Vec<u64>,
    /// A row a combination.
    combinations: Vec<Value>,
    /// The combination with the best validation accuracy; none where nothing may be chosen by.
    chosen: Option<Value>,
    #[serde(skip)]
    words: String,
}

pub(super) fn run(
    asked: Asked<'_>,
    flags: &TrainFlags,
    command: Command<'_>,
) -> Result<Sweep, Failure> {
    listen_for_ctrl_c();
    let Command { shared, console } = command;
    let axes = grid::axes(asked.grid, &flags.recipe.changes)?;
    let combinations = grid::combinations(&axes, &flags.recipe)?;
    // Without the grid's values the recipe need not be one that can be.
    let first = combinations.first().expect("every axis has a value");
    let base = first.recipe.clone();
    let seeds: Vec<u64> = (shared.seed..shared.seed + asked.seeds).collect();
    let folder = match &flags.run.run {
        Some(path) => Folder::at(path),
        None => Folder::named(&run_name(SWEEP, &base, &flags.data.data, shared.seed)),
    };
    let study = Study::open(folder, SWEEP, planned(&combinations, &seeds, flags))?;
    let mut bench = Bench { flags, chosen: command.device()?, console, opened: None };
    for (run, combination) in study.runs.iter().zip(&combinations) {
        if study.ended(run)?.is_none() {
            bench.check(&study, run, combination)?;
        }
    }
    console.note(&format!("sweep: {} runs in {}", study.runs.len(), study.folder.path().display()));
    study.folder.begin(&base)?;
    study.begin()?;
    let done = study.execute(console, |run, folder| bench.pretrain(run, folder));
    let found = Found::read(&study, axes, combinations)?;
    let sweep = Sweep::of(&study, &base, seeds, &found);
    study.folder.write(JSON, format!("{:#}\n", sweep.object()).as_bytes())?;
    study.folder.write(CSV, &tables::csv(&found))?;
    let report = report(&found, &sweep, &base, &bench.chosen);
    study.folder.write(folder::REPORT, html(&report).as_bytes())?;
    // What was found until it was stopped is kept, too.
    done.map(|()| sweep)
}

/// Seed by seed, so that a stopped sweep has tried every combination if it can.
fn planned(combinations: &[Combination], seeds: &[u64], flags: &TrainFlags) -> Vec<PlannedRun> {
    let run = |seed: u64, Combination { folder, recipe, .. }: &Combination| PlannedRun {
        name: format!("{folder}/seed-{seed}"),
        recipe: recipe.clone(),
        data: flags.data.clone(),
        seed,
    };
    let of_seed = |&seed: &u64| combinations.iter().map(move |one| run(seed, one));
    seeds.iter().flat_map(of_seed).collect()
}

/// Where runs are done: the device, and the images that were opened last.
struct Bench<'a> {
    flags: &'a TrainFlags,
    chosen: Chosen,
    console: &'a Console,
    opened: Option<(u64, LabelDraw, Dataset)>,
}

impl Bench<'_> {
    /// The images of a run; opened anew only where the seed or the draw of labels is another.
    fn splits(&mut self, recipe: &Recipe, seed: u64) -> Result<Splits, Failure> {
        let draw = recipe.labels;
        if self.opened.as_ref().is_none_or(|(known, labels, _)| (*known, *labels) != (seed, draw)) {
            // What is found is told once.
            let silent = Console::silent();
            let console = if self.opened.is_none() { self.console } else { &silent };
            let dataset = dataset::open_to_learn(&self.flags.data, recipe, seed, console)?;
            self.opened = Some((seed, draw, dataset));
        }
        let (_, _, dataset) = self.opened.as_ref().expect("it was just opened");
        Ok(Splits::new(&self.flags.data, recipe, dataset.clone(), seed))
    }

    /// A session of a run, which tells nothing on the way.
    fn session<'b>(&self, run: &PlannedRun, folder: Folder, silent: &'b Console) -> Session<'b> {
        Session {
            recipe: run.recipe.clone(),
            data: run.data.clone(),
            start: None,
            device: self.chosen.clone(),
            folder,
            seed: run.seed,
            console: silent,
            log: self.flags.log,
        }
    }

    /// Refuses a combination that could not begin on these images.
    fn check(
        &mut self,
        study: &Study,
        run: &PlannedRun,
        combination: &Combination,
    ) -> Result<(), Failure> {
        let splits = self.splits(&run.recipe, run.seed)?;
        let silent = Console::silent();
        let session = self.session(run, study.folder_of(run), &silent);
        let context: RunContext<'_> = session.context(&splits);
        pretrain::check(&context).map_err(|source| Failure::Part {
            name: format!("the combination {}", combination.words),
            source: Box::new(source),
        })
    }

    /// One run from start to end, or on from where it was stopped.
    fn pretrain(&mut self, run: &PlannedRun, folder: Folder) -> Result<(), Failure> {
        let splits = self.splits(&run.recipe, run.seed)?;
        let silent = Console::silent();
        let session = self.session(run, folder, &silent);
        pretrain::complete(&session, &splits)?;
        Ok(())
    }
}

impl Sweep {
    fn of(study: &Study, base: &Recipe, seeds: Vec<u64>, found: &Found) -> Self {
        let data = study.runs.first().map(|run| run.data.data.to_string());
        let choice = found.choice();
        let chosen = choice.map(|Choice { by, place }| {
            let row = &found.rows[place];
            json!({ "settings": found.settings(row), "by": by.name })
        });
        let table = tables::table(found);
        Self {
            place: Place::of(&study.folder),
            recipe: base.name.clone(),
            data: data.unwrap_or_default(),
            seeds,
            combinations: found.combinations(),
            chosen,
            words: format!("{}\n{}", table.plain(), said(choice, found)),
        }
    }
}

impl Display for Sweep {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.words, self.place)
    }
}

/// Which combination was chosen and by what, or why none was.
fn said(choice: Option<Choice>, found: &Found) -> String {
    let may_choose = found.measures().iter().any(|measure| measure.is_for_choosing);
    match choice {
        Some(Choice { by, place }) => format!(
            "Chosen by {}, not by test pictures: {}.",
            by.words, found.rows[place].combination.words
        ),
        None if found.rows.iter().any(|row| row.count("missing") > 0) => {
            "Runs are missing: nothing is chosen before all are over.".to_owned()
        }
        None if may_choose => {
            "Every combination has a seed that diverged: none is chosen.".to_owned()
        }
        None => "Nothing is chosen: the recipe keeps no validation pictures \
                 (--set evaluation.validation=0.1 keeps a tenth of the labelled ones), and test \
                 pictures are not for choosing."
            .to_owned(),
    }
}

fn report(found: &Found, sweep: &Sweep, base: &Recipe, chosen: &Chosen) -> Report {
    let seeds: Vec<String> = sweep.seeds.iter().map(u64::to_string).collect();
    let facts = [
        ("Data", sweep.data.clone()),
        ("Seeds", seeds.join(", ")),
        ("Device", chosen.why.clone()),
        ("Command", folder::command()),
        ("Software", format!("kith {}", env!("CARGO_PKG_VERSION"))),
    ];
    let settings: Vec<&str> = found.axes.iter().map(|axis| axis.setting.as_str()).collect();
    let mut report = Report {
        title: format!("Sweep of {} on {}", base.name, sweep.data),
        subtitle: format!("Pre-training with other values of {}", settings.join(", ")),
        facts: facts.map(|(name, value)| (name.to_owned(), value)).to_vec(),
        tables: vec![tables::table(found)],
        settings_toml: base.to_toml(),
        notes: notes(found),
        ..Report::default()
    };
    figure::add(found, &mut report);
    report
}

/// What a reader should know before trusting the numbers.
fn notes(found: &Found) -> Vec<String> {
    let mut notes = vec![
        said(found.choice(), found),
        "All numbers are of the last epoch. Validation pictures are labelled ones that are kept \
         aside; the linear probe and kNN are on clean test pictures, with all labels. Deviations \
         are those of samples, over seeds. The chosen combination's validation accuracy is too \
         high by how much choosing finds luck; its test accuracies are not."
            .into(),
        "The recipe below is that of the first combination.".into(),
        "A loss depends on the objective's settings: compare it between combinations only that \
         share them."
            .into(),
    ];
    if found.axes.iter().any(|axis| axis.setting.starts_with("evaluation")) {
        notes.push(
            "Combinations differ in how they are measured: their accuracies are of different \
             pictures or views."
                .into(),
        );
    }
    let diverged: usize = found.rows.iter().map(|row| row.count("diverged")).sum();
    if diverged > 0 {
        notes.push(format!(
            "{diverged} runs diverged; a file diverged.txt in the folder of each says how. Means \
             are of the others."
        ));
    }
    notes
}
