//! The first steps of a run, and of runs that begin a rounding error away from it.

use kith_core::loader::Batch;
use kith_core::metrics::Metric;
use kith_core::replay::{REPEATS, perturbed};
use kith_core::trainer::{SelfSupervised, Trainer};

use crate::command_line;
use crate::failure::Failure;
use crate::interrupt::stopped;
use crate::output::Console;

/// Losses of some steps on some batches.
pub(super) fn losses(
    mut trainer: Trainer<SelfSupervised>,
    batches: &[Batch],
) -> Result<Vec<f32>, Failure> {
    let mut losses = Vec::new();
    for batch in batches {
        if stopped() {
            return Err(Failure::Interrupted {
                step: trainer.steps(),
                resume: command_line::command(),
            });
        }
        losses.push(loss_of(&pollster::block_on(trainer.checked_step(batch))?) as f32);
    }
    Ok(losses)
}

/// The loss among what a step measured: every method has one.
pub(in crate::verbs) fn loss_of(measured: &[(&'static str, f64)]) -> f64 {
    let loss = measured.iter().find(|(name, _)| *name == Metric::LOSS);
    loss.map_or(f64::NAN, |(_, loss)| *loss)
}

/// The same of runs whose weights begin a few units in the last place away.
pub(super) fn perturbed_losses(
    trainer: &Trainer<SelfSupervised>,
    batches: &[Batch],
    console: &Console,
) -> Result<Vec<Vec<f32>>, Failure> {
    console.note(
        "losses are not equal to the bit: the first steps are run from weights that begin a few units in \
         the last place away, to see what rounding does",
    );
    let device = trainer.device();
    let state = pollster::block_on(trainer.snapshot())?;
    let repeat = |number| {
        let moved = perturbed(&state, number)?;
        losses(Trainer::<SelfSupervised>::from_snapshot(&moved, device)?, batches)
    };
    (0..REPEATS).map(repeat).collect()
}
