//! Every method in small: its built-in recipe with few units, for tests of what all methods promise.

use std::sync::Arc;

use kith_core::Device;
use kith_core::archive::Archive;
use kith_core::image::Images;
use kith_core::loader::{Loader, MemoryDataset, MemorySplit};
use kith_core::method::parts::PartDevice;
use kith_core::recipe::Recipe;
use kith_core::rng::{Purpose, stream};
use kith_core::trainer::{NoMore, Plan, SelfSupervised, Trainer};

use crate::{cpu, largest_difference, relative_error};

/// The recipes of methods, and what makes each of them small besides `ALL`.
pub const METHODS: [(&str, &[&str]); 15] = [
    ("simclr", &[]),
    ("supcon", &[]),
    ("nnclr", &["objective.queue=32"]),
    (
        "nnclr-paper",
        &[
            "objective.queue=32",
            "objective.form.predictor.hidden=[8]",
            "objective.form.predictor.output=16",
        ],
    ),
    ("moco", &["objective.queue=32", "objective.directions=both_mean"]),
    ("moco-v3", &PREDICTOR),
    ("byol", &PREDICTOR),
    ("simsiam", &PREDICTOR),
    ("barlow", &[]),
    ("vicreg", &[]),
    ("swav", &["objective.prototypes=12", "objective.frozen_epochs=0.5", QUEUE]),
    ("dino", &["objective.prototypes=12", "objective.frozen_epochs=0.5"]),
    ("lejepa", &["objective.slices=8"]),
    ("moco", &["objective.queue=32", "objective.directions=one"]),
    ("dino", &["objective.prototypes=12", CROPS, POOLED, "objective.crops=apart"]),
];

const PREDICTOR: [&str; 2] = ["objective.predictor.hidden=[8]", "objective.predictor.output=16"];
const QUEUE: &str = "objective.queue={ length = 24, filled_from = 0, used_from = 0 }";
const CROPS: &str = "pretraining.views=[{ policy = \"multicrop-global\", count = 2 }, \
                     { policy = \"multicrop-local\", side = 16, count = 2 }]";
const POOLED: &str = "encoder={ kind = \"conv4_pool\" }";
/// What makes any of them small. Adam makes whole steps of a gradient that is rounding alone, so that no
/// two devices agree: plain descent does not.
const ALL: [&str; 7] = [
    "encoder={ kind = \"conv4\", width = 16 }",
    "projection.hidden=[24]",
    "projection.output=16",
    "pretraining.unlabelled_batch=8",
    "pretraining.labelled_batch=4",
    "pretraining.optimizer={ kind = \"sgd\", learning_rate = 0.02 }",
    "pretraining.probe_optimizer={ kind = \"sgd\", learning_rate = 0.02 }",
];

/// A method's recipe in small.
///
/// # Panics
/// When there is no such recipe, or it has no such settings.
pub fn small((name, changes): (&str, &[&str])) -> Recipe {
    let text = Recipe::built_in_text(name).expect("it is built in");
    let changes: Vec<String> = ALL.iter().chain(changes).map(|&change| change.into()).collect();
    Recipe::parse(text, &changes).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// Blobs of colour: images that are neither flat nor noise.
///
/// # Panics
/// Never: there are as many bytes as images need.
pub fn waves(count: usize, side: usize) -> Images {
    let mut pixels = Vec::with_capacity(count * 3 * side * side);
    for image in 0..count as u64 {
        let mut stream = stream(5, Purpose::Test, 0, image);
        let waves: Vec<[f64; 3]> = (0..3)
            .map(|_| {
                [stream.uniform(0.05, 0.5), stream.uniform(0.05, 0.5), stream.uniform(0.0, 6.0)]
            })
            .collect();
        for [down, across, phase] in waves {
            for place in 0..side * side {
                let (y, x) = ((place / side) as f64, (place % side) as f64);
                let level = (down * y + phase).sin() * (across * x - phase).cos();
                pixels.push((127.5 + 127.0 * level) as u8);
            }
        }
    }
    Images::new(pixels, [count, side, side]).expect("as many bytes as images")
}

/// Such images, once without labels and once with those of three classes.
///
/// # Panics
/// Never: all images are of one size, and each has a label.
pub fn dataset(count: usize, side: usize) -> MemoryDataset {
    let (images, mut dataset) = (waves(count, side), MemoryDataset::new(side));
    let labels: Vec<u16> = (0..count as u16).map(|image| image % 3).collect();
    dataset.add(&images).expect("of one size");
    dataset.add_labelled(&images, &labels).expect("a label an image");
    dataset
}

/// Side of the images of a [`Run`], in pixels.
const SIDE: usize = 32;
/// What a [`Run`] is for.
pub const PLAN: Plan = Plan { side: SIDE, classes: 3, seed: 6, steps: 2, epochs: 3 };

/// A trainer at its start, and its batches.
#[derive(Debug)]
pub struct Run {
    /// The trainer.
    pub trainer: Trainer<SelfSupervised>,
    /// Its batches.
    pub loader: Loader<Arc<MemorySplit>>,
}

/// How close two runs are.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Of losses, by the larger of them and 1.
    pub loss: f64,
    /// Of tensors, by their length.
    pub tensor: f64,
    /// Of numbers of a tensor that is not so close: biases begin at 0 and are small after few steps.
    pub number: f32,
}

