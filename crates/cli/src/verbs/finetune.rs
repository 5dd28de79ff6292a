//! `kith finetune`: an encoder and a classifier on labels.

use std::fmt::{self, Display, Formatter};

use kith_core::recipe::Recipe;
use kith_core::trainer::Plan;
use serde::Serialize;

use crate::args::TrainFlags;
use crate::checkpoint::Checkpoint;
use crate::failure::Failure;
use crate::report::curves::{self, Part};
use crate::report::diagnosis::Finding;
use crate::report::facts;
use crate::report::page::{Report, html};
use crate::report::tables;
use crate::train::context::RunContext;
use crate::train::folder;
use crate::train::initial_weights;
use crate::train::loader;
use crate::train::train_loop::{Trained, train};
use crate::verbs::outcome::Finished;
use crate::verbs::pretrain;
use crate::verbs::session::{Command, Session};

/// Says that the encoder starts with fresh weights.
const SCRATCH: &str = "scratch";
/// What a run that starts from a checkpoint is called.
const FINETUNE: &str = "finetune";

/// An encoder and a classifier.
#[derive(Debug, Serialize)]
pub(super) struct Finetuned {
    #[serde(flatten)]
    run: Finished,
}

pub(super) fn run(
    from: &str,
    flags: &TrainFlags,
    command: Command<'_>,
) -> Result<Finetuned, Failure> {
    let checkpoint = (from != SCRATCH).then_some(from);
    let verb = if checkpoint.is_some() { FINETUNE } else { "baseline" };
    let session = Session::open(verb, checkpoint, flags, command)?;
    session.folder.computed(|| completed(&session, verb, from))
}

fn completed(session: &Session<'_>, verb: &'static str, from: &str) -> Result<Finetuned, Failure> {
    let splits = session.splits(session.seed)?;
    let context = session.context(&splits);
    let Session { recipe, folder, .. } = session;
    let trained = learn(&context, session.start.as_ref())?;
    let seen = session.seen_test(session.seed);
    seen.iter().for_each(|words| session.console.note(words));
    let run = Finished::of(&context, &trained);
    let parts = [Part { name: verb, history: &trained.history, metrics: &trained.metrics }];
    let mut facts = facts::of_run(&splits, &session.seed.to_string(), &session.device.why);
    facts.push(("Started from".into(), from.into()));
    facts.push(facts::wall_time(trained.history.iter()));
    let report = Report {
        title: format!("{} on {}", recipe.name, splits.name),
        subtitle: if verb == FINETUNE { "Fine-tuning" } else { "Supervised baseline" }.into(),
        facts,
        charts: curves::curves(&parts),
        tables: vec![tables::epochs(&parts)],
        settings_toml: recipe.to_toml(),
        notes: seen.into_iter().chain(notes(recipe, &trained, &run.findings)).collect(),
        ..Report::default()
    };
    folder.write(folder::REPORT, html(&report).as_bytes())?;
    Ok(Finetuned { run })
}

fn notes(recipe: &Recipe, trained: &Trained, findings: &[Finding]) -> Vec<String> {
    let found = findings.iter().map(Finding::sentence);
    found.chain(pretrain::notes(recipe, trained)).collect()
}

/// Trains on labels to the end, or goes on to it.
pub(super) fn learn(
    context: &RunContext<'_>,
    start: Option<&Checkpoint>,
) -> Result<Trained, Failure> {
    let (recipe, splits) = (context.recipe, context.splits);
    if splits.labelled.labels().is_none() || splits.classes() < 2 {
        return Err(Failure::NoLabels { what: "fine-tuning" });
    }
    let settings = &recipe.finetuning;
    let size = [splits.side, splits.classes()];
    let plan = Plan::finetuning(settings, size, context.seed, splits.labelled.len());
    let trainer = initial_weights::supervised(recipe, plan, start, context.device)?;
    train(trainer, initial_weights::fingerprint(start), context, |trainer| {
        loader::finetuning(&splits.labelled, settings, plan, trainer.steps())
    })
}

impl Display for Finetuned {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.run.tell_findings(f)?;
        writeln!(f, "test accuracy: {}", self.run.accuracy().as_deref().unwrap_or("-"))?;
        self.run.tell_files(f)
    }
}
