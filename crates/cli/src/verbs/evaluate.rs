//! `kith evaluate`: what frozen features are worth.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::args::{DataFlags, Shared};
use crate::failure::Failure;
use crate::folder;
use crate::material::{Material, open_checkpoint, open_for};
use crate::minibatch;
use crate::offline;
use crate::say::Say;
use crate::story::percent;

pub(super) fn run(of: &Path, data: &DataFlags, shared: &Shared, say: &Say) -> Result<(), Failure> {
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
        let mut found = scores.to_json();
        let of = (&meta.recipe, &material);
        if let Some(small) = minibatch::accuracy(&encoder, of, meta.seed, &chosen.device)? {
            words += &format!("{:<12} linear {} in small batches\n", "", percent(small));
            found["linear_minibatch"] = small.into();
        }
        object.insert(name, found);
    }
    say.result(words.trim_end(), &Value::Object(object));
    Ok(())
}
