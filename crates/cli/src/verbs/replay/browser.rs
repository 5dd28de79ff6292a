//! Runs a run of a browser's tab again: the same pictures, in the same order, with the same classes.

use std::collections::BTreeMap;
use std::time::Instant;

use kith_core::archive::Archive;
use kith_core::loader::{Batch, MemoryDataset, SplitRecord};
use kith_core::replay::{Platform, RunRecord, thinned};
use kith_core::trainer::{SelfSupervised, Trainer};
use kith_data::Source;

use super::repeats::loss_of;
use super::{Here, page_gallery, repeats};
use crate::args::ReplayFlags;
use crate::command_line;
use crate::failure::{Failure, ReplayError};
use crate::interrupt::{listen_for_ctrl_c, stopped};
use crate::output::lossy;
use crate::progress::{Tick, Training};
use crate::verbs::session::Command;

pub(super) fn run(
    record: &RunRecord,
    flags: &ReplayFlags,
    command: Command<'_>,
) -> Result<Here, Failure> {
    listen_for_ctrl_c();
    refuse_others(flags)?;
    if record.data.source != Source::Gallery.kind() {
        return Err(ReplayError::BrowserOnly { images: record.data.source.clone() }.into());
    }
    let dataset = page_gallery::open(flags.page.clone(), record.plan)?;
    record.data.same_images(&described(&dataset))?;
    let device = command.device_for(record.recipe()?.precision)?;
    let start = || Trainer::pretraining(record.recipe()?, record.plan, &device.device);
    let trainer = start()?;
    let mut loader = trainer.loader(&dataset)?;
    let mut batch = |step: u64| -> Batch {
        let Ok(batch) = loader.batch(step);
        batch
    };
    let first: Vec<Batch> = (0..record.first_losses.len() as u64).map(&mut batch).collect();
    let (first_losses, whole) = match flags.first_steps {
        true => (repeats::losses(trainer, &first)?, None),
        false => {
            let whole = all(trainer, record, batch, command)?;
            (whole.first_losses.clone(), Some(whole))
        }
    };
    let equal = first_losses == record.first_losses;
    let repeats = match equal {
        true => Vec::new(),
        false => repeats::perturbed_losses(&start()?, &first, command.console)?,
    };
    Ok(Here { first_losses, repeats, whole, folder: None })
}

/// Refuses what only runs of the command line can take.
fn refuse_others(flags: &ReplayFlags) -> Result<(), kith_core::Error> {
    let given = [
        ("--data", flags.data.as_ref().map(ToString::to_string)),
        ("--from", flags.from.clone()),
        ("--cache", flags.cache.as_deref().map(lossy)),
        ("--run", flags.run.run.as_deref().map(lossy)),
    ];
    let expected = "none: a run of the page is run again on the page's gallery, in memory";
    let found = given.into_iter().find_map(|(name, value)| Some((name, value?)));
    found.map_or(Ok(()), |(name, got)| Err(kith_core::Error::setting(name, expected, got)))
}

/// The splits as records say them.
fn described(dataset: &MemoryDataset) -> BTreeMap<String, SplitRecord> {
    dataset.records().into_iter().filter(|(_, split)| split.images > 0).collect()
}

/// The run from its first step to its last, in memory.
fn all(
    mut trainer: Trainer<SelfSupervised>,
    record: &RunRecord,
    mut batch: impl FnMut(u64) -> Batch,
    command: Command<'_>,
) -> Result<RunRecord, Failure> {
    let plan = record.plan;
    let bar = Training::new(command.console.show(), plan.total(), 0);
    let began = Instant::now();
    let mut sum = 0.0;
    let (mut first_losses, mut epoch_losses) = (Vec::new(), Vec::new());
    for step in 0..plan.total() {
        if stopped() {
            bar.finish();
            return Err(Failure::Interrupted { step, resume: command_line::command() });
        }
        let loss = loss_of(&pollster::block_on(trainer.checked_step(&batch(step)))?);
        sum += loss;
        if step < record.first_losses.len() as u64 {
            first_losses.push(loss as f32);
        }
        let images_per_second = trainer.images_a_step() as f64 * (step + 1) as f64
            / began.elapsed().as_secs_f64().max(1e-6);
        bar.tick(&Tick { step: step + 1, loss, images_per_second, ..Tick::default() });
        if (step + 1).is_multiple_of(plan.steps) {
            let epoch = (step + 1) / plan.steps;
            let mean = sum / plan.steps as f64;
            sum = 0.0;
            epoch_losses.push((epoch, mean as f32));
            bar.above(|| command.console.note(&format!("epoch {epoch:>3}  loss {mean:.4}")));
        }
    }
    bar.finish();
    let mut archive = Archive::default();
    pollster::block_on(trainer.store(&mut archive))?;
    Ok(RunRecord {
        software: env!("CARGO_PKG_VERSION").into(),
        ran_in: Platform::Browser,
        first_losses,
        epoch_losses: thinned(&epoch_losses),
        results: BTreeMap::new(),
        weights: Some(archive.fingerprint("encoder.")),
        ..record.clone()
    })
}
