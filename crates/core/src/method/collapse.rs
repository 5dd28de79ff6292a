//! What it costs when all images look the same to a network, in closed form: each method has its own
//! law, and the measure of spread tells it in all of them.

use burn::tensor::{Device, Int, Tensor};

use super::barlow::BarlowSettings;
use super::byol::ByolSettings;
use super::dino::DinoSettings;
use super::lejepa::{Centre, LejepaSettings};
use super::moco::MocoSettings;
use super::moco_v3::MocoV3Settings;
use super::simsiam::SimsiamSettings;
use super::supcon::SupconSettings;
use super::swav::SwavSettings;
use super::vicreg::VicregSettings;
use crate::loss::cross_entropy;
use crate::metrics::feature_spread;

const N: usize = 6;
const DIM: usize = 4;
const PROTOTYPES: usize = 5;

fn device() -> Device {
    Device::flex().autodiff()
}

/// Two views of images that all look the same.
fn same() -> [Tensor<2>; 2] {
    [Tensor::ones([N, DIM], &device()), Tensor::ones([N, DIM], &device())]
}

fn settings<T: serde::de::DeserializeOwned>(text: &str) -> T {
    toml::from_str(text).unwrap()
}

fn costs(loss: Tensor<1>, expected: f64, method: &str) {
    let got = f64::from(pollster::block_on(crate::read::read(loss.inner())).unwrap()[0]);
    let close = (got - expected).abs() < 1e-4 * (1.0 + expected.abs());
    assert!(close, "{method}: expected {expected}, got {got}");
}

#[test]
fn to_methods_with_negatives_it_is_a_guess() {
    let moco: MocoSettings = settings(
        "temperature = 0.2\nqueue = 7\ndirections = 'one'\nteacher = { start = 0.9, end = 1 }",
    );
    let queue = Tensor::full([7, DIM], 0.5, &Device::flex());
    let [queries, keys] = same();
    let logits = moco.logits(queries, keys, queue);
    let first = Tensor::<1, Int>::zeros([N], &logits.device());
    costs(cross_entropy(logits, first).mean(), 8.0_f64.ln(), "MoCo");
    let v3: MocoV3Settings = settings(
        "temperature = 0.2\nteacher = { start = 0.9, end = 1 }\n\
         predictor = { hidden = [], output = 4 }",
    );
    costs(v3.contrast(same(), same()), 4.0 * 0.2 * (N as f64).ln(), "MoCo v3");
    let supcon: SupconSettings = settings("temperature = 0.2");
    let labels = Tensor::from_data([0, 0, 1, 1, -1, -1], &Device::flex());
    let guess = ((2 * N - 1) as f64).ln();
    costs(supcon.terms(same(), labels).losses.mean(), guess, "SupCon");
}

/// Stopped gradients alone keep these from it.
#[test]
fn to_methods_without_negatives_it_is_the_cheapest() {
    costs(ByolSettings::distance(same(), same()), 0.0, "BYOL");
    costs(SimsiamSettings::unlikeness(same(), same()), -1.0, "SimSiam");
}

#[test]
fn to_methods_of_units_it_is_dear() {
    let barlow: BarlowSettings = settings("redundancy_weight = 0.01");
    costs(barlow.redundancy(same()), DIM as f64, "Barlow Twins");
    let [invariance, variance, covariance] = VicregSettings::terms(same());
    costs(invariance, 0.0, "VICReg's invariance");
    costs(variance, 1.0 - 1e-4_f64.sqrt(), "VICReg's variance");
    costs(covariance, 0.0, "VICReg's covariance");
    let lejepa = LejepaSettings {
        weight: 0.05,
        slices: 3,
        knots: 17,
        reach: 3.0,
        global_views: 2,
        centre: Centre::GlobalViews,
    };
    let zeros = [Tensor::zeros([N, DIM], &device()), Tensor::zeros([N, DIM], &device())];
    let slices = Tensor::full([DIM, 3], 0.5, &Device::flex());
    // 2∫(1 − e^(−t²/2))² e^(−t²/2) dt from 0 to 3, of every image.
    costs(lejepa.sigreg(&zeros, slices), 0.402 * N as f64, "LeJEPA's SIGReg");
    costs(lejepa.invariance(&zeros), 0.0, "LeJEPA's invariance");
}

#[test]
fn to_methods_of_prototypes_it_is_no_answer() {
    let none = (PROTOTYPES as f64).ln();
    let swav: SwavSettings = settings(
        "prototypes = 5\ntemperature = 0.1\nepsilon = 0.05\niterations = 3\nfrozen_epochs = 0\n\
         crops = 'together'",
    );
    let prototypes = Tensor::ones([PROTOTYPES, DIM], &device());
    costs(swav.swapped(&same(), prototypes, None), none, "SwAV");
    let dino: DinoSettings = settings(
        "prototypes = 5\nstudent_temperature = 0.1\ncentre_momentum = 0.9\nfrozen_epochs = 0\n\
         teacher = { start = 0.9, end = 1 }\ncrops = 'together'\n\
         teacher_temperature = { start = 0.04, end = 0.04, warm_up_epochs = 0 }",
    );
    // One answer for all images: the centre becomes that answer, and nothing is left of it.
    let answers = Tensor::<2>::from_data([[0.1_f32, 0.9, 0.2, 0.3, 0.4]; N], &Device::flex());
    let center = answers.clone().mean_dim(0).reshape([PROTOTYPES]);
    let targets = [(); 2].map(|()| DinoSettings::targets(answers.clone(), center.clone(), 0.04));
    let student = [(); 2].map(|()| Tensor::zeros([N, PROTOTYPES], &device()));
    costs(dino.distance(&student, &targets), none, "DINO");
}

#[test]
fn the_spread_tells_it() {
    let [view, _] = same();
    costs(feature_spread(view), 0.0, "spread");
}
