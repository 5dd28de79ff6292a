//! `kith neighbours`: images beside those that the encoder finds most alike.

use std::fmt::{self, Display, Formatter};
use std::path::Path;

use serde::Serialize;

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

/// Images with their neighbours.
#[derive(Debug, Serialize)]
pub(super) struct Neighbours {
    sheet: String,
    queries: usize,
    k: usize,
}

impl Display for Neighbours {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} pictures, {} neighbours each: {}", self.queries, self.k, self.sheet)
    }
}

pub(super) fn run(
    checkpoint: &Path,
    Size { queries, k }: Size,
    out: &Path,
    data: &DataFlags,
    command: Command<'_>,
) -> Result<Neighbours, Failure> {
    let checkpoint = checkpoint::open(checkpoint)?;
    let dataset = open_for(data, &checkpoint.meta, command.console)?;
    let chosen = command.device()?;
    let encoder = checkpoint.encoder(&chosen.device)?;
    let bank = match dataset.labelled.is_empty() {
        true => dataset.filled("unlabelled")?,
        false => &dataset.labelled,
    };
    let asked = if dataset.test.is_empty() { bank } else { &dataset.test };
    let lookup = Lookup { queries: asked, bank, count: queries, k };
    let png = nearest_grid(&encoder, &lookup, chosen.seeded(command.shared.seed()))?;
    files::write(out, &png)?;
    Ok(Neighbours { sheet: lossy(out), queries: queries.min(asked.len()), k })
}
