//! Three steps of each optimizer, against `PyTorch`, lightly and the papers' code.

use kith_core::optimizer::{Clip, Optimizer, OptimizerSettings, Slopes};
use kith_core::{Device, Module, Param, Tensor, read};
use kith_tests::fixture::Fixture;
use kith_tests::{cpu, gpu, relative_error};

#[derive(Module, Debug)]
struct Weights {
    dense: Param<Tensor<2>>,
    conv: Param<Tensor<4>>,
    gain: Param<Tensor<1>>,
    bias: Param<Tensor<1>>,
    zero: Param<Tensor<2>>,
    still: Param<Tensor<2>>,
}

const NAMES: [&str; 6] = ["dense", "conv", "gain", "bias", "zero", "still"];

fn parameter<const D: usize>(fixture: &Fixture, name: &str, device: &Device) -> Param<Tensor<D>> {
    let weight: Tensor<D> = fixture.tensor(&format!("weight.{name}"), &device.clone().autodiff());
    Param::from_tensor(weight.require_grad())
}

impl Weights {
    fn start(fixture: &Fixture, device: &Device) -> Self {
        Self {
            dense: parameter(fixture, "dense", device),
            conv: parameter(fixture, "conv", device),
            gain: parameter(fixture, "gain", device),
            bias: parameter(fixture, "bias", device),
            zero: parameter(fixture, "zero", device),
            still: parameter(fixture, "still", device),
        }
    }

    /// The gradients of a step: those of Σ w·g with respect to w.
    fn slopes(&self, fixture: &Fixture, step: usize, device: &Device) -> Slopes {
        fn along<const D: usize>(
            param: &Param<Tensor<D>>,
            (fixture, name): (&Fixture, &str),
            step: usize,
            device: &Device,
        ) -> Tensor<1> {
            let gradient: Tensor<D> = fixture.tensor(&format!("grad{step}.{name}"), device);
            (param.val() * gradient).sum()
        }
        let sum = along(&self.dense, (fixture, "dense"), step, device)
            + along(&self.conv, (fixture, "conv"), step, device)
            + along(&self.gain, (fixture, "gain"), step, device)
            + along(&self.bias, (fixture, "bias"), step, device)
            + along(&self.zero, (fixture, "zero"), step, device)
            + along(&self.still, (fixture, "still"), step, device);
        Slopes::of(self, &sum.backward())
    }

    fn values(&self, name: &str) -> Vec<f32> {
        let read = |x| pollster::block_on(read::read(x)).expect("the device reads back");
        match name {
            "dense" => read(self.dense.val()),
            "conv" => pollster::block_on(read::read(self.conv.val())).expect("read"),
            "gain" => pollster::block_on(read::read(self.gain.val())).expect("read"),
            "bias" => pollster::block_on(read::read(self.bias.val())).expect("read"),
            "zero" => read(self.zero.val()),
            _ => read(self.still.val()),
        }
    }
}

/// An optimizer's table without its rate, which changes from step to step.
fn settings(text: &str, rate: f64) -> OptimizerSettings {
    let text = format!("{text}\nlearning_rate = {rate:?}");
    toml::from_str(&text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

/// What the fixture calls a form, the text of its table, and the rate of each step.
fn forms(fixture: &Fixture) -> Vec<(&'static str, String, Vec<f32>)> {
    let number = |name: &str| fixture.number(name);
    let (momentum, decay) = (number("lars.momentum"), number("lars.weight_decay"));
    let lars = |form: &str, trust: &str| {
        format!(
            "kind = 'lars'\nform = '{form}'\ntrust = {:?}\nmomentum = {momentum:?}\n\
             weight_decay = {decay:?}",
            number(trust)
        )
    };
    let sgd = |nesterov: bool| {
        format!(
            "kind = 'sgd'\nnesterov = {nesterov}\nmomentum = {:?}\nweight_decay = {:?}",
            number("sgd.momentum"),
            number("sgd.weight_decay")
        )
    };
    let adam = |kind: &str| {
        format!(
            "kind = '{kind}'\nepsilon = 1e-8\nepsilon_form = 'pytorch'\nweight_decay = {:?}",
            number("adam.weight_decay")
        )
    };
    let rates = fixture.values("lars.rates");
    let same = |name: &str| vec![number(name) as f32; 3];
    vec![
        ("lars_lightly", lars("lightly", "lars.trust"), rates.clone()),
        ("lars_google", lars("google", "lars.trust"), rates.clone()),
        ("lars_facebook", lars("facebook", "lars.trust"), rates.clone()),
        ("lars_solo", lars("clipped", "lars.solo_trust"), rates),
        ("sgd_momentum", sgd(false), same("sgd.rate")),
        ("sgd_nesterov", sgd(true), same("sgd.rate")),
        ("adamw", adam("adamw"), same("adam.rate")),
        ("adam_l2", adam("adam"), same("adam.rate")),
    ]
}

/// The relative error; of zeros, the size of the largest.
fn distance(got: &[f32], expected: &[f32]) -> f64 {
    match expected.iter().all(|x| *x == 0.0) {
        true => got.iter().map(|x| f64::from(x.abs())).fold(0.0, f64::max),
        false => relative_error(got, expected),
    }
}

fn follow_their_code(device: &Device, tolerance: f64) {
    let fixture = Fixture::open("methods/optimizers");
    for (form, text, rates) in forms(&fixture) {
        let mut weights = Weights::start(&fixture, device);
        let mut archive = kith_core::archive::Archive::default();
        for (step, rate) in rates.into_iter().enumerate() {
            // A rate of its own for each step: the optimizer goes on from what the last one stored.
            let fresh = Optimizer::new(settings(&text, f64::from(rate)));
            let from = (&archive, "optimizer");
            let mut optimizer = fresh.resumed(step as u64, from, device).expect("its own");
            let slopes = weights.slopes(&fixture, step, device);
            weights = optimizer.step(weights, slopes, 3);
            archive = kith_core::archive::Archive::default();
            pollster::block_on(optimizer.store(&mut archive, "optimizer")).expect("read");
            for name in NAMES {
                let expected = fixture.values(&format!("{form}{}.{name}", step + 1));
                let error = distance(&weights.values(name), &expected);
                assert!(error <= tolerance, "{form}, step {step}, {name}: off by {error:.2e}");
            }
        }
    }
}

#[test]
fn optimizers_on_cpu() {
    follow_their_code(&cpu(), 1e-5);
}

#[test]
fn optimizers_on_wgpu() {
    follow_their_code(&gpu(), 1e-3);
}

#[test]
fn gradients_are_clipped_together_or_each() {
    let (fixture, device) = (Fixture::open("methods/optimizers"), cpu());
    let weights = Weights::start(&fixture, &device);
    for (name, clip) in [
        ("clip_global", Clip::All(fixture.number("clip_global.limit"))),
        ("clip_each", Clip::Each(fixture.number("clip_each.limit"))),
    ] {
        let clipped = weights.slopes(&fixture, 0, &device).clipped(clip);
        for parameter in NAMES {
            let got = clipped.gradient(parameter).expect("each has a gradient");
            let got = pollster::block_on(read::read(got)).expect("read");
            let expected = fixture.values(&format!("{name}.{parameter}"));
            let error = distance(&got, &expected);
            assert!(error <= 1e-5, "{name}: {parameter}: off by {error:.2e}");
        }
    }
}
