//! `kith semi`: a supervised baseline against learning from unlabelled images too, over some seeds.

mod comparison;

use std::fmt::{self, Display, Formatter};

use kith_core::recipe::Recipe;
use kith_core::semi::{SemiMethod, SemiSettings, Start};
use kith_core::trainer::MASK_RATE;
use serde::Serialize;

use crate::args::TrainFlags;
use crate::checkpoint::{self, Checkpoint};
use crate::failure::Failure;
use crate::format::percent;
use crate::report::chart::Chart;
use crate::report::choices;
use crate::report::curves::{self, part};
use crate::report::diagnosis::{self, Run};
use crate::report::facts;
use crate::report::figures;
use crate::report::page::{Figure, Report, html};
use crate::report::seeds::{Comparison, note};
use crate::report::tables;
use crate::train::auto::{self, Choice};
use crate::train::context::RunContext;
use crate::train::folder;
use crate::train::initial_weights::InitialWeights;
use crate::train::record::Record;
use crate::train::semi::{chosen_network, learn};
use crate::train::splits::Splits;
use crate::train::train_loop::Trained;
use crate::verbs::finetune;
use crate::verbs::outcome::{Compared, keep};
use crate::verbs::session::{Command, Session};

/// Images on the grid of views.
const IMAGES: usize = 4;
/// Views of each.
const VIEWS: usize = 8;
/// What needs labels.
const WHAT: &str = "semi-supervised learning";

/// The comparison with one seed.
struct Study {
    seed: u64,
    baseline: Trained,
    /// Each phase after the baseline; the last one's network is the result.
    phases: Vec<Phase>,
}

/// A phase after the baseline.
struct Phase {
    name: String,
    trained: Trained,
}

/// How the comparison is made.
pub(super) struct How<'a> {
    /// The checkpoint that training starts from; none for fresh weights.
    pub(super) from: Option<&'a str>,
    pub(super) seeds: u64,
    /// Whether the machine finds out batch sizes and learning rates.
    pub(super) auto: bool,
}

/// The comparison over the seeds.
#[derive(Debug, Serialize)]
pub(super) struct Semi {
    #[serde(flatten)]
    compared: Compared,
    labelled: usize,
    unlabelled: usize,
    chosen: Vec<Choice>,
}

impl Display for Semi {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.compared.fmt(f)
    }
}

pub(super) fn run(
    how: &How<'_>,
    flags: &TrainFlags,
    command: Command<'_>,
) -> Result<Semi, Failure> {
    let mut session = Session::open("semi", how.from, flags, command)?;
    if how.auto {
        auto::keep_aside(&mut session.recipe, &flags.recipe.changes);
    }
    let first = session.labelled_splits(session.seed, WHAT)?;
    fit_to(&first, &mut session.recipe);
    let choices = session.folder.computed(|| match how.auto {
        true => auto::choose(&session.context(&first), session.start.as_ref()),
        false => Ok(auto::Choices::none(session.recipe.clone())),
    })?;
    session.recipe = choices.recipe.clone();
    session.folder.computed(|| completed(&session, how, &first, choices))
}

/// Every seed, and what they come to.
fn completed(
    session: &Session<'_>,
    how: &How<'_>,
    first: &Splits,
    choices: auto::Choices,
) -> Result<Semi, Failure> {
    let whole = &session.folder;
    whole.begin(&session.recipe)?;
    let (mut studies, mut seen) = (Vec::new(), Vec::new());
    for seed in session.seed..session.seed + how.seeds.max(1) {
        // What was chosen may keep other images aside than the recipe did.
        let splits = match seed == session.seed && choices.made.is_empty() {
            true => first.clone(),
            false => session.labelled_splits(seed, WHAT)?,
        };
        let folder = whole.part(&format!("seed-{seed}"));
        let context = RunContext { folder: &folder, seed, ..session.context(&splits) };
        studies.push(study(&context, session.start.as_ref())?);
        seen.extend(session.seen_test(seed));
    }
    seen.iter().for_each(|words| session.console.note(words));
    let comparison = comparison::of(&studies);
    let mut report = report(&studies, &comparison, &choices, &session.context(first), how.from)?;
    report.notes.extend(seen);
    whole.write(folder::REPORT, html(&report).as_bytes())?;
    let (recipe, classes) = (&choices.recipe, first.classes());
    let findings = runs(&studies).flat_map(|run| run.findings(recipe, classes)).collect();
    let seeds = studies.iter().map(|study| study.seed).collect();
    let semi = Semi {
        compared: Compared::of(session, seeds, comparison, findings),
        labelled: first.labelled.len(),
        unlabelled: first.unlabelled.len(),
        chosen: choices.made,
    };
    keep(&semi, whole)?;
    Ok(semi)
}

/// Writes the semi-supervised settings out, and no batch larger than there are labelled images.
fn fit_to(splits: &Splits, recipe: &mut Recipe) {
    let most = splits.labelled.len().max(1);
    let settings = recipe.semi.get_or_insert_with(SemiSettings::default);
    settings.labelled_batch = settings.labelled_batch.min(most);
    recipe.finetuning.batch = recipe.finetuning.batch.min(most);
}

