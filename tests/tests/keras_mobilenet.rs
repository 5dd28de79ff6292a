//! Keras's `MobileNet` as the semi-supervised example trains it: inference, two steps, initial weights,
//! dropout.

use kith_core::archive::{Archive, Stored};
use kith_core::dropout;
use kith_core::image::Images;
use kith_core::loss::cross_entropy;
use kith_core::recipe::Recipe;
use kith_core::sampler::Visit;
use kith_core::trainer::{Counters, NoMore, Plan, Supervised, Trainer};
use kith_core::{Device, Int, Tensor, read};
use kith_tests::fixture::Fixture;
use kith_tests::{cpu, gpu, labelled, relative_error};

const SIDE: usize = 32;

/// The recipe in the fixture's width, without what is random.
fn recipe(statistics: &str) -> Recipe {
    let changes = [
        "encoder.width_multiplier=0.25".to_owned(),
        format!("encoder.statistics={statistics}"),
        "finetuning.view=none".to_owned(),
        "finetuning.dropout=0.0".to_owned(),
    ];
    let text = Recipe::built_in_text("cifar10-semi").expect("built in");
    Recipe::parse(text, &changes).expect("a recipe")
}

/// Everything of a moment, by kith's names, which the fixture has.
fn tensors(fixture: &Fixture, moment: &str) -> Archive {
    let mut archive = Archive::default();
    for name in fixture.names(&format!("{moment}.")) {
        archive.tensors.insert(name.clone(), fixture.stored(&format!("{moment}.{name}")));
    }
    assert!(archive.tensors.len() > 100, "{moment} holds the network");
    archive
}

type Finetuner = Trainer<Supervised>;

fn start(fixture: &Fixture, statistics: &str, device: &Device) -> Finetuner {
    let plan = Plan { side: SIDE, classes: 10, seed: 0, steps: 2, epochs: 1 };
    Trainer::supervised(recipe(statistics), plan, device)
        .expect("the recipe suits the plan")
        .resume(&tensors(fixture, "initial"), &Counters::default())
        .expect("the fixture holds every parameter")
}

fn images(fixture: &Fixture, name: &str) -> Images {
    let stored = fixture.stored(name);
    let bytes = stored.values.iter().map(|&x| x as u8).collect();
    Images::new(bytes, [stored.shape[0], SIDE, SIDE]).expect("images of one size")
}

fn read_back<const D: usize>(x: Tensor<D>) -> Vec<f32> {
    pollster::block_on(read::read(x)).expect("the device reads back")
}

fn close(what: &str, got: &[f32], expected: &[f32], tolerance: f64) {
    let error = relative_error(got, expected);
    assert!(error <= tolerance, "{what}: relative error {error:.2e}, allowed {tolerance:.0e}");
}

fn infers(device: &Device, tolerance: f64) {
    let fixture = Fixture::open("keras_mobilenet");
    let tuner = start(&fixture, "keras3", device);
    let shown = images(&fixture, "pictures").to_device(device);
    let features = read_back(tuner.encoder().forward(shown.clone()));
    close("features", &features, &fixture.values("inference.features"), tolerance);
    let logits = read_back(tuner.logits(shown).expect("a classifier"));
    close("logits", &logits, &fixture.values("inference.logits"), tolerance);
}

#[test]
fn inference_on_cpu() {
    infers(&cpu(), 1e-4);
}

#[test]
fn inference_on_wgpu() {
    infers(&gpu(), 1e-3);
}

fn state(tuner: &Finetuner) -> Archive {
    pollster::block_on(tuner.state(NoMore {})).expect("the device reads back")
}

/// Two steps; the state after each.
fn trained(fixture: &Fixture, statistics: &str) -> (Finetuner, [Archive; 2]) {
    let mut tuner = start(fixture, statistics, &cpu());
    let states = [0, 1].map(|k| {
        let shown = images(fixture, &format!("step{k}.pictures"));
        let labels = fixture.integers(&format!("step{k}.labels"));
        let visits = Visit::at(k, 0..labels.len() as u64);
        let readings = tuner.step(&labelled(shown, visits, labels)).expect("a step");
        let readings = pollster::block_on(readings.read()).expect("the device reads back");
        for (name, got) in readings {
            let expected = fixture.number(&format!("step{k}.{name}"));
            let error = (got - expected).abs() / expected.abs().max(1.0);
            assert!(error <= 1e-3, "step {k} {name}: expected {expected}, got {got}");
        }
        state(&tuner)
    });
    (tuner, states)
}

