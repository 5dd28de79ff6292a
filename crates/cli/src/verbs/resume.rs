//! `kith resume`: goes on with a run of the page, on the pictures that are in its file.

use std::env::args_os;
use std::ffi::OsString;
use std::fmt::{self, Display, Formatter};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kith_core::archive::{Archive, Precision};
use kith_core::checkpoint::{Dataset, Stage};
use kith_core::loader::{Loader, MemorySplit};
use kith_core::trainer::{InFile, RunFile, SelfSupervised, SemiSupervised, Task, Trainer};
use serde::Serialize;

use super::replay::loss_of;
use crate::args::ResumeFlags;
use crate::command_line::{in_words, without};
use crate::failure::{DeviceError, Failure};
use crate::files::{self, FileError};
use crate::interrupt::{listen_for_ctrl_c, stopped};
use crate::output::{Console, lossy};
use crate::progress::{Tick, Training};
use crate::refused;
use crate::verbs::session::Command;

/// How often the file is written anew: what a killed process loses at most.
const SAVE_EVERY: Duration = Duration::from_secs(30);
/// No time is shorter, in seconds: a clock may stand still.
const SHORTEST: f64 = 1e-6;

/// What came of it.
#[derive(Debug, Serialize)]
pub(super) struct Resumed {
    run_file: String,
    checkpoint: String,
    steps: u64,
    total: u64,
    /// Mean losses of the epochs, from the first on, where all their steps are known.
    epoch_losses: Vec<f64>,
}

impl Display for Resumed {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { run_file, checkpoint, steps, total, .. } = self;
        writeln!(f, "step {steps} of {total}")?;
        writeln!(f, "run file: {run_file}")?;
        write!(f, "checkpoint: {checkpoint}")
    }
}

pub(super) fn run(flags: &ResumeFlags, command: Command<'_>) -> Result<Resumed, Failure> {
    listen_for_ctrl_c();
    let path = &flags.file;
    let bytes = std::fs::read(path).map_err(|e| FileError::new(path, e))?;
    let file = RunFile::from_bytes(&bytes).map_err(Failure::of(path))?;
    drop(bytes);
    let chosen = command.device()?;
    let device = chosen.device.clone();
    let out = flags.out.clone().unwrap_or_else(|| path.clone());
    let checkpoint = flags.checkpoint.clone().unwrap_or_else(|| beside(&out));
    let [file_path, out, checkpoint] = [path, &out, &checkpoint].map(PathBuf::as_path);
    let console = command.console;
    let going = Going { from: file_path, out, checkpoint, steps: flags.steps, console };
    let images = file.dataset()?;
    match file.stage() {
        Stage::Pretrained => {
            let trainer = Trainer::<SelfSupervised>::from_state(&file.archive, &device);
            let trainer = trainer.map_err(Failure::of(path))?;
            command.prove(&chosen, trainer.recipe().precision)?;
            let loader = trainer.loader(&images)?;
            going.on(trainer, loader, file)
        }
        Stage::SemiSupervised => {
            let pool = (0..file.images.len() as u64).collect();
            let trainer = Trainer::<SemiSupervised>::from_state(&file.archive, pool, &device);
            let trainer = trainer.map_err(Failure::of(path))?;
            command.prove(&chosen, trainer.recipe().precision)?;
            let loader = trainer.loader(&images)?;
            going.on(trainer, loader, file)
        }
        other => {
            let reason =
                format!("expected a run of pre-training or semi-supervised, got {other:?}");
            Err(Failure::In { path: path.clone(), source: kith_core::Error::Metadata { reason } })
        }
    }
}

/// The checkpoint's path: `run.safetensors` becomes `run-checkpoint.safetensors`.
fn beside(run_file: &Path) -> PathBuf {
    let stem = run_file.file_stem().map_or_else(|| "run".into(), |stem| stem.to_string_lossy());
    run_file.with_file_name(format!("{stem}-checkpoint.safetensors"))
}

/// Where a run goes on to.
struct Going<'a> {
    from: &'a Path,
    out: &'a Path,
    checkpoint: &'a Path,
    /// Steps to do; none to the end.
    steps: Option<u64>,
    console: &'a Console,
}

