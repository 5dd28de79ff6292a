//! `kith evaluate --few-label`: accuracy by number of labels a class.

use std::fmt::{self, Display, Formatter};
use std::path::Path;

use kith_core::checkpoint::Meta;
use kith_core::probe::few_label::draw;
use kith_core::recipe::Recipe;
use kith_data::Dataset;
use serde::Serialize;
use serde_json::{Value, json};

use crate::args::{DataFlags, EvaluateFlags};
use crate::checkpoint::{self, Checkpoint};
use crate::command_line;
use crate::dataset::{self, open_for};
use crate::device::Chosen;
use crate::eval::few_label::{self, Bench, Cell, Cells, Images, Key, Method, Row};
use crate::failure::Failure;
use crate::format::percent;
use crate::interrupt::{listen_for_ctrl_c, stopped};
use crate::output::Console;
use crate::progress;
use crate::report::few_label as few_label_report;
use crate::report::page::{Report, html};
use crate::report::table::Table;
use crate::train::claim::{Claim, Rival};
use crate::train::folder::{self, Folder};
use crate::verbs::evaluate::Flags;
use crate::verbs::outcome::Place;
use crate::verbs::session::{Command, run_name};

/// The largest side in which pixels are compared: larger images are made smaller, so that a
/// data set's pixels fit into memory as numbers and a linear probe on them stays well posed.
const PIXEL_SIDE: usize = 32;

/// The cells that are asked for.
struct Asked {
    labels: Vec<usize>,
    seeds: Vec<u64>,
}

impl Asked {
    fn new(flags: &EvaluateFlags, seed: u64) -> Self {
        let mut labels: Vec<usize> = flags.few_label.iter().map(|&count| count as usize).collect();
        labels.sort_unstable();
        labels.dedup();
        Self { labels, seeds: (seed..seed + flags.seeds.max(1)).collect() }
    }

    /// Quick methods first, so that a stopped study has most of the table.
    fn cells(&self) -> impl Iterator<Item = Key> {
        let trained = |method: &Method| matches!(method, Method::Finetuned | Method::Supervised);
        let mut methods = Method::ALL;
        methods.sort_by_key(trained);
        let pairs = move |seed| {
            let labels = self.labels.iter().copied();
            labels.flat_map(move |labels| methods.map(|method| Key { method, labels, seed }))
        };
        self.seeds.iter().copied().flat_map(pairs)
    }
}

/// Accuracies by number of labels.
#[derive(Debug, Serialize)]
pub(super) struct FewLabel {
    #[serde(flatten)]
    place: Place,
    labels: Vec<usize>,
    seeds: Vec<u64>,
    accuracies: Vec<Row>,
    #[serde(skip)]
    table: Table,
}

impl Display for FewLabel {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.table.plain(), self.place)
    }
}

pub(super) fn run(
    of: &Path,
    Flags { how: flags, data, run }: Flags<'_>,
    command: Command<'_>,
) -> Result<FewLabel, Failure> {
    listen_for_ctrl_c();
    let Command { shared, console } = command;
    let checkpoint = checkpoint::open(of)?;
    let meta = &checkpoint.meta;
    let recipe = Recipe { encoder: meta.recipe.encoder.clone(), ..changed(meta, flags)? };
    let dataset = open_for(data, meta, console)?;
    let asked = Asked::new(flags, shared.seed());
    enough(&dataset, &asked)?;
    let chosen = command.device_for(recipe.precision)?;
    let name = run_name("few-label", &recipe, &data.data, shared.seed());
    let folder = Folder::choose(run, &name)?;
    console.note(&format!("run: {}", folder.path().display()));
    let study = Study { recipe, dataset, chosen, folder, console };
    let mut cells = Cells::open(&study.folder, study.protocol(&checkpoint, data))?;
    study.folder.begin(&study.recipe)?;
    let _claim = Claim::of(&study.folder, Rival::Refused)?;
    let missing: Vec<_> = asked.cells().filter(|&cell| !cells.has(cell)).collect();
    if !missing.is_empty() {
        let small = DataFlags { side: Some(study.dataset.side().min(PIXEL_SIDE)), ..data.clone() };
        let small = dataset::open(&small, meta.seed, &Console::silent())?;
        console.note("embedding pictures");
        let images = Images { dataset: &study.dataset, small: &small };
        let device = &study.chosen.device;
        study.folder.computed(|| {
            let bench = Bench::new(&study.recipe, &checkpoint, images, device, &missing)?;
            study.compute(&bench, &missing, &mut cells)
        })?;
    }
    study.report(&cells.of(&asked.labels, &asked.seeds), asked)
}

/// The checkpoint's recipe with the user's changes.
fn changed(meta: &Meta, flags: &EvaluateFlags) -> Result<Recipe, Failure> {
    Ok(Recipe::parse(&meta.recipe.to_toml(), &flags.changes)?)
}

