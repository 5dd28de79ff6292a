//! Networks as torchvision and timm save them, on kith's encoders: features, gradients, statistics.

use burn::module::{ModuleVisitor, Param};
use burn::tensor::Gradients;
use kith_core::archive::Archive;
use kith_core::encoder::vit::VisionTransformer;
use kith_core::encoder::{Encoder, EncoderSettings};
use kith_core::{Device, Module, Tensor, read};
use kith_tests::fixture::Fixture;
use kith_tests::{cpu, gpu, relative_error};

/// Pictures of every fixture.
const PICTURES: usize = 3;
/// What the networks of `ImageNet` subtract from red, green and blue, and divide them by.
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];

/// A network of kith's with a file's weights; every tensor of the file but its classifier's is used.
fn loaded(name: &str, settings: &str, side: usize, device: &Device) -> Encoder {
    let file = Fixture::open(&format!("encoders/{name}"));
    let is_encoders = |name: &str| {
        let others = ["fc.", "head."];
        !others.iter().any(|other| name.starts_with(other))
            && !name.ends_with("num_batches_tracked")
    };
    let mut archive = Archive::default();
    for name in file.names("").into_iter().filter(|name| is_encoders(name)) {
        archive.tensors.insert(name.clone(), file.stored(&name));
    }
    let settings: EncoderSettings = serde_json::from_str(settings).expect("settings of an encoder");
    let fresh = settings.init(side, 1, device).expect("the side suits the encoder");
    let network = archive.restore("", fresh).expect("the file holds every parameter");
    let mut again = Archive::default();
    pollster::block_on(again.add("", &network)).expect("the device reads back");
    assert_eq!(again, archive, "{name}: every tensor has its place");
    network
}

fn expected(name: &str) -> Fixture {
    Fixture::open(&format!("encoders/{name}.expected"))
}

/// Pictures of a fixture in [0, 1].
fn pictures(fixture: &Fixture, name: &str, device: &Device) -> Tensor<4> {
    fixture.tensor::<4>(name, device) / 255.0
}

/// Pictures as a network of `ImageNet` sees them.
fn normalised(fixture: &Fixture, device: &Device) -> Tensor<4> {
    let row = |numbers: [f32; 3]| Tensor::<1>::from_data(numbers, device).reshape([1, 3, 1, 1]);
    (pictures(fixture, "pictures", device) - row(MEAN)) / row(DEVIATION)
}

fn read_back<const D: usize>(x: Tensor<D>) -> Vec<f32> {
    pollster::block_on(read::read(x)).expect("the device reads back")
}

fn close(what: &str, got: &[f32], expected: &[f32], tolerance: f64) {
    let error = relative_error(got, expected);
    assert!(error <= tolerance, "{what}: relative error {error:.2e}, allowed {tolerance:.0e}");
}

/// Gathers the gradients of a module's parameters under their names.
struct Gather<'a> {
    gradients: &'a Gradients,
    path: Vec<String>,
    found: Vec<(String, Vec<f32>)>,
}

impl ModuleVisitor for Gather<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        if !container.starts_with("Enum:") {
            self.path.push(name.to_owned());
        }
    }

    fn exit_module(&mut self, _: &str, container: &str) {
        if !container.starts_with("Enum:") {
            self.path.pop();
        }
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = param.val().grad(self.gradients) {
            self.found.push((self.path.join("."), read_back(gradient)));
        }
    }
}

/// Every gradient that a fixture has, against those of a network.
fn check_gradients(
    (fixture, prefix): (&Fixture, &str),
    network: &impl Module,
    gradients: &Gradients,
    tolerance: f64,
) {
    let mut gather = Gather { gradients, path: Vec::new(), found: Vec::new() };
    network.visit(&mut gather);
    let names = fixture.names(prefix);
    assert!(!names.is_empty(), "the fixture holds gradients");
    for name in names {
        let got = gather.found.iter().find(|(own, _)| *own == name);
        let (_, got) = got.unwrap_or_else(|| panic!("{name} has no gradient"));
        let expected = fixture.values(&format!("{prefix}{name}"));
        close(&format!("gradient of {name}"), got, &expected, tolerance);
    }
}

