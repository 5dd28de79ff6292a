//! What a machine can find out for a recipe: batch sizes, learning rates, and when to stop.
//!
//! Everything is written down with its reason, and read again by a run that goes on.

mod choices;
mod range;

use std::io;
use std::time::Instant;

use kith_core::Error;
use kith_core::loader::Batch;
use kith_core::metrics::Metric;
use kith_core::recipe::Recipe;
use kith_core::semi::SemiSettings;
use kith_core::trainer::{Plan, Supervised, Task, Trainer};
use kith_data::Prefetch;
use serde_json::json;

use crate::checkpoint::Checkpoint;
use crate::failure::Failure;
use crate::files::FileError;
use crate::train::context::RunContext;
use crate::train::initial_weights;
use crate::train::initial_weights::InitialWeights;
use crate::train::loader::{self, UnlabelledSplit};
use crate::train::semi;
use choices::Kept;
pub(crate) use choices::{Choice, Choices};

/// Where the choices of a run are kept.
const FILE: &str = "auto.json";
/// Sizes of batches that are tried.
const SIZES: [usize; 7] = [16, 32, 64, 128, 256, 512, 1024];
/// Steps that an epoch should have at least: larger batches save no time that is worth the fewer
/// steps.
const LEAST_STEPS: usize = 10;
/// Steps that are timed for each size, after one that is not.
const TIMED: u64 = 6;
/// A size is as good as the fastest if it has this share of its pace; the smallest such is taken.
const AS_FAST: f64 = 0.9;
/// Epochs without a lower validation loss that end a phase.
const PATIENCE: u64 = 5;
/// Share of the labelled images kept aside to see a plateau by, where a recipe keeps none.
const VALIDATION: f64 = 0.1;

/// Keeps labelled images aside where the recipe keeps none, since without them no plateau is seen. What
/// `changes` say stays.
pub(crate) fn keep_aside(recipe: &mut Recipe, changes: &[String]) {
    let asked = changes.iter().any(|change| change.starts_with("evaluation.validation="));
    if recipe.evaluation.validation == 0.0 && !asked {
        recipe.evaluation.validation = VALIDATION;
    }
}

/// Chooses on this machine, or reads what was chosen when the run began.
pub(crate) fn choose(
    context: &RunContext<'_>,
    start: Option<&Checkpoint>,
) -> Result<Choices, Failure> {
    let path = context.folder.file(FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            let reason = |e: serde_json::Error| Error::Metadata { reason: e.to_string() };
            let kept = serde_json::from_str(&text).map_err(reason).map_err(Failure::of(&path))?;
            return Choices::of(kept, context.recipe);
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
        Err(e) => return Err(FileError::new(&path, e).into()),
    }
    context.console.note("choosing batch sizes and learning rates by measurement");
    let mut search = Search { context, start, kept: Kept { choices: vec![], ranges: vec![] } };
    let batch = search.batch()?;
    let recipe = Choices::of(search.kept_so_far(), context.recipe)?.recipe;
    search.supervised_rate(&recipe)?;
    search.semi_rate(&recipe, batch)?;
    search.patience();
    for choice in &search.kept.choices {
        context.console.note(&format!("{} = {}: {}", choice.setting, choice.value, choice.why));
    }
    crate::files::make_folder(context.folder.path())?;
    let text = format!("{:#}\n", json!(search.kept));
    context.folder.write(FILE, text.as_bytes())?;
    Choices::of(search.kept, context.recipe)
}

struct Search<'a> {
    context: &'a RunContext<'a>,
    start: Option<&'a Checkpoint>,
    kept: Kept,
}

