//! Two whole training steps of each method, against what lightly and `PyTorch` compute.

use std::collections::BTreeMap;

use kith_core::archive::{Archive, Stored};
use kith_core::method::Progress;
use kith_core::recipe::Recipe;
use kith_core::trainer::{Counters, NoMore, Plan, SelfSupervised, Trainer};
use kith_core::{Device, Tensor};
use kith_tests::fixture::Fixture;
use kith_tests::{cpu, gpu, relative_error};

type Pretrainer = Trainer<SelfSupervised>;

/// A method's file, and what a recipe has to say to be its training.
struct Method {
    file: &'static str,
    /// The recipe's `objective` table.
    objective: fn(&Fixture) -> String,
    /// Settings of the projection head besides its sizes.
    projection: &'static str,
    /// The optimizer's table.
    optimizer: fn(&Fixture) -> String,
    /// Whether it sees crops of two sizes.
    crops: bool,
}

fn setting(fixture: &Fixture, name: &str) -> f64 {
    fixture.number(&format!("settings.{name}"))
}

/// The sizes of a head, out of its weights.
fn head(fixture: &Fixture, part: &str, more: &str) -> String {
    let weights = (0..).map(|layer| format!("initial.{part}.layers.{layer}.weight"));
    let mut sizes: Vec<usize> = weights
        .take_while(|name| fixture.has(name))
        .map(|name| fixture.stored(&name).shape[0])
        .collect();
    let output = sizes.pop().expect("a head has a layer");
    format!("{{ hidden = {sizes:?}, output = {output}, {more} }}")
}

const NORMALISED: &str = "norm = 'batch'";

fn sgd(fixture: &Fixture, more: &str) -> String {
    let rate = setting(fixture, "lr");
    let (momentum, decay) = (setting(fixture, "momentum"), setting(fixture, "weight_decay"));
    format!(
        "{{ kind = 'sgd', learning_rate = {rate:?}, momentum = {momentum:?}, \
         weight_decay = {decay:?}, {more} }}"
    )
}

fn adam(fixture: &Fixture, kind: &str, more: &str) -> String {
    let rate = setting(fixture, "lr");
    let (betas, epsilon) = (fixture.values("settings.betas"), setting(fixture, "epsilon"));
    format!(
        "{{ kind = '{kind}', learning_rate = {rate:?}, beta1 = {:?}, beta2 = {:?}, \
         epsilon = {epsilon:?}, epsilon_form = 'pytorch', {more} }}",
        f64::from(betas[0]),
        f64::from(betas[1]),
    )
}

fn teacher(fixture: &Fixture) -> String {
    format!("teacher = {{ start = {:?}, end = 1.0 }}", setting(fixture, "teacher_base"))
}

const MATRICES_ALONE: &str = "exclude = 'one_dimensional'";

const METHODS: [Method; 7] = [
    Method {
        file: "byol_steps",
        objective: |f| {
            let predictor = head(f, "prediction", NORMALISED);
            format!("{{ kind = 'byol', predictor = {predictor}, {} }}", teacher(f))
        },
        projection: NORMALISED,
        optimizer: |f| sgd(f, MATRICES_ALONE),
        crops: false,
    },
    Method {
        file: "simsiam_steps",
        objective: |f| {
            let predictor = head(f, "prediction", NORMALISED);
            format!("{{ kind = 'simsiam', predictor = {predictor}, predictor_rate = 'constant' }}")
        },
        projection: "norm = 'batch', last_norm = 'batch_without_scale'",
        optimizer: |f| sgd(f, "schedule = { shape = 'cosine' }"),
        crops: false,
    },
    Method {
        file: "moco_steps",
        objective: |f| {
            let momentum = setting(f, "teacher_momentum");
            format!(
                "{{ kind = 'moco', temperature = {:?}, queue = {}, directions = 'one', \
                 teacher = {{ start = {momentum:?}, end = {momentum:?} }} }}",
                setting(f, "temperature"),
                f.stored("initial.queue").shape[0],
            )
        },
        projection: NORMALISED,
        optimizer: |f| sgd(f, ""),
        crops: false,
    },
    Method {
        file: "barlow_steps",
        objective: |f| {
            let weight = setting(f, "redundancy_weight");
            format!("{{ kind = 'barlow', redundancy_weight = {weight:?} }}")
        },
        projection: "norm = 'batch', bias = 'none'",
        optimizer: |f| sgd(f, MATRICES_ALONE),
        crops: false,
    },
    Method {
        file: "vicreg_steps",
        objective: |f| {
            let weights = f.values("settings.weights");
            let [invariance, variance, covariance] = weights[..] else { panic!("three") };
            format!(
                "{{ kind = 'vicreg', invariance = {invariance:?}, variance = {variance:?}, \
                 covariance = {covariance:?} }}"
            )
        },
        projection: "norm = 'batch', bias = 'none'",
        optimizer: |f| adam(f, "adam", ""),
        crops: false,
    },
    Method {
        file: "swav_steps",
        objective: |f| {
            format!(
                "{{ kind = 'swav', prototypes = {}, temperature = {:?}, epsilon = {:?}, \
                 iterations = {}, frozen_epochs = {}, crops = 'together', \
                 queue = {{ length = {}, filled_from = 0, used_from = 0 }} }}",
                f.stored("initial.prototypes.weight").shape[0],
                setting(f, "temperature"),
                setting(f, "epsilon"),
                setting(f, "iterations"),
                setting(f, "frozen_steps"),
                f.stored("initial.queue").shape[1],
            )
        },
        projection: NORMALISED,
        optimizer: |f| sgd(f, ""),
        crops: true,
    },
    Method {
        file: "dino_steps",
        objective: |f| {
            let temperatures = f.values("settings.teacher_temperatures");
            format!(
                "{{ kind = 'dino', prototypes = {}, student_temperature = {:?}, \
                 teacher_temperature = {{ start = {:?}, end = {:?}, warm_up_epochs = 2 }}, \
                 centre_momentum = {:?}, frozen_epochs = {}, crops = 'together', {} }}",
                f.stored("initial.prototypes.weight").shape[0],
                setting(f, "student_temperature"),
                f64::from(temperatures[0]),
                f64::from(temperatures[1]),
                setting(f, "center_momentum"),
                setting(f, "frozen_steps"),
                teacher(f),
            )
        },
        projection: "norm = 'batch', activation = 'gelu'",
        optimizer: |f| {
            let decay = setting(f, "weight_decay");
            adam(f, "adamw", &format!("weight_decay = {decay:?}, {MATRICES_ALONE}"))
        },
        crops: true,
    },
];

