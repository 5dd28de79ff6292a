//! `kith pretrain`: an encoder without labels, evaluated and reported.

use std::fmt::{self, Display, Formatter};

use kith_core::encoder::Encoder;
use kith_core::recipe::Recipe;
use kith_core::trainer::{Plan, SelfSupervised, Trainer, random_encoder};
use serde::Serialize;

use crate::args::TrainFlags;
use crate::checkpoint::{self, Checkpoint};
use crate::eval::frozen::{self, Scores};
use crate::eval::minibatch::{self, Minibatch};
use crate::failure::Failure;
use crate::format::percent;
use crate::report::confusion::Confusion;
use crate::report::curves::{self, Part};
use crate::report::diagnosis::Finding;
use crate::report::facts;
use crate::report::feature_scatter;
use crate::report::figures;
use crate::report::page::{Report, html};
use crate::report::tables;
use crate::train::context::RunContext;
use crate::train::folder;
use crate::train::initial_weights;
use crate::train::loader;
use crate::train::record::{Record, best};
use crate::train::splits::Splits;
use crate::train::train_loop::{Trained, train};
use crate::verbs::outcome::{Finished, keep};
use crate::verbs::run_record::{self, Facts};
use crate::verbs::session::{Command, Session};

/// Frozen features of the three encoders that a report compares.
#[derive(Debug, Serialize)]
pub(super) struct Frozen {
    pub(super) random: Scores,
    /// Of the encoder that the run began with; none of fresh weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) start: Option<Scores>,
    pub(super) last: Scores,
    pub(super) best: Scores,
    /// Where the recipe asks for it.
    pub(super) minibatch: Option<Minibatch>,
}

/// An encoder, and what it is worth.
#[derive(Debug, Serialize)]
pub(super) struct Pretrained {
    #[serde(flatten)]
    run: Finished,
    frozen: Option<Frozen>,
}

pub(super) fn run(
    from: Option<&str>,
    flags: &TrainFlags,
    command: Command<'_>,
) -> Result<Pretrained, Failure> {
    let session = Session::open("pretrain", from, flags, command)?;
    let splits = session.splits(session.seed)?;
    complete(&session, &splits)
}

/// Pre-trains, evaluates and reports, in the session's folder.
pub(super) fn complete(session: &Session<'_>, splits: &Splits) -> Result<Pretrained, Failure> {
    let context = session.context(splits);
    session.folder.computed(|| completed(session, &context))
}

fn completed(session: &Session<'_>, context: &RunContext<'_>) -> Result<Pretrained, Failure> {
    let start = session.start.as_ref();
    let trained = learn(context, start)?;
    let frozen = frozen(context, start)?;
    let scores = frozen.as_ref().map(|frozen| [&frozen.random, &frozen.last]);
    let facts = Facts {
        plan: plan(context),
        data: &session.data,
        start: initial_weights::fingerprint(start),
        scores,
    };
    let record = run_record::of(context, &trained, facts)?;
    session.folder.write(folder::REPLAY, record.to_json().as_bytes())?;
    let run = Finished::of(context, &trained);
    let page = page(context, &trained, &run.findings, frozen.as_ref())?;
    session.folder.write(folder::REPORT, html(&page).as_bytes())?;
    let pretrained = Pretrained { run, frozen };
    // The results come last: whoever finds them finds a run that is over.
    keep(&pretrained, &session.folder)?;
    Ok(pretrained)
}

/// Pre-trains to the end, or goes on to it.
pub(super) fn learn(
    context: &RunContext<'_>,
    start: Option<&Checkpoint>,
) -> Result<Trained, Failure> {
    let (recipe, splits) = (context.recipe, context.splits);
    let settings = &recipe.pretraining;
    let plan = plan(context);
    let trainer = trainer(context, start)?;
    train(trainer, initial_weights::fingerprint(start), context, |trainer| {
        let Splits { unlabelled, labelled, .. } = splits;
        loader::pretraining(unlabelled, labelled, settings, plan, trainer.steps())
    })
}

/// A run at its start: with fresh weights, or with the encoder of a checkpoint.
pub(super) fn trainer(
    context: &RunContext<'_>,
    start: Option<&Checkpoint>,
) -> Result<Trainer<SelfSupervised>, Failure> {
    let (recipe, plan, device) = (context.recipe.clone(), plan(context), context.device);
    let trainer = match start {
        Some(start) => Trainer::pretraining_from(&start.archive, recipe, plan, device)?,
        None => Trainer::pretraining(recipe, plan, device)?,
    };
    Ok(trainer.in_parts_on(context.parts_on.to_vec())?)
}

/// Whether such a run could begin, without a step of it.
pub(super) fn check(context: &RunContext<'_>) -> Result<(), Failure> {
    let (plan, splits) = (plan(context), context.splits);
    let _unused = trainer(context, None)?;
    let images = [splits.unlabelled.len(), splits.labelled.len()];
    context.recipe.pretraining.sampling(images, plan.classes)?;
    Ok(())
}

/// Steps and epochs.
pub(super) fn plan(context: &RunContext<'_>) -> Plan {
    let splits = context.splits;
    let classes = if splits.labelled.is_empty() { 0 } else { splits.classes() };
    let settings = &context.recipe.pretraining;
    let images = [splits.unlabelled.len(), splits.labelled.len()];
    Plan::pretraining(settings, [splits.side, classes], context.seed, images)
}

