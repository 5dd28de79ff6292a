//! One run of a benchmark: pre-training, then what its encoder of the best epoch is worth.

use std::collections::BTreeMap;

use kith_core::probe::few_label::draw;
use kith_core::trainer::random_encoder;
use kith_data::Dataset;
use serde_json::{Value, json};

use super::measures::{self, BEST_EPOCH, LINEAR, MEMORY, SECONDS, VIEWS_PER_SECOND};
use super::plan::{BASELINE, method_of};
use crate::checkpoint;
use crate::command_line;
use crate::device::Seeded;
use crate::eval::few_label::Finetuning;
use crate::eval::frozen;
use crate::failure::Failure;
use crate::files;
use crate::format::percent;
use crate::peak_memory::PeakMemory;
use crate::study::{PlannedRun, RunResults};
use crate::train::folder::{self, Folder};
use crate::train::record::read_history;
use crate::train::splits::Splits;
use crate::verbs::runner::Runner;

/// What the verb needs labels for.
const WHAT: &str = "a benchmark";
/// Where in a run's folder its pre-training lies, a run like any other.
const PRETRAINING: &str = "pretraining";
/// What a run held at most, in bytes, told as soon as it is known.
const MEMORY_FILE: &str = "memory.json";
/// The measures of frozen features, as results name them.
const FROZEN: [&str; 5] = [LINEAR, "knn_20_0.07", "knn_200_0.1", "rankme", "spread"];

type Numbers = BTreeMap<String, f64>;

/// Does the runs of a benchmark.
pub(super) struct Bench<'a> {
    pub(super) runner: Runner<'a>,
    /// Labels a class, in rising order.
    pub(super) few_label: Vec<usize>,
}

impl Bench<'_> {
    /// Refuses a run that could not begin, or not be evaluated, on its images.
    pub(super) fn check(&mut self, run: &PlannedRun, folder: Folder) -> Result<(), Failure> {
        let splits = self.runner.splits(run)?;
        let (Some(labels), Some(_)) = (splits.labelled.labels(), splits.test.labels()) else {
            return Err(Failure::NoLabels { what: WHAT });
        };
        if splits.classes() < 2 || splits.test.is_empty() {
            return Err(Failure::unjudged(WHAT, &splits.labelled, &splits.test));
        }
        let most = self.few_label.last().copied().unwrap_or_default();
        draw(labels, splits.classes(), most, run.seed)?;
        if splits.validation.is_empty() {
            let expected = "more than 0, to choose epochs by, where the data have no validation \
                            images of their own";
            let got = run.recipe.evaluation.validation;
            return Err(kith_core::Error::setting("evaluation.validation", expected, got).into());
        }
        self.runner.check(run, folder)
    }

    /// One run from start to end, or on from where it was stopped.
    pub(super) fn run(
        &mut self,
        run: &PlannedRun,
        whole: &Folder,
        folder: &Folder,
    ) -> Result<(), Failure> {
        files::make_folder(folder.path())?;
        let splits = self.runner.splits(run)?;
        let is_baseline = method_of(run) == BASELINE;
        let mut numbers =
            if is_baseline { self.random(run, &splits)? } else { self.pretrained(run, folder)? };
        let dataset = self.runner.dataset(&run.data, &run.recipe, run.seed)?;
        // Images that choose the epoch are not learnt from here either.
        let dataset = Dataset { labelled: splits.labelled.clone(), ..dataset.clone() };
        let best = folder.part(PRETRAINING).file(folder::BEST);
        let start = if is_baseline { None } else { Some(checkpoint::open(&best)?) };
        let finetuning = Finetuning {
            recipe: &run.recipe,
            dataset: &dataset,
            device: &self.runner.chosen.device,
            start: start.as_ref().map(|checkpoint| &checkpoint.archive),
        };
        for (done, &labels) in self.few_label.iter().enumerate() {
            let Some(accuracy) = finetuning.accuracy(labels, run.seed)? else {
                let resume = command_line::resume_command(whole.path());
                return Err(Failure::Stopped { done, total: self.few_label.len(), resume });
            };
            numbers.insert(measures::finetuned(labels), accuracy);
        }
        let results = json!({ "summary": self.summary(&numbers), "numbers": numbers });
        Ok(folder.write(folder::RESULTS, format!("{results:#}\n").as_bytes())?)
    }

    /// Features of random weights.
    fn random(&self, run: &PlannedRun, splits: &Splits) -> Result<Numbers, Failure> {
        let PlannedRun { recipe, seed, .. } = run;
        let device = &self.runner.chosen.device;
        let encoder = random_encoder(recipe, splits.side, *seed, device)?;
        let seeded = Seeded { device, seed: *seed };
        let scores = frozen::evaluate(&encoder, recipe, splits, seeded)?;
        Ok(known(&json!(scores)))
    }

    /// Pre-trains, unless that is done; what was measured of the best epoch's features and on the way.
    fn pretrained(&mut self, run: &PlannedRun, folder: &Folder) -> Result<Numbers, Failure> {
        let inner = folder.part(PRETRAINING);
        if RunResults::read(inner.path())?.is_none() {
            let watch = PeakMemory::watch();
            let done = self.runner.pretrain(run, inner.clone());
            let bytes = watch.and_then(|watch| watch.bytes());
            // A run that was stopped has parts: the largest counts.
            let most = memory(folder).into_iter().chain(bytes).max();
            folder.write(MEMORY_FILE, json!({ MEMORY: most }).to_string().as_bytes())?;
            done?;
        }
        let results = folder::read_object(&inner.file(folder::RESULTS))?;
        let mut numbers = known(&results["frozen"]["best"]);
        let of_epoch = results["best_epoch"]["epoch"].as_f64();
        numbers.extend(of_epoch.map(|epoch| (BEST_EPOCH.to_owned(), epoch)));
        let history = read_history(inner.path())?.unwrap_or_default();
        let seconds: f64 = history.iter().map(|record| record.timing.train_seconds).sum();
        let views = history.iter().map(|record| &record.timing);
        let views: f64 = views.map(|t| t.images_per_second * t.train_seconds).sum();
        if seconds > 0.0 {
            numbers.insert(SECONDS.to_owned(), seconds);
            numbers.insert(VIEWS_PER_SECOND.to_owned(), views / seconds);
        }
        numbers.extend(memory(folder).map(|bytes| (MEMORY.to_owned(), bytes as f64)));
        Ok(numbers)
    }

    /// The accuracies of a run in a line.
    fn summary(&self, numbers: &Numbers) -> String {
        let measures = measures::all(&self.few_label);
        let accuracies = measures.iter().filter(|one| one.kind == measures::Kind::Accuracy);
        let known = accuracies.filter_map(|one| Some((&one.words, numbers.get(&one.name)?)));
        let words: Vec<String> =
            known.map(|(words, share)| format!("{words} {}", percent(*share))).collect();
        words.join("  ")
    }
}

/// The measures of features that an object of scores has.
fn known(scores: &Value) -> Numbers {
    let number = |name: &str| Some((name.to_owned(), scores[name].as_f64()?));
    FROZEN.into_iter().filter_map(number).collect()
}

/// What was held at most, if it was told.
fn memory(folder: &Folder) -> Option<u64> {
    let text = std::fs::read_to_string(folder.file(MEMORY_FILE)).ok()?;
    serde_json::from_str::<Value>(&text).ok()?[MEMORY].as_u64()
}