impl Search<'_> {
    fn kept_so_far(&self) -> Kept {
        Kept { choices: self.kept.choices.clone(), ranges: Vec::new() }
    }

    fn keep(&mut self, setting: &str, value: impl ToString, why: String) {
        let (setting, value) = (setting.to_owned(), value.to_string());
        self.kept.choices.push(Choice { setting, value, why });
    }

    /// The smallest batch that is nearly as fast as the fastest.
    fn batch(&mut self) -> Result<usize, Failure> {
        let labelled = self.context.splits.labelled.len();
        let sizes = SIZES.into_iter().filter(|size| size * LEAST_STEPS <= labelled);
        let mut paces = Vec::new();
        for size in sizes {
            match self.pace(size) {
                Ok(pace) => paces.push((size, pace)),
                // A device that fails at a size has no memory for a larger one.
                Err(Failure::Core(Error::Device { .. } | Error::DeviceMemory { .. })) => break,
                Err(failure) => return Err(failure),
            }
        }
        let fastest = paces.iter().map(|(_, pace)| *pace).fold(0.0, f64::max);
        let good = paces.iter().find(|(_, pace)| *pace >= AS_FAST * fastest);
        let Some(&(size, _)) = good else {
            let own = self.context.recipe.finetuning.batch;
            let why = format!("{labelled} labelled pictures are too few to try others");
            self.keep("finetuning.batch", own, why);
            return Ok(own);
        };
        let list: Vec<String> =
            paces.iter().map(|(size, pace)| format!("{size}: {pace:.0}")).collect();
        let why = format!(
            "the smallest with {:.0} % of the highest pace (pictures a second: {})",
            100.0 * AS_FAST,
            list.join(", ")
        );
        self.keep("finetuning.batch", size, why);
        let settings = &self.context.recipe.finetuning;
        if let Some(steps) = settings.steps {
            self.keep_steps("finetuning", steps, [settings.batch, size]);
        }
        Ok(size)
    }

    /// Steps of an epoch that goes through as many images with another batch.
    fn keep_steps(&mut self, table: &str, steps: u64, [before, now]: [usize; 2]) {
        let images = steps * before as u64;
        let why = format!("an epoch goes through {images} images, as in the recipe");
        self.keep(&format!("{table}.steps"), images.div_ceil(now.max(1) as u64), why);
    }

    /// Images a second of supervised steps.
    fn pace(&self, size: usize) -> Result<f64, Failure> {
        let mut recipe = self.context.recipe.clone();
        recipe.finetuning.batch = size;
        let (mut trainer, batches) = self.supervised(&recipe, TIMED + 1)?;
        let mut began = Instant::now();
        for (number, batch) in batches.enumerate() {
            let metrics = trainer.step(&batch?)?;
            // Reading waits for the device.
            pollster::block_on(metrics.read())?;
            if number == 0 {
                began = Instant::now();
            }
        }
        Ok((TIMED as usize * size) as f64 / began.elapsed().as_secs_f64())
    }

    fn supervised(
        &self,
        recipe: &Recipe,
        steps: u64,
    ) -> Result<(Trainer<Supervised>, Prefetch<Batch>), Failure> {
        let splits = self.context.splits;
        let (side, classes) = (splits.side, splits.classes());
        let plan = Plan { side, classes, seed: self.context.seed, steps, epochs: 1 };
        let trainer = initial_weights::supervised(recipe, plan, self.start, self.context.device)?;
        let batches = loader::finetuning(&splits.labelled, &recipe.finetuning, plan, 0)?;
        Ok((trainer, batches))
    }

    fn supervised_rate(&mut self, recipe: &Recipe) -> Result<(), Failure> {
        let mut recipe = recipe.clone();
        range::rise(&mut recipe.finetuning.optimizer);
        let (trainer, batches) = self.supervised(&recipe, range::STEPS)?;
        self.rate("finetuning", "supervised", trainer, batches)
    }

    /// Both batches of the semi-supervised phase, in the recipe's proportion, and its rate.
    fn semi_rate(&mut self, recipe: &Recipe, batch: usize) -> Result<(), Failure> {
        let mut recipe = recipe.clone();
        let mut settings: SemiSettings = recipe.semi.clone().unwrap_or_default();
        let each = settings.unlabelled_batch as f64 / settings.labelled_batch.max(1) as f64;
        let most = self.context.splits.unlabelled.len();
        let free = ((batch as f64 * each).round() as usize).clamp(1, most.max(1));
        self.keep("semi.labelled_batch", batch, "that of the supervised phase".into());
        let why = format!("{each:.1} a labelled one, as the recipe has it");
        self.keep("semi.unlabelled_batch", free, why);
        if let Some(steps) = settings.steps {
            self.keep_steps("semi", steps, [settings.unlabelled_batch, free]);
        }
        (settings.labelled_batch, settings.unlabelled_batch) = (batch, free);
        // Labels of a teacher are not there yet: the range is that of learning from oneself.
        settings.method = SemiSettings::default().method;
        range::rise(&mut settings.optimizer);
        recipe.semi = Some(settings.clone());
        let context = RunContext { recipe: &recipe, ..self.context.clone() };
        let plan = Plan { steps: range::STEPS, epochs: 1, ..semi::plan(&settings, &context, most) };
        let unlabelled = context.splits.unlabelled.clone();
        let start = self.start.map_or(InitialWeights::Fresh, InitialWeights::Encoder);
        let trainer = semi::trainer(&context, plan, start, &unlabelled)?;
        let free = UnlabelledSplit { split: unlabelled, labels: None };
        let batches = loader::semi(free, &context.splits.labelled, &settings, plan, 0)?;
        self.rate("semi", "semi-supervised", trainer, batches)
    }

    /// The range test: the rate rises from step to step until the loss blows up.
    fn rate<T: Task>(
        &mut self,
        table: &str,
        name: &str,
        mut trainer: Trainer<T>,
        batches: Prefetch<Batch>,
    ) -> Result<(), Failure> {
        let mut losses = Vec::new();
        for (step, batch) in batches.enumerate() {
            let rate = range::rate_at(step as u64);
            let values = pollster::block_on(trainer.step(&batch?)?.read())?;
            let loss = values.iter().find(|(name, _)| *name == Metric::LOSS).map(|(_, loss)| *loss);
            losses.push((rate, loss.unwrap_or(f64::NAN)));
            if range::blown_up(&range::smoothed(&losses)) {
                break;
            }
        }
        let curve = range::smoothed(&losses);
        let (rate, lowest) = range::good_rate(&curve);
        let why = format!(
            "a {:.0}th of {:.1e}, where the loss of a range test is lowest ({} steps from \
             {:.0e})",
            range::MARGIN,
            lowest,
            curve.len(),
            curve.first().map_or(0.0, |(rate, _)| *rate)
        );
        let value = format!("{rate:e}");
        self.keep(&format!("{table}.optimizer.learning_rate"), value, why);
        self.kept.ranges.push((name.to_owned(), curve));
        Ok(())
    }

    fn patience(&mut self) {
        if self.context.splits.validation.is_empty() {
            self.context
                .console
                .note("no plateau ends a phase: evaluation.validation keeps no image aside");
            return;
        }
        let share = self.context.recipe.evaluation.validation;
        let why = "the share of the labelled images by which a plateau is seen";
        self.keep("evaluation.validation", share, why.into());
        let why = "a phase ends when the validation loss has not fallen for so many epochs";
        self.keep("finetuning.patience", PATIENCE, why.into());
        self.keep("semi.patience", PATIENCE, why.into());
    }
}
