//! What a checkpoint of a run says of itself.

use kith_core::checkpoint::{Dataset, FORMAT, Meta};
use kith_core::trainer::{Task, Trainer};

/// The note of a checkpoint.
pub(super) fn meta<T: Task>(
    trainer: &Trainer<T>,
    dataset: Dataset,
    class_names: Vec<String>,
) -> Meta {
    Meta {
        format: FORMAT,
        software: env!("CARGO_PKG_VERSION").into(),
        stage: trainer.stage(),
        recipe: trainer.recipe().clone(),
        side: trainer.plan().side,
        normalization: trainer.recipe().encoder.pixels().into(),
        class_names,
        dataset,
        seed: trainer.plan().seed,
        steps: trainer.steps(),
        last: Default::default(),
        best: Default::default(),
        preprocessing: None,
        origin: None,
    }
}
