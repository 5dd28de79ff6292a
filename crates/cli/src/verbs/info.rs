//! `kith info`: what a checkpoint or a run is.

use std::path::Path;

use serde_json::{Value, json};

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
        let accuracy =
            metrics.get("test").and_then(|test| test.get("accuracy")).and_then(Value::as_f64);
        if let (Some(accuracy), Some(epoch)) = (accuracy, metrics.get("epoch")) {
            words
                .push(format!("{which:<10} epoch {epoch}: {} on test pictures", percent(accuracy)));
        }
    }
    words.push("tensors".into());
    for (name, stored) in &archive.tensors {
        words.push(format!("  {name:<32} {:?}", stored.shape));
    }
    let shapes: serde_json::Map<String, Value> =
        archive.tensors.iter().map(|(name, stored)| (name.clone(), json!(stored.shape))).collect();
    say.result(&words.join("\n"), &json!({ "meta": meta, "tensors": shapes }));
    Ok(())
}
