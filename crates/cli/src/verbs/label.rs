//! `kith label`: the page's panel Label, for the images of a folder of this machine.

mod desk;
mod routes;
mod simulation;

use std::fmt::{self, Display, Formatter};
use std::path::Path;

use kith_data::{Folders, LabelTable};
use serde::Serialize;

use super::serve::{self, Access, Server};
use crate::args::LabelFlags;
use crate::checkpoint;
use crate::failure::Failure;
use crate::output::{Console, lossy};
use crate::verbs::session::Command;
use desk::Desk;

/// A server that listens, and does not answer yet.
#[derive(Serialize)]
struct Labelling {
    #[serde(flatten)]
    server: Server,
    images: usize,
    labelled: usize,
    labels: String,
    /// What was passed over, and lines of the table that name no image.
    notes: Vec<String>,
}

impl Display for Labelling {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { server, images, labelled, labels, .. } = self;
        writeln!(f, "{images} images, {labelled} labelled; labels: {labels}")?;
        server.fmt(f)
    }
}

/// Serves a folder to be labelled until it is stopped, or compares rules.
pub(super) fn run(flags: &LabelFlags, command: Command<'_>) -> Result<(), Failure> {
    let Command { console, .. } = command;
    match &flags.folder {
        Some(folder) => {
            let labelling = open(folder, flags, console)?;
            console.result(&labelling);
            labelling.server.answer()
        }
        None => {
            console.result(&simulation::run(flags, command)?);
            Ok(())
        }
    }
}

/// Listens to the browser of this machine alone.
fn open(path: &Path, flags: &LabelFlags, console: &Console) -> Result<Labelling, Failure> {
    let folders = if flags.ignore_folders { Folders::Nothing } else { Folders::Classes };
    let table = LabelTable::open(path, flags.labels.as_deref(), folders)?;
    let notes = table.notes().to_vec();
    notes.iter().for_each(|note| console.note(note));
    let images = table.len();
    let labelled = table.images().filter(|(_, known)| known.label.is_some()).count();
    let labels = lossy(table.table());
    // What cannot be opened is told here, not on the page.
    let checkpoint = flags.checkpoint.as_deref().map(checkpoint::open).transpose()?;
    let network = checkpoint.map(|checkpoint| checkpoint.path);
    let routes = routes::of(Desk::new(table)?, network.as_deref())?;
    let access = Access::Writes(routes::IMAGES);
    let place = "#label?source=folder";
    let server = serve::listen(routes, flags.page.clone(), flags.port, (place, access))?;
    Ok(Labelling { server, images, labelled, labels, notes })
}
