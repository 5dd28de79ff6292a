//! `kith info`: what a checkpoint or a run is.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::folder;
use crate::material::open_checkpoint;
use crate::say::Say;
use crate::story::percent;

pub(super) fn run(of: &Path, say: &Say) -> Result<(), Failure> {
    let path = if of.is_dir() { of.join(folder::CHECKPOINT) } else { of.to_owned() };
    let (meta, archive) = open_checkpoint(&path)?;
    let parameters: usize = archive
        .tensors
        .iter()
        .filter(|(name, _)| name.starts_with("encoder."))
        .map(|(_, stored)| stored.values.len())
        .sum();
    let mut words = vec![
        format!(
            "{}: kith checkpoint, format {}, written by kith {}",
            path.display(),
            meta.format,
            meta.software
        ),
        format!("stage      {}", json!(meta.stage).as_str().unwrap_or_default()),
        format!("recipe     {}, seed {}, {} steps", meta.recipe.name, meta.seed, meta.steps),
        format!(
            "encoder    {:?}, {parameters} parameters, side {}",
            meta.recipe.encoder, meta.side
        ),
        format!(
            "data       {}: {} unlabelled, {} labelled, {} validation, {} test",
            meta.dataset.name,
            meta.dataset.unlabelled,
            meta.dataset.labelled,
            meta.dataset.validation,
            meta.dataset.test
        ),
        format!("classes    {}", meta.class_names.join(", ")),
    ];
    for (which, metrics) in [("last", &meta.last), ("best", &meta.best)] {
        words.extend(accuracies(metrics).map(|shares| format!("{which:<10} {shares}")));
    }
    words.push("tensors".into());
    for (name, stored) in &archive.tensors {
        words.push(format!("  {name:<32} {:?}", stored.shape));
    }
    let shapes: Map<String, Value> =
        archive.tensors.iter().map(|(name, stored)| (name.clone(), json!(stored.shape))).collect();
    say.result(&words.join("\n"), &json!({ "meta": meta, "tensors": shapes }));
    Ok(())
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
