//! What a checkpoint of a run says of itself.

use super::{Task, Trainer};
use crate::checkpoint::{Dataset, FORMAT, Meta, Origin};

impl<T: Task> Trainer<T> {
    /// The note of a checkpoint of now, for pictures that fill the encoder's square, with no numbers of
    /// epochs.
    pub fn meta(&self, dataset: Dataset, class_names: Vec<String>, origin: Option<Origin>) -> Meta {
        Meta {
            format: FORMAT,
            software: env!("CARGO_PKG_VERSION").into(),
            stage: self.stage(),
            recipe: self.recipe().clone(),
            side: self.plan().side,
            normalization: self.recipe().encoder.pixels().into(),
            class_names,
            dataset,
            seed: self.plan().seed,
            steps: self.steps(),
            last: Default::default(),
            best: Default::default(),
            preprocessing: None,
            origin,
        }
    }
}
