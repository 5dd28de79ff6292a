//! `kith neighbours`: pictures beside those that the encoder finds most alike.

use std::path::Path;

use serde_json::json;

use crate::args::{DataFlags, Shared};
use crate::checkpoint;
use crate::dataset::open_for;
use crate::failure::Failure;
use crate::files;
use crate::output::{Console, lossy};
use crate::report::figures::nearest_grid;

pub(super) fn run(
    checkpoint: &Path,
    (queries, k): (usize, usize),
    out: &Path,
    (data, shared, console): (&DataFlags, &Shared, &Console),
) -> Result<(), Failure> {
    let (meta, archive) = checkpoint::open(checkpoint)?;
    let dataset = open_for(data, &meta, console)?;
    let chosen = super::device(shared, console)?;
    let encoder = meta.encoder(&archive, &chosen.device).map_err(Failure::of(checkpoint))?;
    let bank = match dataset.labelled.is_empty() {
        true => dataset.filled("unlabelled")?,
        false => &dataset.labelled,
    };
    let asked = if dataset.test.is_empty() { bank } else { &dataset.test };
    let png = nearest_grid(&encoder, (asked, bank), (queries, k, shared.seed), &chosen.device)?;
    files::write(out, &png)?;
    let words =
        format!("{} pictures, {k} neighbours each: {}", queries.min(asked.len()), out.display());
    console.result(
        &words,
        &json!({ "sheet": lossy(out), "queries": queries.min(asked.len()), "k": k }),
    );
    Ok(())
}
