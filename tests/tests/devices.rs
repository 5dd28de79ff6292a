//! Several devices: steps whose parts are computed on them are the steps of one device.
//!
//! One adapter under two names is two devices here: each has its own queue and memory, and what goes from
//! one to the other is copied.

use std::sync::Arc;

use kith_core::archive::Archive;
use kith_core::device::gpu as adapters;
use kith_core::loader::{Loader, MemorySplit};
use kith_core::recipe::Recipe;
use kith_core::trainer::{NoMore, Plan, SelfSupervised, Trainer};
use kith_core::{Device, DeviceKind};
use kith_tests::methods::{METHODS, dataset, small};
use kith_tests::{cpu, gpu, largest_difference, relative_error};

const SIDE: usize = 32;
const PLAN: Plan = Plan { side: SIDE, classes: 3, seed: 6, steps: 2, epochs: 3 };

/// The GPU, and the same once more.
fn two() -> [Device; 2] {
    let all = pollster::block_on(adapters::adapters());
    let kind: Option<DeviceKind> = adapters::kinds(&all).into_iter().flatten().next();
    [gpu(), Device::wgpu(kind.expect("a GPU, or a software Vulkan in its place"))]
}

/// A trainer at its start, and its batches.
struct Run {
    trainer: Trainer<SelfSupervised>,
    loader: Loader<Arc<MemorySplit>>,
}

impl Run {
    fn start(recipe: &Recipe, devices: &[Device]) -> Self {
        let trainer = Trainer::pretraining(recipe.clone(), PLAN, &devices[0]).expect("it suits");
        let loader = trainer.loader(&dataset(16, SIDE)).expect("enough images");
        Self { trainer: trainer.also_on(&devices[1..]).expect("no batch normalisation"), loader }
    }

    fn steps(&mut self, count: usize) -> Vec<f64> {
        let mut step = || {
            let Ok(batch) = self.loader.batch(self.trainer.steps());
            let readings = pollster::block_on(self.trainer.checked_step(&batch)).expect("finite");
            readings.iter().find(|(name, _)| *name == "loss").expect("a loss").1
        };
        (0..count).map(|_| step()).collect()
    }

    fn state(&self) -> Archive {
        pollster::block_on(self.trainer.state(NoMore {})).expect("the device reads back")
    }
}

/// Methods whose small recipe has an encoder without batch normalisation.
fn methods() -> impl Iterator<Item = (&'static str, Recipe)> {
    let all = METHODS.into_iter().map(|method| (method.0, small(method)));
    all.filter(|(_, recipe)| !recipe.encoder.normalises())
}

/// Losses and states of so many steps are close, tensors by their length.
fn alike(expected: &[Device], got: &[Device], (steps, close): (usize, f64)) {
    let mut far = Vec::new();
    for (name, recipe) in methods() {
        let (mut one, mut several) = (Run::start(&recipe, expected), Run::start(&recipe, got));
        for (step, (expected, got)) in
            one.steps(steps).into_iter().zip(several.steps(steps)).enumerate()
        {
            let error = (expected - got).abs() / expected.abs().max(1.0);
            assert!(error < close, "{name}, step {step}: expected a loss of {expected}, got {got}");
        }
        let got = several.state();
        for (tensor, expected) in one.state().tensors {
            if tensor.contains("optimizer.") {
                continue;
            }
            let got = &got.tensors[&tensor].values;
            let error = relative_error(got, &expected.values);
            // Biases begin at 0 and are small after three steps.
            if error > close && largest_difference(got, &expected.values) > 0.01 * close as f32 {
                far.push(format!("{name}: {tensor} is off by {error:.2e}"));
            }
        }
    }
    assert!(far.is_empty(), "{far:#?}");
}

#[test]
fn every_method_learns_on_two_devices_what_it_learns_on_one() {
    let devices = two();
    alike(&devices[..1], &devices, (3, 1e-4));
}

#[test]
fn every_method_learns_on_a_cpu_with_a_gpu_what_it_learns_on_the_cpu() {
    // In the third step rounding decides whether a unit of BYOL's is above 0.
    alike(&[cpu()], &[cpu(), gpu()], (2, 1e-3));
}

#[test]
fn a_run_on_two_devices_is_the_same_again_and_after_a_stop() {
    for (name, recipe) in methods().filter(|(name, _)| ["simclr", "byol"].contains(name)) {
        let mut whole = Run::start(&recipe, &two());
        let expected = whole.steps(4);
        let mut first = Run::start(&recipe, &two());
        let mut got = first.steps(2);
        let snapshot = pollster::block_on(first.trainer.snapshot()).expect("the device reads");
        let [device, further] = two();
        let trainer = Trainer::<SelfSupervised>::from_snapshot(&snapshot, &device);
        let trainer = trainer.and_then(|trainer| trainer.also_on(&[further])).expect("its own");
        let mut second = Run { trainer, ..Run::start(&recipe, &two()) };
        got.extend(second.steps(2));
        assert_eq!(got, expected, "{name}");
        assert!(second.state().tensors == whole.state().tensors, "{name}: the states differ");
    }
}

#[test]
fn an_encoder_that_normalises_by_the_batch_is_refused() {
    let method = METHODS.into_iter().find(|method| small(*method).encoder.normalises());
    let recipe = small(method.expect("one of the small recipes has batch normalisation"));
    let trainer = Trainer::pretraining(recipe, PLAN, &cpu()).expect("it suits");
    assert!(Trainer::pretraining(small(METHODS[0]), PLAN, &cpu()).is_ok());
    let refused = trainer.also_on(&[gpu()]).expect_err("parts have other statistics").to_string();
    for words in ["devices = 2", "statistics", "conv4, vit"] {
        assert!(refused.contains(words), "{refused}");
    }
}
