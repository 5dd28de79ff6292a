//! Batch normalisation is ready for inference after an epoch, and why the Keras `MobileNet` example was not.

use kith_core::image::Images;
use kith_core::recipe::Recipe;
use kith_core::rng::{Purpose, stream};
use kith_core::sampler::Visit;
use kith_core::trainer::{Plan, Trainer};
use kith_core::{metrics, read};
use kith_tests::{cpu, labelled};
use pollster::block_on;

const SIDE: usize = 32;
const COUNT: usize = 24;
const STEPS: u64 = 78;

/// Pictures of three classes, each brightest in one colour.
fn pictures(first: u64) -> (Images, Vec<i32>) {
    let labels: Vec<i32> = (0..COUNT as i32).map(|k| k % 3).collect();
    let mut noise = stream(first, Purpose::Test, 0, 0);
    let mut pixels = Vec::new();
    for label in &labels {
        for plane in 0..3 {
            let base = if plane == *label { 180 } else { 60 };
            pixels.extend((0..SIDE * SIDE).map(|_| base + noise.below(60) as u8));
        }
    }
    (Images::new(pixels, [COUNT, SIDE, SIDE]).expect("as many as there are"), labels)
}

/// Accuracy in the last step of an epoch, and of inference on other pictures after it.
fn trained(statistics: &str) -> [f64; 2] {
    let encoder = format!(
        "encoder={{kind=\"mobilenet\", width_multiplier=0.25, statistics=\"{statistics}\"}}"
    );
    let rate = "finetuning.optimizer.learning_rate=3e-3";
    let changes = [encoder, "finetuning.view=none".into(), rate.into()];
    let text = Recipe::built_in_text("cifar10-semi").expect("built in");
    let recipe = Recipe::parse(text, &changes).expect("a recipe");
    let plan = Plan { side: SIDE, classes: 3, seed: 1, steps: STEPS, epochs: 1 };
    let mut tuner = Trainer::supervised(recipe, plan, &cpu()).expect("it suits");
    let mut training = 0.0;
    for step in 0..STEPS {
        let (images, labels) = pictures(step);
        let visits = Visit::at(step, 0..COUNT as u64);
        let readings = tuner.step(&labelled(images, visits, labels)).expect("a step");
        let readings = block_on(readings.read()).expect("the device reads back");
        training = readings.iter().find(|(name, _)| *name == "accuracy").expect("it is read").1;
    }
    let (images, labels) = pictures(1000);
    let labels = kith_core::Tensor::<1, kith_core::Int>::from_data(labels.as_slice(), &cpu());
    let found =
        metrics::accuracy(tuner.logits(images.to_device(&cpu())).expect("a classifier"), labels);
    let inference = f64::from(block_on(read::read(found)).expect("it reads back")[0]);
    [training, inference]
}

#[test]
fn an_epoch_warms_the_statistics_of_inference() {
    let [training, inference] = trained("pytorch");
    assert!(training > 0.9, "the network learns: {training:.2}");
    assert!(inference > 0.9, "inference follows: {inference:.2} after {training:.2} in training");
}

/// With Keras's momentum most of the running statistics are still zeros and ones after an epoch: the
/// same weights, which are right in training, guess.
#[test]
fn keras_statistics_guess_after_an_epoch() {
    let [training, inference] = trained("keras");
    assert!(training > 0.9, "the network learns: {training:.2}");
    assert!(
        inference < 0.6,
        "inference should lag: {inference:.2} after {training:.2} in training"
    );
}
