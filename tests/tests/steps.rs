//! Whole training steps of both Keras examples, against what Keras computed for them.

use kith_core::archive::{Archive, Stored};
use kith_core::encoder::EncoderSettings;
use kith_core::head::HeadSettings;
use kith_core::method::Objective;
use kith_core::metrics::DEAD;
use kith_core::recipe::Recipe;
use kith_core::support::{SupportSet, UNKNOWN};
use kith_core::trainer::{Counters, NoMore, Plan, SelfSupervised, Trainer};
use kith_core::unit::unit_rows;
use kith_core::{Device, Tensor, read};
use kith_tests::fixture::Fixture;
use kith_tests::{cpu, gpu, relative_error};

/// Parameters by kith's name and by the fixture's.
const PARAMETERS: [(&str, &str); 9] = [
    ("encoder.convs.0", "encoder.conv0"),
    ("encoder.convs.1", "encoder.conv1"),
    ("encoder.convs.2", "encoder.conv2"),
    ("encoder.convs.3", "encoder.conv3"),
    ("encoder.dense", "encoder.dense"),
    ("projection.layers.0", "projection.dense0"),
    ("projection.layers.1", "projection.dense1"),
    ("probe", "probe.dense"),
    ("support.rows", "queue"),
];

/// Dense weights lie `[in, out]` in a fixture.
fn transposed(stored: Stored) -> Stored {
    let [rows, columns]: [usize; 2] = stored.shape.clone().try_into().expect("a matrix");
    let values = (0..columns)
        .flat_map(|c| (0..rows).map(move |r| (r, c)))
        .map(|(r, c)| stored.values[r * columns + c])
        .collect();
    Stored { shape: vec![columns, rows], values }
}

/// The tensors of a moment, by kith's names.
fn tensors(fixture: &Fixture, moment: &str) -> Archive {
    let mut archive = Archive::default();
    for (ours, theirs) in PARAMETERS {
        let theirs = format!("{moment}.{theirs}");
        if ours == "support.rows" {
            if fixture.has(&theirs) {
                let rows = fixture.stored(&theirs);
                let labels =
                    Stored { shape: vec![rows.shape[0]], values: vec![-1.0; rows.shape[0]] };
                archive.tensors.insert("support.labels".into(), labels);
                archive.tensors.insert(ours.into(), rows);
            }
            continue;
        }
        let weight = fixture.stored(&format!("{theirs}.weight"));
        let weight = if weight.shape.len() == 2 { transposed(weight) } else { weight };
        archive.tensors.insert(format!("{ours}.weight"), weight);
        archive.tensors.insert(format!("{ours}.bias"), fixture.stored(&format!("{theirs}.bias")));
    }
    archive
}

/// The seed's recipe in the fixture's sizes.
fn recipe(name: &str, initial: &Archive) -> Recipe {
    let shape = |name: &str| initial.tensors[name].shape.clone();
    let mut recipe = Recipe::built_in(name).expect("it is built in");
    recipe.encoder = EncoderSettings::Conv4 { width: shape("encoder.dense.weight")[0] };
    let hidden = vec![shape("projection.layers.0.weight")[0]];
    let output = shape("projection.layers.1.weight")[0];
    recipe.projection = Some(HeadSettings::new(hidden, output));
    if let Objective::Nnclr(settings) = &mut recipe.objective {
        settings.queue = shape("support.rows")[0];
    }
    recipe
}

type Pretrainer = Trainer<SelfSupervised>;

fn start(fixture: &Fixture, name: &str, device: &Device) -> Pretrainer {
    let initial = tensors(fixture, "initial");
    let classes = initial.tensors["probe.bias"].shape[0];
    let side = fixture.stored("step0.view1").shape[2];
    let plan = Plan { side, classes, seed: 0, steps: 3, epochs: 1 };
    Trainer::pretraining(recipe(name, &initial), plan, device)
        .expect("the recipe suits the plan")
        .resume(&initial, &Counters::default())
        .expect("the fixture holds every parameter")
}

fn state(trainer: &Pretrainer) -> Archive {
    pollster::block_on(trainer.state(NoMore {})).expect("the device reads back")
}

