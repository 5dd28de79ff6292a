//! `kith sweep`: pre-training with every combination of some settings, over some seeds.

mod grid;
mod found;
mod tables;
mod figure;

use std::fmt::{self, Display, Formatter};

use kith_core::recipe::Recipe;
use serde::Serialize;
use serde_json::{Value, json};

use crate::args::TrainFlags;
use crate::command_line;
use crate::device::Chosen;
use crate::failure::Failure;
use crate::interrupt::listen_for_ctrl_c;
use crate::output::Outcome;
use crate::report::page::{Report, html};
use crate::study::{PlannedRun, Study};
use crate::train::folder::{self, Folder};
use crate::verbs::outcome::Place;
use crate::verbs::runner::Runner;
use crate::verbs::session::{Command, run_name};
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
    /// The combination with the best accuracy on validation images; none where nothing may be chosen by.
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
    let seeds: Vec<u64> = (shared.seed()..shared.seed() + asked.seeds).collect();
    let folder = match &flags.run.run {
        Some(path) => Folder::at(path),
        None => Folder::named(&run_name(SWEEP, &base, &flags.data.data, shared.seed())),
    };
    let study = Study::open(folder, SWEEP, planned(&combinations, &seeds, flags))?;
    let precisions = combinations.iter().map(|combination| combination.recipe.precision);
    let precision = precisions.max().unwrap_or_default();
    let mut runner = Runner::new(command.device_for(precision)?, flags.log, console);
    for (run, combination) in study.runs.iter().zip(&combinations) {
        if study.ended(run)?.is_none() {
            let name = || format!("the combination {}", combination.words);
            let part = |source| Failure::Part { name: name(), source: Box::new(source) };
            runner.check(run, study.folder_of(run)).map_err(part)?;
        }
    }
    console.note(&format!("sweep: {} runs in {}", study.runs.len(), study.folder.path().display()));
    study.folder.begin(&base)?;
    study.begin()?;
    let done = study.execute(console, |run, folder| runner.pretrain(run, folder));
    let found = Found::read(&study, axes, combinations)?;
    let sweep = Sweep::of(&study, &base, seeds, &found);
    study.folder.write(JSON, format!("{:#}\n", sweep.object()).as_bytes())?;
    study.folder.write(CSV, &tables::csv(&found))?;
    let report = report(&found, &sweep, &base, &runner.chosen);
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

impl Sweep {
    /// The settings that were chosen, each as `--set` takes it; none where nothing was.
    pub(super) fn chosen(&self) -> Option<Vec<String>> {
        let settings = self.chosen.as_ref()?["settings"].as_object()?;
        let change = |(key, value): (&String, &Value)| Some(format!("{key}={}", value.as_str()?));
        settings.iter().map(change).collect()
    }

    fn of(study: &Study, base: &Recipe, seeds: Vec<u64>, found: &Found) -> Self {
        let data = study.runs.first().map(|run| run.data.data.to_string());
        let choice = found.choice();
        let chosen = choice.map(|Choice { by, place, ties }| {
            let row = &found.rows[place];
            json!({ "settings": found.settings(row), "by": by.name, "as_good": ties })
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
        Some(Choice { by, place, ties }) => {
            let chosen = &found.rows[place].combination.words;
            let as_good = match ties {
                0 => String::new(),
                1 => " One other is as good; the first is taken.".to_owned(),
                ties => format!(" {ties} others are as good; the first is taken."),
            };
            format!("Chosen by {}, not by test pictures: {chosen}.{as_good}", by.words)
        }
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
        ("Command", command_line::command()),
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
         aside; no probe learns from them. Linear probe and kNN are on clean pictures, with all other \
         labels. Deviations are those of samples, over seeds. The chosen combination's validation \
         accuracy is too high by how much choosing finds luck; its test accuracies are not."
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
