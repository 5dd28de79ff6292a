//! Networks as other libraries save them, and what they give, against kith's encoders.

use burn::module::{ModuleVisitor, Param};
use burn::tensor::Gradients;
use kith_core::archive::Archive;
use kith_core::encoder::{Encoder, EncoderSettings};
use kith_core::{Device, Module, Tensor, read};

use crate::fixture::Fixture;
use crate::relative_error;

/// Pictures of every fixture.
pub const PICTURES: usize = 3;

/// A network of kith's with a file's weights; every tensor of the file but its classifier's is used.
pub fn loaded(name: &str, settings: &str, side: usize, device: &Device) -> Encoder {
    let file = Fixture::open(&format!("encoders/{name}"));
    let is_encoders = |name: &str| {
        let others = ["fc.", "head.", "classifier."];
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

/// What a network must give.
///
/// # Panics
/// As [`Fixture::open`].
pub fn expected(name: &str) -> Fixture {
    Fixture::open(&format!("encoders/{name}.expected"))
}

/// Pictures of a fixture in [0, 1].
pub fn pictures(fixture: &Fixture, name: &str, device: &Device) -> Tensor<4> {
    fixture.tensor::<4>(name, device) / 255.0
}

/// Numbers of a tensor.
///
/// # Panics
/// When the device does not read back.
pub fn read_back<const D: usize>(x: Tensor<D>) -> Vec<f32> {
    pollster::block_on(read::read(x)).expect("the device reads back")
}

/// Refuses numbers that are too far from what was expected.
///
/// # Panics
/// When they are.
pub fn close(what: &str, got: &[f32], expected: &[f32], tolerance: f64) {
    let error = relative_error(got, expected);
    assert!(error <= tolerance, "{what}: relative error {error:.2e}, allowed {tolerance:.0e}");
}

/// The gradients of a module's parameters, under their names.
pub fn gradients_of(network: &impl Module, gradients: &Gradients) -> Vec<(String, Vec<f32>)> {
    let mut gather = Gather { gradients, path: Vec::new(), found: Vec::new() };
    network.visit(&mut gather);
    gather.found
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
pub fn check_gradients(
    (fixture, prefix): (&Fixture, &str),
    network: &impl Module,
    gradients: &Gradients,
    tolerance: f64,
) {
    let found = gradients_of(network, gradients);
    let names = fixture.names(prefix);
    assert!(!names.is_empty(), "the fixture holds gradients");
    for name in names {
        let got = found.iter().find(|(own, _)| *own == name);
        let (_, got) = got.unwrap_or_else(|| panic!("{name} has no gradient"));
        let expected = fixture.values(&format!("{prefix}{name}"));
        close(&format!("gradient of {name}"), got, &expected, tolerance);
    }
}
