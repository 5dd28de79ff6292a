//! Every method in small: its built-in recipe with few units, for tests of what all methods promise.

use kith_core::image::Images;
use kith_core::loader::MemoryDataset;
use kith_core::recipe::Recipe;
use kith_core::rng::{Purpose, stream};

/// The recipes of methods, and what makes each of them small besides [`ALL`].
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
