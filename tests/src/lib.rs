//! What the tests of promises between kith's modules share: reading fixtures, and comparing.

pub mod fixture;
pub mod methods;
pub mod network;

use kith_core::image::Images;
use kith_core::loader::{Batch, Samples};
use kith_core::sampler::Visit;
use kith_core::{Device, DeviceKind};

/// The CPU.
pub fn cpu() -> Device {
    Device::flex()
}

/// A GPU through wgpu; where there is none, a software Vulkan must be installed in its place.
pub fn gpu() -> Device {
    Device::wgpu(DeviceKind::DefaultDevice)
}

/// How far apart two lists are: the length of their difference against the length of `expected`.
pub fn relative_error(got: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(got.len(), expected.len(), "lists of different lengths cannot be compared");
    let length =
        |numbers: &mut dyn Iterator<Item = f64>| numbers.map(|x| x * x).sum::<f64>().sqrt();
    let difference = got.iter().zip(expected).map(|(a, b)| f64::from(*a) - f64::from(*b));
    let size = length(&mut expected.iter().map(|&x| f64::from(x)));
    length(&mut { difference }) / size.max(f64::MIN_POSITIVE)
}

/// The largest difference between two lists.
pub fn largest_difference(got: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(got.len(), expected.len(), "lists of different lengths cannot be compared");
    got.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// A batch of labelled images alone.
pub fn labelled(images: Images, visits: Vec<Visit>, labels: Vec<i32>) -> Batch {
    let unlabelled = Samples::none(images.size());
    Batch { unlabelled, labelled: Samples { images, visits, labels: Some(labels) } }
}
