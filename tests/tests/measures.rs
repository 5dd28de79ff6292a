//! Measures of features, against what `PyTorch`, lightly and scikit-learn computed.

use kith_core::archive::Stored;
use kith_core::metrics::{feature_spread, unit_deviation};
use kith_core::probe::agreement::Agreement;
use kith_core::probe::geometry::spread;
use kith_core::probe::knn::{Vote, nearest};
use kith_core::probe::linear::{LinearFit, LinearSettings, Parts};
use kith_core::probe::rank_me::{EPSILON, rank_me};
use kith_core::probe::spectrum::singular_values;
use kith_core::probe::sphere::{alignment, uniformity};
use kith_core::probe::{Features, Labelled};
use kith_core::{Device, read};
use kith_tests::fixture::Fixture;
use kith_tests::{cpu, gpu, relative_error};
use pollster::block_on;

const TOLERANCE: f64 = 1e-5;

fn fixture() -> Fixture {
    Fixture::open("methods/metrics")
}

fn features(name: &str) -> Features {
    let Stored { shape, values } = fixture().stored(name);
    Features { values, dim: shape[1] }
}

fn labels(name: &str) -> Vec<u16> {
    fixture().integers(name).into_iter().map(|label| label as u16).collect()
}

fn check(name: &str, got: f64) {
    let expected = fixture().number(name);
    let off = (got - expected).abs();
    assert!(off <= TOLERANCE * expected.abs().max(1.0), "{name}: {got}, expected {expected}");
}

#[test]
fn rank_me_follows_its_paper() {
    assert!((EPSILON - fixture().number("rankme.epsilon")).abs() < 1e-12);
    for case in ["rankme", "rankme_wide", "rankme_flat"] {
        let own = features(&format!("{case}.features"));
        let expected = fixture().values(&format!("{case}.singular_values"));
        let got: Vec<f32> = singular_values(&own).into_iter().map(|value| value as f32).collect();
        let error = relative_error(&got, &expected);
        assert!(error <= TOLERANCE, "{case}: singular values are off by {error:.1e}");
        check(&format!("{case}.value"), rank_me(&own));
    }
}

#[test]
fn alignment_and_uniformity_follow_their_paper() {
    let (first, second) = (features("sphere.features1"), features("sphere.features2"));
    check("sphere.alignment", alignment(&first, &second).expect("as many of both"));
    check("sphere.uniformity1", uniformity(&first).expect("pairs"));
    check("sphere.uniformity2", uniformity(&second).expect("pairs"));
}

fn deviation_follows_lightly(device: &Device) {
    for view in [1, 2] {
        let name = format!("sphere.features{view}");
        let tensor = || fixture().tensor::<2>(&name, device);
        let number = |x| f64::from(block_on(read::read(x)).expect("the device reads back")[0]);
        let (deviation, own) = (number(unit_deviation(tensor())), number(feature_spread(tensor())));
        check(&format!("sphere.deviation{view}"), deviation);
        let [n, d] = tensor().dims().map(|count| count as f64);
        let related = deviation * d.sqrt() * ((n - 1.0) / n).sqrt();
        assert!((own - related).abs() < TOLERANCE, "spread {own}, by the deviation {related}");
        let hosted = block_on(spread(&features(&name), device)).expect("features");
        assert!((hosted - own).abs() < 1e-6, "{hosted} from the host, {own}");
    }
}

#[test]
fn deviation_on_cpu() {
    deviation_follows_lightly(&cpu());
}

#[test]
fn deviation_on_wgpu() {
    deviation_follows_lightly(&gpu());
}

#[test]
fn the_narrow_vote_follows_lightly() {
    let (bank, queries) = (features("knn.bank"), features("knn.queries"));
    assert_eq!(fixture().integers("knn.k"), [Vote::NARROW.k as i32]);
    assert!((Vote::NARROW.temperature - fixture().number("knn.temperature")).abs() < 1e-7);
    let (own, truth) = (labels("knn.bank_labels"), labels("knn.query_labels"));
    let Stored { shape, values } = fixture().stored("knn.scores");
    let found = block_on(nearest(&queries, &bank, Vote::WIDE.k, &cpu())).expect("a bank");
    let scores = found.scores(&own, shape[1], Vote::NARROW).concat();
    let got: Vec<f32> = scores.into_iter().map(|score| score as f32).collect();
    let error = relative_error(&got, &values);
    assert!(error <= TOLERANCE, "scores are off by {error:.1e}");
    let predicted = found.predictions(&own, shape[1], Vote::NARROW);
    assert_eq!(predicted, labels("knn.predictions"));
    let right = predicted.iter().zip(&truth).filter(|(a, b)| a == b).count();
    check("knn.accuracy", right as f64 / truth.len() as f64);
}

#[test]
fn agreement_of_clusters_follows_scikit_learn() {
    let classes = labels("cluster.labels");
    for case in ["noisy", "permuted", "more", "fewer", "one"] {
        let at = |name: &str| format!("cluster.{case}.{name}");
        let clusters = fixture().integers(&at("assignments"));
        let clusters: Vec<usize> = clusters.into_iter().map(|cluster| cluster as usize).collect();
        let Agreement { accuracy, nmi, ari } = Agreement::of(&classes, &clusters);
        check(&at("accuracy"), accuracy);
        check(&at("nmi"), nmi);
        check(&at("ari"), ari);
    }
}

/// Probabilities of all images at each strength, and what cross-validation says of it.
fn logistic_regression_is_scikit_learns(device: &Device, tolerance: f64) {
    let file = Fixture::open("logistic");
    let Stored { shape, values } = file.stored("features");
    let features = Features { values, dim: shape[1] };
    let labels: Vec<u16> = file.integers("labels").into_iter().map(|label| label as u16).collect();
    let Stored { shape, values: probabilities } = file.stored("probabilities");
    let (rows, losses, accuracies) =
        (shape[1] * shape[2], file.values("losses"), file.values("accuracies"));
    let images = Labelled { features: &features, labels: &labels, classes: shape[2] };
    for (place, strength) in file.values("strengths").into_iter().enumerate() {
        let strength = f64::from(strength);
        let settings = LinearSettings { strength: Some(strength), ..Default::default() };
        let parts = Parts::of(&labels);
        let mut fit = LinearFit::new(images, settings, &parts).expect("three classes");
        let tried = block_on(fit.advance(images, device)).expect("it computes").expect("a trial");
        let off = (tried.loss - f64::from(losses[place])).abs() / f64::from(losses[place]);
        assert!(off <= tolerance, "strength {strength}: {tried:?}, expected {}", losses[place]);
        assert!((tried.accuracy - f64::from(accuracies[place])).abs() < 1e-6);
        let probe = block_on(fit.finish(images, device)).expect("it computes").probe;
        let got = block_on(probe.probabilities(&features)).expect("it computes");
        let error = relative_error(&got, &probabilities[place * rows..][..rows]);
        assert!(error <= tolerance, "strength {strength}: off by {error:.1e}");
    }
}

#[test]
fn logistic_regression_on_cpu() {
    logistic_regression_is_scikit_learns(&cpu(), 1e-4);
}

#[test]
fn logistic_regression_on_wgpu() {
    logistic_regression_is_scikit_learns(&gpu(), 1e-3);
}
