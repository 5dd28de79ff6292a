//! Relational reasoning: against what Keras computed, on both devices, and a run that is stopped.

use kith_core::archive::{Archive, Stored};
use kith_core::image::Images;
use kith_core::loader::{Batch, MemoryDataset};
use kith_core::method::relational::{
    Aggregation, PairLoss, RelationHead, RelationalSettings, Relations,
};
use kith_core::recipe::Recipe;
use kith_core::rng::{Purpose, stream};
use kith_core::trainer::{NoMore, Plan, SelfSupervised, Trainer};
use kith_core::{Device, Tensor, read};
use kith_tests::fixture::Fixture;
use kith_tests::{cpu, gpu, largest_difference, relative_error};
use pollster::block_on;

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    block_on(read::read(tensor)).expect("the device reads back")
}

/// Dense weights lie `[in, out]` in a fixture.
fn transposed(Stored { shape, values }: Stored) -> Stored {
    let (rows, columns) = (shape[0], shape[1]);
    let places = (0..columns).flat_map(|c| (0..rows).map(move |r| r * columns + c));
    Stored { shape: vec![columns, rows], values: places.map(|place| values[place]).collect() }
}

fn head(fixture: &Fixture, device: &Device) -> RelationHead {
    let mut archive = Archive::default();
    for (ours, theirs) in [("hidden", "dense0"), ("score", "dense1")] {
        let weight = transposed(fixture.stored(&format!("head.{theirs}.weight")));
        archive.tensors.insert(format!("relation.{ours}.weight"), weight);
        let bias = fixture.stored(&format!("head.{theirs}.bias"));
        archive.tensors.insert(format!("relation.{ours}.bias"), bias);
    }
    for (ours, theirs) in [("weight", "gamma"), ("bias", "beta")] {
        let values = fixture.stored(&format!("head.norm.{theirs}"));
        archive.tensors.insert(format!("relation.norm.{ours}"), values);
    }
    let hidden = fixture.stored("head.norm.beta").shape;
    for (name, value) in [("running_mean", 0.0), ("running_var", 1.0)] {
        let values = Stored { shape: hidden.clone(), values: vec![value; hidden[0]] };
        archive.tensors.insert(format!("relation.norm.{name}"), values);
    }
    let inputs = fixture.stored("head.dense0.weight").shape[0];
    let mut fresh = stream(0, Purpose::Test, 0, 0);
    let fresh = RelationHead::new([inputs, hidden[0]], &mut fresh, device);
    archive.restore("relation", fresh).expect("the fixture holds every parameter")
}

type Form = fn(&RelationalSettings, Tensor<2>, &RelationHead) -> Relations;

fn follows_keras(device: &Device, tolerance: f64) {
    let fixture = Fixture::open("relational");
    let device = device.clone().autodiff();
    let settings = RelationalSettings {
        views: 3,
        aggregation: Aggregation::Concatenate,
        hidden: fixture.stored("head.norm.beta").shape[0],
        loss: PairLoss::CrossEntropy,
    };
    let rows = settings.rows(fixture.tensor("features", &device));
    assert_eq!(numbers(rows), fixture.values("pairs"), "rows of pairs");
    let forms: [(&str, Form); 2] =
        [("split", RelationalSettings::compare), ("plain", RelationalSettings::plainly)];
    for (name, form) in forms {
        let close = |what: &str, got: &[f32], expected: &[f32]| {
            let error = relative_error(got, expected);
            assert!(error <= tolerance, "{name}: {what}: off by {error:.2e}");
        };
        let head = head(&fixture, &device);
        let features = fixture.tensor::<2>("features", &device).require_grad();
        let relations = form(&settings, features.clone(), &head);
        close("scores", &numbers(relations.scores.clone()), &fixture.values("scores"));
        close("loss", &numbers(relations.loss.clone()), &fixture.values("loss"));
        let [accuracy, ..] = relations.accuracies();
        close("accuracy", &numbers(accuracy), &fixture.values("accuracy"));
        let gradients = relations.loss.backward();
        let of_features = features.grad(&gradients).expect("features have a gradient");
        close("gradient of features", &numbers(of_features), &fixture.values("grad.features"));
        let of_weight = head.hidden().weight().grad(&gradients).expect("weights have a gradient");
        let expected = transposed(fixture.stored("grad.head.dense0.weight")).values;
        close("gradient of weights", &numbers(of_weight), &expected);
    }
}

#[test]
fn relations_on_cpu() {
    follows_keras(&cpu(), 1e-5);
}

#[test]
fn relations_on_wgpu() {
    follows_keras(&gpu(), 1e-5);
}

const SIDE: usize = 16;
const PICTURES: usize = 12;

type Pretrainer = Trainer<SelfSupervised>;

