//! The training loop: pulls steps, shows progress, measures after each epoch, saves.

mod saving;

use std::time::{Duration, Instant};

use kith_core::archive::Archive;
use kith_core::loader::Batch;
use kith_core::metrics::{Metric, Metrics, Shown};
use kith_core::trainer::{Task, Trainer};
use kith_data::Prefetch;

use crate::args::LogFormat;
use crate::command_line;
use crate::failure::Failure;
use crate::interrupt::stopped;
use crate::progress::{Tick, Training};
use crate::refused;
use crate::train::advice::advised;
use crate::train::claim::Claim;
use crate::train::context::RunContext;
use crate::train::event_log::EventLog;
use crate::train::final_test;
use crate::train::finite;
use crate::train::first_losses::FirstLosses;
use crate::train::folder;
use crate::train::measure::{self, OfFeatures};
use crate::train::record::{Record, Timing, is_plateau};
use crate::train::run_state::{self, Now, RunState};

/// How often an unfinished epoch is saved, in seconds: what a killed process loses at most. The
/// environment variable `KITH_SAVE_SECONDS` overrides it.
const SAVE_SECONDS: u64 = 30;
/// How often the numbers on the bar are renewed: each time waits for the device.
const TICK_EVERY: Duration = Duration::from_millis(500);
/// How often a long epoch says how far it is, where there is no bar.
const SPEAK_EVERY: Duration = Duration::from_secs(60);
/// No epoch is shorter, in seconds: a clock may stand still.
const SHORTEST: f64 = 1e-6;

fn save_every() -> Duration {
    let asked = std::env::var("KITH_SAVE_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(asked.unwrap_or(SAVE_SECONDS))
}

/// What a finished run leaves.
#[derive(Clone, Debug)]
pub(crate) struct Trained {
    pub(crate) history: Vec<Record>,
    /// What was measured in it.
    pub(crate) metrics: Vec<Metric>,
    /// Losses of its first steps, one by one.
    pub(crate) first_losses: Vec<f32>,
}

/// Trains to the end of the plan, from the folder's state if there is one. `start` is the fingerprint
/// of the checkpoint whose encoder the trainer has.
pub(crate) fn train<T: Task>(
    trainer: Trainer<T>,
    start: Option<String>,
    context: &RunContext<'_>,
    batches: impl FnOnce(&Trainer<T>) -> Result<Prefetch<Batch>, kith_core::Error>,
) -> Result<Trained, Failure> {
    let claim = Claim::of(context.folder, context.rival)?;
    let mut run = Run::resume_or_start(trainer, start, context)?;
    run.log_epochs()?;
    if !run.is_over() {
        let batches = batches(&run.trainer)?;
        context.folder.begin(context.recipe)?;
        let _begun = claim
            .map_or_else(|| Claim::of(context.folder, context.rival), |claim| Ok(Some(claim)))?;
        refused::caught(|| run.all_steps(batches))
            .map_err(|failure| advised(failure, &run.trainer, context))?;
    }
    let first_losses = run.first_losses.known().to_vec();
    Ok(Trained { metrics: measure::metrics(&run.trainer), history: run.history, first_losses })
}

/// A run between two steps.
struct Run<'a, T> {
    trainer: Trainer<T>,
    start: Option<String>,
    context: &'a RunContext<'a>,
    history: Vec<Record>,
    first_losses: FirstLosses,
    /// Where epochs are written besides, if anywhere.
    log: Option<EventLog>,
    /// Seconds of training in the running epoch before this process.
    earlier: f64,
    epoch_began: Instant,
    saved: Instant,
    save_every: Duration,
    ticked: Option<Instant>,
    spoken: Instant,
}

impl<'a, T: Task> Run<'a, T> {
    fn resume_or_start(
        trainer: Trainer<T>,
        start: Option<String>,
        context: &'a RunContext<'a>,
    ) -> Result<Self, Failure> {
        let now = Instant::now();
        let mut run = Self {
            trainer,
            start,
            context,
            history: Vec::new(),
            first_losses: FirstLosses::default(),
            log: None,
            earlier: 0.0,
            epoch_began: now,
            saved: now,
            save_every: save_every(),
            ticked: None,
            spoken: now,
        };
        let Some(archive) = context.folder.read_archive(folder::STATE)? else {
            run.log = run.open_log()?;
            return Ok(run);
        };
        let path = context.folder.file(folder::STATE);
        let saved = RunState::read(&archive).map_err(Failure::of(&path))?;
        let (plan, stage, note) = (run.trainer.plan(), run.trainer.stage(), run.note());
        run_state::check(&saved, Now { plan, recipe: context.recipe, stage, note: &note })?;
        run.trainer = run.trainer.resume(&archive, &saved.counters).map_err(Failure::of(&path))?;
        (run.history, run.earlier) = (saved.more.history.into_owned(), saved.more.seconds);
        run.first_losses = FirstLosses::resumed(saved.more.first_losses);
        run.log = run.open_log()?;
        Ok(run)
    }

    /// Where the command line asks epochs to be written besides.
    fn open_log(&self) -> Result<Option<EventLog>, Failure> {
        let open = |LogFormat::Tensorboard| EventLog::open(self.context.folder, &self.history);
        Ok(self.context.log.map(open).transpose()?)
    }

    /// Writes there what it lacks.
    fn log_epochs(&mut self) -> Result<(), Failure> {
        let Some(log) = &mut self.log else { return Ok(()) };
        Ok(log.add(&self.history)?)
    }

