//! Convolutional networks as torchvision and timm save them, on kith's encoders: features, gradients,
//! statistics.

use kith_core::Device;
use kith_core::archive::Archive;
use kith_tests::network::{
    PICTURES, check_gradients, close, expected, loaded, pictures, read_back,
};
use kith_tests::{cpu, gpu};

const SIDE: usize = 56;
const LITE: &str = r#"{"kind": "efficientnet_lite", "pixels": "signed", "size": {"stem": 8, "head": 48, "stages": [
    {"kernel": 3, "stride": 1, "expansion": 1, "outputs": 8, "repeats": 1},
    {"kernel": 3, "stride": 2, "expansion": 6, "outputs": 12, "repeats": 2},
    {"kernel": 5, "stride": 2, "expansion": 6, "outputs": 16, "repeats": 2},
    {"kernel": 5, "stride": 1, "expansion": 6, "outputs": 20, "repeats": 1},
    {"kernel": 3, "stride": 2, "expansion": 6, "outputs": 24, "repeats": 1}]}}"#;
const MOBILE: &str = r#"{"kind": "mobilenet_v3", "width_multiplier": 0.125, "pixels": "imagenet"}"#;

fn networks() -> [(&'static str, String); 5] {
    let resnet = |depth, width| {
        format!(
            r#"{{"kind": "resnet", "depth": {depth}, "stem": "imagenet", "width": {width}, "pixels": "imagenet"}}"#
        )
    };
    [
        ("resnet18", resnet(18, 4)),
        ("resnet34", resnet(34, 2)),
        ("resnet50", resnet(50, 3)),
        ("efficientnet_lite", LITE.to_owned()),
        ("mobilenet_v3", MOBILE.to_owned()),
    ]
}

fn infer(device: &Device, tolerance: f64) {
    for (name, settings) in networks() {
        let (fixture, network) = (expected(name), loaded(name, &settings, SIDE, device));
        let features = read_back(network.forward(pictures(&fixture, "pictures", device)));
        close(name, &features, &fixture.values("eval.features"), tolerance);
    }
}

#[test]
fn networks_give_their_features_on_cpu() {
    infer(&cpu(), 1e-5);
}

#[test]
fn networks_give_their_features_on_wgpu() {
    infer(&gpu(), 1e-3);
}

#[test]
fn networks_learn_as_elsewhere() {
    for (name, settings) in networks() {
        let (fixture, device) = (expected(name), cpu().autodiff());
        let network = loaded(name, &settings, SIDE, &device);
        let features = network.forward(pictures(&fixture, "pictures", &device));
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
