//! Doing a study's runs one by one, with a line of each.

use std::time::Instant;

use kith_core::Error;

use super::ledger::Study;
use super::planned_run::PlannedRun;
use super::results::RunResults;
use crate::command_line;
use crate::failure::Failure;
use crate::files;
use crate::format::percent;
use crate::interrupt::stopped;
use crate::output::Console;
use crate::progress::Cells;
use crate::train::folder::{self, Folder};

/// Why a run has no results and will never have any.
const DIVERGED: &str = "diverged.txt";

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ended {
    Finished(Box<RunResults>),
    /// Its numbers left the range of numbers: it would do so again.
    Diverged,
}

impl Ended {
    /// How a run stands, in files and tables; none has not ended, yet.
    pub(crate) fn status(ended: Option<&Self>) -> &'static str {
        match ended {
            Some(Self::Finished(_)) => "finished",
            Some(Self::Diverged) => "diverged",
            None => "missing",
        }
    }

    /// In a line of progress.
    fn words(&self) -> String {
        let Self::Finished(results) = self else { return "diverged".to_owned() };
        if let Some(summary) = &results.summary {
            return summary.clone();
        }
        let validation = results.last_epoch.as_ref().and_then(|record| record.validation);
        let frozen = results.frozen.map(|frozen| frozen.last);
        let shares = [
            ("validation", validation.map(|score| score.accuracy)),
            ("linear", frozen.map(|accuracies| accuracies.linear)),
            ("kNN", frozen.map(|accuracies| accuracies.knn)),
        ];
        let known = shares.iter().filter_map(|(name, share)| Some((name, (*share)?)));
        let words: Vec<String> =
            known.map(|(name, share)| format!("{name} {}", percent(share))).collect();
        if words.is_empty() { "finished".to_owned() } else { words.join("  ") }
    }
}

impl Study {
    /// Where a run of the study lies.
    pub(crate) fn folder_of(&self, run: &PlannedRun) -> Folder {
        self.folder.part(&run.name)
    }

    /// How a run ended; none where it has not, yet.
    pub(crate) fn ended(&self, run: &PlannedRun) -> Result<Option<Ended>, Failure> {
        let folder = self.folder_of(run);
        if let Some(results) = RunResults::read(folder.path())? {
            return Ok(Some(Ended::Finished(Box::new(results))));
        }
        Ok(folder.file(DIVERGED).exists().then_some(Ended::Diverged))
    }

    /// Does what has not ended, in the order of the list. `run` begins a run in its folder, or goes
    /// on with it, and leaves its results there.
    ///
    /// A run that diverges is noted in its folder and counts as done.
    ///
    /// # Errors
    /// [`Failure::Stopped`] when the user wants to stop, [`Failure::Part`] when a run fails otherwise.
    pub(crate) fn execute(
        &self,
        console: &Console,
        mut run: impl FnMut(&PlannedRun, Folder) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let total = self.runs.len();
        let bar = Cells::named("running", console.show(), total as u64);
        let mut done = 0;
        for (place, planned) in self.runs.iter().enumerate() {
            let name = &planned.name;
            let tell = |words: &str| {
                let line = format!("{} of {total}  {name}: {words}", place + 1);
                bar.above(|| console.note(&line));
            };
            if let Some(ended) = self.ended(planned)? {
                tell(&format!("{} (before)", ended.words()));
                continue;
            }
            bar.tick(place as u64, name);
            let began = Instant::now();
            let result =
                if stopped() { Err(self.stopped(done)) } else { self.one(planned, &mut run) };
            if let Err(failure) = result {
                bar.finish();
                return Err(match failure {
                    Failure::Interrupted { .. } | Failure::Stopped { .. } => self.stopped(done),
                    other => self.part(name, other),
                });
            }
            done += 1;
            let words = self.ended(planned)?.map_or_else(String::new, |ended| ended.words());
            tell(&format!("{words}  ({} s)", began.elapsed().as_secs()));
        }
        bar.finish();
        Ok(())
    }

    /// Does one run. One that diverges is noted in its folder and is done.
    ///
    /// # Errors
    /// As `run` fails otherwise.
    pub(crate) fn one(
        &self,
        planned: &PlannedRun,
        run: &mut impl FnMut(&PlannedRun, Folder) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let folder = self.folder_of(planned);
        match run(planned, folder.clone()) {
            Err(Failure::Core(error @ (Error::Diverged { .. } | Error::DivergedAfter { .. }))) => {
                files::make_folder(folder.path())?;
                let words = format!("{error}\nWithout this file the run is tried again.\n");
                Ok(folder.write(DIVERGED, words.as_bytes())?)
            }
            result => result,
        }
    }

