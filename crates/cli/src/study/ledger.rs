//! The file in a study's folder that says which runs belong to it.

use std::collections::BTreeSet;
use std::io;

use serde::{Deserialize, Serialize};

use super::planned_run::{Entry, PlannedRun};
use crate::args::DataFlags;
use crate::failure::Failure;
use crate::files::FileError;
use crate::train::folder::Folder;

/// The list of a study's runs.
const LEDGER: &str = "study.json";

/// Many runs in one folder.
#[derive(Clone, Debug)]
pub(crate) struct Study {
    pub(crate) folder: Folder,
    pub(crate) runs: Vec<PlannedRun>,
    kind: &'static str,
}

/// The file's contents.
#[derive(Debug, Serialize, Deserialize)]
struct Ledger {
    /// The verb that began it.
    kind: String,
    runs: Vec<Entry>,
}

impl Ledger {
    /// That of a folder; none where there is none.
    fn read(folder: &Folder) -> Result<Option<Self>, Failure> {
        let path = folder.file(LEDGER);
        let text = match std::fs::read_to_string(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                let path = folder.path().to_owned();
                return if folder.is_run() { Err(Failure::RunExists { path }) } else { Ok(None) };
            }
            text => text.map_err(|e| FileError::new(&path, e))?,
        };
        let unreadable =
            |e: serde_json::Error| kith_core::Error::Metadata { reason: e.to_string() };
        serde_json::from_str(&text).map(Some).map_err(unreadable).map_err(Failure::of(&path))
    }
}

/// The refusal of a folder that holds another study: what differs, then and now.
fn other(folder: &Folder, [what, then, now]: [String; 3]) -> Failure {
    Failure::OtherStudy { path: folder.path().to_owned(), what, then, now }
}

impl Study {
    /// A study in a folder that holds none yet, or the same. Nothing is written, so that a study that
    /// cannot begin leaves nothing behind.
    ///
    /// # Errors
    /// [`Failure::RunExists`] when something else lies there, [`Failure::OtherStudy`] when it is a
    /// study of other runs.
    pub(crate) fn open(
        folder: Folder,
        kind: &'static str,
        runs: Vec<PlannedRun>,
    ) -> Result<Self, Failure> {
        let study = Self { folder, runs, kind };
        let Some(then) = Ledger::read(&study.folder)? else { return Ok(study) };
        match study.difference(then) {
            None => Ok(study),
            Some(difference) => Err(other(&study.folder, difference)),
        }
    }

    /// A study that may have begun with other runs: those stay, and these come after them. Nothing is
    /// written.
    ///
    /// # Errors
    /// As [`open`](Self::open), where a run is another than the one of its name in the folder, or its
    /// images are others than those of the runs there.
    pub(crate) fn extend(
        folder: Folder,
        kind: &'static str,
        runs: Vec<PlannedRun>,
    ) -> Result<Self, Failure> {
        let Some(then) = Ledger::read(&folder)? else { return Ok(Self { folder, runs, kind }) };
        if then.kind != kind {
            return Err(other(&folder, ["kind".to_owned(), then.kind, kind.to_owned()]));
        }
        let mut all = Vec::new();
        for entry in then.runs {
            let same = runs.iter().find(|run| run.name == entry.name);
            // Where the name is new, only the images can be held against those of another run.
            let Some(now) = same.or(runs.first()) else { break };
            let difference = match same {
                Some(now) => entry.difference(&now.entry()),
                None => entry.difference_of_data(&now.entry()),
            };
            if let Some(difference) = difference {
                return Err(other(&folder, difference));
            }
            let kept = entry.planned(&now.data).map_err(Failure::of(&folder.file(LEDGER)))?;
            all.push(same.cloned().unwrap_or(kept));
        }
        let known: BTreeSet<String> = all.iter().map(|run| run.name.clone()).collect();
        all.extend(runs.into_iter().filter(|run| !known.contains(&run.name)));
        Ok(Self { folder, runs: all, kind })
    }

    /// The study that a folder holds, whose images are looked for where `data` says; none where there
    /// is none.
    ///
    /// # Errors
    /// [`Failure::OtherStudy`] when it is one of another kind.
    pub(crate) fn reopen(
        folder: Folder,
        kind: &'static str,
        data: &DataFlags,
    ) -> Result<Option<Self>, Failure> {
        let Some(then) = Ledger::read(&folder)? else { return Ok(None) };
        if then.kind != kind {
            return Err(other(&folder, ["kind".to_owned(), then.kind, kind.to_owned()]));
        }
        let path = folder.file(LEDGER);
        let planned = |entry: Entry| entry.planned(data).map_err(Failure::of(&path));
        let runs = then.runs.into_iter().map(planned).collect::<Result<_, _>>()?;
        Ok(Some(Self { folder, runs, kind }))
    }

    /// Writes the list, before the first run.
    pub(crate) fn begin(&self) -> Result<(), FileError> {
        let runs = self.runs.iter().map(PlannedRun::entry).collect();
        let ledger = Ledger { kind: self.kind.to_owned(), runs };
        let text = serde_json::to_string_pretty(&ledger).expect("a list of runs is text");
        self.folder.write(LEDGER, format!("{text}\n").as_bytes())
    }

