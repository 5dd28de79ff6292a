//! `kith neighbours`: pictures beside those that the encoder finds most alike.

use std::path::Path;

use serde_json::json;

use crate::args::DataFlags;
use crate::checkpoint;
use crate::dataset::open_for;
use crate::failure::Failure;
use crate::files;
use crate::output::lossy;
use crate::report::figures::{Lookup, nearest_grid};
use crate::verbs::session::Command;

/// How many images are looked up, and neighbours of each.
pub(super) struct Size {
    pub(super) queries: usize,
    pub(super) k: usize,
}

pub(super) fn run(
    checkpoint: &Path,
    Size { queries, k }: Size,
    out: &Path,
    data: &DataFlags,
    command: Command<'_>,
) -> Result<(), Failure> {
    let (meta, archive) = checkpoint::open(checkpoint)?;
    let dataset = open_for(data, &meta, command.console)?;
    let chosen = command.device()?;
    let encoder = meta.encoder(&archive, &chosen.device).map_err(Failure::of(checkpoint))?;
    let bank = match dataset.labelled.is_empty() {
        true => dataset.filled("unlabelled")?,
        false => &dataset.labelled,
    };
    let asked = if dataset.test.is_empty() { bank } else { &dataset.test };
    let lookup = Lookup { queries: asked, bank, count: queries, k };
    let png = nearest_grid(&encoder, &lookup, chosen.seeded(command.shared.seed))?;
    files::write(out, &png)?;
    let words =
        format!("{} pictures, {k} neighbours each: {}", queries.min(asked.len()), out.display());
    command.console.result(
        &words,
        &json!({ "sheet": lossy(out), "queries": queries.min(asked.len()), "k": k }),
    );
    Ok(())
}
