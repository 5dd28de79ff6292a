//! What the training loop writes: checkpoints and metrics an epoch, its state more often.

use std::time::Instant;

use kith_core::archive::Archive;
use kith_core::checkpoint::{FORMAT, Meta};
use serde_json::json;

use super::Run;
use crate::failure::Failure;
use crate::train::final_test;
use crate::train::finite;
use crate::train::folder;
use crate::train::learner::Learner;
use crate::train::record::{Record, RunState, best};

impl<L: Learner> Run<'_, L> {
    pub(super) fn note(&self, counters: kith_core::trainer::Counters) -> RunState {
        let described = self.context.splits.described();
        RunState {
            stage: self.learner.stage(),
            plan: *self.learner.plan(),
            recipe: self.context.recipe.to_toml(),
            data: json!(described).to_string(),
            start: self.start.clone(),
            counters,
            history: self.history.clone(),
            seconds: self.earlier + self.epoch_began.elapsed().as_secs_f64(),
        }
    }

    pub(super) fn save_epoch(&mut self, weights: Archive) -> Result<(), Failure> {
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
        let lines: Vec<String> =
            self.history.iter().map(|record| format!("{}\n", json!(record))).collect();
        folder.write(folder::METRICS, lines.concat().as_bytes())?;
        // The state comes last: once it says that the epoch is done, nothing writes the rest again.
        self.keep(&state)
    }

    pub(super) fn save_state(&mut self) -> Result<(), Failure> {
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
        let mut archive = Archive::default();
        let counters = self.learner.store_state(&mut archive)?;
        finite::weights(&archive, self.learner.steps())?;
        archive.note = json!(self.note(counters)).to_string();
        Ok(archive)
    }

    /// What a checkpoint says of itself.
    fn meta(&self) -> Meta {
        let metrics = |record: Option<&Record>| record.map(Record::to_map).unwrap_or_default();
        let plan = self.learner.plan();
        let splits = self.context.splits;
        Meta {
            format: FORMAT,
            software: env!("CARGO_PKG_VERSION").into(),
            stage: self.learner.stage(),
            recipe: self.context.recipe.clone(),
            side: plan.side,
            normalization: self.context.recipe.encoder.pixels().into(),
            class_names: splits.class_names.clone(),
            dataset: splits.described(),
            seed: plan.seed,
            steps: self.learner.steps(),
            last: metrics(self.history.last()),
            best: metrics(best(&self.history)),
        }
    }
}
