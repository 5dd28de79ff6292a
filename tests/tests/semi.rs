//! Semi-supervised training: the same on both devices, and a run that is stopped and goes on.

use kith_core::Device;
use kith_core::archive::{Archive, Precision};
use kith_core::image::Images;
use kith_core::loader::{Batch, LABELLED, Samples};
use kith_core::metrics::Metrics;
use kith_core::recipe::Recipe;
use kith_core::rng::{Purpose, stream};
use kith_core::sampler::Visit;
use kith_core::trainer::{NoMore, Plan, SemiSupervised, State, Trainer};
use kith_tests::{cpu, gpu};
use pollster::block_on;

const SIDE: usize = 31;
const CLASSES: usize = 3;
const PLAN: Plan = Plan { side: SIDE, classes: CLASSES, seed: 5, steps: 3, epochs: 2 };
/// Unlabelled and labelled pictures of a batch.
const FREE: usize = 7;
const TAUGHT: usize = 4;
/// Unlabelled pictures there are.
const POOL: u64 = 14;

fn recipe(changes: &[&str]) -> Recipe {
    let small = ["encoder={kind=\"conv4\", width=6}", "semi.threshold=0.34", "semi.average=0.5"];
    let changes: Vec<String> = small.iter().chain(changes).map(|c| (*c).to_owned()).collect();
    let text = Recipe::built_in_text("cifar10-semi").expect("built in");
    Recipe::parse(text, &changes).expect("a recipe")
}

fn pictures(first: u64, count: usize) -> Images {
    let one = |number: u64| {
        let mut numbers = stream(number, Purpose::Test, 1, 0);
        (0..3 * SIDE * SIDE).map(|_| numbers.below(256) as u8).collect::<Vec<u8>>()
    };
    let pixels = (first..first + count as u64).flat_map(one).collect();
    Images::new(pixels, [count, SIDE, SIDE]).expect("as many as there are")
}

/// Who labels unlabelled pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Labels {
    Own,
    Teachers,
}

/// The batch of a step.
fn batch(step: u64, labels: Labels) -> Batch {
    let first = step * FREE as u64 % POOL;
    let samples = |first: u64, count: usize, offset: u64, labels| Samples {
        images: pictures(first, count),
        visits: Visit::at(step, (first..first + count as u64).map(|image| offset + image)),
        labels,
    };
    let classes = |from: usize, count: usize| -> Vec<i32> {
        (from..from + count).map(|k| (k % CLASSES) as i32).collect()
    };
    let given = (labels == Labels::Teachers).then(|| classes(0, FREE));
    Batch {
        unlabelled: samples(first, FREE, 0, given),
        labelled: samples(100, TAUGHT, LABELLED, Some(classes(FREE, TAUGHT))),
    }
}

type SemiTrainer = Trainer<SemiSupervised>;

fn trainer(recipe: &Recipe, device: &Device) -> SemiTrainer {
    let pool = (0..POOL).collect();
    Trainer::semi_supervised(recipe.clone(), PLAN, pool, device).expect("a plan that suits")
}

fn read(metrics: Metrics) -> Vec<(&'static str, f64)> {
    block_on(metrics.read()).expect("the device reads back")
}

/// Metrics of some steps, and the state after them.
fn go(trainer: &mut SemiTrainer, steps: u64, labels: Labels) -> Vec<Vec<(&'static str, f64)>> {
    let from = trainer.steps();
    let mut step = |step| read(trainer.step(&batch(step, labels)).expect("a step"));
    (from..from + steps).map(&mut step).collect()
}

fn state(trainer: &SemiTrainer) -> Archive {
    block_on(trainer.state(NoMore {})).expect("the device reads back")
}

/// A run that goes on from a state.
fn resumed(recipe: &Recipe, archive: &Archive) -> SemiTrainer {
    let State { counters, .. } = State::<NoMore>::read(archive).expect("a state");
    trainer(recipe, &cpu()).resume(archive, &counters).expect("its state")
}

const METHODS: [(&str, Labels); 3] = [
    ("semi.method={kind=\"fixmatch\", thresholds=\"fixed\"}", Labels::Own),
    ("semi.method={kind=\"fixmatch\", thresholds=\"curriculum\"}", Labels::Own),
    ("semi.method={kind=\"noisy_student\", rounds=1}", Labels::Teachers),
];

const ENCODERS: [&str; 2] = [
    "encoder={kind=\"conv4\", width=6}",
    "encoder={kind=\"mobilenet\", width_multiplier=0.05, pixels=\"signed\"}",
];

#[test]
fn a_stopped_run_goes_on_as_if_it_never_stopped() {
    for ((method, labels), encoder) in METHODS.into_iter().zip(ENCODERS.into_iter().cycle()) {
        let recipe = recipe(&[method, encoder]);
        let mut whole = trainer(&recipe, &cpu());
        let expected = go(&mut whole, 5, labels);
        let mut first = trainer(&recipe, &cpu());
        let before = go(&mut first, 2, labels);
        let bytes = state(&first).to_bytes(Precision::Single).expect("finite");
        let mut second = resumed(&recipe, &Archive::from_bytes(&bytes).expect("readable"));
        let after = go(&mut second, 3, labels);
        assert_eq!([before, after].concat(), expected, "{method}");
        assert!(state(&second) == state(&whole), "{method}: the states differ");
    }
}

