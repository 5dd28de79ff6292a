//! `kith experiment`: baseline, pre-training and fine-tuning, compared, over some seeds.

use kith_core::recipe::Recipe;

use crate::args::TrainFlags;
use crate::checkpoint;
use crate::failure::Failure;
use crate::report::confusion::Confusion;
use crate::report::curves::{self, part};
use crate::report::diagnosis::{self, Run};
use crate::report::facts;
use crate::report::feature_scatter;
use crate::report::figures;
use crate::report::page::{Report, html};
use crate::report::seeds::{Comparison, Pair, Shares, note};
use crate::report::tables;
use crate::train::context::RunContext;
use crate::train::folder;
use crate::train::record::{Record, best};
use crate::train::splits::Splits;
use crate::train::train_loop::Trained;
use crate::verbs::finetune;
use crate::verbs::outcome::{Compared, keep};
use crate::verbs::pretrain::{self, Frozen};
use crate::verbs::session::{Command, Session};

/// The study with one seed.
struct Study {
    seed: u64,
    splits: Splits,
    baseline: Trained,
    pretraining: Trained,
    finetuning: Trained,
    frozen: Option<Frozen>,
}

pub(super) fn run(
    seeds: u64,
    flags: &TrainFlags,
    command: Command<'_>,
) -> Result<Compared, Failure> {
    let session = Session::open("experiment", None, flags, command)?;
    session.folder.computed(|| completed(&session, seeds))
}

fn completed(session: &Session<'_>, seeds: u64) -> Result<Compared, Failure> {
    let Session { recipe, folder: whole, .. } = session;
    let mut studies = Vec::new();
    for seed in session.seed..session.seed + seeds.max(1) {
        let splits = session.labelled_splits(seed, "an experiment")?;
        whole.begin(recipe)?;
        let folder = whole.part(&format!("seed-{seed}"));
        let context = RunContext { folder: &folder, seed, ..session.context(&splits) };
        studies.push(study(&context)?);
    }
    let comparison = comparison(&studies);
    let classes = studies.first().map_or(0, |study| study.splits.classes());
    let report = report(&studies, &comparison, session)?;
    whole.write(folder::REPORT, html(&report).as_bytes())?;
    let findings = runs(&studies).flat_map(|run| run.findings(recipe, classes)).collect();
    let seeds = studies.iter().map(|study| study.seed).collect();
    let compared = Compared::of(session, seeds, comparison, findings);
    keep(&compared, whole)?;
    Ok(compared)
}

/// One seed from start to end, or on from where it was stopped.
fn study(context: &RunContext<'_>) -> Result<Study, Failure> {
    let seed = context.seed;
    let part = |name: &str| {
        context.console.note(&format!("seed {seed}: {name}"));
        context.folder.part(name)
    };
    let baseline_folder = part("baseline");
    let baseline =
        finetune::learn(&RunContext { folder: &baseline_folder, ..context.clone() }, None)?;
    let pretrain_folder = part("pretraining");
    let pretrain_context = RunContext { folder: &pretrain_folder, ..context.clone() };
    let pretraining = pretrain::learn(&pretrain_context, None)?;
    let start = checkpoint::open(&pretrain_folder.file(folder::CHECKPOINT))?;
    let finetune_folder = part("finetuning");
    let finetune_context = RunContext { folder: &finetune_folder, ..context.clone() };
    let finetuning = finetune::learn(&finetune_context, Some(&start))?;
    let frozen = pretrain::frozen(&pretrain_context, None)?;
    let splits = context.splits.clone();
    Ok(Study { seed, splits, baseline, pretraining, finetuning, frozen })
}

