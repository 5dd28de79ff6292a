//! A run's folder, read for a comparison.

use std::fs;
use std::path::{Component, Path, PathBuf};

use kith_core::checkpoint::Meta;
use kith_core::metrics::Metric;

use crate::checkpoint;
use crate::failure::Failure;
use crate::files::FileError;
use crate::output::lossy;
use crate::report::curves::Part;
use crate::study::RunResults;
use crate::train::folder::{self, runs_in};
use crate::train::measure::metrics_of;
use crate::train::record::{self, Record};

/// Runs that an error names of a folder that holds several.
const NAMED: usize = 3;

/// What a run's folder says.
pub(super) struct FinishedRun {
    /// As short as tells it from the others.
    pub(super) name: String,
    pub(super) folder: PathBuf,
    pub(super) meta: Meta,
    pub(super) history: Vec<Record>,
    pub(super) metrics: Vec<Metric>,
    /// Where the run was evaluated at its end.
    pub(super) results: Option<RunResults>,
}

impl FinishedRun {
    /// The run as curves take it.
    pub(super) fn part(&self) -> Part<'_> {
        Part { name: &self.name, history: &self.history, metrics: &self.metrics }
    }
}

/// The runs of at least two folders, no folder twice.
pub(super) fn open_all(folders: &[PathBuf]) -> Result<Vec<FinishedRun>, Failure> {
    if let [only] = folders {
        let expected = "folders of at least two runs";
        return Err(kith_core::Error::setting("RUN", expected, only.display()).into());
    }
    let mut places: Vec<PathBuf> = Vec::new();
    for folder in folders {
        is_run(folder)?;
        let place = fs::canonicalize(folder).map_err(|e| FileError::new(folder, e))?;
        if places.contains(&place) {
            let got = format!("{} twice", folder.display());
            return Err(kith_core::Error::setting("RUN", "each run once", got).into());
        }
        places.push(place);
    }
    let names = names(&places);
    folders.iter().zip(names).map(|(folder, name)| open(folder, name)).collect()
}

/// Refuses what is no folder of one run with metrics.
fn is_run(path: &Path) -> Result<(), Failure> {
    let no_run = |reason: String| Err(Failure::NoRun { path: path.to_owned(), reason });
    if !path.exists() {
        return no_run("there is nothing of that name".into());
    }
    if !path.is_dir() {
        return no_run(
            "expected a run's folder, got a file (kith evaluate --compare compares checkpoints)"
                .into(),
        );
    }
    for name in [folder::CHECKPOINT, folder::METRICS] {
        if path.join(name).exists() {
            continue;
        }
        let below: Vec<String> =
            runs_in(path)?.iter().filter(|run| *run != path).map(|run| lossy(run)).collect();
        return no_run(match below.len() {
            0 => format!("it has no {name}, which the first epoch writes"),
            count => {
                let some = below[..count.min(NAMED)].join(", ");
                format!("it holds {count} runs below it, name those to compare: {some}")
            }
        });
    }
    Ok(())
}

fn open(path: &Path, name: String) -> Result<FinishedRun, Failure> {
    let meta = checkpoint::open(&path.join(folder::CHECKPOINT))?.meta;
    let history = record::read_history(path)?.unwrap_or_default();
    if history.is_empty() {
        let reason = format!("its {} has no epoch yet", folder::METRICS);
        return Err(Failure::NoRun { path: path.to_owned(), reason });
    }
    let metrics = metrics_of(meta.stage, &meta.recipe);
    let results = RunResults::read(path)?;
    Ok(FinishedRun { name, folder: path.to_owned(), meta, history, metrics, results })
}

/// The last parts of each path, as many as tell all paths apart.
fn names(places: &[PathBuf]) -> Vec<String> {
    let parts = |place: &PathBuf| -> Vec<String> {
        let named = place.components().filter(|part| matches!(part, Component::Normal(_)));
        named.map(|part| lossy(Path::new(part.as_os_str()))).collect()
    };
    let all: Vec<Vec<String>> = places.iter().map(parts).collect();
    let most = all.iter().map(Vec::len).max().unwrap_or_default();
    let name =
        |parts: &Vec<String>, count: usize| parts[parts.len().saturating_sub(count)..].join("/");
    let named = |count| all.iter().map(|parts| name(parts, count)).collect::<Vec<_>>();
    let differ = |names: &Vec<String>| {
        names.iter().enumerate().all(|(place, name)| !names[..place].contains(name))
    };
    (1..=most).map(named).find(differ).unwrap_or_else(|| named(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_short_as_tells_runs_apart() {
        let of = |paths: &[&str]| names(&paths.iter().map(PathBuf::from).collect::<Vec<_>>());
        assert_eq!(of(&["/r/a", "/r/b"]), ["a", "b"]);
        assert_eq!(of(&["/r/a/run", "/r/b/run", "/r/c"]), ["a/run", "b/run", "r/c"]);
        assert_eq!(of(&["/run", "/a/run"]), ["run", "a/run"]);
    }
}