#[test]
fn the_same_seed_is_the_same_run_and_another_is_not() {
    let recipe = recipe(&[]);
    let run = |seed| {
        let plan = Plan { seed, ..PLAN };
        let pool = (0..POOL).collect();
        let mut trainer =
            Trainer::semi_supervised(recipe.clone(), plan, pool, &cpu()).expect("it suits");
        go(&mut trainer, 2, Labels::Own)
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn both_devices_take_the_same_steps() {
    // Adam's first step moves every weight by its whole rate along the gradient's sign, which for
    // gradients near zero is rounding's: a small rate keeps what follows comparable.
    let rate = "semi.optimizer.learning_rate=1e-5";
    for ((method, labels), encoder) in METHODS.into_iter().zip(ENCODERS.into_iter().cycle()) {
        let recipe = recipe(&[method, encoder, rate]);
        let [own, other] =
            [cpu(), gpu()].map(|device| go(&mut trainer(&recipe, &device), 2, labels));
        for (own, other) in own.iter().flatten().zip(other.iter().flatten()) {
            let far = (own.1 - other.1).abs() / (1.0 + own.1.abs());
            assert!(
                far < 1e-3,
                "{method}: {} is {} on the CPU, {} on the GPU",
                own.0,
                own.1,
                other.1
            );
        }
    }
}

/// With no weight, unlabelled pictures teach nothing: any others give the same classifier.
#[test]
fn without_weight_unlabelled_pictures_do_not_matter() {
    for (method, labels) in METHODS {
        let recipe = recipe(&[method, "semi.unlabelled_weight=0.0"]);
        let run = |first: u64| {
            let mut trainer = trainer(&recipe, &cpu());
            for step in 0..3 {
                let mut batch = batch(step, labels);
                batch.unlabelled.images = pictures(first, FREE);
                trainer.step(&batch).expect("a step");
            }
            state(&trainer).tensors["probe.weight"].clone()
        };
        assert_eq!(run(0), run(50), "{method}");
    }
}

#[test]
fn a_warm_up_of_statistics_moves_no_weight() {
    let normalised = ENCODERS[ENCODERS.len() - 1];
    let recipe = recipe(&[METHODS[0].0, normalised, "semi.statistics_warm_up=2"]);
    let mut trainer = trainer(&recipe, &cpu());
    let before = state(&trainer);
    go(&mut trainer, 2, METHODS[0].1);
    let warm = state(&trainer);
    let moved = |name: &str, now: &Archive| before.tensors[name] != now.tensors[name];
    let weights: Vec<&String> =
        before.tensors.keys().filter(|name| !name.contains("running")).collect();
    assert!(weights.iter().all(|name| !moved(name, &warm)), "a weight moved");
    let statistics: Vec<&String> =
        before.tensors.keys().filter(|name| name.ends_with("running_mean")).collect();
    assert!(!statistics.is_empty() && statistics.iter().all(|name| moved(name, &warm)));
    // What goes on learns, as if it had never stopped.
    let mut second = resumed(&recipe, &warm);
    assert_eq!(go(&mut trainer, 2, METHODS[0].1), go(&mut second, 2, METHODS[0].1));
    let after = state(&trainer);
    assert!(moved("probe.weight", &after) && state(&second) == after);
}

#[test]
fn a_phase_goes_on_from_a_trained_network() {
    let recipe = recipe(&[]);
    let mut first = trainer(&recipe, &cpu());
    go(&mut first, 3, Labels::Own);
    let mut checkpoint = Archive::default();
    block_on(first.store(&mut checkpoint)).expect("the device reads back");
    let second = trainer(&recipe, &cpu()).with_network(&checkpoint).expect("its network");
    let shown = pictures(0, 4).to_device(&cpu());
    let read = |logits| block_on(kith_core::read::read(logits)).expect("it reads back");
    assert_eq!(
        read(first.logits(shown.clone()).expect("a classifier")),
        read(second.logits(shown).expect("a classifier"))
    );
}

#[test]
fn a_batch_without_its_labels_is_refused() {
    let mut trainer = trainer(&recipe(&[METHODS[2].0]), &cpu());
    let error = trainer.step(&batch(0, Labels::Own)).expect_err("a student needs labels of all");
    assert_eq!(error.code(), "TOO_FEW");
    let mut small = batch(0, Labels::Teachers);
    small.unlabelled.images = Images::new(vec![0; 12], [1, 2, 2]).expect("2×2");
    assert_eq!(trainer.step(&small).expect_err("too small").code(), "PICTURE_SIZE");
}
