//! Training: one step through all of it. Loops live in the doors; the host pulls.

mod classifier;
pub mod feed;
pub mod finetune;
pub mod pretrain;
pub mod semi;
pub mod snapshot;

use burn::tensor::{Device, Int, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::archive::Archive;
use crate::error::Error;
use crate::metrics::Meter;
use crate::recipe::{Finetuning, Recipe};

/// What a run is trained on and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
pub struct Plan {
    /// Side of the pictures, in pixels.
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
    /// The plan of pre-training on so many unlabelled pictures: what the recipe leaves open, one pass
    /// an epoch decides.
    pub fn pretraining(
        recipe: &Recipe,
        [side, classes]: [usize; 2],
        seed: u64,
        pictures: usize,
    ) -> Self {
        let settings = &recipe.pretraining;
        let pass = (pictures / settings.unlabelled_batch.max(1)) as u64;
        let steps = settings.steps.unwrap_or(pass).max(1);
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
        let course = settings.course(images);
        let steps = settings.steps.unwrap_or_else(|| course.steps());
        Self { side, classes, seed, steps, epochs: settings.epochs }
    }

    /// Steps of the whole run.
    pub fn total(&self) -> u64 {
        self.steps * self.epochs
    }
}

/// Counters of a trainer, to be kept beside its tensors.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Steps done.
    pub steps: u64,
    /// Steps that the meter of the running epoch holds.
    pub metered: u64,
    /// Rows of the support set that never were pictures.
    pub random_rows: usize,
}

/// The labels of a batch on a device, `[n]`.
fn upload_labels(labels: &[i32], device: &Device) -> Tensor<1, Int> {
    Tensor::from_data(TensorData::new(labels.to_vec(), [labels.len()]), device)
}

const METER: &str = "meter.sums";

async fn store_meter(archive: &mut Archive, meter: &Meter) -> Result<u64, Error> {
    let Some((sums, count)) = meter.sums() else { return Ok(0) };
    archive.tensors.insert(METER.into(), crate::archive::Stored::read(sums).await?);
    Ok(count)
}

fn resume_meter(archive: &Archive, count: u64, device: &Device) -> Result<Meter, Error> {
    if count == 0 {
        return Ok(Meter::default());
    }
    let stored = archive.get(METER)?;
    Ok(Meter::resumed(stored.to_device(METER, [stored.values.len()], device)?, count))
}

/// A recipe's own encoder with fresh weights: the random encoder against which results are held.
///
/// # Errors
/// [`Error::Setting`] when the side does not suit the encoder.
pub fn random_encoder(
    recipe: &Recipe,
    side: usize,
    seed: u64,
    device: &Device,
) -> Result<crate::encoder::Encoder, Error> {
    recipe.encoder.init(side, seed, device)
}
