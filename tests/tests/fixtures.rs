//! Augmentations, optimizer and nearest neighbours, against what Keras and numpy computed.

use kith_core::archive::{Archive, Stored};
use kith_core::augment::Augmentation;
use kith_core::augment::brightness::{Brightness, BrightnessForm};
use kith_core::augment::color::ColorMatrix;
use kith_core::augment::crop::{Convention, Crop, RatioDraw, Region};
use kith_core::augment::flip::Flip;
use kith_core::augment::policy::{Op, Policy};
use kith_core::augment::reflect::{PerAxis, Translate, Zoom};
use kith_core::metrics::Correlations;
use kith_core::optimizer::{Optimizer, OptimizerSettings, Slopes};
use kith_core::probe::Features;
use kith_core::probe::knn::{Vote, nearest};
use kith_core::recipe::Recipe;
use kith_core::rng::{Purpose, stream};
use kith_core::{Device, Module, Param, Tensor, read};
use kith_tests::fixture::Fixture;
use kith_tests::{cpu, gpu, largest_difference, relative_error};

/// Drawn numbers of a fixture, `N` to a picture.
fn drawn<const N: usize>(fixture: &Fixture, name: &str) -> Vec<[f64; N]> {
    let values = fixture.values(name);
    values.as_chunks::<N>().0.iter().map(|row| row.map(f64::from)).collect()
}

fn check(fixture: &Fixture, name: &str, got: Tensor<4>, tolerance: f32) {
    let got = pollster::block_on(read::read(got)).expect("the device reads back");
    let difference = largest_difference(&got, &fixture.values(name));
    assert!(difference <= tolerance, "{name}: off by {difference:.2e}, allowed {tolerance:.0e}");
}

/// Both NNCLR examples: images as bytes, drawn numbers, what becomes of the images.
fn nnclr_views_follow_keras(device: &Device, tolerance: f32) {
    let eval = Fixture::open("keras_nnclr_eval");
    let factors: Vec<f64> =
        drawn(&eval, "brightness_factors").into_iter().map(|[factor]| factor - 1.0).collect();
    let policy = Policy::named("keras-nnclr-evaluation").expect("it is in the list");
    let seen = perturbed(&policy, (&eval, ""), &factors, device);
    check(&eval, "images", seen, tolerance);

    let keras3 = Fixture::open("keras_nnclr3_augment");
    for kind in ["contrastive", "classification", "evaluation"] {
        let policy = Policy::named(&format!("keras3-nnclr-{kind}")).expect("it is in the list");
        let at = format!("{kind}.");
        let terms: Vec<f64> = drawn(&keras3, &format!("{at}brightness_terms"))
            .into_iter()
            .map(|[term]| term)
            .collect();
        let seen = perturbed(&policy, (&keras3, &at), &terms, device);
        check(&keras3, &format!("{at}images"), seen, tolerance);
    }
}

/// A policy with the drawn numbers of a fixture; every operation that it has must have some.
fn perturbed(
    Policy(ops): &Policy,
    (fixture, at): (&Fixture, &str),
    changes: &[f64],
    device: &Device,
) -> Tensor<4> {
    let images: Tensor<4> = fixture.tensor::<4>(&format!("{at}pictures"), device) / 255.0;
    ops.iter().fold(images, |images, op| match op {
        Op::Flip(flip) => {
            let flips = fixture.integers(&format!("{at}flips"));
            flip.apply(images, &flips.into_iter().map(|flip| flip != 0).collect::<Vec<_>>())
        }
        Op::Crop(crop) => crop.apply(images, &boxes(fixture, &format!("{at}boxes_y1x1y2x2"))),
        Op::Brightness(brightness) => brightness.apply(images, changes),
        other => panic!("{other:?} is not in the examples"),
    })
}

fn boxes(fixture: &Fixture, name: &str) -> Vec<Region> {
    let region =
        |[y1, x1, y2, x2]: [f64; 4]| Region { top: y1, left: x1, height: y2 - y1, width: x2 - x1 };
    drawn(fixture, name).into_iter().map(region).collect()
}

#[test]
fn nnclr_views_on_cpu() {
    nnclr_views_follow_keras(&cpu(), 1e-5);
}

