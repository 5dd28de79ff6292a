//! `kith evaluate`: what frozen features are worth.

mod compare;
mod few_label;
mod kept;

use std::fmt::{self, Display, Formatter};
use std::path::{Path, PathBuf};

use kith_core::checkpoint::Meta;
use kith_core::encoder::Encoder;
use serde::{Serialize, Serializer};
use serde_json::json;

use crate::args::{DataFlags, EvaluateFlags, RunFlags};
use crate::checkpoint::{self, Checkpoint};
use crate::dataset::open_for;
use crate::device::Chosen;
use crate::eval::frozen::{self, Scores, Sets};
use crate::eval::minibatch;
use crate::failure::Failure;
use crate::format::percent;
use crate::output::{Outcome, lossy};
use crate::report::confusion::Confusion;
use crate::report::facts;
use crate::report::feature_scatter;
use crate::report::figures;
use crate::report::page::{Report, html};
use crate::report::table::Table;
use crate::report::tables;
use crate::train::folder::{self, Folder};
use crate::train::splits::Splits;
use crate::verbs::session::Command;

/// The flags of the verb.
#[derive(Clone, Copy)]
pub(super) struct Flags<'a> {
    pub(super) how: &'a EvaluateFlags,
    pub(super) data: &'a DataFlags,
    pub(super) run: &'a RunFlags,
}

pub(super) fn run(
    of: Option<&Path>,
    flags: Flags<'_>,
    command: Command<'_>,
) -> Result<Box<dyn Outcome>, Failure> {
    Ok(match of {
        None => Box::new(compare::run(&flags.how.compare, flags.data, command)?),
        Some(of) if let Some(shard) = flags.how.shard => {
            let subjects = subjects(of, flags.data, command)?;
            Box::new(kept::write(&subjects, shard, &flags.how.out, command)?)
        }
        Some(of) if flags.how.few_label.is_empty() => Box::new(frozen(of, flags, command)?),
        Some(of) => Box::new(few_label::run(of, flags, command)?),
    })
}

/// What a checkpoint's features are worth.
#[derive(Debug, Serialize)]
struct Found {
    #[serde(skip)]
    name: String,
    #[serde(flatten)]
    scores: Scores,
    /// Linear evaluation in small batches, where the recipe asks for it.
    #[serde(rename = "linear_minibatch", skip_serializing_if = "Option::is_none")]
    minibatch: Option<f64>,
}

/// The checkpoints of a run, or one.
#[derive(Debug)]
struct Evaluated {
    all: Vec<Found>,
    report: Option<String>,
}

/// Linear probe and neighbours with all labels, last and best; with a folder to write to, a report.
fn frozen(
    of: &Path,
    Flags { data, run, how }: Flags<'_>,
    command: Command<'_>,
) -> Result<Evaluated, Failure> {
    let folder = run.run.as_ref().map(|_| Folder::choose(run, "")).transpose()?;
    let chosen = command.device()?;
    let subjects = subjects(of, data, command)?;
    let mut kept = how.features.as_ref().map(|base| kept::read(&subjects, base)).transpose()?;
    let mut all = Vec::new();
    let mut page = None;
    for (place, Subject { name, checkpoint, splits }) in subjects.iter().enumerate() {
        let meta = &checkpoint.meta;
        command.console.note(&format!("evaluating {}", checkpoint.path.display()));
        let encoder = checkpoint.encoder(&chosen.device)?;
        let seeded = chosen.seeded(meta.seed);
        let sets = match &mut kept {
            Some(kept) => core::mem::take(&mut kept[place]),
            None => Sets::embedded(&encoder, splits, &chosen.device)?,
        };
        let found = frozen::evaluate_features(&sets, (&encoder, &meta.recipe), splits, seeded)?;
        let Some(scores) = found else { return Err(unjudged(splits)) };
        let minibatch = minibatch::of_features(&sets, &meta.recipe, splits, seeded)?;
        if folder.is_some() && page.is_none() {
            let report = report(meta, splits, &encoder, &scores, &chosen)?;
            page = Some((report, &meta.recipe));
        }
        all.push(Found { name: name.clone(), scores, minibatch });
    }
    if let (Some(folder), Some((report, recipe))) = (&folder, page) {
        folder.begin(recipe)?;
        let report = Report { tables: tables(&all), ..report };
        folder.write(folder::REPORT, html(&report).as_bytes())?;
    }
    let report = folder.map(|folder| lossy(&folder.file(folder::REPORT)));
    Ok(Evaluated { all, report })
}

