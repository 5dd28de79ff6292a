//! `kith evaluate`: what frozen features are worth.

mod compare;
mod few_label;

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::args::{DataFlags, EvaluateFlags, RunFlags, Shared};
use crate::failure::Failure;
use crate::folder;
use crate::material::{Material, open_checkpoint, open_for};
use crate::offline;
use crate::say::Say;
use crate::story::percent;

pub(super) fn run(
    of: Option<&Path>,
    how: &EvaluateFlags,
    (data, run): (&DataFlags, &RunFlags),
    (shared, say): (&Shared, &Say),
) -> Result<(), Failure> {
    match of {
        None => compare::run(&how.compare, data, (shared, say)),
        Some(of) if how.few_label.is_empty() => frozen(of, data, shared, say),
        Some(of) => few_label::run(of, how, (data, run), (shared, say)),
    }
}

/// Linear probe and neighbours with all labels, last and best.
fn frozen(of: &Path, data: &DataFlags, shared: &Shared, say: &Say) -> Result<(), Failure> {
    let paths: Vec<PathBuf> = match of.is_dir() {
        true => [folder::CHECKPOINT, folder::BEST].map(|name| of.join(name)).to_vec(),
        false => vec![of.to_owned()],
    };
    let chosen = super::device(shared, say)?;
    let (mut words, mut object) = (String::new(), Map::new());
    for path in paths {
        let (meta, archive) = open_checkpoint(&path)?;
        let dataset = open_for(data, &meta, say)?;
        let material = Material::new(data, &meta.recipe, dataset, meta.seed);
        let encoder = meta.encoder(&archive, &chosen.device).map_err(Failure::of(&path))?;
        let Some(scores) = offline::evaluate(&encoder, &material, &chosen.device)? else {
            return Err(Failure::NoLabels { what: "evaluation" });
        };
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        words += &format!(
            "{name:<12} linear {}  kNN (200, 0.1) {}  kNN (20, 0.07) {}\n",
            percent(scores.linear),
            percent(scores.wide),
            percent(scores.narrow)
        );
        object.insert(name, scores.to_json());
    }
    say.result(words.trim_end(), &Value::Object(object));
    Ok(())
}
