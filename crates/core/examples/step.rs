//! Seconds of one `SimCLR` training step, to be timed side by side with other frameworks'.
//!
//! `step BATCH SIDE ENCODER STEPS [gpu]`: prints each step, the first with its warm-up, and the
//! median of the rest. ENCODER as in a recipe, `{kind="resnet",depth=18}`, or the width of the four
//! convolutions of the Keras examples.
#![expect(clippy::print_stdout, reason = "it exists to print")]

use std::time::Instant;

use burn::tensor::Distribution;
use kith_core::encoder::EncoderSettings;
use kith_core::head::HeadSettings;
use kith_core::recipe::Recipe;
use kith_core::trainer::{Plan, SelfSupervised, Trainer};
use kith_core::{Device, DeviceKind, Tensor};

#[derive(serde::Deserialize)]
struct Given {
    encoder: EncoderSettings,
}

/// Head of the networks that are not the Keras examples': its hidden layer and its outputs.
const HEAD: (usize, usize) = (512, 128);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| arguments.get(at).and_then(|text| text.parse().ok());
    let (Some(batch), Some(side), Some(steps)) = (number(0), number(1), number(3)) else {
        panic!("expected BATCH SIDE ENCODER STEPS [gpu], got {arguments:?}");
    };
    assert!(steps > 1, "the first step only warms up: expected at least 2 steps, got {steps}");
    let device = match arguments.get(4).map(String::as_str) {
        Some("gpu") => Device::wgpu(DeviceKind::DefaultDevice),
        _ => Device::flex(),
    };
    let mut recipe = Recipe::built_in("keras-simclr").expect("it is built in");
    let (encoder, projection) = match number(2) {
        Some(width) => (EncoderSettings::Conv4 { width }, HeadSettings::new(vec![width], width)),
        None => {
            let given = format!("encoder = {}", arguments[2]);
            let given: Given = toml::from_str(&given).expect("an encoder or a width");
            (given.encoder, HeadSettings::new(vec![HEAD.0], HEAD.1))
        }
    };
    (recipe.encoder, recipe.projection) = (encoder, Some(projection));
    let plan = Plan { side, classes: 0, seed: 0, steps: steps as u64, epochs: 1 };
    let mut trainer =
        Trainer::pretraining(recipe, plan, &device).expect("the side suits the encoder");
    let shape = [batch, 3, side, side];
    let mut seconds: Vec<f64> = (0..steps).map(|_| time(&mut trainer, shape, &device)).collect();
    seconds.remove(0);
    seconds.sort_by(f64::total_cmp);
    let median = seconds[seconds.len() / 2];
    println!("median {median:.4} s  {:.1} views/s", 2.0 * batch as f64 / median);
}

#[expect(clippy::disallowed_methods, reason = "an example runs natively and may read the clock")]
fn time(trainer: &mut Trainer<SelfSupervised>, shape: [usize; 4], device: &Device) -> f64 {
    let noise = || Tensor::random(shape, Distribution::Uniform(0.0, 1.0), device);
    let (views, unknown) = (vec![noise(), noise()], vec![-1; shape[0]]);
    let start = Instant::now();
    let metrics = trainer.learn(&views, &unknown, None).expect("all of it is computed here");
    let readings = metrics.read();
    let readings = pollster::block_on(readings).expect("the device reads back");
    let seconds = start.elapsed().as_secs_f64();
    println!("step {} {} {:.4} {seconds:.3} s", trainer.steps(), readings[0].0, readings[0].1);
    seconds
}
