//! What the training loop writes: checkpoints and metrics an epoch, its state more often.

use std::time::Instant;

use kith_core::archive::Archive;
use kith_core::checkpoint::{FORMAT, Meta};
use kith_core::trainer::Task;
use serde_json::json;

use super::Run;
use crate::failure::Failure;
use crate::files;
use crate::train::final_test;
use crate::train::finite;
use crate::train::folder;
use crate::train::record::{Record, best};
use crate::train::run_state::RunNote;

impl<T: Task> Run<'_, T> {
    pub(super) fn note(&self) -> RunNote<'_> {
        let described = self.context.splits.described();
        RunNote {
            data: json!(described).to_string(),
            start: self.start.clone(),
            history: (&self.history).into(),
            first_losses: self.first_losses.known().to_vec(),
            seconds: self.earlier + self.epoch_began.elapsed().as_secs_f64(),
        }
    }

    pub(super) fn save_epoch(&mut self, weights: Archive) -> Result<(), Failure> {
        self.first_losses.settle()?;
        let folder = self.context.folder;
        let checkpoint = Archive { note: self.meta().to_note(), ..weights };
        // Nothing is written of an epoch that could not be gone on from.
        let state = self.state()?;
        let last = self.history.last().map(|record| record.epoch);
        match best(&self.history).filter(|best| Some(best.epoch) != last) {
            None => folder.write_archive(folder::BEST, &checkpoint)?,
            Some(earlier) if self.is_over() => final_test::annotate(folder, earlier)?,
            Some(_) => {}
        }
        folder.write_archive(folder::CHECKPOINT, &checkpoint)?;
        files::write_with(&folder.file(folder::METRICS), |file| {
            self.history.iter().try_for_each(|record| {
                serde_json::to_writer(&mut *file, &json!(record))?;
                file.write_all(b"\n")
            })
        })?;
        // The state comes last: once it says that the epoch is done, nothing writes the rest again.
        self.keep(&state)
    }

    pub(super) fn save_state(&mut self) -> Result<(), Failure> {
        self.first_losses.settle()?;
        let state = self.state()?;
        self.keep(&state)
    }

    fn keep(&mut self, state: &Archive) -> Result<(), Failure> {
        self.context.folder.write_archive(folder::STATE, state)?;
        self.saved = Instant::now();
        Ok(())
    }

    /// Everything that going on needs.
    fn state(&self) -> Result<Archive, Failure> {
        let archive = pollster::block_on(self.trainer.state(self.note()))?;
        finite::weights(&archive, self.trainer.steps())?;
        Ok(archive)
    }

    /// What a checkpoint says of itself.
    fn meta(&self) -> Meta {
        let metrics = |record: Option<&Record>| record.map(Record::to_map).unwrap_or_default();
        let plan = self.trainer.plan();
        let splits = self.context.splits;
        Meta {
            format: FORMAT,
            software: env!("CARGO_PKG_VERSION").into(),
            stage: self.trainer.stage(),
            recipe: self.context.recipe.clone(),
            side: plan.side,
            normalization: self.context.recipe.encoder.pixels().into(),
            class_names: splits.class_names.clone(),
            dataset: splits.described(),
            seed: plan.seed,
            steps: self.trainer.steps(),
            last: metrics(self.history.last()),
            best: metrics(best(&self.history)),
            preprocessing: splits.preprocessing,
            origin: self.context.origin.cloned(),
        }
    }
}