/// A small run of the seed's recipe, with its pictures.
fn run(device: &Device) -> (Pretrainer, MemoryDataset) {
    let changes = ["views=3", "hidden=16"].map(|change| format!("objective.{change}"));
    let batches = ["unlabelled_batch=6", "labelled_batch=4"];
    let changes = [changes, batches.map(|change| format!("pretraining.{change}"))].concat();
    let text = Recipe::built_in("paper-relational").expect("built in").to_toml();
    let recipe = Recipe::parse(&text, &changes).expect("sound changes");
    let plan = Plan { side: SIDE, classes: 2, seed: 4, steps: 3, epochs: 2 };
    let trainer = Trainer::pretraining(recipe, plan, device).expect("a sound plan");
    let mut noise = stream(2, Purpose::Test, 0, 0);
    let bytes = (0..PICTURES * 3 * SIDE * SIDE).map(|_| noise.below(256) as u8).collect();
    let images = Images::new(bytes, [PICTURES, SIDE, SIDE]).expect("as many bytes as pictures");
    let labels: Vec<u16> = (0..PICTURES as u16).map(|picture| picture % 2).collect();
    let mut dataset = MemoryDataset::new(SIDE);
    dataset.add(&images).expect("of the plan's side");
    dataset.add_labelled(&images, &labels).expect("a label a picture");
    (trainer, dataset)
}

/// What each step measured.
fn steps(
    trainer: &mut Pretrainer,
    dataset: &MemoryDataset,
    count: u64,
) -> Vec<Vec<(&'static str, f64)>> {
    let mut loader = trainer.loader(dataset).expect("enough images");
    let steps = (0..count).map(|_| {
        let Ok(batch) = loader.batch(trainer.steps());
        block_on(trainer.checked_step(&batch)).expect("finite losses")
    });
    steps.collect()
}

fn tensors(trainer: &Pretrainer) -> Archive {
    block_on(trainer.state(NoMore {})).expect("the device reads back")
}

#[test]
fn a_run_that_is_stopped_goes_on_to_the_same_bits() {
    let (mut whole, dataset) = run(&cpu());
    let expected = steps(&mut whole, &dataset, 5);
    let (mut first, _) = run(&cpu());
    let mut got = steps(&mut first, &dataset, 2);
    let snapshot = block_on(first.snapshot()).expect("the device reads back");
    let mut second = Pretrainer::from_snapshot(&snapshot, &cpu()).expect("its own snapshot");
    got.extend(steps(&mut second, &dataset, 3));
    assert_eq!(got, expected);
    assert!(tensors(&second) == tensors(&whole), "weights, moments or statistics differ");
}

#[test]
fn a_step_says_how_many_pairs_were_told() {
    let (mut trainer, dataset) = run(&cpu());
    let measured = steps(&mut trainer, &dataset, 1).remove(0);
    let names: Vec<&str> = measured.iter().map(|(name, _)| *name).collect();
    let expected = [
        "loss",
        "pair_accuracy",
        "positive_accuracy",
        "negative_accuracy",
        "dead_units",
        "feature_spread",
        "probe_loss",
        "probe_accuracy",
    ];
    assert_eq!(names, expected);
    let stored = tensors(&trainer);
    for name in ["hidden.weight", "norm.weight", "norm.running_mean", "score.weight"] {
        assert!(stored.tensors.contains_key(&format!("relation.{name}")), "{name} is not kept");
    }
    assert!(!stored.tensors.keys().any(|name| name.starts_with("projection")));
}

#[test]
fn every_view_is_another() {
    let (trainer, dataset) = run(&cpu());
    let Ok(Batch { unlabelled, .. }) = trainer.loader(&dataset).expect("enough images").batch(0);
    let views: Vec<_> =
        trainer.views(&unlabelled.images, &unlabelled.visits).into_iter().map(numbers).collect();
    assert_eq!(views.len(), 3);
    for (one, other) in [(0, 1), (0, 2), (1, 2)] {
        assert!(largest_difference(&views[one], &views[other]) > 0.1, "{one} is {other}");
    }
}

/// Adam's first step moves every weight by its whole rate along the gradient's sign, so gradients
/// near zero part the devices' weights, and only what was measured is held together.
#[test]
fn steps_on_wgpu_are_those_on_cpu() {
    let (mut one, dataset) = run(&cpu());
    let (mut other, _) = run(&gpu());
    let (one, other) = (steps(&mut one, &dataset, 2), steps(&mut other, &dataset, 2));
    for (one, other) in one.iter().flatten().zip(other.iter().flatten()) {
        let (name, tolerance) = (one.0, if one.0.contains("loss") { 1e-3 } else { 0.05 });
        assert!((one.1 - other.1).abs() <= tolerance, "{name}: {} on the CPU, {}", one.1, other.1);
    }
}