fn comparison(studies: &[Study]) -> Comparison {
    let of = |pick: &dyn Fn(&Study) -> Option<f64>| studies.iter().filter_map(pick).collect();
    let accuracy = |record: Option<&Record>| record?.test.map(|score| score.accuracy);
    let last = |trained: &Trained| accuracy(trained.history.last());
    let top = |trained: &Trained| accuracy(best(&trained.history));
    let numbers: [(&str, Vec<f64>); 11] = [
        ("supervised baseline, last", of(&|s| last(&s.baseline))),
        ("supervised baseline, best", of(&|s| top(&s.baseline))),
        ("online probe, last", of(&|s| last(&s.pretraining))),
        ("online probe, best", of(&|s| top(&s.pretraining))),
        ("fine-tuned, last", of(&|s| last(&s.finetuning))),
        ("fine-tuned, best", of(&|s| top(&s.finetuning))),
        ("frozen, linear, last", of(&|s| Some(s.frozen.as_ref()?.last.linear))),
        ("frozen, kNN (200, 0.1), last", of(&|s| Some(s.frozen.as_ref()?.last.wide))),
        ("frozen, kNN (20, 0.07), last", of(&|s| Some(s.frozen.as_ref()?.last.narrow))),
        ("random encoder, linear", of(&|s| Some(s.frozen.as_ref()?.random.linear))),
        ("random encoder, kNN (200, 0.1)", of(&|s| Some(s.frozen.as_ref()?.random.wide))),
    ];
    let pairs = [
        ("fine-tuned, last", "supervised baseline, last"),
        ("fine-tuned, best", "supervised baseline, best"),
        ("online probe, last", "supervised baseline, last"),
        ("frozen, linear, last", "supervised baseline, last"),
        ("frozen, linear, last", "random encoder, linear"),
        ("frozen, kNN (200, 0.1), last", "random encoder, kNN (200, 0.1)"),
    ];
    Comparison {
        shares: numbers.map(|(name, numbers)| Shares { name: name.to_owned(), numbers }).into(),
        pairs: pairs
            .map(|(own, other)| Pair { method: own.to_owned(), baseline: other.to_owned() })
            .into(),
    }
}

fn report(
    studies: &[Study],
    comparison: &Comparison,
    session: &Session<'_>,
) -> Result<Report, Failure> {
    let Session { recipe, folder: whole, device: chosen, .. } = session;
    let first = studies.first().expect("there is at least one seed");
    let seeded = chosen.seeded(first.seed);
    let parts = [
        part("baseline", &first.baseline),
        part("online probe", &first.pretraining),
        part("fine-tuned", &first.finetuning),
    ];
    let path = whole.file(&format!("seed-{}/pretraining/{}", first.seed, folder::CHECKPOINT));
    let encoder = checkpoint::open(&path)?.encoder(&chosen.device)?;
    let seeds: Vec<String> = studies.iter().map(|study| study.seed.to_string()).collect();
    let mut facts = facts::of_run(&first.splits, &seeds.join(", "), &chosen.why);
    let features = first.frozen.as_ref().map(|frozen| tables::features(&frozen.rows()));
    facts.push(facts::wall_time(studies.iter().flat_map(|study| {
        [&study.baseline, &study.pretraining, &study.finetuning]
            .into_iter()
            .flat_map(|t| &t.history)
    })));
    Ok(Report {
        title: format!("{} on {}", recipe.name, first.splits.name),
        subtitle: "Supervised baseline, pre-training without labels, fine-tuning".into(),
        facts,
        charts: curves::curves(&parts),
        bars: vec![comparison.bars(|name| !name.contains("best"))],
        figures: figures::of_encoder(recipe, &first.splits, &encoder, seeded)?,
        scatters: feature_scatter::of(&first.splits, &encoder, seeded)?.into_iter().collect(),
        confusion: first.frozen.as_ref().map(|f| Confusion::of(&first.splits, &f.last)),
        tables: comparison.tables().chain(features).chain([tables::epochs(&parts)]).collect(),
        settings_toml: recipe.to_toml(),
        notes: notes(studies, recipe).into_iter().chain(note(&comparison.differences())).collect(),
        ..Report::default()
    })
}

/// Every run of every seed.
fn runs(studies: &[Study]) -> impl Iterator<Item = Run<'_>> {
    studies.iter().flat_map(|study| {
        let parts = [
            ("supervised baseline", &study.baseline),
            ("pre-training", &study.pretraining),
            ("fine-tuning", &study.finetuning),
        ];
        parts.map(|(part, t)| Run { seed: study.seed, part, history: &t.history })
    })
}

fn notes(studies: &[Study], recipe: &Recipe) -> Vec<String> {
    let first = studies.first().expect("there is at least one seed");
    let seeds: Vec<u64> = studies.iter().map(|study| study.seed).collect();
    let classes = first.splits.classes();
    let found = diagnosis::sentences(runs(studies), recipe, classes);
    let notes = facts::shown_of(&seeds).into_iter().chain(found);
    notes.chain(pretrain::notes(recipe, &first.pretraining)).collect()
}