impl Going<'_> {
    fn on<T: Task>(
        self,
        trainer: Trainer<T>,
        loader: Loader<Arc<MemorySplit>>,
        file: RunFile,
    ) -> Result<Resumed, Failure> {
        let mut saved = None;
        let done = refused::caught(|| self.to_the_end((trainer, loader), file, &mut saved));
        done.map_err(|failure| match (failure, saved) {
            (Failure::Core(error @ kith_core::Error::Device { .. }), Some(resume)) => {
                DeviceError::InRun { source: Box::new(error), resume }.into()
            }
            (other, _) => other,
        })
    }

    /// Does the steps. `saved` becomes the command line that goes on from what was written last.
    fn to_the_end<T: Task>(
        &self,
        (mut trainer, mut loader): (Trainer<T>, Loader<Arc<MemorySplit>>),
        mut file: RunFile,
        saved: &mut Option<Vec<OsString>>,
    ) -> Result<Resumed, Failure> {
        let console = self.console;
        let (total, epoch) = (trainer.plan().total(), trainer.plan().steps);
        let (first, images) = (trainer.steps(), file.images.len());
        let last = self.steps.map_or(total, |steps| total.min(first.saturating_add(steps)));
        console.note(&format!("{images} pictures, step {first} of {total}, to step {last}"));
        let bar = Training::new(console.show(), total, first);
        let (began, mut saved_at) = (Instant::now(), Instant::now());
        while trainer.steps() < last {
            let Ok(batch) = loader.batch(trainer.steps());
            let loss = loss_of(&pollster::block_on(trainer.checked_step(&batch))?);
            let step = trainer.steps();
            file.state.more.run_file.losses.add(step, loss, epoch);
            let seconds = began.elapsed().as_secs_f64().max(SHORTEST);
            let images_per_second =
                trainer.images_a_step() as f64 * (step - first) as f64 / seconds;
            bar.tick(&Tick { step, loss, images_per_second, ..Tick::default() });
            tell_epoch(&file.state.more, (step, epoch), &bar, console);
            if step == last || !(stopped() || saved_at.elapsed() > SAVE_EVERY) {
                continue;
            }
            self.save(&trainer, &file)?;
            let resume = self.resume_args(args_os().collect(), last - step);
            if stopped() {
                bar.finish();
                return Err(Failure::Interrupted { step, resume: in_words(&resume) });
            }
            (*saved, saved_at) = (Some(resume), Instant::now());
        }
        bar.finish();
        self.save_checkpoint(&trainer, &file)?;
        self.save(&trainer, &file)?;
        Ok(Resumed {
            run_file: lossy(self.out),
            checkpoint: lossy(self.checkpoint),
            steps: trainer.steps(),
            total,
            epoch_losses: file.state.more.run_file.losses.epochs,
        })
    }

    /// The run with its pictures, whole or not at all.
    fn save<T: Task>(&self, trainer: &Trainer<T>, file: &RunFile) -> Result<(), Failure> {
        let state = pollster::block_on(trainer.state(file.state.more.clone()))?;
        Ok(files::write(self.out, &file.to_bytes(state)?)?)
    }

    fn save_checkpoint<T: Task>(
        &self,
        trainer: &Trainer<T>,
        file: &RunFile,
    ) -> Result<(), Failure> {
        let InFile { origin, run_file } = &file.state.more;
        let labelled = run_file.classes.iter().flatten().count();
        let name = run_file.dataset.clone();
        let unlabelled = file.images.len();
        let dataset = Dataset { name, labelled, validation: 0, unlabelled, test: 0 };
        let meta = trainer.meta(dataset, run_file.class_names.clone(), origin.clone());
        let mut archive = Archive { note: meta.to_note(), ..Default::default() };
        pollster::block_on(trainer.store(&mut archive))?;
        let bytes = archive.to_bytes(Precision::Single).map_err(Failure::of(self.checkpoint))?;
        Ok(files::write(self.checkpoint, &bytes)?)
    }

    /// The command line that goes on from what was written, with so many steps left.
    fn resume_args(&self, args: Vec<OsString>, left: u64) -> Vec<OsString> {
        let flags = ["--out", "--steps", "--checkpoint"];
        let mut args = flags.into_iter().fold(args, without);
        // The program and the verb come before it.
        let from = args.iter_mut().skip(2).find(|word| *word == self.from);
        from.into_iter().for_each(|word| *word = self.out.into());
        if self.steps.is_some() {
            args.extend(["--steps".into(), left.to_string().into()]);
        }
        args.extend(["--checkpoint".into(), self.checkpoint.into()]);
        args
    }
}

/// A line for an epoch that has just ended.
fn tell_epoch(file: &InFile, (step, epoch): (u64, u64), bar: &Training, console: &Console) {
    if !step.is_multiple_of(epoch) {
        return;
    }
    let number = step / epoch;
    let losses = &file.run_file.losses.epochs;
    let mean = losses.get(number as usize - 1).filter(|_| losses.len() as u64 == number);
    let loss = mean.map_or_else(String::new, |mean| format!("  loss {mean:.4}"));
    bar.above(|| console.note(&format!("epoch {number:>3}{loss}")));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_goes_on_from_what_it_wrote() {
        let [from, out, checkpoint] = ["in run", "my run", "c"].map(Path::new);
        let console = &Console::silent();
        let going = |steps| Going { from, out, checkpoint, steps, console };
        let resumed = |line: &str, steps| {
            let args = shlex::split(line).expect("words");
            in_words(&going(steps).resume_args(args.into_iter().map(OsString::from).collect(), 4))
        };
        let line = "kith resume 'in run' --steps 9 --out='my run' --device gpu:0";
        let expected = "kith resume 'my run' --device gpu:0 --steps 4 --checkpoint c";
        assert_eq!(resumed(line, Some(9)), expected);
        let line = "kith resume --checkpoint c 'in run' --out 'my run'";
        assert_eq!(resumed(line, None), "kith resume 'my run' --checkpoint c");
        let checkpoint = beside(Path::new("a/run.safetensors"));
        assert_eq!(checkpoint, Path::new("a/run-checkpoint.safetensors"));
    }
}
