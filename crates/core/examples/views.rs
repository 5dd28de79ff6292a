//! Milliseconds of augmenting one batch.
//!
//! `views POLICY PICTURES SIDE [gpu]`: prints the mean of twenty batches after one that warms up.
//! A policy is a name, or a list of operations as JSON.
#![expect(clippy::print_stdout, reason = "it exists to print")]

use std::time::Instant;

use kith_core::augment::policy::{Draw, Policy};
use kith_core::read::read;
use kith_core::rng::{Purpose, stream};
use kith_core::sampler::Visit;
use kith_core::{Device, DeviceKind, Tensor};

/// Batches timed.
const BATCHES: u64 = 20;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let numbers: Vec<usize> = arguments.iter().skip(1).flat_map(|text| text.parse()).collect();
    let ([name, ..], [pictures, side]) = (&arguments[..], &numbers[..]) else {
        panic!("expected POLICY PICTURES SIDE [gpu], got {arguments:?}");
    };
    let policy = Policy::named(name).or_else(|| serde_json::from_str(name).ok());
    let policy = policy.unwrap_or_else(|| panic!("no policy is called {name}"));
    let device = match arguments.get(3).map(String::as_str) {
        Some("gpu") => Device::wgpu(DeviceKind::DefaultDevice),
        _ => Device::flex(),
    };
    let ms = time(&policy, [*pictures, 3, *side, *side], &device);
    println!("{name}: {pictures} pictures of side {side}: {ms:.1} ms a batch");
}

#[expect(clippy::disallowed_methods, reason = "an example runs natively and may read the clock")]
fn time(policy: &Policy, shape: [usize; 4], device: &Device) -> f64 {
    let mut noise = stream(0, Purpose::Test, 0, 0);
    let count = shape.iter().product();
    let pixels: Vec<f32> = (0..count).map(|_| noise.below(256) as f32 / 255.0).collect();
    let images = Tensor::<1>::from_floats(&pixels[..], device).reshape(shape);
    let batch = |number| {
        let visits = Visit::at(number, 0..shape[0] as u64);
        let draw = Draw { seed: 0, purpose: Purpose::FirstView, visits: &visits };
        let seen = policy.apply(images.clone(), draw);
        pollster::block_on(read(seen.mean())).expect("the device reads back");
    };
    batch(0);
    let start = Instant::now();
    (1..=BATCHES).for_each(batch);
    start.elapsed().as_secs_f64() * 1e3 / BATCHES as f64
}