/// The first step's gradients, read off Adam's mean: it holds 1 − β₁ of them.
fn check_gradients(fixture: &Fixture, after: &Archive) {
    let names = fixture.names("step0.grad.");
    assert_eq!(names.len(), 11, "gradients");
    for name in names {
        let (part, own) = name.split_once('.').expect("a part of the network");
        let mean = &after.tensors[&format!("optimizer.{part}.{own}.mean")];
        let got: Vec<f32> = mean.values.iter().map(|m| m / 0.1).collect();
        let expected = fixture.values(&format!("step0.grad.{name}"));
        close(&format!("gradient of {name}"), &got, &expected, 5e-4);
    }
}

fn check_final(after: &Archive, name: &str, expected: &Stored) {
    let tolerance = if name.ends_with("running_var") { 1e-4 } else { 2e-4 };
    close(
        &format!("{name} after two steps"),
        &after.tensors[name].values,
        &expected.values,
        tolerance,
    );
}

#[test]
fn two_steps_are_those_of_keras_3() {
    let fixture = Fixture::open("keras_mobilenet");
    let (tuner, [first, second]) = trained(&fixture, "keras3");
    check_gradients(&fixture, &first);
    for (name, expected) in &tensors(&fixture, "final").tensors {
        check_final(&second, name, expected);
    }
    let logits = read_back(
        tuner.logits(images(&fixture, "pictures").to_device(&cpu())).expect("a classifier"),
    );
    close("logits after two steps", &logits, &fixture.values("after.logits"), 2e-3);
}

#[test]
fn the_running_variance_of_keras_2_is_unbiased() {
    let fixture = Fixture::open("keras_mobilenet");
    let (_, [_, second]) = trained(&fixture, "keras");
    let names = fixture.names("final_keras2.");
    assert_eq!(names.len(), 27, "one a norm");
    for name in names {
        check_final(&second, &name, &fixture.stored(&format!("final_keras2.{name}")));
    }
}

#[test]
fn initial_weights_are_drawn_as_keras_draws_them() {
    let fixture = Fixture::open("keras_init");
    let plan = Plan { side: SIDE, classes: 10, seed: 1, steps: 1, epochs: 1 };
    let fresh = state(&Trainer::supervised(recipe("keras"), plan, &cpu()).expect("it suits"));
    let names = fixture.names("");
    assert_eq!(names.len(), 28, "27 convolutions and the classifier");
    for name in names {
        let [_, _, limit, deviation, spread, ..] = fixture.values(&name)[..] else {
            panic!("{name}: seven numbers")
        };
        let weights = &fresh.tensors[&name].values;
        let largest = weights.iter().fold(0.0, |m: f32, w| m.max(w.abs()));
        assert!(largest <= limit * 1.000_01, "{name}: {largest} is above {limit}");
        let n = weights.len() as f32;
        let mean = weights.iter().sum::<f32>() / n;
        let got = (weights.iter().map(|w| (w - mean).powi(2)).sum::<f32>() / n).sqrt();
        let off = (got - deviation).abs() / spread;
        assert!(
            off <= 4.0,
            "{name}: deviation {got}, expected {deviation}, off by {off:.1} spreads"
        );
    }
}

#[test]
fn dropout_leaves_features_out_as_keras_does() {
    let fixture = Fixture::open("keras_mobilenet");
    let device = cpu();
    let rate = fixture.number("dropout.rate");
    let tensor = |name: &str| fixture.tensor::<2>(name, &device);
    let kept = dropout::apply(tensor("dropout.features"), tensor("dropout.mask"), rate);
    let bias = fixture.tensor::<1>("initial.probe.bias", &device);
    let logits = kept.matmul(tensor("initial.probe.weight").transpose()) + bias.unsqueeze();
    close("logits", &read_back(logits.clone()), &fixture.values("dropout.logits"), 1e-4);
    let labels = fixture.integers("step0.labels");
    let labels = Tensor::<1, Int>::from_data(labels.as_slice(), &device);
    let loss = read_back(cross_entropy(logits, labels).mean());
    close("loss", &loss, &fixture.values("dropout.loss"), 1e-4);
}
