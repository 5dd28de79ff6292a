//! What frozen features of clean pictures are worth: linear probe and weighted neighbours.

use kith_core::Device;
use kith_core::encoder::Encoder;
use kith_core::probe::Features;
use kith_core::probe::confusion::Confusion;
use kith_core::probe::knn::{Nearest, Vote, nearest};
use kith_core::probe::linear::{LinearProbe, LinearSettings};
use kith_data::Split;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::material::Material;

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
}

impl Scores {
    /// For scripts.
    pub(crate) fn to_json(&self) -> Value {
        json!({ "linear": self.linear, "knn_200_0.1": self.wide, "knn_20_0.07": self.narrow })
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

/// The nearest pictures of `bank` for each of `queries`.
pub(crate) fn look_up(
    queries: &Features,
    bank: &Features,
    k: usize,
    device: &Device,
) -> Result<Nearest, Failure> {
    Ok(pollster::block_on(nearest(queries, bank, k, device))?)
}

/// Fits on the labelled pictures and measures on the test pictures; none without labels.
pub(crate) fn evaluate(
    encoder: &Encoder,
    material: &Material,
    device: &Device,
) -> Result<Option<Scores>, Failure> {
    let (Some(labels), Some(truth)) = (material.labelled.labels(), material.test.labels()) else {
        return Ok(None);
    };
    if truth.is_empty() || labels.is_empty() {
        return Ok(None);
    }
    let classes = material.classes();
    let bank = embed(encoder, &material.labelled, device)?;
    let queries = embed(encoder, &material.test, device)?;
    let probe = LinearProbe::fit(&bank, labels, classes, LinearSettings::default(), device)?;
    let predicted = pollster::block_on(probe.predict(&queries))?;
    let confusion = Confusion::count(classes, truth, &predicted);
    let found = look_up(&queries, &bank, Vote::WIDE.k, device)?;
    let share = |vote| {
        Confusion::count(classes, truth, &found.predictions(labels, classes, vote)).accuracy()
    };
    Ok(Some(Scores {
        linear: confusion.accuracy(),
        wide: share(Vote::WIDE),
        narrow: share(Vote::NARROW),
        confusion,
    }))
}
