//! A run on processors with other vectors: sums of products are rounded otherwise, and no more than that.

use std::fs;
use std::path::Path;
use std::process::Command;

use image::{Rgb, RgbImage};
use kith_core::archive::Archive;
use kith_core::rng::{Purpose, stream};

use crate::common::metrics;

/// What QEMU calls a processor with AVX2 but no AVX-512, and one with neither.
const PROCESSORS: [&str; 2] = ["Haswell", "Nehalem"];
/// Their weights may differ by so much of the largest in their tensor, their losses by so much of themselves.
const TOLERANCE: f64 = 1e-4;

/// Twenty images of noise, of two classes: so few that an emulated processor reads them at once, and as
/// different as can be, since what alike images teach is near to nothing, and rounding decides its sign.
fn images(folder: &Path) {
    let mut noise = stream(0, Purpose::Test, 0, 0);
    for place in 0..20 {
        let class = folder.join(["images/cat", "images/dog"][place % 2]);
        fs::create_dir_all(&class).expect("a folder");
        let pixel = |_, _| Rgb([(); 3].map(|()| noise.below(256) as u8));
        let path = class.join(format!("{place:02}.png"));
        RgbImage::from_fn(16, 16, pixel).save(path).expect("an image can be written");
    }
}

/// Two steps and an evaluation on this processor, or on another.
fn train(folder: &Path, processor: Option<&str>, encoder: &str) {
    let program = env!("CARGO_BIN_EXE_kith");
    let mut command = Command::new(processor.map_or(program, |_| "qemu-x86_64"));
    if let Some(processor) = processor {
        command.args(["-cpu", processor, program]);
    }
    let run = processor.unwrap_or("own");
    command.args(["pretrain", "--data", "folder:images", "--side", "32", "--device", "cpu"]);
    command.args(["--run", run, "--set", encoder, "--set", "objective.queue=16"]);
    command.args(["--set", "projection.hidden=[8]", "--set", "projection.output=8"]);
    // Steps as long as the gradient: Adam's first are as long as the rate, and their signs, where a gradient is
    // a rounding error, chance.
    command.args(["--set", "pretraining.optimizer={kind=\"sgd\",learning_rate=0.1,momentum=0.9}"]);
    command.args(["--set", "pretraining.epochs=1", "--set", "pretraining.steps=2"]);
    command.args([
        "--set",
        "pretraining.unlabelled_batch=4",
        "--set",
        "pretraining.labelled_batch=4",
    ]);
    // Where this is set, the program does not start itself again, which would be on the real processor.
    command.env("GLIBC_TUNABLES", "glibc.malloc.check=0").current_dir(folder);
    let output = command.output().expect("the program, or qemu-x86_64, starts");
    assert!(output.status.success(), "{run}: {}", String::from_utf8_lossy(&output.stderr));
}

fn tensors(run: &Path) -> Archive {
    let bytes = fs::read(run.join("checkpoint.safetensors")).expect("a run has a checkpoint");
    Archive::from_bytes(&bytes).expect("it is sound")
}

fn loss(run: &Path) -> f64 {
    metrics(run)[0]["train"]["loss"].as_f64().expect("an epoch has a loss")
}

#[expect(clippy::print_stdout, reason = "a test says what it found")]
fn tell(text: &str) {
    println!("{text}");
}

/// The largest difference of two tensors as a part of their largest number.
fn difference(one: &[f32], other: &[f32]) -> f64 {
    assert_eq!(one.len(), other.len());
    let largest = one.iter().fold(f32::MIN_POSITIVE, |most, number| most.max(number.abs()));
    let pairs = one.iter().zip(other);
    f64::from(pairs.fold(0.0_f32, |most, (a, b)| most.max((a - b).abs())) / largest)
}

fn the_same_is_learnt(encoder: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    images(folder);
    train(folder, None, encoder);
    let own = tensors(&folder.join("own"));
    let mut changed = 0.0_f64;
    for processor in PROCESSORS {
        train(folder, Some(processor), encoder);
        let run = folder.join(processor);
        let part = (loss(&run) / loss(&folder.join("own")) - 1.0).abs();
        assert!(part < TOLERANCE, "{encoder} on {processor}: the losses differ by {part}");
        let other = tensors(&run);
        assert!(own.names().eq(other.names()), "{encoder} on {processor}: other tensors");
        let mut most = 0.0_f64;
        for name in own.names() {
            let [own, other] = [&own, &other].map(|of| of.get(name).expect("it is there"));
            let part = difference(&own.values, &other.values);
            assert!(part < TOLERANCE, "{encoder} on {processor}: {name} differs by {part}");
            most = most.max(part);
        }
        tell(&format!("{encoder} on {processor}: differences of up to {most:.0e}"));
        changed = changed.max(most);
    }
    assert!(changed > 0.0, "{encoder}: not one bit differs, so was it another processor?");
}

#[test]
fn conv4_learns_the_same_on_qemu() {
    the_same_is_learnt("encoder={kind=\"conv4\",width=8}");
}

#[test]
fn resnet_learns_the_same_on_qemu() {
    the_same_is_learnt("encoder={kind=\"resnet\",depth=18,width=2}");
}
