//! Seconds and peak memory of relational reasoning's loss and gradients, with pairs put together and
//! without.
//!
//! `relational VIEWS BATCH DIM split|plain [gpu]`: five steps; prints the median of the last four
//! and the most memory that the process held (Linux).
#![expect(clippy::print_stdout, reason = "it exists to print")]

use std::time::Instant;

use burn::tensor::Distribution;
use kith_core::method::relational::{
    Aggregation, PairLoss, RelationHead, RelationalSettings, Relations,
};
use kith_core::rng::{Purpose, stream};
use kith_core::{Device, DeviceKind, Tensor, read};

const HIDDEN: usize = 256;
const STEPS: usize = 5;

type Form = fn(&RelationalSettings, Tensor<2>, &RelationHead) -> Relations;

#[expect(clippy::disallowed_methods, reason = "an example runs natively and may read the clock")]
fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let numbers: Vec<usize> = arguments.iter().flat_map(|text| text.parse()).collect();
    let form: Option<Form> = match arguments.get(3).map(String::as_str) {
        Some("split") => Some(RelationalSettings::compare),
        Some("plain") => Some(RelationalSettings::plainly),
        _ => None,
    };
    let (&[views, batch, dim], Some(form)) = (&numbers[..], form) else {
        panic!("expected VIEWS BATCH DIM split|plain [gpu], got {arguments:?}");
    };
    let device = match arguments.get(4).map(String::as_str) {
        Some("gpu") => Device::wgpu(DeviceKind::DefaultDevice),
        _ => Device::flex(),
    };
    let device = device.autodiff();
    let settings = RelationalSettings {
        views,
        aggregation: Aggregation::Concatenate,
        hidden: HIDDEN,
        loss: PairLoss::CrossEntropy,
    };
    let mut weights = stream(0, Purpose::Test, 0, 0);
    let head = RelationHead::new([settings.inputs(dim), HIDDEN], &mut weights, &device);
    let noise = Distribution::Normal(0.0, 1.0);
    let features = Tensor::<2>::random([views * batch, dim], noise, &device).require_grad();
    let mut seconds = Vec::new();
    for _ in 0..STEPS {
        let start = Instant::now();
        let relations = form(&settings, features.clone(), &head);
        let gradients = relations.loss.backward();
        let gradient = features.grad(&gradients).expect("the loss depends on the features");
        pollster::block_on(read::read(gradient)).expect("the device reads back");
        seconds.push(start.elapsed().as_secs_f64());
    }
    seconds.remove(0);
    seconds.sort_by(f64::total_cmp);
    let median = seconds[seconds.len() / 2];
    println!("{} pairs  median {median:.3} s  {}", views * (views - 1) * batch, most_memory());
}

/// The most memory that this process held, as Linux says it.
#[expect(clippy::disallowed_methods, reason = "an example runs natively and may read files")]
fn most_memory() -> String {
    let bytes = std::fs::read("/proc/self/status").unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let line = text.lines().find(|line| line.starts_with("VmHWM"));
    line.unwrap_or("memory unknown").to_owned()
}