fn close(what: &str, got: &Stored, expected: &Stored, tolerance: f64) {
    assert_eq!(got.shape, expected.shape, "{what}: shape");
    let error = relative_error(&got.values, &expected.values);
    assert!(error <= tolerance, "{what}: relative error {error:.2e}, allowed {tolerance:.0e}");
}

/// The first step's gradients, read off Adam's mean: it holds 1 − β₁ of them.
fn check_gradients(fixture: &Fixture, after: &Archive, tolerance: f64) {
    for (ours, theirs) in [
        ("encoder.convs.0.weight", "encoder.conv0.weight"),
        ("projection.layers.1.weight", "projection.dense1.weight"),
    ] {
        let expected = fixture.stored(&format!("step0.grad.{theirs}"));
        let expected = if expected.shape.len() == 2 { transposed(expected) } else { expected };
        let mean = &after.tensors[&format!("optimizer.{ours}.mean")];
        let got: Vec<f32> = mean.values.iter().map(|m| m / 0.1).collect();
        let error = relative_error(&got, &expected.values);
        assert!(error <= tolerance, "gradient of {ours}: relative error {error:.2e}");
    }
}

fn check_neighbours(fixture: &Fixture, rows: &Stored, device: &Device) {
    let [size, dim]: [usize; 2] = rows.shape.clone().try_into().expect("a matrix");
    let unknown = Tensor::full([size], UNKNOWN, device);
    let rows = rows.to_device("support.rows", [size, dim], device).expect("a matrix");
    let support = SupportSet::from_rows(rows, unknown);
    let projections = unit_rows(fixture.tensor("step0.projections1", device));
    let found = pollster::block_on(read::read_int(support.nearest(projections))).expect("read");
    let expected = fixture.integers("step0.nn_index1");
    assert_eq!(found, expected.into_iter().map(i64::from).collect::<Vec<_>>(), "neighbours");
}

/// Features of a view, a column a unit.
fn features(trainer: &Pretrainer, view: Tensor<4>) -> Vec<Vec<f64>> {
    let features = trainer.encoder().forward(view);
    let [_, units] = features.dims();
    let values = pollster::block_on(read::read(features)).expect("the device reads back");
    let unit = |unit| values.iter().skip(unit).step_by(units).map(|&x| f64::from(x)).collect();
    (0..units).map(unit).collect()
}

