//! Several devices: steps whose parts are computed on them are the steps of one device.
//!
//! One adapter under two names is two devices here: each has its own queue and memory, and what goes from
//! one to the other is copied.

use kith_core::device::gpu as adapters;
use kith_core::recipe::Recipe;
use kith_core::trainer::{SelfSupervised, Trainer};
use kith_core::{Device, DeviceKind};
use kith_tests::methods::{Bounds, METHODS, PLAN, Run, small};
use kith_tests::{cpu, gpu};

/// The GPU, and the same once more.
fn two() -> [Device; 2] {
    let all = pollster::block_on(adapters::adapters());
    let kind: Option<DeviceKind> = adapters::kinds(&all).into_iter().flatten().next();
    [gpu(), Device::wgpu(kind.expect("a GPU, or a software Vulkan in its place"))]
}

/// Methods whose small recipe has an encoder without batch normalisation.
fn methods() -> impl Iterator<Item = (&'static str, Recipe)> {
    let all = METHODS.into_iter().map(|method| (method.0, small(method)));
    all.filter(|(_, recipe)| !recipe.encoder.normalises())
}

/// Losses and states of so many steps are close, tensors by their length.
fn alike(expected: &[Device], got: &[Device], (steps, close): (usize, f64)) {
    let bounds = Bounds { loss: close, tensor: close, number: 0.01 * close as f32 };
    let mut all = Vec::new();
    for (name, recipe) in methods() {
        let (mut one, mut several) = (Run::start(&recipe, expected), Run::start(&recipe, got));
        let far = one.far_from(&mut several, steps, bounds);
        all.extend(far.into_iter().map(|far| format!("{name}: {far}")));
    }
    assert!(all.is_empty(), "{all:#?}");
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
