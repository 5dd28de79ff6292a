//! `kith info`: what a checkpoint or a run is.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::path::{Path, PathBuf};

use kith_core::checkpoint::{Layer, Meta, Origin};
use kith_core::square::Preprocessing;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::checkpoint::{self, Checkpoint};
use crate::failure::Failure;
use crate::format::percent;
use crate::output::{Outcome, lossy};
use crate::report::diagnosis::{self, Finding};
use crate::report::facts;
use crate::train::folder;
use crate::train::record;

/// A checkpoint, or a run with one.
#[derive(Debug, Serialize)]
struct Whole {
    #[serde(skip)]
    path: PathBuf,
    meta: Meta,
    /// None without metrics to diagnose by.
    findings: Option<Vec<Finding>>,
    #[serde(serialize_with = "layers")]
    layers: Vec<Layer>,
    /// Shapes by name.
    tensors: BTreeMap<String, Vec<usize>>,
    /// Numbers that the encoder has.
    #[serde(skip)]
    parameters: usize,
}

/// The runs of a study.
#[derive(Debug, Serialize)]
struct Several {
    #[serde(skip)]
    path: PathBuf,
    runs: Vec<Part>,
}

/// A run of a study.
#[derive(Debug, Serialize)]
struct Part {
    run: String,
    meta: Meta,
    findings: Option<Vec<Finding>>,
}

pub(super) fn run(of: &Path) -> Result<Box<dyn Outcome>, Failure> {
    if !of.is_dir() || of.join(folder::CHECKPOINT).exists() {
        return Ok(Box::new(whole(of)?));
    }
    match folder::runs_in(of)?.as_slice() {
        [] => Err(Failure::NoCheckpoint { path: of.to_owned(), expected: folder::CHECKPOINT }),
        runs => Ok(Box::new(several(of, runs)?)),
    }
}

/// Everything that is known of a checkpoint, or of a run with one.
fn whole(of: &Path) -> Result<Whole, Failure> {
    let Checkpoint { path, meta, archive } = checkpoint::open(of)?;
    let findings = if of.is_dir() { diagnose(of, &meta)? } else { None };
    let shape = |name: &str| Some((name.to_owned(), archive.shape(name)?.to_vec()));
    Ok(Whole {
        path,
        findings,
        layers: meta.layers(&archive),
        meta,
        tensors: archive.names().filter_map(shape).collect(),
        parameters: archive.parameters("encoder."),
    })
}

/// How far each run of a study came, and what looks wrong with it.
fn several(of: &Path, runs: &[PathBuf]) -> Result<Several, Failure> {
    let part = |run: &PathBuf| {
        let Checkpoint { meta, .. } = checkpoint::open(&run.join(folder::CHECKPOINT))?;
        let findings = diagnose(run, &meta)?;
        Ok(Part { run: lossy(run.strip_prefix(of).unwrap_or(run)), meta, findings })
    };
    let runs = runs.iter().map(part).collect::<Result<_, Failure>>()?;
    Ok(Several { path: of.to_owned(), runs })
}

impl Display for Whole {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { path, meta, parameters, .. } = self;
        let Meta { format, software, recipe, dataset, .. } = meta;
        let path = path.display();
        writeln!(f, "{path}: kith checkpoint, format {format}, written by kith {software}")?;
        writeln!(f, "stage      {}", facts::stage(meta.stage))?;
        writeln!(f, "recipe     {}, seed {}, {} steps", recipe.name, meta.seed, meta.steps)?;
        let encoder = facts::described(&json!(recipe.encoder));
        writeln!(f, "encoder    {encoder}; {parameters} parameters, side {}", meta.side)?;
        writeln!(
            f,
            "data       {}: {} unlabelled, {} labelled, {} validation, {} test",
            dataset.name, dataset.unlabelled, dataset.labelled, dataset.validation, dataset.test
        )?;
        writeln!(f, "classes    {}", classes(&meta.class_names))?;
        if let Some(Origin { network, source, licence }) = &meta.origin {
            let licence = licence.as_deref().unwrap_or("not stated");
            writeln!(f, "began with {network} from {source}; licence: {licence}")?;
        }
        if let Some(Preprocessing { resize, filter }) = meta.preprocessing {
            let filter = json!(filter);
            let filter = filter.as_str().unwrap_or_default();
            writeln!(f, "pictures   shorter side to {resize} pixels ({filter}), then the middle")?;
        }
        let found = self.findings.iter().flat_map(|findings| said(findings));
        let lines = measured(meta).into_iter().chain(found).chain(summary(&self.layers));
        lines.into_iter().try_for_each(|line| writeln!(f, "{line}"))?;
        write!(f, "tensors")?;
        self.tensors.iter().try_for_each(|(name, shape)| write!(f, "\n  {name:<40} {shape:?}"))
    }
}