#[test]
fn nnclr_views_on_wgpu() {
    nnclr_views_follow_keras(&gpu(), 1e-5);
}

/// Test images of both NNCLR examples are never mirrored, whatever is drawn.
#[test]
fn no_test_image_is_mirrored() {
    for name in ["keras-nnclr-evaluation", "keras3-nnclr-evaluation"] {
        let Policy(ops) = Policy::named(name).expect("it is in the list");
        assert!(!ops.is_empty() && !ops.iter().any(|op| matches!(op, Op::Flip(_))), "{name}");
    }
    for name in ["keras-nnclr", "keras3-nnclr"] {
        let recipe = Recipe::built_in(name).expect("it is built in");
        let policy = Policy::named(&format!("{name}-evaluation"));
        assert_eq!(Some(recipe.evaluation.test_view), policy, "{name}");
    }
}

/// Both forms of the correlation accuracy: over living units, and the examples' own.
#[test]
fn correlation_accuracies_follow_keras() {
    let fixture = Fixture::open("keras_correlation");
    for case in ["living", "dead", "dead_but_first_lives", "all_dead"] {
        let view = |k: usize| fixture.tensor::<2>(&format!("{case}.features{k}"), &cpu());
        for (name, got) in [
            ("r_acc", Correlations::of(view(1), view(2)).accuracy_by_keras()),
            ("r_acc_of_living", Correlations::of(view(1), view(2)).accuracy()),
        ] {
            let got = pollster::block_on(read::read(got)).expect("the device reads back")[0];
            let expected = fixture.number(&format!("{case}.{name}"));
            assert!(
                (f64::from(got) - expected).abs() < 1e-6,
                "{case}.{name}: {got}, not {expected}"
            );
        }
    }
}

fn augmentations_follow_keras(device: &Device, tolerance: f32) {
    let fixture = Fixture::open("augment");
    let images: Tensor<4> = fixture.tensor("images", device);
    let flip = Flip { probability: 1.0 };
    let all = vec![true; images.dims()[0]];
    check(&fixture, "flip.images", flip.apply(images.clone(), &all), tolerance);

    let crop = Crop {
        scale: [0.2, 1.0],
        ratio: Crop::PHOTO_RATIO,
        ratio_draw: RatioDraw::LogUniform,
        convention: Convention::CornerAligned,
    };
    let boxes = boxes(&fixture, "crop.boxes_y1x1y2x2");
    check(&fixture, "crop.images", crop.apply(images.clone(), &boxes), tolerance);

    let brightness = Brightness { strength: 0.5, form: BrightnessForm::Multiply };
    let changes: Vec<f64> =
        drawn(&fixture, "brightness.ratios").into_iter().map(|[ratio]| ratio - 1.0).collect();
    check(&fixture, "brightness.images", brightness.apply(images.clone(), &changes), tolerance);

    let color = ColorMatrix { brightness: 0.6, jitter: 0.2 };
    let matrices: Vec<[[f64; 3]; 3]> = drawn(&fixture, "color_affine.matrices_in_by_out")
        .into_iter()
        .map(|[a, b, c, d, e, f, g, h, i]: [f64; 9]| [[a, b, c], [d, e, f], [g, h, i]])
        .collect();
    check(&fixture, "color_affine.images", color.apply(images.clone(), &matrices), tolerance);

    let per_axis = |name: &str| -> Vec<PerAxis> {
        drawn(&fixture, name)
            .into_iter()
            .map(|[height, width]: [f64; 2]| PerAxis { height, width })
            .collect()
    };
    let translate = Translate { height: 0.25, width: 0.25 };
    let moved = translate.apply(images, &per_axis("translate.fractions_dy_dx"));
    check(&fixture, "translate.images", moved.clone(), tolerance);
    let zoom = Zoom { height: [-0.5, 0.0], width: [-0.5, 0.0] };
    let zoomed = zoom.apply(moved, &per_axis("zoom.factors_h_w"));
    check(&fixture, "zoom.images_after_translate", zoomed, tolerance);
}

#[test]
fn augmentations_on_cpu() {
    augmentations_follow_keras(&cpu(), 1e-5);
}

#[test]
fn augmentations_on_wgpu() {
    augmentations_follow_keras(&gpu(), 1e-3);
}

