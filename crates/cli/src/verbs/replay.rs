//! `kith replay`: runs a recorded run again, and says how far it agrees.

mod outcome;
mod page_gallery;
mod repeats;
mod terminal;
mod browser;

use std::path::Path;

use kith_core::replay::{Platform, RunRecord, compare};
use serde::Serialize;

use crate::args::ReplayFlags;
use crate::failure::Failure;
use crate::files::FileError;
use crate::output::Outcome;
use crate::run_link;
use crate::train::folder;
use crate::verbs::session::Command;
use outcome::Replayed;
pub(super) use repeats::loss_of;

/// What came of running again.
struct Here {
    first_losses: Vec<f32>,
    /// Losses of the first steps of runs that begin a rounding error away; none where nothing differs.
    repeats: Vec<Vec<f32>>,
    /// The record of the whole run; none where the first steps alone were run.
    whole: Option<RunRecord>,
    /// The folder of the run, where it has one.
    folder: Option<String>,
}

/// An address.
#[derive(Debug, Serialize)]
struct Link {
    link: String,
}

impl std::fmt::Display for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.link)
    }
}

pub(super) fn run(flags: &ReplayFlags, command: Command<'_>) -> Result<(), Failure> {
    let record = read(&flags.of)?;
    if let Some(page) = &flags.link {
        return print(&Link { link: format!("{page}{}", run_link::encode(&record)) }, command);
    }
    let here = match record.ran_in {
        Platform::Terminal => terminal::run(&record, flags, command)?,
        Platform::Browser => browser::run(&record, flags, command)?,
    };
    let agreement = compare(&record.first_losses, &here.first_losses, &here.repeats);
    let replayed = Replayed::new(&record, here, agreement);
    print(&replayed, command)?;
    replayed.verdict()
}

fn print(outcome: &dyn Outcome, command: Command<'_>) -> Result<(), Failure> {
    command.console.result(outcome);
    Ok(())
}

/// The record that a link, a file or a run's folder holds.
fn read(of: &str) -> Result<RunRecord, Failure> {
    let path = Path::new(of);
    if run_link::is_link(of) {
        return run_link::decode(of);
    }
    let path = if path.is_dir() { path.join(folder::REPLAY) } else { path.to_owned() };
    let text = match std::fs::read_to_string(&path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            let reason = format!(
                "expected a link with #learn?run= in it, a {} or the folder of a finished `kith pretrain`",
                folder::REPLAY
            );
            return Err(Failure::NoRun { path: of.into(), reason });
        }
        text => text.map_err(|e| FileError::new(&path, e))?,
    };
    match run_link::is_link(&text) {
        true => run_link::decode(&text),
        false => RunRecord::parse(&text).map_err(Failure::of(&path)),
    }
}