/// Names of classes, or how many there are where they would fill the screen.
fn classes(names: &[String]) -> String {
    const SHOWN: usize = 20;
    let listed = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len() {
        0 => "none".to_owned(),
        count if count > SHOWN => format!("{count}: {listed}, …"),
        _ => listed,
    }
}

impl Display for Several {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} runs", self.path.display(), self.runs.len())?;
        self.runs.iter().try_for_each(|part| write!(f, "\n\n{part}"))
    }
}

impl Display for Part {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { run, meta, findings } = self;
        write!(f, "{run}: {}, seed {}, {} steps", facts::stage(meta.stage), meta.seed, meta.steps)?;
        let found = findings.iter().flat_map(|findings| said(findings));
        measured(meta).into_iter().chain(found).try_for_each(|line| write!(f, "\n{line}"))
    }
}

/// The layers of the encoder, a line each.
fn summary(layers: &[Layer]) -> Vec<String> {
    let line = |[number, name, kind, output, parameters]: [&str; 5]| {
        format!("  {number:>2} {name:<20} {kind:<36} {output:<18} {parameters:>10}")
    };
    let row = |layer: &Layer| {
        let output: Vec<String> = layer.output.iter().map(usize::to_string).collect();
        let number = layer.number.map_or(String::new(), |number| number.to_string());
        let parameters = layer.parameters.to_string();
        line([&number, &layer.name, layer.kind, &output.join(" × "), &parameters])
    };
    let head = ["layers".into(), line(["", "name", "kind", "output", "parameters"])];
    head.into_iter().chain(layers.iter().map(row)).collect()
}

fn layers<S: Serializer>(layers: &[Layer], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(layers.iter().map(|Layer { name, kind, output, parameters, number }| {
        json!({
            "name": name,
            "kind": kind,
            "output": output,
            "parameters": parameters,
            "number": number,
        })
    }))
}

/// What the last and the best epoch's classifiers tell right.
fn measured(meta: &Meta) -> Vec<String> {
    let epochs = [("last", &meta.last), ("best", &meta.best)].into_iter();
    let line = |(which, metrics)| Some(format!("{which:<10} {}", accuracies(metrics)?));
    epochs.filter_map(line).collect()
}

/// What looks wrong with a run, by the metrics in its folder; nothing is known without them.
fn diagnose(run: &Path, meta: &Meta) -> Result<Option<Vec<Finding>>, Failure> {
    let history = record::read_history(run)?;
    let findings =
        |history: Vec<_>| diagnosis::findings(&history, &meta.recipe, meta.class_names.len());
    Ok(history.map(findings))
}

/// Findings a line each, or that there are none.
fn said(findings: &[Finding]) -> Vec<String> {
    if findings.is_empty() {
        return vec!["diagnosis  nothing looks wrong".into()];
    }
    findings.iter().map(|finding| format!("diagnosis  {}", finding.sentence())).collect()
}

/// The epoch and what its classifier is known to tell right; none where nothing is known.
fn accuracies(metrics: &Map<String, Value>) -> Option<String> {
    let share = |split: &str| {
        let accuracy = metrics.get(split)?.get("accuracy")?.as_f64()?;
        Some(format!("{} on {split} pictures", percent(accuracy)))
    };
    let shares: Vec<String> = ["validation", "test"].into_iter().filter_map(share).collect();
    (!shares.is_empty()).then_some(())?;
    Some(format!("epoch {}: {}", metrics.get("epoch")?, shares.join(", ")))
}
