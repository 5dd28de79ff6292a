//! Mixed precision: every method learns with it what it learns without, on a CPU as on a GPU.

use kith_core::Device;
use kith_core::method::parts::PartDevice;
use kith_core::precision::TrainingPrecision;
use kith_core::recipe::Recipe;
use kith_core::trainer::{SelfSupervised, Trainer};
use kith_tests::methods::{METHODS, PLAN, Run, small};
use kith_tests::{cpu, gpu};

/// Every method's small recipe.
fn methods() -> impl Iterator<Item = (&'static str, Recipe)> {
    METHODS.into_iter().map(|method| (method.0, small(method)))
}

fn mixed(recipe: &Recipe) -> Recipe {
    Recipe { precision: TrainingPrecision::Mixed, ..recipe.clone() }
}

/// What one step of a recipe on a device changes in the encoder and its projection, all numbers in one row,
/// and its loss.
fn step(recipe: &Recipe, device: &Device) -> (Vec<f64>, f64) {
    let part = vec![PartDevice::Local(device.clone())];
    let mut run = Run::in_parts(recipe, device, part);
    let before = run.state();
    let loss = run.steps(1)[0];
    let learnt = |name: &str| {
        let of_network = name.starts_with("encoder.") || name.starts_with("projection.");
        of_network && !name.contains("running")
    };
    let after = run.state();
    let moved = after.tensors.iter().filter(|(name, _)| learnt(name)).flat_map(|(name, after)| {
        let before = &before.tensors[name].values;
        after.values.iter().zip(before).map(|(after, before)| f64::from(after - before))
    });
    (moved.collect(), loss)
}

/// The cosine of two rows.
fn cosine(one: &[f64], other: &[f64]) -> f64 {
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    product(one, other) / (product(one, one) * product(other, other)).sqrt()
}

/// Rounding of numbers that nearly cancel is a larger part of some methods' gradients.
#[test]
fn every_method_steps_the_same_way_in_both_precisions_and_on_both_devices() {
    for (name, recipe) in methods() {
        let (full, full_loss) = step(&recipe, &cpu());
        let narrow = mixed(&recipe);
        let [on_cpu, on_gpu] = [cpu(), gpu()].map(|device| step(&narrow, &device));
        assert_ne!(on_cpu.0, full, "{name}: it is another step");
        for (what, (moved, loss)) in [("CPU", on_cpu), ("GPU", on_gpu)] {
            let off = (loss - full_loss).abs() / full_loss.abs().max(1.0);
            let cosine = cosine(&moved, &full);
            assert!(
                off < 2e-3 && cosine > 0.98,
                "{name}, {what}: loss off by {off:.1e}, cosine {cosine:.6}"
            );
        }
    }
}

#[test]
fn a_run_is_the_same_again_and_after_a_stop() {
    for (name, recipe) in methods() {
        let recipe = mixed(&recipe);
        let on_both = ["simclr", "byol"].contains(&name);
        let devices = if on_both { vec![cpu(), gpu()] } else { vec![cpu()] };
        for device in devices {
            let start = || Run::start(&recipe, std::slice::from_ref(&device));
            let mut whole = start();
            let expected = whole.steps(3);
            let mut first = start();
            let mut got = first.steps(1);
            let snapshot = pollster::block_on(first.trainer.snapshot()).expect("the device reads");
            let trainer = Trainer::<SelfSupervised>::from_snapshot(&snapshot, &device);
            let mut second = Run { trainer: trainer.expect("its own"), ..start() };
            got.extend(second.steps(2));
            assert_eq!(got, expected, "{name}");
            assert!(second.state().tensors == whole.state().tensors, "{name}: the states differ");
        }
    }
}

/// The part of a batch after the other, features first without and then with their gradients.
#[test]
fn parts_of_a_batch_take_the_step_of_the_batch() {
    for (name, recipe) in methods().filter(|(_, recipe)| !recipe.encoder.normalises()) {
        let whole = mixed(&recipe);
        let mut parted = whole.clone();
        parted.pretraining.accumulate = 3;
        let [(expected, loss), (got, got_loss)] =
            [whole, parted].map(|recipe| step(&recipe, &cpu()));
        assert!((loss - got_loss).abs() < 1e-5 * loss.abs().max(1.0), "{name}: {loss}, {got_loss}");
        // Each part's gradients are scaled by their own largest number.
        let cosine = cosine(&expected, &got);
        assert!(cosine > 0.9999, "{name}: {cosine}");
    }
}

#[test]
fn labels_teach_in_mixed_precision() {
    let recipe = small(METHODS[0]);
    let losses = |recipe: &Recipe| {
        let plan = PLAN;
        let mut trainer = Trainer::supervised(recipe.clone(), plan, &cpu()).expect("it suits");
        let pretrainer = Trainer::pretraining(recipe.clone(), plan, &cpu()).expect("it suits");
        let mut loader = pretrainer.loader(&kith_tests::methods::dataset(16, 32)).expect("enough");
        let mut step = || {
            let Ok(batch) = loader.batch(trainer.steps());
            let readings = pollster::block_on(trainer.checked_step(&batch)).expect("finite");
            readings.iter().find(|(name, _)| *name == "loss").expect("a loss").1
        };
        (0..6).map(|_| step()).collect::<Vec<f64>>()
    };
    let (full, mixed) = (losses(&recipe), losses(&mixed(&recipe)));
    assert_ne!(full, mixed);
    for (full, mixed) in full.iter().zip(&mixed) {
        assert!((full - mixed).abs() < 5e-3 * full, "{full}, {mixed}");
    }
}
