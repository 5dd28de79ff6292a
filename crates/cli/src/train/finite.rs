//! Whether a run still consists of numbers: what a step has thrown away is never kept as a result.

use kith_core::archive::Archive;
use kith_core::read::read;
use kith_core::trainer::{Task, Trainer};
use kith_core::{Error, Tensor};
use kith_data::Split;

use crate::failure::Failure;
use crate::train::context::RunContext;
use crate::train::record::Record;

/// Images that the network is tried on.
const TRIED: usize = 32;

/// Refuses tensors with a value that is not finite.
pub(crate) fn weights(archive: &Archive, step: u64) -> Result<(), Error> {
    let lost = |values: &[f32]| !values.iter().all(|value| value.is_finite());
    match archive.tensors.iter().find(|(_, stored)| lost(&stored.values)) {
        Some((name, _)) => Err(diverged(step, format!("tensor `{name}` is"))),
        None => Ok(()),
    }
}

/// Refuses scores that are not finite.
pub(crate) fn scores(history: &[Record], step: u64) -> Result<(), Error> {
    let scores = history.iter().flat_map(|record| {
        [("validation", record.validation), ("test", record.test)]
            .map(|(split, score)| Some((split, score?)))
    });
    match scores.flatten().find(|(_, score)| !score.loss.is_finite()) {
        Some((split, _)) => Err(diverged(step, format!("the loss on {split} images is"))),
        None => Ok(()),
    }
}

/// Refuses a network whose features or logits are not finite, on some images of the run.
pub(crate) fn outputs<T: Task>(
    trainer: &Trainer<T>,
    context: &RunContext<'_>,
) -> Result<(), Failure> {
    let splits = context.splits;
    let shown = if splits.unlabelled.is_empty() { &splits.labelled } else { &splits.unlabelled };
    let Some(images) = some(shown)? else { return Ok(()) };
    let images = images.to_device(context.device);
    let features = T::LEARNS_FEATURES.then(|| trainer.encoder().forward(images.clone()));
    let logits = trainer.logits(images);
    for (found, what) in [(features, "features are"), (logits, "the classifier's results are")] {
        if !found.map_or(Ok(true), finite)? {
            return Err(diverged(trainer.steps(), what.to_owned()).into());
        }
    }
    Ok(())
}

fn some(split: &Split) -> Result<Option<kith_core::image::Images>, Failure> {
    let places: Vec<u32> = (0..split.len().min(TRIED) as u32).collect();
    if places.is_empty() {
        return Ok(None);
    }
    Ok(Some(split.read(&places)?))
}

fn finite(numbers: Tensor<2>) -> Result<bool, Error> {
    Ok(pollster::block_on(read(numbers))?.iter().all(|number| number.is_finite()))
}

fn diverged(step: u64, what: String) -> Error {
    Error::DivergedAfter { step, what }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::readings::Readings;
    use crate::train::record::{Score, Timing};
    use kith_core::archive::Stored;

    #[test]
    fn what_is_no_number_is_named_with_its_step() {
        let tensor = |value| Stored { shape: vec![2], values: vec![1.0, value] };
        let archive = |value| {
            let mut archive = Archive::default();
            archive.tensors.insert("encoder.x".into(), tensor(value));
            archive
        };
        weights(&archive(f32::MAX), 7).unwrap();
        for value in [f32::NAN, f32::INFINITY] {
            let error = weights(&archive(value), 7).expect_err("no number");
            assert_eq!(error.code(), "DIVERGED");
            let text = error.to_string();
            assert!(text.contains("encoder.x") && text.contains("step 7"), "{text}");
        }
    }

    #[test]
    fn a_loss_without_end_on_test_images_is_refused() {
        let record = |loss| Record {
            epoch: 1,
            step: 3,
            train: Readings::default(),
            validation: None,
            test: Some(Score { accuracy: 0.5, loss }),
            knn: None,
            features: Readings::default(),
            timing: Timing::default(),
        };
        scores(&[record(2.0)], 3).unwrap();
        let error = scores(&[record(2.0), record(f64::INFINITY)], 3).expect_err("no number");
        assert!(error.to_string().contains("test images"), "{error}");
    }
}
