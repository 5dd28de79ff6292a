//! What all methods promise: a stopped run goes on to the same bits, and a GPU learns what the CPU does.

use kith_core::Device;
use kith_core::archive::Archive;
use kith_core::loader::{Loader, MemorySplit};
use kith_core::recipe::Recipe;
use kith_core::trainer::{NoMore, Plan, SelfSupervised, Trainer};
use kith_tests::methods::{METHODS, dataset, small};
use kith_tests::{cpu, gpu, largest_difference, relative_error};
use std::sync::Arc;

type Pretrainer = Trainer<SelfSupervised>;

const SIDE: usize = 32;
const PLAN: Plan = Plan { side: SIDE, classes: 3, seed: 6, steps: 2, epochs: 3 };

/// A trainer at its start, and its batches.
struct Run {
    trainer: Pretrainer,
    loader: Loader<Arc<MemorySplit>>,
}

impl Run {
    fn start(recipe: &Recipe, device: &Device) -> Self {
        let trainer = Trainer::pretraining(recipe.clone(), PLAN, device).expect("it suits");
        let loader = trainer.loader(&dataset(16, SIDE)).expect("enough images");
        Self { trainer, loader }
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

/// Teacher, queue, centre, prototypes and what the optimizer remembers among it.
#[test]
fn a_stopped_run_goes_on_to_the_same_bits() {
    for method in METHODS {
        let (name, recipe) = (method.0, small(method));
        let mut whole = Run::start(&recipe, &cpu());
        let expected = whole.steps(6);
        let mut first = Run::start(&recipe, &cpu());
        let mut got = first.steps(3);
        let snapshot = pollster::block_on(first.trainer.snapshot()).expect("the CPU reads");
        let trainer = Trainer::<SelfSupervised>::from_snapshot(&snapshot, &cpu()).expect("its own");
        let mut second = Run { trainer, ..Run::start(&recipe, &cpu()) };
        got.extend(second.steps(3));
        assert_eq!(got, expected, "{name}");
        let (got, expected) = (second.state(), whole.state());
        let differ = |tensor: &&String| got.tensors.get(*tensor) != expected.tensors.get(*tensor);
        let names: Vec<&String> = expected.tensors.keys().filter(differ).collect();
        assert!(names.is_empty(), "{name}: {names:?} differ");
        assert_eq!(got.tensors.len(), expected.tensors.len(), "{name}");
    }
}

#[test]
fn what_the_cpu_learns_is_learnt_on_wgpu() {
    let mut far = Vec::new();
    for method in METHODS {
        let (name, recipe) = (method.0, small(method));
        let (mut on_cpu, mut on_gpu) = (Run::start(&recipe, &cpu()), Run::start(&recipe, &gpu()));
        let losses = on_cpu.steps(3).into_iter().zip(on_gpu.steps(3));
        for (step, (expected, got)) in losses.enumerate() {
            let error = (expected - got).abs() / expected.abs().max(1.0);
            assert!(error < 1e-3, "{name}, step {step}: expected a loss of {expected}, got {got}");
        }
        let got = on_gpu.state();
        for (tensor, expected) in on_cpu.state().tensors {
            // What an optimizer remembers adds up what differs in every step.
            if tensor.contains("optimizer.") {
                continue;
            }
            let got = &got.tensors[&tensor].values;
            let error = relative_error(got, &expected.values);
            // Biases begin at 0 and are small after three steps.
            let close = error < 2e-3 || largest_difference(got, &expected.values) < 2e-5;
            if !close {
                far.push(format!("{name}: {tensor} is off by {error:.2e}"));
            }
        }
    }
    assert!(far.is_empty(), "{far:#?}");
}

#[test]
fn every_method_moves_its_encoder() {
    for method in METHODS {
        let (name, recipe) = (method.0, small(method));
        let mut run = Run::start(&recipe, &cpu());
        let before = run.state();
        let losses = run.steps(2);
        let after = run.state();
        let moved = before.tensors.iter().filter(|(tensor, stored)| {
            tensor.starts_with("encoder.") && stored.values != after.tensors[*tensor].values
        });
        assert!(moved.count() > 0, "{name}: nothing of the encoder moved: {losses:?}");
        assert!(losses.iter().all(|loss| loss.is_finite()), "{name}: {losses:?}");
    }
}

#[test]
fn what_a_method_lacks_is_told_before_the_first_step() {
    let supcon = small(("supcon", &[]));
    let plan = Plan { classes: 0, ..PLAN };
    let error = Trainer::pretraining(supcon, plan, &cpu()).expect_err("it has no labels");
    assert_eq!(error.code(), "SETTING");
    assert!(error.to_string().contains("learns from labels"), "{error}");
    let text = Recipe::built_in_text("lejepa").expect("it is built in");
    let views = "pretraining.views=[{ policy = \"flip\", count = 2 }]";
    let changes = [views, "objective.global_views=3"].map(String::from);
    let error = Recipe::parse(text, &changes).expect_err("two views are no three");
    assert!(error.to_string().contains("at least 3 views"), "{error}");
}