/// The fixture's name of a tensor as kith's.
fn ours(theirs: &str, file: &str) -> String {
    match theirs {
        "queue" if file == "moco_steps" => "queue.rows".to_owned(),
        name => name.replace("prediction.", "predictor."),
    }
}

/// The tensors of a moment, by kith's names.
fn tensors(fixture: &Fixture, method: &Method, moment: &str) -> BTreeMap<String, Stored> {
    let below = format!("{moment}.");
    let named =
        |name: String| (ours(&name, method.file), fixture.stored(&format!("{below}{name}")));
    fixture.names(&below).into_iter().map(named).collect()
}

/// Images, channels, height and width of the first step's views.
fn size(views: &Fixture, name: &str) -> [usize; 4] {
    views.stored(&format!("step0.{name}")).shape.try_into().expect("images")
}

fn recipe(fixture: &Fixture, method: &Method) -> Recipe {
    let width = fixture.stored("initial.encoder.dense.bias").shape[0];
    let seen = Fixture::open("methods/views");
    let [batch, _, _, _] = size(&seen, "view1");
    let [_, _, _, local] = size(&seen, "local1");
    let views = match method.crops {
        true => format!(
            "pretraining.views=[{{policy='none',count=2}},{{policy='none',side={local},count=2}}]"
        ),
        false => "pretraining.views=none".to_owned(),
    };
    let changes = [
        format!("encoder={{kind='conv4',width={width}}}"),
        format!("projection={}", head(fixture, "projection", method.projection)),
        format!("objective={}", (method.objective)(fixture)),
        format!("pretraining.optimizer={}", (method.optimizer)(fixture)),
        "pretraining.labelled_batch=0".to_owned(),
        format!("pretraining.unlabelled_batch={batch}"),
        views,
    ];
    let text = Recipe::built_in_text("simclr").expect("it is built in");
    Recipe::parse(text, &changes).unwrap_or_else(|e| panic!("{}: {e}", method.file))
}

fn state(trainer: &Pretrainer) -> Archive {
    pollster::block_on(trainer.state(NoMore {})).expect("the device reads back")
}

/// A trainer with the fixture's weights, one step an epoch, as its momenta are counted.
fn start(fixture: &Fixture, method: &Method, device: &Device) -> Pretrainer {
    let epochs = match fixture.has("settings.total_steps") {
        true => setting(fixture, "total_steps") as u64,
        // `SimSiam`'s rate falls as if there were four steps.
        false => 4,
    };
    let [_, _, _, side] = size(&Fixture::open("methods/views"), "view1");
    let plan = Plan { side, classes: 0, seed: 0, steps: 1, epochs };
    let trainer = Trainer::pretraining(recipe(fixture, method), plan, device).expect("it suits");
    let (mut archive, initial) = (state(&trainer), tensors(fixture, method, "initial"));
    let unknown = |name: &str| name == "queue.labels";
    let missing: Vec<&String> = archive
        .tensors
        .keys()
        .filter(|name| !initial.contains_key(*name) && !unknown(name))
        .collect();
    assert!(missing.is_empty(), "{}: not in the fixture: {missing:?}", method.file);
    for (name, stored) in initial {
        let own = archive.tensors.insert(name.clone(), stored);
        let own = own.unwrap_or_else(|| panic!("{}: kith has no {name}", method.file));
        assert_eq!(own.shape, archive.tensors[&name].shape, "{}: {name}", method.file);
    }
    trainer.resume(&archive, &Counters::default()).expect("every parameter is there")
}

