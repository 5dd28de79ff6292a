//! What frozen features of clean pictures are worth: linear probe and weighted neighbours.

use kith_core::encoder::Encoder;
use kith_core::probe::Features;
use kith_core::probe::confusion::Confusion;
use kith_core::probe::knn::{Nearest, Vote, nearest};
use kith_core::probe::linear::{LinearProbe, LinearSettings};
use kith_core::read::read_int;
use kith_core::{Device, Tensor};
use kith_data::Split;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::material::Material;
use crate::retrieval::Retrieval;

/// Pictures that are embedded at a time.
const AT_A_TIME: usize = 256;

/// Shares of test pictures told right.
#[derive(Clone, Debug)]
pub(crate) struct Scores {
    pub(crate) linear: f64,
    /// k 200, temperature 0.1.
    pub(crate) wide: f64,
    /// k 20, temperature 0.07.
    pub(crate) narrow: f64,
    /// Of the linear probe.
    pub(crate) confusion: Confusion,
    /// Among the test pictures.
    pub(crate) retrieval: Retrieval,
}

impl Scores {
    /// For scripts.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "linear": self.linear,
            "knn_200_0.1": self.wide,
            "knn_20_0.07": self.narrow,
            "retrieval": self.retrieval.to_json(),
        })
    }
}

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

/// The class that logits of clean pictures name, for every picture of a split.
pub(crate) fn predict(
    logits: impl Fn(Tensor<4>) -> Tensor<2>,
    split: &Split,
    device: &Device,
) -> Result<Vec<u16>, Failure> {
    let mut predicted = Vec::with_capacity(split.len());
    let places: Vec<u32> = (0..split.len() as u32).collect();
    for chunk in places.chunks(AT_A_TIME) {
        let logits = logits(split.read(chunk)?.to_device(device));
        let classes = pollster::block_on(read_int(logits.argmax(1)))?;
        predicted.extend(classes.into_iter().map(|class| class as u16));
    }
    Ok(predicted)
}

/// The nearest pictures of `bank` for each of `queries`.
pub(crate) fn look_up(
    queries: &Features,
    bank: &Features,
    k: usize,
    device: &Device,
) -> Result<Nearest, Failure> {
    Ok(pollster::block_on(nearest(queries, bank, k, device))?)
}

/// Classes of the test pictures as each probe names them.
#[derive(Clone, Debug)]
pub(crate) struct Predictions {
    pub(crate) linear: Vec<u16>,
    /// k 200, temperature 0.1.
    pub(crate) wide: Vec<u16>,
    /// k 20, temperature 0.07.
    pub(crate) narrow: Vec<u16>,
    /// Features of the test pictures.
    pub(crate) queries: Features,
}

/// Fits on labelled pictures and predicts the test pictures; none without labels.
pub(crate) fn predictions(
    encoder: &Encoder,
    (labelled, test): (&Split, &Split),
    classes: usize,
    device: &Device,
) -> Result<Option<Predictions>, Failure> {
    let Some(labels) = labelled.labels().filter(|labels| !labels.is_empty()) else {
        return Ok(None);
    };
    if test.labels().is_none_or(<[u16]>::is_empty) {
        return Ok(None);
    }
    let bank = embed(encoder, labelled, device)?;
    let queries = embed(encoder, test, device)?;
    let probe = LinearProbe::fit(&bank, labels, classes, LinearSettings::default(), device)?;
    let linear = pollster::block_on(probe.predict(&queries))?;
    let found = look_up(&queries, &bank, Vote::WIDE.k, device)?;
    let voted = |vote| found.predictions(labels, classes, vote);
    let (wide, narrow) = (voted(Vote::WIDE), voted(Vote::NARROW));
    Ok(Some(Predictions { linear, wide, narrow, queries }))
}

/// Fits on the labelled pictures and measures on the test pictures; none without labels.
pub(crate) fn evaluate(
    encoder: &Encoder,
    material: &Material,
    device: &Device,
) -> Result<Option<Scores>, Failure> {
    let (splits, classes) = ((&material.labelled, &material.test), material.classes());
    let Some(predictions) = predictions(encoder, splits, classes, device)? else { return Ok(None) };
    let truth = material.test.labels().unwrap_or_default();
    let count = |predicted| Confusion::count(classes, truth, predicted);
    let confusion = count(&predictions.linear);
    Ok(Some(Scores {
        linear: confusion.accuracy(),
        wide: count(&predictions.wide).accuracy(),
        narrow: count(&predictions.narrow).accuracy(),
        confusion,
        retrieval: Retrieval::of(&predictions.queries, &material.test, device)?,
    }))
}
