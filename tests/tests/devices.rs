//! Several devices, of this process and of others: steps whose parts are computed on them are the steps of
//! one device.
//!
//! One adapter under two names is two devices here: each has its own queue and memory, and what goes from
//! one to the other is copied.

use std::collections::VecDeque;
use std::sync::Mutex;

use kith_core::device::gpu as adapters;
use kith_core::method::parts::PartDevice;
use kith_core::method::remote::{Composing, Link, Remote};
use kith_core::recipe::Recipe;
use kith_core::trainer::{SelfSupervised, Trainer};
use kith_core::worker::Worker;
use kith_core::{Device, DeviceKind, Error};
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

/// What another process would answer, without one.
#[derive(Debug)]
struct Direct {
    worker: Mutex<Worker>,
    answers: Mutex<VecDeque<Vec<u8>>>,
}

impl Link for Direct {
    fn name(&self) -> &'static str {
        "remote:here"
    }

    fn send(&self, message: Composing<'_>) -> Result<(), Error> {
        let message = pollster::block_on(message)?;
        let answer = pollster::block_on(self.worker.lock().expect("unshared").answer(&message));
        self.answers.lock().expect("unshared").push_back(answer);
        Ok(())
    }

    fn receive(&self) -> Result<Vec<u8>, Error> {
        Ok(self.answers.lock().expect("unshared").pop_front().expect("each message has an answer"))
    }
}

fn worker(device: &Device) -> PartDevice {
    let (worker, answers) = (Mutex::new(Worker::new(device, "here")), Mutex::default());
    PartDevice::Remote(Remote::connect(Direct { worker, answers }).expect("it is there"))
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

/// Teachers and students ask the same workers for features of their own. Each step begins with the weights of
/// the run without workers: from step to step rounding may decide which of two neighbours is nearer.
#[test]
fn every_method_learns_by_workers_what_it_learns_by_itself() {
    for (parts_on, close) in
        [(vec![worker(&cpu()), worker(&cpu())], 1e-4), (vec![worker(&gpu())], 1e-3)]
    {
        let bounds = Bounds { loss: close, tensor: close, number: 0.01 * close as f32 };
        let mut all = Vec::new();
        for (name, recipe) in methods() {
            let mut here = Run::start(&recipe, &[cpu()]);
            for step in 0..2 {
                let Run { trainer, loader } = here.copied(&recipe, &cpu());
                let trainer = trainer.in_parts_on(parts_on.clone()).expect("it suits");
                let far = here.far_from(&mut Run { trainer, loader }, 1, bounds);
                all.extend(far.into_iter().map(|far| format!("{name}, step {step}: {far}")));
            }
        }
        assert!(all.is_empty(), "{all:#?}");
    }
}

/// Running statistics, and those of teachers, move on with each look at a batch.
#[test]
fn a_worker_computes_to_the_same_bits_what_this_process_would() {
    let pooled = Recipe::built_in_text("byol").map(|text| {
        let changes = [
            "encoder={ kind = \"conv4_pool\", width = 4 }",
            "projection.hidden=[8]",
            "pretraining.unlabelled_batch=8",
            "pretraining.labelled_batch=4",
        ];
        Recipe::parse(text, &changes.map(Into::into)).expect("it can be read")
    });
    let all = METHODS.into_iter().map(|method| (method.0, small(method)));
    for (name, recipe) in all.chain(pooled.map(|recipe| ("byol, pooled", recipe))) {
        let mut here = Run::start(&recipe, &[cpu()]);
        let mut far = Run::in_parts(&recipe, &cpu(), vec![worker(&cpu())]);
        assert_eq!(far.steps(3), here.steps(3), "{name}");
        assert!(far.state().tensors == here.state().tensors, "{name}: the states differ");
    }
}

/// What is not finite is not sent, and says the same as a loss that is not.
#[test]
fn a_run_that_diverges_by_a_worker_says_so() {
    let text = Recipe::built_in_text("simclr").expect("it is built in");
    let changes = ["pretraining.optimizer={ kind = \"sgd\", learning_rate = 1e30 }"];
    let small =
        ["encoder.width=4", "pretraining.unlabelled_batch=8", "pretraining.labelled_batch=0"];
    let all: Vec<String> = small.iter().chain(&changes).map(|&change| change.into()).collect();
    let recipe = Recipe::parse(text, &all).expect("it can be read");
    for parts_on in [vec![PartDevice::Local(cpu())], vec![worker(&cpu())]] {
        let mut run = Run::in_parts(&recipe, &cpu(), parts_on);
        let mut step = || {
            let Ok(batch) = run.loader.batch(run.trainer.steps());
            pollster::block_on(run.trainer.checked_step(&batch))
        };
        let error = (0..4).find_map(|_| step().err()).expect("it diverges");
        assert_eq!(error.code(), "DIVERGED", "{error}");
        assert!(error.to_string().contains("lower the learning rate"), "{error}");
    }
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
        let both = [device, further].map(PartDevice::Local).to_vec();
        let trainer = trainer.and_then(|trainer| trainer.in_parts_on(both)).expect("its own");
        let mut second = Run { trainer, ..Run::start(&recipe, &two()) };
        got.extend(second.steps(2));
        assert_eq!(got, expected, "{name}");
        assert!(second.state().tensors == whole.state().tensors, "{name}: the states differ");
    }
}

#[test]
fn parts_of_a_batch_are_refused_by_an_encoder_that_normalises_by_it() {
    let method = METHODS.into_iter().find(|method| small(*method).encoder.normalises());
    let recipe = small(method.expect("one of the small recipes has batch normalisation"));
    for further in [PartDevice::Local(gpu()), worker(&cpu())] {
        let trainer = Trainer::pretraining(recipe.clone(), PLAN, &cpu()).expect("it suits");
        let refused = trainer.in_parts_on(vec![PartDevice::Local(cpu()), further]);
        let refused = refused.expect_err("parts have other statistics").to_string();
        for words in ["devices = 2", "statistics", "conv4, vit"] {
            assert!(refused.contains(words), "{refused}");
        }
    }
}
