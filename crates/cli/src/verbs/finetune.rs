//! `kith finetune`: an encoder and a classifier on labels.

use kith_core::archive::Archive;
use kith_core::checkpoint::Meta;
use kith_core::recipe::Recipe;
use kith_core::trainer::Plan;
use serde_json::json;

use crate::args::{DataFlags, RecipeFlags, RunFlags, Shared};
use crate::dataset;
use crate::failure::Failure;
use crate::interrupt::listen_for_ctrl_c;
use crate::output::{Console, lossy};
use crate::report::curves::{self, Part};
use crate::report::diagnosis::{self, Finding};
use crate::report::facts;
use crate::report::page::{Report, html};
use crate::report::tables;
use crate::train::context::RunContext;
use crate::train::folder::{self, Folder};
use crate::train::initial_weights;
use crate::train::loader;
use crate::train::record::best;
use crate::train::splits::Splits;
use crate::train::train_loop::{Trained, train};

/// Says that the encoder starts with fresh weights.
const SCRATCH: &str = "scratch";
/// What a run that starts from a checkpoint is called.
const FINETUNE: &str = "finetune";

pub(super) fn run(
    from: &str,
    data: &DataFlags,
    flags: &RecipeFlags,
    (run, shared, console): (&RunFlags, &Shared, &Console),
) -> Result<(), Failure> {
    listen_for_ctrl_c();
    let mut recipe = super::recipe(flags)?;
    let mut data = data.clone();
    let checkpoint = (from != SCRATCH).then_some(from);
    let start = initial_weights::open(checkpoint, &mut recipe, &mut data)?;
    let dataset = dataset::open_to_learn(&data, &recipe, shared.seed, console)?;
    let splits = Splits::new(&data, &recipe, dataset, shared.seed);
    let chosen = super::device(shared, console)?;
    let verb = if start.is_some() { FINETUNE } else { "baseline" };
    let name = super::run_name(verb, &recipe, &data.data, shared.seed);
    let folder = Folder::choose(run, &name)?;
    console.note(&format!("run: {}", folder.path().display()));
    let context = RunContext {
        recipe: &recipe,
        splits: &splits,
        folder: &folder,
        whole: &folder,
        device: &chosen.device,
        console,
    };
    let trained = learn(&context, shared.seed, start.as_ref())?;
    let seen = start.and_then(|(meta, _)| initial_weights::seen_test(&meta, &data, shared.seed));
    seen.iter().for_each(|words| console.note(words));
    let findings = diagnosis::findings(&trained.history, &recipe, splits.classes());
    let parts = [Part { name: verb, history: &trained.history, metrics: &trained.metrics }];
    let mut facts = facts::of_run(&splits, &shared.seed.to_string(), &chosen.why);
    facts.push(("Started from".into(), from.into()));
    facts.push(facts::wall_time(trained.history.iter()));
    let report = Report {
        title: format!("{} on {}", recipe.name, splits.name),
        subtitle: if verb == FINETUNE { "Fine-tuning" } else { "Supervised baseline" }.into(),
        facts,
        charts: curves::curves(&parts),
        tables: vec![tables::epochs(&parts)],
        settings_toml: recipe.to_toml(),
        notes: seen.into_iter().chain(notes(&recipe, &trained, &findings)).collect(),
        ..Report::default()
    };
    folder.write(folder::REPORT, html(&report).as_bytes())?;
    tell(&context, &trained, &findings);
    Ok(())
}

fn notes(recipe: &Recipe, trained: &Trained, findings: &[Finding]) -> Vec<String> {
    let found = findings.iter().map(Finding::sentence);
    found.chain(super::pretrain::notes(recipe, trained)).collect()
}

/// Trains on labels to the end, or goes on to it.
pub(super) fn learn(
    context: &RunContext<'_>,
    seed: u64,
    start: Option<&(Meta, Archive)>,
) -> Result<Trained, Failure> {
    let (recipe, splits) = (context.recipe, context.splits);
    if splits.labelled.labels().is_none() || splits.classes() < 2 {
        return Err(Failure::NoLabels { what: "fine-tuning" });
    }
    let settings = &recipe.finetuning;
    let size = [splits.side, splits.classes()];
    let plan = Plan::finetuning(settings, size, seed, splits.labelled.len());
    let trainer = initial_weights::supervised(recipe, plan, start, context.device)?;
    train((trainer, initial_weights::fingerprint(start)), context, |trainer| {
        loader::finetuning(&splits.labelled, settings, plan, trainer.steps())
    })
}

fn tell(context: &RunContext<'_>, trained: &Trained, findings: &[Finding]) {
    let RunContext { folder, console, .. } = *context;
    let path = |name| folder.file(name).display().to_string();
    let words = format!(
        "test accuracy: {}\ncheckpoint: {}\nreport:     {}",
        facts::last_and_best(&trained.history).unwrap_or_else(|| "-".into()),
        path(folder::CHECKPOINT),
        path(folder::REPORT)
    );
    let found: String = findings.iter().map(|f| format!("{}\n", f.sentence())).collect();
    let words = found + &words;
    let object = json!({
        "run": lossy(folder.path()),
        "checkpoint": path(folder::CHECKPOINT),
        "best": path(folder::BEST),
        "report": path(folder::REPORT),
        "last_epoch": trained.history.last(),
        "best_epoch": best(&trained.history),
        "findings": diagnosis::to_json(findings),
    });
    console.result(&words, &object);
}