/// A checkpoint, and the images that it is evaluated on.
struct Subject {
    /// Its file, without its ending.
    name: String,
    checkpoint: Checkpoint,
    splits: Splits,
}

/// The last and the best checkpoint of a run, or one; their images have labels.
fn subjects(of: &Path, data: &DataFlags, command: Command<'_>) -> Result<Vec<Subject>, Failure> {
    let paths: Vec<PathBuf> = match of.is_dir() {
        true => [folder::CHECKPOINT, folder::BEST].map(|name| of.join(name)).to_vec(),
        false => vec![of.to_owned()],
    };
    let mut subjects: Vec<Subject> = Vec::new();
    for path in paths {
        let checkpoint = checkpoint::open(&path)?;
        let meta = &checkpoint.meta;
        // The best checkpoint of a run has the images of its last.
        let alike = |other: &&Subject| {
            let other = &other.checkpoint.meta;
            (other.seed, other.frame(), &other.recipe) == (meta.seed, meta.frame(), &meta.recipe)
        };
        let splits = match subjects.iter().find(alike) {
            Some(other) => other.splits.clone(),
            None => {
                let dataset = open_for(data, meta, command.console)?;
                dataset.filled("test")?;
                Splits::new(data, &meta.recipe, dataset, meta.seed)
            }
        };
        if !frozen::are_judged(&splits) {
            return Err(unjudged(&splits));
        }
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        subjects.push(Subject { name, checkpoint, splits });
    }
    Ok(subjects)
}

fn unjudged(splits: &Splits) -> Failure {
    Failure::unjudged("evaluation", &splits.labelled, &splits.test)
}

fn tables(all: &[Found]) -> Vec<Table> {
    let rows: Vec<(&str, &Scores)> =
        all.iter().map(|found| (found.name.as_str(), &found.scores)).collect();
    let found: Vec<_> = rows.iter().map(|(name, s)| (*name, s.retrieval)).collect();
    let retrieval = tables::retrieval(&found);
    [tables::frozen(&rows)].into_iter().chain(retrieval).chain([tables::features(&rows)]).collect()
}

/// All but the tables, of the first checkpoint.
fn report(
    meta: &Meta,
    splits: &Splits,
    encoder: &Encoder,
    scores: &Scores,
    chosen: &Chosen,
) -> Result<Report, Failure> {
    let seen = chosen.seeded(meta.seed);
    Ok(Report {
        title: format!("{} on {}", meta.recipe.name, splits.name),
        subtitle: "What frozen features are worth".into(),
        facts: facts::of_run(splits, &meta.seed.to_string(), &chosen.why),
        figures: figures::of_encoder(&meta.recipe, splits, encoder, seen)?,
        scatters: feature_scatter::of(splits, encoder, seen)?.into_iter().collect(),
        confusion: Some(Confusion::of(splits, scores)),
        settings_toml: meta.recipe.to_toml(),
        ..Report::default()
    })
}

impl Display for Evaluated {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let found = self.all.iter().map(Found::to_string);
        let report = self.report.iter().map(|report| format!("report: {report}"));
        f.write_str(&found.chain(report).collect::<Vec<_>>().join("\n"))
    }
}

impl Display for Found {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { name, scores, minibatch } = self;
        let Scores { linear, wide, narrow, retrieval, .. } = scores;
        let [linear, wide, narrow] = [linear, wide, narrow].map(|share| percent(*share));
        write!(f, "{name:<12} linear {linear}  kNN (200, 0.1) {wide}  kNN (20, 0.07) {narrow}")?;
        let retrieval = retrieval.words().into_iter();
        let small = minibatch.map(|share| format!("linear {} in small batches", percent(share)));
        let mut lines = retrieval.chain(scores.words_of_features()).chain(small);
        lines.try_for_each(|line| write!(f, "\n{:<12} {line}", ""))
    }
}

/// Checkpoints by name, and the report.
impl Serialize for Evaluated {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let found = self.all.iter().map(|found| (found.name.as_str(), json!(found)));
        to.collect_map(found.chain(self.report.iter().map(|report| ("report", json!(report)))))
    }
}
