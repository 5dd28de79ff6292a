//! What verbs that train leave, told alike.

use std::fmt::{self, Display, Formatter};

use serde::Serialize;

use crate::failure::Failure;
use crate::output::{Outcome, lossy};
use crate::report::diagnosis::{self, Finding, Located};
use crate::report::facts;
use crate::report::seeds::{Comparison, Difference};
use crate::train::context::RunContext;
use crate::train::folder::{self, Folder};
use crate::train::record::{Record, best};
use crate::train::train_loop::Trained;
use crate::verbs::session::Session;

/// Where a run is, and what to read there.
#[derive(Debug, Serialize)]
pub(super) struct Place {
    run: String,
    report: String,
}

impl Place {
    pub(super) fn of(folder: &Folder) -> Self {
        Self { run: lossy(folder.path()), report: lossy(&folder.file(folder::REPORT)) }
    }
}

impl Display for Place {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "report: {}", self.report)
    }
}

/// One run.
#[derive(Debug, Serialize)]
pub(super) struct Finished {
    #[serde(flatten)]
    place: Place,
    checkpoint: String,
    best: String,
    last_epoch: Option<Record>,
    best_epoch: Option<Record>,
    pub(super) findings: Vec<Finding>,
}

impl Finished {
    pub(super) fn of(context: &RunContext<'_>, trained: &Trained) -> Self {
        let RunContext { recipe, splits, folder, .. } = *context;
        Self {
            place: Place::of(folder),
            checkpoint: lossy(&folder.file(folder::CHECKPOINT)),
            best: lossy(&folder.file(folder::BEST)),
            last_epoch: trained.history.last().cloned(),
            best_epoch: best(&trained.history).cloned(),
            findings: diagnosis::findings(&trained.history, recipe, splits.classes()),
        }
    }

    /// Test accuracy of the run's own classifier.
    pub(super) fn accuracy(&self) -> Option<String> {
        facts::last_and_best(self.last_epoch.as_ref()?, self.best_epoch.as_ref()?)
    }

    /// What looks wrong, a line each.
    pub(super) fn tell_findings(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.findings.iter().try_for_each(|finding| writeln!(f, "{}", finding.sentence()))
    }

    /// What to open next.
    pub(super) fn tell_files(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "checkpoint: {}\nreport:     {}", self.checkpoint, self.place.report)
    }
}

/// Methods over some seeds.
#[derive(Debug, Serialize)]
pub(super) struct Compared {
    #[serde(flatten)]
    place: Place,
    recipe: String,
    data: String,
    seeds: Vec<u64>,
    #[serde(rename = "accuracies")]
    comparison: Comparison,
    differences: Vec<Difference>,
    findings: Vec<Located>,
}

impl Compared {
    pub(super) fn of(
        session: &Session<'_>,
        seeds: Vec<u64>,
        comparison: Comparison,
        findings: Vec<Located>,
    ) -> Self {
        Self {
            place: Place::of(&session.folder),
            recipe: session.recipe.name.clone(),
            data: session.data.data.to_string(),
            seeds,
            differences: comparison.differences(),
            comparison,
            findings,
        }
    }
}

impl Display for Compared {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.comparison, self.place)
    }
}

/// Keeps what came of a command in its folder, as scripts get it.
pub(super) fn keep(outcome: &dyn Outcome, folder: &Folder) -> Result<(), Failure> {
    Ok(folder.write(folder::RESULTS, format!("{:#}\n", outcome.object()).as_bytes())?)
}