/// Evaluates the last, the best and a random encoder of a finished run, and the one that it began with.
pub(super) fn frozen(
    context: &RunContext<'_>,
    start: Option<&Checkpoint>,
) -> Result<Option<Frozen>, Failure> {
    let RunContext { recipe, splits, device, .. } = *context;
    let open = |name| checkpoint::open(&context.folder.file(name))?.encoder(device);
    let of = |encoder: &Encoder| frozen::evaluate(encoder, recipe, splits, context.seeded());
    let small = |encoder| minibatch::accuracy(encoder, recipe, splits, context.seeded());
    context.console.note("evaluating frozen features: random, last, best encoder");
    let random = random_encoder(recipe, splits.side, context.seed, device)?;
    let (last, best) = (open(folder::CHECKPOINT)?, open(folder::BEST)?);
    let minibatch = match (small(&random)?, small(&last)?) {
        (Some(random), Some(last)) => Some(Minibatch { random, last }),
        _ => None,
    };
    let told = |name: &str, encoder: &Encoder| {
        let found = of(encoder)?;
        if let Some(scores) = &found {
            context.console.note(&format!("{name}: linear probe {}", percent(scores.linear)));
        }
        Ok::<_, Failure>(found)
    };
    let random = told("random", &random)?;
    let start = start.map(|start| told("start", &start.encoder(device)?)).transpose()?.flatten();
    let last = told("last", &last)?;
    let (Some(random), Some(last), Some(best)) = (random, last, told("best", &best)?) else {
        return Ok(None);
    };
    Ok(Some(Frozen { random, start, last, best, minibatch }))
}

impl Frozen {
    /// The encoders by name.
    pub(super) fn rows(&self) -> Vec<(&'static str, &Scores)> {
        let start = self.start.as_ref().map(|start| ("before this run", start));
        let trained = [("pre-trained, last", &self.last), ("pre-trained, best", &self.best)];
        [("random", &self.random)].into_iter().chain(start).chain(trained).collect()
    }
}

fn page(
    context: &RunContext<'_>,
    trained: &Trained,
    findings: &[Finding],
    frozen: Option<&Frozen>,
) -> Result<Report, Failure> {
    let RunContext { recipe, splits, .. } = *context;
    let checkpoint = checkpoint::open(&context.folder.file(folder::CHECKPOINT))?;
    let encoder = checkpoint.encoder(context.device)?;
    let parts =
        [Part { name: "online probe", history: &trained.history, metrics: &trained.metrics }];
    let mut tables = Vec::new();
    if let Some(frozen) = frozen {
        tables.push(tables::frozen(&frozen.rows()));
        tables.extend(frozen.minibatch.map(tables::minibatch));
        let found = frozen.rows().into_iter().map(|(name, s)| (name, s.retrieval));
        tables.extend(tables::retrieval(&found.collect::<Vec<_>>()));
        tables.push(tables::features(&frozen.rows()));
        tables.push(tables::epochs(&parts));
    }
    let mut facts = facts::of_run(splits, &context.seed.to_string(), context.device_reason);
    facts.push(facts::wall_time(trained.history.iter()));
    Ok(Report {
        title: format!("{} on {}", recipe.name, splits.name),
        subtitle: "Pre-training without labels".into(),
        facts,
        charts: curves::curves(&parts),
        figures: figures::of_encoder(recipe, splits, &encoder, context.seeded())?,
        scatters: feature_scatter::of(splits, &encoder, context.seeded())?.into_iter().collect(),
        confusion: frozen.map(|frozen| Confusion::of(splits, &frozen.last)),
        tables,
        settings_toml: recipe.to_toml(),
        notes: findings.iter().map(Finding::sentence).chain(notes(recipe, trained)).collect(),
        ..Report::default()
    })
}

/// What a reader should know before quoting a number.
pub(super) fn notes(recipe: &Recipe, trained: &Trained) -> Vec<String> {
    let mut notes = Vec::new();
    match best(&trained.history) {
        Some(Record { validation: Some(_), .. }) => notes.push(
            "The best epoch was chosen on validation pictures; no test picture was looked at \
             before the run was over."
                .into(),
        ),
        Some(Record { test: Some(_), .. }) => notes.push(
            "The best epoch was chosen on the test pictures, as the Keras examples do: compare last \
             epochs instead."
                .into(),
        ),
        _ => {}
    }
    if !recipe.evaluation.test_view.0.is_empty() {
        notes.push(
            "While training, test pictures were perturbed as the recipe's source does; the table \
             of frozen features is on clean ones."
                .into(),
        );
    }
    let last = trained.history.last();
    if let Some(dead) = last.and_then(|record| record.reading("dead_units")) {
        notes.push(format!("{:.0} % of the features are dead after the last epoch.", 100.0 * dead));
    }
    notes
}

impl Display for Pretrained {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(frozen) = &self.frozen {
            write!(f, "{frozen}")?;
        }
        if let Some(shares) = self.run.accuracy() {
            writeln!(f, "online probe       {shares}")?;
        }
        self.run.tell_findings(f)?;
        self.run.tell_files(f)
    }
}

/// Two or three lines an encoder.
impl Display for Frozen {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (name, scores) in self.rows() {
            let Scores { linear, wide, narrow, .. } = scores;
            let [linear, wide, narrow] = [linear, wide, narrow].map(|share| percent(*share));
            writeln!(f, "{name:<18} linear {linear}  kNN of 200 {wide}  of 20 {narrow}")?;
            scores.words_of_features().try_for_each(|line| writeln!(f, "{:<18} {line}", ""))?;
        }
        let Some(Minibatch { random, last }) = self.minibatch else { return Ok(()) };
        writeln!(f, "small batches      linear {}, random {}", percent(last), percent(random))
    }
}