    /// A failure of one of its runs, which goes on with all of them.
    fn part(&self, name: &str, failure: Failure) -> Failure {
        let source = folder::resumable(failure, &self.folder).into();
        Failure::Part { name: name.to_owned(), source }
    }

    /// The user wants to stop after so many runs of those that this command had to do.
    fn stopped(&self, done: usize) -> Failure {
        let ended = |run: &&PlannedRun| matches!(self.ended(run), Ok(Some(_)));
        let before = self.runs.iter().filter(ended).count() - done;
        let resume = command_line::resume_command(self.folder.path());
        Failure::Stopped { done, total: self.runs.len() - before, resume }
    }
}

#[cfg(test)]
mod tests {
    use kith_core::recipe::Recipe;
    use kith_data::Source;
    use serde_json::json;

    use super::*;
    use crate::args::DataFlags;

    fn study(folder: &Folder) -> Study {
        let data = DataFlags {
            data: Source::Gallery,
            side: None,
            labelled: None,
            unlabelled: None,
            fold: None,
            cache: None,
            preprocessing: None,
        };
        let recipe = Recipe::built_in("quick").unwrap();
        let run = |name: &str| PlannedRun {
            name: name.into(),
            recipe: recipe.clone(),
            data: data.clone(),
            seed: 1,
        };
        Study::open(folder.clone(), "sweep", ["a", "b", "c"].map(run).to_vec()).unwrap()
    }

    fn finish(folder: &Folder, linear: f64) -> Result<(), Failure> {
        files::make_folder(folder.path())?;
        let accuracies = json!({ "linear": linear, "knn_200_0.1": 0.5, "knn_20_0.07": 0.25 });
        let results = json!({ "frozen": { "random": {}, "last": accuracies, "best": accuracies } });
        Ok(folder.write(folder::RESULTS, results.to_string().as_bytes())?)
    }

    #[test]
    fn what_ended_is_not_done_again_and_a_diverged_run_has_ended() {
        let temporary = tempfile::tempdir().unwrap();
        let study = study(&Folder::at(temporary.path()));
        let mut order = Vec::new();
        let failure = study.execute(&Console::silent(), |planned, folder| {
            order.push(planned.name.clone());
            match planned.name.as_str() {
                "a" => finish(&folder, 0.75),
                "b" => Err(Error::Diverged { step: 3, got: f32::NAN }.into()),
                _ => Err(Failure::NoLabels { what: "a test" }),
            }
        });
        let failure = failure.expect_err("the third fails");
        assert_eq!(failure.code(), "NO_LABELS");
        assert!(failure.to_string().starts_with("c: "), "{failure}");
        let text = std::fs::read_to_string(temporary.path().join("b/diverged.txt")).unwrap();
        assert!(text.contains("step 3"), "{text}");

        let again = study.execute(&Console::silent(), |planned, folder| {
            order.push(planned.name.clone());
            finish(&folder, 0.5)
        });
        again.expect("the third alone is done");
        assert_eq!(order, ["a", "b", "c", "c"]);
        let ended = study.ended(&study.runs[0]).unwrap().unwrap();
        assert_eq!(ended.words(), "linear 75.00 %  kNN 50.00 %");
        assert_eq!(study.ended(&study.runs[1]).unwrap(), Some(Ended::Diverged));
    }

    #[test]
    fn a_study_whose_device_fails_goes_on_as_a_whole() {
        let temporary = tempfile::tempdir().unwrap();
        let study = study(&Folder::at(temporary.path()));
        let lost = || Failure::Core(Error::Device { reason: "lost".into() });
        let failure = study
            .execute(&Console::silent(), |_, folder| {
                folder.begin(&Recipe::built_in("simclr").expect("it is built in"))?;
                Err(folder::resumable(lost(), &folder))
            })
            .expect_err("it fails");
        assert_eq!(failure.code(), "DEVICE");
        let said = failure.to_string();
        assert!(said.starts_with("a: the device failed: lost; go on from"), "{said}");
        let run = format!("--run {} --resume", temporary.path().display());
        assert!(said.ends_with(&run), "not with its part alone: {said}");
    }

    #[test]
    fn an_interrupted_run_stops_the_study() {
        let temporary = tempfile::tempdir().unwrap();
        let study = study(&Folder::at(temporary.path()));
        finish(&study.folder_of(&study.runs[0]), 0.5).unwrap();
        let stop = |name: &str, folder: &Folder| match name {
            "b" => finish(folder, 0.5),
            _ => Err(Failure::Interrupted { step: 7, resume: "x".into() }),
        };
        let run = |planned: &PlannedRun, folder: Folder| stop(&planned.name, &folder);
        match study.execute(&Console::silent(), run).expect_err("stopped") {
            Failure::Stopped { done, total, .. } => assert_eq!((done, total), (1, 2)),
            other => panic!("{other}"),
        }
    }
}