impl Run {
    /// On the first of some devices, and in parts on all of them.
    pub fn start(recipe: &Recipe, devices: &[Device]) -> Self {
        let parts_on = devices.iter().cloned().map(PartDevice::Local).collect();
        Self::in_parts(recipe, &devices[0], parts_on)
    }

    /// On a device, with parts of the batches on others.
    pub fn in_parts(recipe: &Recipe, device: &Device, parts_on: Vec<PartDevice>) -> Self {
        let trainer = Trainer::pretraining(recipe.clone(), PLAN, device).expect("it suits");
        let loader = trainer.loader(&dataset(16, SIDE)).expect("enough images");
        let trainer = trainer.in_parts_on(parts_on).expect("no batch normalisation");
        Self { trainer, loader }
    }

    /// What goes on, on any device, from where this one is.
    pub fn copied(&self, recipe: &Recipe, device: &Device) -> Self {
        let snapshot = pollster::block_on(self.trainer.snapshot()).expect("the device reads back");
        let trainer = Trainer::from_snapshot(&snapshot, device).expect("its own");
        Self { trainer, ..Self::start(recipe, &[cpu()]) }
    }

    /// The losses of the next steps.
    pub fn steps(&mut self, count: usize) -> Vec<f64> {
        let mut step = || {
            let Ok(batch) = self.loader.batch(self.trainer.steps());
            let readings = pollster::block_on(self.trainer.checked_step(&batch)).expect("finite");
            readings.iter().find(|(name, _)| *name == "loss").expect("a loss").1
        };
        (0..count).map(|_| step()).collect()
    }

    /// Everything that it has learnt.
    pub fn state(&self) -> Archive {
        pollster::block_on(self.trainer.state(NoMore {})).expect("the device reads back")
    }

    /// The losses of so many steps, and the tensors after them, in which another run is further away.
    pub fn far_from(&mut self, other: &mut Self, steps: usize, bounds: Bounds) -> Vec<String> {
        let mut far = Vec::new();
        let losses = self.steps(steps).into_iter().zip(other.steps(steps));
        for (step, (expected, got)) in losses.enumerate() {
            let error = (expected - got).abs() / expected.abs().max(1.0);
            // Not a number is not close.
            let close = error < bounds.loss;
            if !close {
                far.push(format!("loss {step}: expected {expected}, got {got}"));
            }
        }
        let (expected, got) = (self.state(), other.state());
        // What an optimizer remembers adds up what differs in every step.
        let learnt = expected.tensors.iter().filter(|(tensor, _)| !tensor.contains("optimizer."));
        for (tensor, expected) in learnt {
            let got = &got.tensors[tensor].values;
            let error = relative_error(got, &expected.values);
            let close =
                error < bounds.tensor || largest_difference(got, &expected.values) < bounds.number;
            if !close {
                far.push(format!("{tensor} is off by {error:.2e}"));
            }
        }
        far
    }
}
