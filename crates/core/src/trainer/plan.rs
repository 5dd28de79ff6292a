//! What a run is trained on and for how long.

use serde::{Deserialize, Serialize};

use crate::recipe::{Finetuning, Pretraining};
use crate::semi::SemiSettings;

/// What a run is trained on and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
pub struct Plan {
    /// Side of the images, in pixels.
    pub side: usize,
    /// Number of classes; 0 where nothing is labelled.
    pub classes: usize,
    /// The seed of everything random.
    pub seed: u64,
    /// Steps an epoch.
    pub steps: u64,
    /// Epochs.
    pub epochs: u64,
}

impl Plan {
    /// The plan of pre-training on so many unlabelled and labelled images: what the settings leave
    /// open, one pass an epoch decides, over the labelled ones where a batch holds no others.
    pub fn pretraining(
        settings: &Pretraining,
        [side, classes]: [usize; 2],
        seed: u64,
        [unlabelled, labelled]: [usize; 2],
    ) -> Self {
        let steps = match settings.unlabelled_batch {
            0 => steps_of(settings.steps, labelled, settings.labelled_batch),
            batch => steps_of(settings.steps, unlabelled, batch),
        };
        Self { side, classes, seed, steps, epochs: settings.epochs }
    }

    /// The plan of training on so many labelled images: what the settings leave open, one pass an
    /// epoch decides.
    pub fn finetuning(
        settings: &Finetuning,
        [side, classes]: [usize; 2],
        seed: u64,
        images: usize,
    ) -> Self {
        let sampling = settings.sampling(images);
        let steps = settings.steps.unwrap_or_else(|| sampling.steps());
        Self { side, classes, seed, steps, epochs: settings.epochs }
    }

    /// The plan of semi-supervised training on so many unlabelled images.
    pub fn semi(
        settings: &SemiSettings,
        [side, classes]: [usize; 2],
        seed: u64,
        images: usize,
    ) -> Self {
        let steps = steps_of(settings.steps, images, settings.unlabelled_batch);
        Self { side, classes, seed, steps, epochs: settings.epochs }
    }

    /// Steps of the whole run.
    pub fn total(&self) -> u64 {
        self.steps.saturating_mul(self.epochs)
    }
}

/// Steps of an epoch: one pass over the images where nothing else is asked, at least one.
fn steps_of(asked: Option<u64>, images: usize, batch: usize) -> u64 {
    let pass = (images / batch.max(1)) as u64;
    asked.unwrap_or(pass).max(1)
}