/// Refuses what no draw can give, before anything is computed.
fn enough(dataset: &Dataset, asked: &Asked) -> Result<(), Failure> {
    let classes = dataset.class_names.len();
    let (Some(labels), Some(_)) = (dataset.labelled.labels(), dataset.test.labels()) else {
        return Err(Failure::NoLabels { what: "few-label evaluation" });
    };
    if classes < 2 || dataset.test.is_empty() {
        let what = "few-label evaluation";
        return Err(Failure::unjudged(what, &dataset.labelled, &dataset.test));
    }
    let most = asked.labels.last().copied().unwrap_or(0);
    draw(labels, classes, most, 0)?;
    Ok(())
}

/// What cells are computed from and where they are kept.
struct Study<'a> {
    recipe: Recipe,
    dataset: Dataset,
    chosen: Chosen,
    folder: Folder,
    console: &'a Console,
}

impl Study<'_> {
    /// What all cells of a study have in common.
    fn protocol(&self, checkpoint: &Checkpoint, data: &DataFlags) -> Value {
        let Checkpoint { meta, archive, .. } = checkpoint;
        let Self { recipe, dataset, .. } = self;
        json!({
            "encoder": archive.fingerprint("encoder."),
            few_label::DATA: data.data.to_string(),
            "split_seed": meta.seed,
            "labelled": dataset.labelled.len(),
            "test": dataset.test.len(),
            "side": dataset.side(),
            "finetuning": recipe.finetuning,
            "few_label_steps": recipe.evaluation.few_label_steps,
        })
    }

    /// Computes cells and keeps each as soon as it is there.
    fn compute(
        &self,
        bench: &Bench<'_>,
        missing: &[Key],
        cells: &mut Cells,
    ) -> Result<(), Failure> {
        let Self { folder, console, .. } = self;
        let bar = progress::Cells::new(console.show(), missing.len() as u64);
        for (done, &key) in missing.iter().enumerate() {
            let Key { method, labels, seed } = key;
            bar.tick(done as u64, &format!("{}, {labels} a class, seed {seed}", method.words()));
            let accuracy = if stopped() { None } else { bench.accuracy(key)? };
            let Some(accuracy) = accuracy else {
                bar.finish();
                let resume = command_line::resume_command(folder.path());
                return Err(Failure::Stopped { done, total: missing.len(), resume });
            };
            cells.add(Cell { method, labels, seed, accuracy }, folder)?;
            if !bar.is_drawn() {
                let name = format!("{}, {labels} a class, seed {seed}", method.words());
                let (done, total) = (done + 1, missing.len());
                console.note(&format!("{done} of {total}  {name}: {}", percent(accuracy)));
            }
        }
        bar.finish();
        Ok(())
    }

    fn report(&self, cells: &[Cell], asked: Asked) -> Result<FewLabel, Failure> {
        let Self { recipe, dataset, chosen, folder, .. } = self;
        let rows = few_label::rows(cells);
        let table = few_label_report::table(&rows, &asked.labels);
        let seeds: Vec<String> = asked.seeds.iter().map(u64::to_string).collect();
        let images =
            format!("{} to draw from, {} to test on", dataset.labelled.len(), dataset.test.len());
        let facts = [
            ("Data", format!("{}: {images}; side {}", dataset.name, dataset.side())),
            ("Seeds", seeds.join(", ")),
            ("Device", chosen.why.clone()),
            ("Command", command_line::command()),
            ("Software", format!("kith {}", env!("CARGO_PKG_VERSION"))),
        ];
        let report = Report {
            title: format!("Few labels on {}", dataset.name),
            subtitle: format!("What an encoder of {} is worth by number of labels", recipe.name),
            facts: facts.map(|(name, value)| (name.to_owned(), value)).to_vec(),
            charts: vec![few_label_report::chart(&rows)],
            tables: vec![table.clone()],
            settings_toml: recipe.to_toml(),
            notes: notes(recipe),
            ..Report::default()
        };
        folder.write(folder::REPORT, html(&report).as_bytes())?;
        let Asked { labels, seeds } = asked;
        Ok(FewLabel { place: Place::of(folder), labels, seeds, accuracies: rows, table })
    }
}

/// The protocol in words.
fn notes(recipe: &Recipe) -> Vec<String> {
    let (steps, batch) = (recipe.evaluation.few_label_steps, recipe.finetuning.batch);
    vec![
        "Every seed draws its own labelled pictures, the same number of every class; a larger draw \
         of a seed holds its smaller ones. Deviations are those of samples, over seeds."
            .into(),
        format!(
            "Fine-tuning and the supervised baseline take at least {steps} steps, in whole passes, \
             with batches of at most {batch} pictures, however many labels there are. Nothing is \
             chosen: the last step counts."
        ),
        format!(
            "Neighbours vote by weight (k {}, temperature {}). Pixels are compared at {PIXEL_SIDE} \
             × {PIXEL_SIDE} at most. Test pictures are clean.",
            few_label::VOTE.k,
            few_label::VOTE.temperature
        ),
    ]
}