    /// The first thing in which a list differs from this one: what it is, then and now.
    fn difference(&self, then: Ledger) -> Option<[String; 3]> {
        if then.kind != self.kind {
            return Some(["kind".to_owned(), then.kind, self.kind.to_owned()]);
        }
        let [before, after] = [then.runs.len(), self.runs.len()];
        for (then, now) in then.runs.into_iter().zip(self.runs.iter().map(PlannedRun::entry)) {
            if (&then.name, then.seed) != (&now.name, now.seed) {
                return Some(["list of runs".to_owned(), then.name, now.name]);
            }
            if let Some(difference) = then.difference(&now) {
                return Some(difference);
            }
        }
        let counts = ["number of runs".to_owned(), before.to_string(), after.to_string()];
        (before != after).then_some(counts)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use kith_core::recipe::Recipe;

    use super::*;
    use crate::args::{Args, DataFlags, Verb};

    fn data(words: &[&str]) -> DataFlags {
        match Args::parse_from([&["kith", "pretrain"][..], words].concat()).verb {
            Verb::Pretrain { flags, .. } => flags.data,
            other => panic!("pretrain, not {other:?}"),
        }
    }

    fn planned(name: &str, change: &str) -> PlannedRun {
        let text = Recipe::built_in_text("quick").unwrap();
        let recipe = Recipe::parse(text, &[change.to_owned()]).unwrap();
        PlannedRun { name: name.to_owned(), recipe, data: data(&[]), seed: 1 }
    }

    #[test]
    fn the_same_list_goes_on_and_another_is_refused_with_what_differs() {
        let temporary = tempfile::tempdir().unwrap();
        let open = |runs: &[PlannedRun], kind| {
            Study::open(Folder::at(temporary.path()), kind, runs.to_vec())
        };
        let runs = [planned("a", "objective.temperature=0.2"), planned("b", "objective.queue=256")];
        open(&runs, "sweep").unwrap().begin().unwrap();
        assert!(open(&runs, "sweep").is_ok());
        let refused = |runs: &[PlannedRun], kind, said: [&str; 3]| {
            let error = open(runs, kind).expect_err("another study");
            assert_eq!(error.code(), "OTHER_STUDY");
            let text = error.to_string();
            said.iter().for_each(|words| assert!(text.contains(words), "{words} in {text}"));
        };
        refused(&runs, "benchmark", ["kind", "sweep", "benchmark"]);
        refused(&runs[..1], "sweep", ["number of runs", "2", "1"]);
        let changed = [planned("a", "objective.temperature=0.3"), runs[1].clone()];
        refused(&changed, "sweep", ["recipe of a", "0.2", "0.3"]);
        let renamed = [planned("c", "objective.temperature=0.2"), runs[1].clone()];
        refused(&renamed, "sweep", ["list of runs", "a", "c"]);
        let smaller = [PlannedRun { data: data(&["--labelled", "90"]), ..runs[0].clone() }];
        refused(&smaller, "sweep", ["data", "gallery", "--labelled 90"]);
    }

    #[test]
    fn a_study_may_be_extended_by_runs_on_the_same_images_alone() {
        let temporary = tempfile::tempdir().unwrap();
        let open = |runs: &[PlannedRun], kind| {
            Study::extend(Folder::at(temporary.path()), kind, runs.to_vec())
        };
        let names = |study: &Study| {
            study.runs.iter().map(|run| run.name.clone()).collect::<Vec<_>>().join(" ")
        };
        let [a, b] = [planned("a", "objective.queue=128"), planned("b", "objective.queue=256")];
        open(std::slice::from_ref(&a), "benchmark").unwrap().begin().unwrap();
        let both = open(std::slice::from_ref(&b), "benchmark").expect("another run joins it");
        assert_eq!(names(&both), "a b");
        assert_eq!(both.runs[0].recipe, a.recipe, "read again");
        both.begin().unwrap();
        let c = planned("c", "objective.queue=512");
        assert_eq!(names(&open(&[c, b.clone()], "benchmark").unwrap()), "a b c");
        let refused = |run: PlannedRun, kind, said: [&str; 3]| {
            let error = open(&[run], kind).expect_err("it is another");
            assert_eq!(error.code(), "OTHER_STUDY");
            let text = error.to_string();
            said.iter().for_each(|words| assert!(text.contains(words), "{words} in {text}"));
        };
        refused(a, "sweep", ["kind", "benchmark", "sweep"]);
        refused(planned("b", "objective.queue=640"), "benchmark", ["recipe of b", "256", "640"]);
        let smaller =
            PlannedRun { data: data(&["--labelled", "90"]), ..planned("d", "name=\"x\"") };
        refused(smaller, "benchmark", ["data", "gallery", "--labelled 90"]);
    }

    #[test]
    fn a_folder_with_a_run_in_it_is_taken() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::at(temporary.path());
        folder.begin(&planned("a", "name=\"x\"").recipe).unwrap();
        let error = Study::open(folder, "sweep", vec![]).expect_err("taken");
        assert_eq!(error.code(), "RUN_EXISTS");
    }
}
