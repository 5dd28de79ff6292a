//! `kith info`: what a checkpoint or a run is.

use std::io;
use std::path::{Path, PathBuf};

use kith_core::checkpoint::{Layer, Meta};
use serde_json::{Map, Value, json};

use crate::checkpoint;
use crate::failure::Failure;
use crate::files::FileError;
use crate::format::percent;
use crate::output::Console;
use crate::report::diagnosis::{self, Finding};
use crate::train::folder;
use crate::train::record::Record;

pub(super) fn run(of: &Path, console: &Console) -> Result<(), Failure> {
    if !of.is_dir() || of.join(folder::CHECKPOINT).exists() {
        return whole(of, console);
    }
    match folder::runs_in(of)?.as_slice() {
        [] => Err(Failure::NoCheckpoint { path: of.to_owned(), expected: folder::CHECKPOINT }),
        runs => several(of, runs, console),
    }
}

/// A checkpoint, or a run with one: everything that is known of it.
fn whole(of: &Path, console: &Console) -> Result<(), Failure> {
    let path = if of.is_dir() { of.join(folder::CHECKPOINT) } else { of.to_owned() };
    let (meta, archive) = checkpoint::open(&path)?;
    let findings = if of.is_dir() { diagnose(of, &meta)? } else { None };
    let parameters = archive.parameters("encoder.");
    let encoder = described(&json!(meta.recipe.encoder));
    let mut words = vec![
        format!(
            "{}: kith checkpoint, format {}, written by kith {}",
            path.display(),
            meta.format,
            meta.software
        ),
        format!("stage      {}", stage(&meta)),
        format!("recipe     {}, seed {}, {} steps", meta.recipe.name, meta.seed, meta.steps),
        format!("encoder    {encoder}; {parameters} parameters, side {}", meta.side),
        format!(
            "data       {}: {} unlabelled, {} labelled, {} validation, {} test",
            meta.dataset.name,
            meta.dataset.unlabelled,
            meta.dataset.labelled,
            meta.dataset.validation,
            meta.dataset.test
        ),
        match meta.class_names.as_slice() {
            [] => "classes    none".into(),
            names => format!("classes    {}", names.join(", ")),
        },
    ];
    words.extend(measured(&meta));
    words.extend(findings.iter().flat_map(|findings| said(findings)));
    let layers = meta.layers(&archive);
    words.extend(summary(&layers));
    words.push("tensors".into());
    let shapes: Vec<(&str, &[usize])> =
        archive.names().filter_map(|name| Some((name, archive.shape(name)?))).collect();
    words.extend(shapes.iter().map(|(name, shape)| format!("  {name:<40} {shape:?}")));
    let shapes: Map<String, Value> =
        shapes.iter().map(|(name, shape)| ((*name).to_owned(), json!(shape))).collect();
    let findings = findings.as_deref().map(diagnosis::to_json);
    let layers: Vec<Value> = layers.iter().map(as_json).collect();
    let object = json!({ "meta": meta, "findings": findings, "layers": layers, "tensors": shapes });
    console.result(&words.join("\n"), &object);
    Ok(())
}

/// The layers of the encoder, a line each.
fn summary(layers: &[Layer]) -> Vec<String> {
    let line = |name: &str, kind: &str, output: &str, parameters: &str| {
        format!("  {name:<20} {kind:<36} {output:<18} {parameters:>10}")
    };
    let row = |layer: &Layer| {
        let output: Vec<String> = layer.output.iter().map(usize::to_string).collect();
        line(&layer.name, layer.kind, &output.join(" × "), &layer.parameters.to_string())
    };
    let head = ["layers".into(), line("name", "kind", "output", "parameters")];
    head.into_iter().chain(layers.iter().map(row)).collect()
}

fn as_json(layer: &Layer) -> Value {
    let Layer { name, kind, output, parameters } = layer;
    json!({ "name": name, "kind": kind, "output": output, "parameters": parameters })
}

/// The runs of a study: how far each came, and what looks wrong with it.
fn several(of: &Path, runs: &[PathBuf], console: &Console) -> Result<(), Failure> {
    let mut words = vec![format!("{}: {} runs", of.display(), runs.len())];
    let mut objects = Vec::new();
    for run in runs {
        let (meta, _archive) = checkpoint::open(&run.join(folder::CHECKPOINT))?;
        let findings = diagnose(run, &meta)?;
        let name = run.strip_prefix(of).unwrap_or(run).display().to_string();
        words.push(String::new());
        words.push(format!("{name}: {}, seed {}, {} steps", stage(&meta), meta.seed, meta.steps));
        words.extend(measured(&meta));
        words.extend(findings.iter().flat_map(|findings| said(findings)));
        let findings = findings.as_deref().map(diagnosis::to_json);
        objects.push(json!({ "run": name, "meta": meta, "findings": findings }));
    }
    console.result(&words.join("\n"), &json!({ "runs": objects }));
    Ok(())
}

fn stage(meta: &Meta) -> String {
    json!(meta.stage).as_str().unwrap_or_default().replace('_', "-")
}

/// What the last and the best epoch's classifiers tell right.
fn measured(meta: &Meta) -> Vec<String> {
    let epochs = [("last", &meta.last), ("best", &meta.best)].into_iter();
    let line = |(which, metrics)| Some(format!("{which:<10} {}", accuracies(metrics)?));
    epochs.filter_map(line).collect()
}

/// The kind of an encoder and its settings in words.
fn described(settings: &Value) -> String {
    let Some(settings) = settings.as_object() else { return String::new() };
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let kind = settings.get("kind").map(word).unwrap_or_default();
    let others = settings.iter().filter(|(name, _)| *name != "kind");
    let others =
        others.map(|(name, value)| format!(", {} {}", name.replace('_', " "), word(value)));
    kind + &others.collect::<String>()
}

/// What looks wrong with a run, by the metrics in its folder; nothing is known without them.
fn diagnose(run: &Path, meta: &Meta) -> Result<Option<Vec<Finding>>, Failure> {
    let path = run.join(folder::METRICS);
    let text = match std::fs::read_to_string(&path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        text => text.map_err(|e| FileError::new(&path, e))?,
    };
    let unreadable = |e: serde_json::Error| kith_core::Error::Metadata { reason: e.to_string() };
    let history = text.lines().map(serde_json::from_str).collect::<Result<Vec<Record>, _>>();
    let history = history.map_err(unreadable).map_err(Failure::of(&path))?;
    Ok(Some(diagnosis::findings(&history, &meta.recipe, meta.class_names.len())))
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