#[derive(Module, Debug)]
struct One {
    weight: Param<Tensor<2>>,
}

fn adam_follows_keras(device: &Device, tolerance: f64) {
    let fixture = Fixture::open("adam");
    let start: Tensor<2> = fixture.tensor("weight0", &device.clone().autodiff());
    let mut module = One { weight: Param::from_tensor(start.require_grad()) };
    let mut adam = Optimizer::new(OptimizerSettings::default());
    for k in 0..5 {
        let gradient: Tensor<2> = fixture.tensor(&format!("grad{k}"), device);
        // The gradient of Σ w·g with respect to w is g.
        let gradients = (module.weight.val() * gradient.autodiff()).sum().backward();
        let slopes = Slopes::of(&module, &gradients);
        module = adam.step(module, slopes, 5);
        let got = pollster::block_on(read::read(module.weight.val())).expect("read");
        let error = relative_error(&got, &fixture.values(&format!("weight{}", k + 1)));
        assert!(error <= tolerance, "weight after step {k}: relative error {error:.2e}");
    }
}

#[test]
fn adam_on_cpu() {
    adam_follows_keras(&cpu(), 1e-6);
}

#[test]
fn adam_on_wgpu() {
    adam_follows_keras(&gpu(), 1e-6);
}

fn votes_follow_the_definition(device: &Device) {
    let fixture = Fixture::open("knn");
    let features = |name: &str| {
        let Stored { shape, values } = fixture.stored(name);
        Features { values, dim: shape[1] }
    };
    let (bank, queries) = (features("bank"), features("queries"));
    let labels: Vec<u16> = fixture.integers("labels").into_iter().map(|l| l as u16).collect();
    let found = pollster::block_on(nearest(&queries, &bank, 200, device)).expect("a bank");
    assert_eq!(found.k, bank.len(), "k is clipped to the bank");
    for (name, vote) in [
        ("k10_t0.1", Vote { k: 10, temperature: 0.1 }),
        ("k200_t0.07", Vote { k: 200, temperature: 0.07 }),
    ] {
        let expected = fixture.stored(&format!("{name}.scores"));
        let classes = expected.shape[1];
        let scores = found.scores(&labels, classes, vote).concat();
        let got: Vec<f32> = scores.into_iter().map(|s| s as f32).collect();
        let error = relative_error(&got, &expected.values);
        assert!(error <= 1e-5, "{name}: relative error {error:.2e}");
        let got: Vec<i32> =
            found.predictions(&labels, classes, vote).into_iter().map(i32::from).collect();
        assert_eq!(got, fixture.integers(&format!("{name}.predictions")), "{name}");
    }
    let k = fixture.stored("top10.indices").shape[1];
    for (query, expected) in fixture.integers("top10.indices").chunks(k).enumerate() {
        let got: Vec<i32> = found.of(query)[..k].iter().map(|&i| i as i32).collect();
        assert_eq!(got, expected, "nearest of query {query}");
    }
}

#[test]
fn votes_on_cpu() {
    votes_follow_the_definition(&cpu());
}

#[test]
fn votes_on_wgpu() {
    votes_follow_the_definition(&gpu());
}

/// A bank as large as a data set's: where a device's own top-k may differ from the CPU's.
#[test]
fn many_neighbours_on_wgpu_are_those_on_cpu() {
    let mut stream = stream(1, Purpose::Test, 0, 0);
    let mut features = |count: usize| {
        let values = (0..count * 8).map(|_| stream.normal() as f32).collect();
        Features { values, dim: 8 }
    };
    let (bank, queries) = (features(3_000), features(600));
    let look = |device| pollster::block_on(nearest(&queries, &bank, 200, &device)).expect("a bank");
    let (one, other) = (look(cpu()), look(gpu()));
    let difference = largest_difference(&one.cosines, &other.cosines);
    assert!(difference <= 1e-5, "cosines differ by {difference}");
}

#[test]
fn an_archive_of_nothing_is_readable() {
    let archive = Archive { note: "{}".into(), ..Archive::default() };
    let bytes = archive.to_bytes(kith_core::archive::Precision::Single).expect("nothing to refuse");
    assert_eq!(Archive::from_bytes(&bytes).expect("valid"), archive);
}