/// One seed from start to end, or on from where it was stopped.
fn study(context: &RunContext<'_>, start: Option<&Checkpoint>) -> Result<Study, Failure> {
    let seed = context.seed;
    let said = |name: &str| context.console.note(&format!("seed {seed}: {name}"));
    said("baseline");
    let folder = context.folder.part("baseline");
    let baseline = finetune::learn(&RunContext { folder: &folder, ..context.clone() }, start)?;
    let mut teacher = folder;
    let settings = context.recipe.semi.clone().unwrap_or_default();
    let trained = match settings.start {
        Start::Baseline => Some(checkpoint::open(&chosen_network(&teacher, context))?),
        Start::Fresh => None,
    };
    let start = match (&trained, start) {
        (Some(network), _) => InitialWeights::Network(network),
        (None, Some(start)) => InitialWeights::Encoder(start),
        (None, None) => InitialWeights::Fresh,
    };
    let mut phases = Vec::new();
    let rounds = match settings.method {
        SemiMethod::Fixmatch { .. } => 0,
        SemiMethod::NoisyStudent { rounds } => rounds,
    };
    if rounds == 0 {
        said("labelled and unlabelled pictures");
        let folder = context.folder.part("fixmatch");
        let trained = learn(&RunContext { folder: &folder, ..context.clone() }, start, None)?;
        phases.push(Phase { name: "FixMatch".to_owned(), trained });
    }
    for round in 1..=rounds {
        let name = format!("student {round}");
        said(&name);
        let folder = context.folder.part(&format!("student-{round}"));
        let part = RunContext { folder: &folder, ..context.clone() };
        let trained = learn(&part, start, Some(&teacher))?;
        phases.push(Phase { name, trained });
        teacher = folder;
    }
    Ok(Study { seed, baseline, phases })
}

fn report(
    studies: &[Study],
    comparison: &Comparison,
    choices: &auto::Choices,
    context: &RunContext<'_>,
    from: Option<&str>,
) -> Result<Report, Failure> {
    let (recipe, splits) = (&choices.recipe, context.splits);
    let first = studies.first().expect("there is at least one seed");
    let mut parts = vec![part("baseline", &first.baseline)];
    parts.extend(first.phases.iter().map(|phase| part(&phase.name, &phase.trained)));
    let seeds: Vec<String> = studies.iter().map(|study| study.seed.to_string()).collect();
    let mut facts = facts::of_run(splits, &seeds.join(", "), context.device_reason);
    facts.extend(from.map(|from| ("Started from".into(), from.into())));
    let trained = |study: &Study| -> Vec<Record> {
        let phases = study.phases.iter().flat_map(|phase| phase.trained.history.clone());
        study.baseline.history.iter().cloned().chain(phases).collect()
    };
    let all: Vec<Record> = studies.iter().flat_map(trained).collect();
    facts.push(facts::wall_time(all.iter()));
    let mut charts: Vec<Chart> = choices::charts(choices);
    charts.extend(curves::curves(&parts));
    let tables = comparison.tables().chain([tables::epochs(&parts)]).chain(choices::table(choices));
    Ok(Report {
        title: format!("{} on {}", recipe.name, splits.name),
        subtitle: format!(
            "{} labelled and {} unlabelled pictures: a supervised baseline against learning from both",
            splits.labelled.len(),
            splits.unlabelled.len()
        ),
        facts,
        charts,
        bars: vec![comparison.bars(|name| name.ends_with("last epoch"))],
        figures: vec![strong_views(recipe, context)?],
        tables: tables.collect(),
        settings_toml: recipe.to_toml(),
        notes: notes(recipe, studies, splits)
            .into_iter()
            .chain(note(&comparison.differences()))
            .collect(),
        ..Report::default()
    })
}

/// Unlabelled images with strong views of each.
fn strong_views(recipe: &Recipe, context: &RunContext<'_>) -> Result<Figure, Failure> {
    let settings = recipe.semi.clone().unwrap_or_default();
    let unlabelled = &context.splits.unlabelled;
    let shown = unlabelled.read(&unlabelled.sample(IMAGES, context.seed))?;
    Ok(Figure {
        title: "What must earn the label of the picture".into(),
        caption: "Left an unlabelled picture, then strong views of it.".into(),
        png: figures::view_grid(&[&settings.strong], &shown, VIEWS, context.seeded())?,
    })
}

/// Every run of every seed.
fn runs(studies: &[Study]) -> impl Iterator<Item = Run<'_>> {
    studies.iter().flat_map(|study| {
        let phases = study.phases.iter().map(|phase| (phase.name.as_str(), &phase.trained));
        let parts = [("supervised baseline", &study.baseline)].into_iter().chain(phases);
        parts.map(|(part, t)| Run { seed: study.seed, part, history: &t.history })
    })
}

fn notes(recipe: &Recipe, studies: &[Study], splits: &Splits) -> Vec<String> {
    let seeds: Vec<u64> = studies.iter().map(|study| study.seed).collect();
    let mut notes: Vec<String> = facts::shown_of(&seeds).into_iter().collect();
    notes.extend(diagnosis::sentences(runs(studies), recipe, splits.classes()));
    if splits.validation.is_empty() {
        notes.push(
            "No labelled image was kept aside: compare last epochs, since the best were chosen on \
             the test images."
                .into(),
        );
    }
    for Phase { name, trained } in studies.iter().take(1).flat_map(|study| &study.phases) {
        if let Some(share) = trained.history.last().and_then(|r| r.reading(MASK_RATE.name)) {
            notes.push(format!(
                "{name}: in the last epoch {} of the unlabelled images passed the threshold.",
                percent(share)
            ));
        }
    }
    notes
}
