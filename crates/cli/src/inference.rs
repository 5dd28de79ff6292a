//! A network applied to all images of a split, some at a time.

use kith_core::encoder::Encoder;
use kith_core::probe::Features;
use kith_core::probe::knn::{Nearest, nearest};
use kith_core::read::read_int;
use kith_core::{Device, Tensor};
use kith_data::Split;

use crate::failure::Failure;

/// Images that are embedded at a time.
pub(crate) const AT_A_TIME: usize = 256;

/// Clean features of a split.
pub(crate) fn embed(
    encoder: &Encoder,
    split: &Split,
    device: &Device,
) -> Result<Features, Failure> {
    let mut features = Features::default();
    let places: Vec<u32> = (0..split.len() as u32).collect();
    for chunk in places.chunks(AT_A_TIME) {
        pollster::block_on(features.add(encoder, &split.read(chunk)?, device))?;
    }
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
    let places: Vec<u32> = (0..split.len() as u32).collect();
    for chunk in places.chunks(AT_A_TIME) {
        let Some(logits) = logits(split.read(chunk)?.to_device(device)) else { break };
        let classes = pollster::block_on(read_int(logits.argmax(1)))?;
        predicted.extend(classes.into_iter().map(|class| class as u16));
    }
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
