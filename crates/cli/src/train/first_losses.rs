//! Losses of the first steps of a run, one by one: by them another run of it is known to be the same.

use kith_core::metrics::{Metric, Metrics};
use kith_core::replay::FIRST_STEPS;

use crate::failure::Failure;

/// Losses of the first steps. Those of the last ones wait on the device, so that no step waits for it.
#[derive(Debug, Default)]
pub(crate) struct FirstLosses {
    known: Vec<f32>,
    waiting: Vec<Metrics>,
}

impl FirstLosses {
    /// Those that a run had when it was saved.
    pub(crate) fn resumed(known: Vec<f32>) -> Self {
        Self { known, waiting: Vec::new() }
    }

    /// Takes note of a step, counted from 1; nothing of one whose forerunners are not known, as of a run
    /// that an earlier version began.
    pub(crate) fn add(&mut self, step: u64, metrics: &Metrics) -> Result<(), Failure> {
        let number = self.known.len() + self.waiting.len() + 1;
        if number > FIRST_STEPS || number as u64 != step {
            return Ok(());
        }
        self.waiting.push(metrics.clone());
        if number == FIRST_STEPS { self.settle() } else { Ok(()) }
    }

    /// Waits for the device.
    pub(crate) fn settle(&mut self) -> Result<(), Failure> {
        for metrics in self.waiting.drain(..) {
            let values = pollster::block_on(metrics.read())?;
            let loss = values.iter().find(|(name, _)| *name == Metric::LOSS);
            self.known.extend(loss.map(|(_, loss)| *loss as f32));
        }
        Ok(())
    }

    /// Those that were waited for.
    pub(crate) fn known(&self) -> &[f32] {
        &self.known
    }
}
