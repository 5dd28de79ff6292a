//! `kith evaluate`: what frozen features are worth.

mod compare;
mod few_label;

use std::path::{Path, PathBuf};

use kith_core::checkpoint::Meta;
use kith_core::encoder::Encoder;
use serde_json::{Map, Value, json};

use crate::args::{DataFlags, EvaluateFlags, RunFlags, Shared};
use crate::device::Chosen;
use crate::failure::Failure;
use crate::folder::{self, Folder};
use crate::material::{Material, open_checkpoint, open_for};
use crate::minibatch;
use crate::offline::{self, Scores};
use crate::plane;
use crate::report::{Report, Table};
use crate::retrieval;
use crate::say::{Say, lossy};
use crate::story::{self, percent};

pub(super) fn run(
    of: Option<&Path>,
    how: &EvaluateFlags,
    (data, run): (&DataFlags, &RunFlags),
    (shared, say): (&Shared, &Say),
) -> Result<(), Failure> {
    match of {
        None => compare::run(&how.compare, data, (shared, say)),
        Some(of) if how.few_label.is_empty() => frozen(of, (data, run), (shared, say)),
        Some(of) => few_label::run(of, how, (data, run), (shared, say)),
    }
}

/// What a checkpoint's features are worth.
struct Found {
    name: String,
    scores: Scores,
    /// Linear evaluation in small batches, where the recipe asks for it.
    minibatch: Option<f64>,
}

/// Linear probe and neighbours with all labels, last and best; with a folder to write to, a report.
fn frozen(
    of: &Path,
    (data, run): (&DataFlags, &RunFlags),
    (shared, say): (&Shared, &Say),
) -> Result<(), Failure> {
    let paths: Vec<PathBuf> = match of.is_dir() {
        true => [folder::CHECKPOINT, folder::BEST].map(|name| of.join(name)).to_vec(),
        false => vec![of.to_owned()],
    };
    let folder = run.run.as_ref().map(|_| Folder::choose(run, "")).transpose()?;
    let chosen = super::device(shared, say)?;
    let mut all = Vec::new();
    let mut page = None;
    for path in paths {
        let (meta, archive) = open_checkpoint(&path)?;
        say.note(&format!("evaluating {}", path.display()));
        let dataset = open_for(data, &meta, say)?;
        dataset.filled("test")?;
        let material = Material::new(data, &meta.recipe, dataset, meta.seed);
        let encoder = meta.encoder(&archive, &chosen.device).map_err(Failure::of(&path))?;
        let Some(scores) = offline::evaluate(&encoder, &material, &chosen.device)? else {
            return Err(Failure::unjudged("evaluation", &material.labelled, &material.test));
        };
        let of = (&meta.recipe, &material);
        let minibatch = minibatch::accuracy(&encoder, of, meta.seed, &chosen.device)?;
        if folder.is_some() && page.is_none() {
            page = Some((report(&meta, (&material, &encoder), &scores, &chosen)?, meta.recipe));
        }
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        all.push(Found { name, scores, minibatch });
    }
    if let (Some(folder), Some((report, recipe))) = (&folder, page) {
        folder.begin(&recipe)?;
        folder.write(folder::REPORT, &story::page(&Report { tables: tables(&all), ..report }))?;
    }
    tell(&all, folder.as_ref(), say);
    Ok(())
}

fn tables(all: &[Found]) -> Vec<Table> {
    let rows: Vec<(&str, &Scores)> =
        all.iter().map(|found| (found.name.as_str(), &found.scores)).collect();
    let found: Vec<_> = rows.iter().map(|(name, s)| (*name, s.retrieval)).collect();
    [story::frozen_table(&rows)].into_iter().chain(retrieval::table(&found)).collect()
}

/// All but the tables, of the first checkpoint.
fn report(
    meta: &Meta,
    (material, encoder): (&Material, &Encoder),
    scores: &Scores,
    chosen: &Chosen,
) -> Result<Report, Failure> {
    let seen = (meta.seed, &chosen.device);
    Ok(Report {
        title: format!("{} on {}", meta.recipe.name, material.name),
        subtitle: "What frozen features are worth".into(),
        facts: story::facts(material, &meta.seed.to_string(), &chosen.why),
        sheets: story::sheets(&meta.recipe, material, encoder, seen)?,
        maps: plane::of(material, encoder, seen)?.into_iter().collect(),
        confusion: Some(story::confusion(material, scores)),
        settings_toml: meta.recipe.to_toml(),
        ..Report::default()
    })
}

fn tell(all: &[Found], folder: Option<&Folder>, say: &Say) {
    let (mut words, mut objects) = (Vec::new(), Map::new());
    for Found { name, scores, minibatch } in all {
        words.push(format!(
            "{name:<12} linear {}  kNN (200, 0.1) {}  kNN (20, 0.07) {}",
            percent(scores.linear),
            percent(scores.wide),
            percent(scores.narrow)
        ));
        words.extend(scores.retrieval.words().map(|found| format!("{:<12} {found}", "")));
        let mut object = scores.to_json();
        if let Some(small) = minibatch {
            words.push(format!("{:<12} linear {} in small batches", "", percent(*small)));
            object["linear_minibatch"] = json!(small);
        }
        objects.insert(name.clone(), object);
    }
    if let Some(folder) = folder {
        words.push(format!("report: {}", folder.file(folder::REPORT).display()));
        objects.insert("report".into(), json!(lossy(&folder.file(folder::REPORT))));
    }
    say.result(&words.join("\n"), &Value::Object(objects));
}