    /// Whether every step is done, or the validation loss stopped falling long enough ago.
    fn is_over(&self) -> bool {
        let whole = self.trainer.steps().is_multiple_of(self.trainer.plan().steps);
        let patience = self.trainer.patience();
        self.trainer.steps() >= self.trainer.plan().total()
            || whole && patience.is_some_and(|patience| is_plateau(&self.history, patience))
    }

    fn all_steps(&mut self, batches: Prefetch<Batch>) -> Result<(), Failure> {
        let plan = *self.trainer.plan();
        let bar = Training::new(self.context.console.show(), plan.total(), self.trainer.steps());
        self.epoch_began = Instant::now();
        for batch in batches {
            if self.is_over() {
                break;
            }
            let metrics = self.trainer.step(&batch?)?;
            self.first_losses.add(self.trainer.steps(), &metrics)?;
            self.tick(&bar, metrics)?;
            if self.trainer.steps().is_multiple_of(plan.steps) {
                let line = self.finish_epoch()?;
                bar.above(|| self.context.console.note(&line));
                self.spoken = Instant::now();
            } else if stopped() || self.saved.elapsed() > self.save_every {
                self.save_state()?;
            }
            if stopped() {
                bar.finish();
                let step = self.trainer.steps();
                let resume = command_line::resume_command(self.context.whole.path());
                return Err(Failure::Interrupted { step, resume });
            }
        }
        bar.finish();
        Ok(())
    }

    /// Renews the numbers on the bar, now and then.
    fn tick(&mut self, bar: &Training, metrics: Metrics) -> Result<(), Failure> {
        if self.ticked.is_some_and(|ticked| ticked.elapsed() < TICK_EVERY) {
            return Ok(());
        }
        self.ticked = Some(Instant::now());
        let values = pollster::block_on(metrics.read())?;
        let find = |name| values.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        let loss = find(Metric::LOSS).unwrap_or(f64::NAN);
        let step = self.trainer.steps();
        if !loss.is_finite() {
            return Err(kith_core::Error::Diverged { step, got: loss as f32 }.into());
        }
        let shares = self.trainer.metrics().into_iter().filter(|m| m.shown == Shown::Bar);
        let accuracies = shares.filter_map(|m| Some((m.word.to_owned(), find(m.name)?))).collect();
        let tick = Tick { step, loss, accuracies, images_per_second: self.pace() };
        bar.tick(&tick);
        if !bar.is_drawn() && self.spoken.elapsed() > SPEAK_EVERY {
            let (total, words) = (self.trainer.plan().total(), tick.words());
            self.context.console.note(&format!("step {step} of {total}  {words}"));
            self.spoken = Instant::now();
        }
        Ok(())
    }

    /// Images a second in the running epoch.
    fn pace(&self) -> f64 {
        let plan = self.trainer.plan();
        let steps = (self.trainer.steps() + plan.steps - 1) % plan.steps + 1;
        let seconds = self.earlier + self.epoch_began.elapsed().as_secs_f64();
        steps as f64 * self.trainer.images_a_step() as f64 / seconds.max(SHORTEST)
    }

    /// Measures, keeps and saves an epoch; what to tell people of it.
    fn finish_epoch(&mut self) -> Result<String, Failure> {
        let means = pollster::block_on(self.trainer.finish_epoch())?;
        let step = self.trainer.steps();
        let mut weights = Archive::default();
        pollster::block_on(self.trainer.store(&mut weights))?;
        finite::weights(&weights, step)?;
        finite::outputs(&self.trainer, self.context)?;
        let train_seconds = self.earlier + self.epoch_began.elapsed().as_secs_f64();
        let images_per_second = self.pace();
        let measuring = Instant::now();
        let splits = self.context.splits;
        let plan = *self.trainer.plan();
        let epoch = self.history.len() as u64;
        let score = |split| {
            measure::score(|images| self.trainer.logits(images), split, self.context, epoch)
        };
        let choosing_on_test = splits.validation.is_empty();
        let validation = score(&splits.validation)?;
        let test = if choosing_on_test { score(&splits.test)? } else { None };
        let OfFeatures { knn, named: features } = self.features()?;
        let mut record = Record {
            epoch: step / plan.steps,
            step,
            train: means.into_iter().collect(),
            validation,
            test,
            knn,
            features,
            timing: Timing { train_seconds, evaluation_seconds: 0.0, images_per_second },
        };
        if let Some(last) = self.history.last() {
            record.share_names(last);
        }
        self.history.push(record);
        if self.is_over() && !choosing_on_test {
            final_test::measure(&self.trainer, &mut self.history, self.context)?;
        }
        finite::scores(&self.history, step)?;
        let record = self.history.last_mut().expect("it was just pushed");
        record.timing.evaluation_seconds = measuring.elapsed().as_secs_f64();
        let line = record.summary(&measure::metrics(&self.trainer));
        self.earlier = 0.0;
        self.epoch_began = Instant::now();
        self.save_epoch(weights)?;
        self.log_epochs()?;
        self.epoch_began = Instant::now();
        Ok(line)
    }

    /// What features are worth; nothing where features are not what is learnt.
    fn features(&self) -> Result<OfFeatures, Failure> {
        let RunContext { recipe, splits, .. } = *self.context;
        match T::LEARNS_FEATURES {
            true => {
                let encoder = self.trainer.encoder();
                measure::features(&encoder, recipe, splits, self.context.seeded())
            }
            false => Ok(OfFeatures::default()),
        }
    }
}