/// The length of a list.
fn length(values: &[f32]) -> f64 {
    values.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt()
}

/// The first step's gradients, read off what the optimizer remembers: g + decay · weight, or a tenth
/// of g.
fn check_gradients(fixture: &Fixture, method: &Method, after: &Archive, tolerance: f64) {
    let initial = tensors(fixture, method, "initial");
    let decay = match fixture.has("settings.weight_decay") {
        true => setting(fixture, "weight_decay") as f32,
        false => 0.0,
    };
    let gradients = tensors(fixture, method, "step0.grad");
    let frozen = |name: &str| method.crops && name.starts_with("prototypes.");
    let matrices_alone = (method.optimizer)(fixture).contains(MATRICES_ALONE);
    for (name, expected) in gradients.iter().filter(|(name, _)| !frozen(name)) {
        let weight = &initial[name];
        let decay = if matrices_alone && weight.shape.len() == 1 { 0.0 } else { decay };
        let (got, expected): (Vec<f32>, Vec<f32>) =
            match after.tensors.get(&format!("optimizer.{name}.velocity")) {
                Some(velocity) => {
                    let both = expected.values.iter().zip(&weight.values);
                    (velocity.values.clone(), both.map(|(g, w)| g + decay * w).collect())
                }
                None => {
                    let mean = &after.tensors[&format!("optimizer.{name}.mean")];
                    let of = |m: &f32| (f64::from(*m) / 0.1) as f32;
                    (mean.values.iter().map(of).collect(), expected.values.clone())
                }
            };
        // A bias before a norm has no gradient but rounding.
        if length(&expected) < 1e-6 {
            assert!(length(&got) < 1e-4, "{}: {name} has a gradient", method.file);
            continue;
        }
        let error = relative_error(&got, &expected);
        let file = method.file;
        assert!(error <= tolerance, "{file}: gradient of {name}: relative error {error:.2e}");
    }
}

fn follows(method: &Method, device: &Device, tolerance: f64) {
    let (fixture, views) =
        (Fixture::open(&format!("methods/{}", method.file)), Fixture::open("methods/views"));
    let file = method.file;
    let mut trainer = start(&fixture, method, device);
    let names: &[&str] = match method.crops {
        true => &["view1", "view2", "local1", "local2"],
        false => &["view1", "view2"],
    };
    let steps = (0..).take_while(|k| fixture.has(&format!("step{k}.loss"))).count();
    assert_eq!(steps, 2, "{file}");
    for k in 0..steps {
        let views: Vec<Tensor<4>> =
            names.iter().map(|name| views.tensor(&format!("step{k}.{name}"), device)).collect();
        let unknown = vec![-1; views[0].dims()[0]];
        let readings = trainer.learn(&views, &unknown, None).expect("all is here");
        let readings = pollster::block_on(readings.read()).expect("the device reads back");
        let (_, got) = readings.iter().find(|(name, _)| *name == "loss").expect("a loss");
        let expected = fixture.number(&format!("step{k}.loss"));
        let error = (got - expected).abs() / expected.abs();
        assert!(error <= tolerance, "{file}, step {k}: expected a loss of {expected}, got {got}");
        if k == 0 {
            check_gradients(&fixture, method, &state(&trainer), tolerance);
        }
    }
    let after = state(&trainer);
    for (name, expected) in tensors(&fixture, method, "final") {
        let error = relative_error(&after.tensors[&name].values, &expected.values);
        assert!(error <= tolerance, "{file}: {name} after both steps: relative error {error:.2e}");
    }
}

#[test]
fn steps_on_cpu() {
    METHODS.iter().for_each(|method| follows(method, &cpu(), 1e-4));
}

#[test]
fn steps_on_wgpu() {
    METHODS.iter().for_each(|method| follows(method, &gpu(), 1e-3));
}

/// Momentum schedules count steps as the fixture's settings say.
#[test]
fn momenta_are_those_of_the_official_code() {
    let fixture = Fixture::open("methods/optimizers");
    let (base, total) = (fixture.number("ema.base"), fixture.number("ema.total_steps"));
    let momentum = kith_core::ema::Momentum { start: base, end: 1.0 };
    for (step, expected) in (0..).zip(fixture.values("ema.momenta")) {
        let got = momentum.at(step, total as u64);
        assert!((got - f64::from(expected)).abs() < 1e-7, "step {step}: {got}, {expected}");
    }
    let progress = Progress { step: 3, total: 8, epoch: 2 };
    assert!(progress.within_epochs(2.0) && !progress.within_epochs(1.5));
}