/// A unit's features less their mean, divided by their deviation; none for a dead unit.
fn standardised(unit: &[f64]) -> Option<Vec<f64>> {
    let n = unit.len() as f64;
    let mean = unit.iter().sum::<f64>() / n;
    let deviation = (unit.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
    (deviation > DEAD).then(|| unit.iter().map(|x| (x - mean) / deviation).collect())
}

/// How often a unit finds itself: at least and at most. Units that fire together on one image alone
/// correlate exactly equally, and rounding alone decides which of them an argmax finds; without such a
/// tie these two are one.
fn found(rows: &[Option<Vec<f64>>], columns: &[Option<Vec<f64>>]) -> Vec<[bool; 2]> {
    /// Correlations in f32 are no better than this.
    const TIE: f64 = 1e-5;
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let correlation = |a: &[f64], b: &Option<Vec<f64>>| {
        b.as_ref().map_or(f64::NEG_INFINITY, |b| dot(a, b) / a.len() as f64)
    };
    rows.iter()
        .enumerate()
        .map(|(unit, row)| {
            // TensorFlow passes over NaN, and of NaN alone it finds 0.
            let Some(row) = row else { return [unit == 0; 2] };
            let own = correlation(row, &columns[unit]);
            let others = columns.iter().enumerate().filter(|(other, _)| *other != unit);
            let best = others.map(|(_, b)| correlation(row, b)).fold(f64::NEG_INFINITY, f64::max);
            let none_lives = best == f64::NEG_INFINITY && own == best;
            [own > best + TIE, own > best - TIE].map(|found| found || (none_lives && unit == 0))
        })
        .collect()
}

/// Lowest and highest correlation accuracy of two views: over living units alone, and of the
/// examples' formula.
fn correlation_accuracies([first, second]: &[Vec<Vec<f64>>; 2]) -> [[f64; 2]; 2] {
    let [first, second] = [first, second]
        .map(|units| units.iter().map(|unit| standardised(unit)).collect::<Vec<_>>());
    let share = |first: &[_], second: &[_]| {
        let all = [found(first, second), found(second, first)].concat();
        [0, 1].map(|bound| {
            all.iter().filter(|found| found[bound]).count() as f64 / all.len().max(1) as f64
        })
    };
    let lives = |unit: &usize| first[*unit].is_some() && second[*unit].is_some();
    let living: Vec<usize> = (0..first.len()).filter(lives).collect();
    let of = |units: &[Option<Vec<f64>>]| -> Vec<_> {
        living.iter().map(|&unit| units[unit].clone()).collect()
    };
    [share(&of(&first), &of(&second)), share(&first, &second)]
}

fn check_correlation(
    readings: &[(&str, f64)],
    keras_of_living: f64,
    views: &[Vec<Vec<f64>>; 2],
    tolerance: f64,
) {
    let reading = |name: &str| readings.iter().find(|(n, _)| *n == name).expect("measured").1;
    let [living, all] = correlation_accuracies(views);
    for (what, got, [low, high]) in [
        ("Keras's, of living units", keras_of_living, living),
        ("kith's, of living units", reading("correlation_accuracy"), living),
        ("kith's, by the examples' formula", reading("keras_correlation_accuracy"), all),
    ] {
        let allowed = low - tolerance..=high + tolerance;
        assert!(allowed.contains(&got), "{what}: {got} is not in {allowed:?}");
    }
}

fn follows_keras(file: &str, name: &str, device: &Device, tolerance: f64) {
    let fixture = Fixture::open(file);
    let mut trainer = start(&fixture, name, device);
    if let Some(rows) = state(&trainer).tensors.get("support.rows") {
        check_neighbours(&fixture, rows, device);
    }
    let steps = (0..).take_while(|k| fixture.has(&format!("step{k}.view1"))).count();
    assert!(steps > 0, "{file} holds no step");
    for k in 0..steps {
        let at = |what: &str| format!("step{k}.{what}");
        let views = ["view1", "view2"].map(|view| fixture.tensor(&at(view), device));
        let labels = fixture.integers(&at("labels"));
        let unknown = vec![-1; views[0].dims()[0]];
        let labelled = fixture.tensor(&at("labelled"), device);
        let features = views.clone().map(|view| features(&trainer, view));
        let readings = trainer.learn(&views, &unknown, Some((labelled, &labels)));
        let readings = readings.expect("all is here");
        let readings = pollster::block_on(readings.read()).expect("the device reads back");
        for (ours, theirs) in [
            ("loss", "c_loss"),
            ("contrastive_accuracy", "c_acc"),
            ("probe_loss", "p_loss"),
            ("probe_accuracy", "p_acc"),
        ] {
            let (_, got) = readings.iter().find(|(name, _)| *name == ours).expect(ours);
            let expected = fixture.number(&at(theirs));
            let error = (got - expected).abs() / expected.abs().max(1.0);
            assert!(error <= tolerance, "step {k} {ours}: expected {expected}, got {got}");
        }
        check_correlation(&readings, fixture.number(&at("r_acc")), &features, tolerance);
        if k == 0 {
            check_gradients(&fixture, &state(&trainer), tolerance);
        }
    }
    let (after, expected) = (state(&trainer), tensors(&fixture, "final"));
    for (name, expected) in &expected.tensors {
        let is_there = after.tensors.contains_key(name) || !name.starts_with("support.");
        if name != "support.labels" && is_there {
            close(
                &format!("{name} after {steps} steps"),
                &after.tensors[name],
                expected,
                tolerance,
            );
        }
    }
}

#[test]
fn simclr_steps_on_cpu() {
    follows_keras("simclr_steps", "keras-simclr", &cpu(), 1e-4);
}

#[test]
fn nnclr_steps_on_cpu() {
    follows_keras("nnclr_steps", "keras-nnclr", &cpu(), 1e-4);
}

#[test]
fn simclr_steps_on_wgpu() {
    follows_keras("simclr_steps", "keras-simclr", &gpu(), 1e-3);
}

#[test]
fn nnclr_steps_on_wgpu() {
    follows_keras("nnclr_steps", "keras-nnclr", &gpu(), 1e-3);
}