const RESNETS: [(&str, &str); 3] = [
    ("resnet18", r#"{"kind": "resnet", "depth": 18, "stem": "imagenet", "width": 4}"#),
    ("resnet34", r#"{"kind": "resnet", "depth": 34, "stem": "imagenet", "width": 2}"#),
    ("resnet50", r#"{"kind": "resnet", "depth": 50, "stem": "imagenet", "width": 3}"#),
];
const RESNETS_SIDE: usize = 56;

fn resnets_infer(device: &Device, tolerance: f64) {
    for (name, settings) in RESNETS {
        let (fixture, network) = (expected(name), loaded(name, settings, RESNETS_SIDE, device));
        let features = read_back(network.forward(normalised(&fixture, device)));
        close(name, &features, &fixture.values("eval.features"), tolerance);
    }
}

#[test]
fn residual_networks_give_torchvisions_features_on_cpu() {
    resnets_infer(&cpu(), 1e-4);
}

#[test]
fn residual_networks_give_torchvisions_features_on_wgpu() {
    resnets_infer(&gpu(), 1e-3);
}

#[test]
fn residual_networks_learn_as_torchvisions_do() {
    for (name, settings) in RESNETS {
        let (fixture, device) = (expected(name), cpu().autodiff());
        let network = loaded(name, settings, RESNETS_SIDE, &device);
        let features = network.forward(normalised(&fixture, &device));
        let values = read_back(features.clone());
        close(&format!("{name}'s features"), &values, &fixture.values("train.features"), 1e-3);
        let loss = (features * fixture.tensor("probe", &device)).sum() / PICTURES as f64;
        close("loss", &read_back(loss.clone()), &fixture.values("train.loss"), 1e-3);
        let gradients = loss.backward();
        check_gradients((&fixture, "train.gradient."), &network, &gradients, 1e-3);
        let mut after = Archive::default();
        pollster::block_on(after.add("", &network)).expect("the CPU reads");
        let names = fixture.names("train.after.");
        assert!(!names.is_empty(), "{name} has running statistics");
        for statistic in names {
            let expected = fixture.values(&format!("train.after.{statistic}"));
            close(&statistic, &after.tensors[&statistic].values, &expected, 1e-4);
        }
    }
}

const PATCHES: usize = 4;
const PATCH: usize = 16;

/// The transformer with its class token or the mean of its patches as features.
fn transformer(pool: &str, device: &Device) -> VisionTransformer {
    let settings = format!(
        r#"{{"kind": "vit", "patch": {PATCH}, "size": {{"dim": 24, "depth": 2, "heads": 3}},
            "pool": "{pool}", "pixels": "signed"}}"#
    );
    match loaded("vit16", &settings, PATCHES * PATCH, device) {
        Encoder::Vit(network) => network,
        other => panic!("{other:?} is no transformer"),
    }
}

fn transformer_infers(device: &Device, tolerance: f64) {
    let fixture = expected("vit16");
    for (pool, result) in [("cls", "cls"), ("mean", "patch_mean")] {
        let network = transformer(pool, device);
        for (at, seen) in [("native", "native"), ("timm.6", "6")] {
            let shown = pictures(&fixture, &format!("{seen}.pictures"), device);
            let features = read_back(network.forward(shown));
            let name = format!("{at}.{result}");
            close(&name, &features, &fixture.values(&name), tolerance);
        }
        let shown = pictures(&fixture, "native.pictures", device).narrow(0, 0, 1);
        let embedded = read_back(network.embedded(shown));
        close("embedded", &embedded, &fixture.values("native.tokens.embedded"), tolerance);
        let positions = read_back(network.positions([6, 6]));
        close("positions", &positions, &fixture.values("timm.6.pos_embed"), tolerance);
    }
}

#[test]
fn a_transformer_gives_timms_features_on_cpu() {
    transformer_infers(&cpu(), 1e-5);
}

#[test]
fn a_transformer_gives_timms_features_on_wgpu() {
    transformer_infers(&gpu(), 1e-3);
}

fn transformer_learns(device: &Device, tolerance: f64) {
    let (fixture, device) = (expected("vit16"), device.clone().autodiff());
    let network = transformer("cls", &device);
    let tokens = network.tokens(pictures(&fixture, "native.pictures", &device));
    let [_, count, _] = tokens.dims();
    let cls = tokens.clone().narrow(1, 0, 1);
    let mean = tokens.narrow(1, 1, count - 1).mean_dim(1);
    let probe = fixture.tensor::<3>("probe", &device);
    let loss = (Tensor::cat(vec![cls, mean], 1) * probe).sum() / PICTURES as f64;
    close("loss", &read_back(loss.clone()), &fixture.values("native.loss"), tolerance);
    let gradients = loss.backward();
    check_gradients((&fixture, "native.gradient."), &network, &gradients, tolerance);
}

#[test]
fn a_transformer_learns_as_timms_does_on_cpu() {
    transformer_learns(&cpu(), 1e-4);
}

#[test]
fn a_transformer_learns_as_timms_does_on_wgpu() {
    transformer_learns(&gpu(), 1e-3);
}

/// Views of another side teach the same positions.
#[test]
fn gradients_reach_positions_through_their_resampling() {
    let (fixture, device) = (expected("vit16"), cpu().autodiff());
    let network = transformer("cls", &device);
    let loss = network.forward(pictures(&fixture, "6.pictures", &device)).square().sum();
    let gradients = loss.backward();
    let mut gather = Gather { gradients: &gradients, path: Vec::new(), found: Vec::new() };
    network.visit(&mut gather);
    let (_, gradient) = gather.found.iter().find(|(name, _)| name == "pos_embed").expect("learnt");
    assert_eq!(gradient.len(), (1 + PATCHES * PATCHES) * 24);
    for (token, gradient) in gradient.chunks(24).enumerate() {
        assert!(gradient.iter().any(|x| x.abs() > 1e-6), "token {token} learns its place");
    }
}
