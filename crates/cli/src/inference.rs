//! A network applied to all images of a split, some at a time.

use kith_core::encoder::Encoder;
use kith_core::probe::Features;
use kith_core::probe::knn::{Nearest, nearest};
use kith_core::read::read_int;
use kith_core::{Device, Tensor};
use kith_data::Split;

use crate::failure::Failure;

/// Images that go through a network at a time.
const AT_A_TIME: usize = 256;

/// Calls with the places of some images after those of others, of so many; with half as many at a time once
/// the device had no memory for more. A call that fails leaves nothing behind; one that gives none ends it.
pub(crate) fn in_batches(
    count: usize,
    mut call: impl FnMut(&[u32]) -> Result<Option<()>, Failure>,
) -> Result<Option<()>, Failure> {
    let places: Vec<u32> = (0..count as u32).collect();
    let (mut rest, mut most) = (&places[..], AT_A_TIME);
    while !rest.is_empty() {
        let (some, others) = rest.split_at(most.min(rest.len()));
        match call(some) {
            Ok(Some(())) => rest = others,
            Ok(None) => return Ok(None),
            Err(failure) if failure.is_memory() && some.len() > 1 => most = some.len() / 2,
            Err(failure) => return Err(failure),
        }
    }
    Ok(Some(()))
}

/// Clean features of a split.
pub(crate) fn embed(
    encoder: &Encoder,
    split: &Split,
    device: &Device,
) -> Result<Features, Failure> {
    let mut features = Features::default();
    in_batches(split.len(), |places| {
        pollster::block_on(features.add(encoder, &split.read(places)?, device))?;
        Ok(Some(()))
    })?;
    Ok(features)
}

/// The class that logits of clean images name, for every image of a split; none of them where there is
/// no classifier.
pub(crate) fn predict(
    logits: impl Fn(Tensor<4>) -> Option<Tensor<2>>,
    split: &Split,
    device: &Device,
) -> Result<Vec<u16>, Failure> {
    let mut predicted = Vec::with_capacity(split.len());
    in_batches(split.len(), |places| {
        let Some(logits) = logits(split.read(places)?.to_device(device)) else { return Ok(None) };
        let classes = pollster::block_on(read_int(logits.argmax(1)))?;
        predicted.extend(classes.into_iter().map(|class| class as u16));
        Ok(Some(()))
    })?;
    Ok(predicted)
}

/// The nearest images of `bank` for each of `queries`.
pub(crate) fn look_up(
    queries: &Features,
    bank: &Features,
    k: usize,
    device: &Device,
) -> Result<Nearest, Failure> {
    Ok(pollster::block_on(nearest(queries, bank, k, device))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no_memory() -> Failure {
        Failure::Core(kith_core::Error::of_device("out of memory"))
    }

    #[test]
    fn a_device_with_little_memory_gets_fewer_images_at_a_time() {
        let mut seen = Vec::new();
        let mut sizes = Vec::new();
        let outcome = in_batches(600, |places| {
            sizes.push(places.len());
            if places.len() > 70 {
                return Err(no_memory());
            }
            seen.extend_from_slice(places);
            Ok(Some(()))
        });
        outcome.expect("64 fit");
        assert_eq!(sizes[..4], [256, 128, 64, 64]);
        assert!(seen.iter().copied().eq(0..600), "each once, in order");
        let none = in_batches(3, |_| Err(no_memory())).expect_err("not even one fits");
        assert_eq!(none.code(), "OUT_OF_MEMORY");
        let mut calls = 0;
        let other = in_batches(3, |_| {
            calls += 1;
            Err(Failure::Core(kith_core::Error::NotKith))
        });
        assert_eq!((other.expect_err("another error").code(), calls), ("NOT_KITH", 1));
        let mut calls = 0;
        let nothing = in_batches(600, |_| {
            calls += 1;
            Ok(None)
        });
        assert_eq!((nothing.expect("no error"), calls), (None, 1));
    }
}
