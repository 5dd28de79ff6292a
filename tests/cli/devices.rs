//! Where the program computes: on one device or on several, and what it refuses.
//!
//! A GPU is needed, or a software Vulkan in its place, as for other tests of wgpu.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use crate::common::{SMALL, metrics, pets};

/// The program on such devices.
fn kith(folder: &Path, words: &[&str], devices: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kith"));
    command.current_dir(folder).args(words).args(["--device", devices]);
    command
}

/// What it printed on stdout, as JSON, and on stderr.
fn done(folder: &Path, words: &[&str], devices: &str) -> (Value, String) {
    let output = kith(folder, words, devices).arg("--json").output().expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "kith {} --device {devices}: {said}", words.join(" "));
    (serde_json::from_slice(&output.stdout).expect("JSON"), said)
}

fn refused(folder: &Path, words: &[&str], devices: &str) -> (i32, String, String) {
    let output = kith(folder, words, devices).arg("--json").output().expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && !said.contains("panicked"), "{devices}: {said}");
    let object: Value = serde_json::from_str(said.trim()).unwrap_or_default();
    let text = |key: &str| object[key].as_str().unwrap_or(&said).to_owned();
    (output.status.code().unwrap_or(-1), text("error"), text("message"))
}

fn words<'a>(run: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["pretrain", "--run", run][..], &SMALL, more].concat()
}

fn losses(run: &Path) -> Vec<f64> {
    let of = |record: &Value| record["train"]["loss"].as_f64().expect("a loss");
    metrics(run).iter().map(of).collect()
}

#[test]
fn a_cpu_and_a_gpu_learn_together_what_the_cpu_learns_and_go_on_after_a_stop() {
    const BOTH: &str = "cpu,gpu:0";
    let folder = tempfile::tempdir().expect("a folder");
    let at = |run: &str| folder.path().join(run);
    done(folder.path(), &words("one", &[]), "cpu");
    done(folder.path(), &words("both", &[]), BOTH);
    let page = fs::read_to_string(at("both/report.html")).expect("a report");
    assert!(page.contains("CPU, ") && page.contains(" + "), "the report names both");
    let (one, both) = (losses(&at("one")), losses(&at("both")));
    assert_eq!(one.len(), 3, "an epoch each");
    let far = (one[0] - both[0]).abs();
    assert!(far < 1e-3 * one[0], "{one:?}, {both:?}");

    let mut child = kith(folder.path(), &words("stopped", &[]), BOTH)
        .env("KITH_SAVE_SECONDS", "0")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    while !at("stopped/state.safetensors").exists() {
        assert!(child.try_wait().expect("the child is ours").is_none(), "it ended early");
        sleep(Duration::from_millis(20));
    }
    child.kill().expect("the child is ours");
    child.wait().expect("the child is ours");
    done(folder.path(), &words("stopped", &["--resume"]), BOTH);
    assert_eq!(metrics(&at("stopped")), metrics(&at("both")), "a stop changes nothing");
}

#[test]
fn gpus_have_numbers_and_others_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let (machine, _) = done(folder.path(), &["doctor"], "auto");
    let name = machine["adapters"][0]["name"].as_str().expect("an adapter");
    assert_eq!(machine["adapters"][0]["device"], "gpu:0");

    let (exit, code, said) = refused(folder.path(), &words("run", &[]), "gpu:99");
    assert_eq!((exit, code.as_str()), (3, "UNKNOWN"), "{said}");
    for words in ["gpu:99", "gpu:0", name, "kith doctor"] {
        assert!(said.contains(words), "{said}");
    }
    let (exit, code, said) = refused(folder.path(), &words("run", &[]), "gpu,gpu:0");
    assert_eq!((exit, code.as_str()), (3, "UNKNOWN"), "{said}");
    assert!(said.contains("gpu,gpu:0") && said.contains("each device once"), "{said}");
    for (devices, expected) in [("tpu", "as in gpu:0"), ("cpu,auto", "auto alone")] {
        let (exit, _, said) = refused(folder.path(), &words("run", &[]), devices);
        assert!(exit == 2 && said.contains(expected), "{devices}: {said}");
    }
    assert!(!folder.path().join("run").exists(), "nothing was begun");
}

#[test]
fn several_devices_are_refused_where_one_computes() {
    let folder = tempfile::tempdir().expect("a folder");
    for words in [
        &["evaluate", "run"][..],
        &["finetune", "--from", "scratch"],
        &["embed", "--checkpoint", "a.safetensors"],
    ] {
        let (exit, code, said) = refused(folder.path(), words, "cpu,gpu:0");
        assert_eq!((exit, code.as_str()), (3, "SEVERAL_DEVICES"), "{said}");
        assert!(said.contains("expected one device") && said.contains("cpu,gpu:0"), "{said}");
    }
    let resnet = words("run", &["--set", "encoder={kind=\"resnet\",depth=18}"]);
    let (exit, code, said) = refused(folder.path(), &resnet, "cpu,gpu:0");
    assert_eq!((exit, code.as_str()), (3, "SETTING"), "{said}");
    assert!(said.contains("devices = 2") && said.contains("statistics"), "{said}");
}

/// Here a buffer may have 128 MiB, and the first layer's maps of all images take more.
#[test]
fn on_wgpu_images_are_embedded_by_as_many_as_a_buffer_holds() {
    let folder = tempfile::tempdir().expect("a folder");
    pets(folder.path(), 20);
    let data = ["--data", "folder:pets"];
    let wide = ["--side", "224", "--set", "encoder.width=96", "--set", "pretraining.epochs=1"];
    let few = ["--set", "pretraining.steps=1", "--set", "pretraining.unlabelled_batch=4"];
    let fewer = ["--set", "pretraining.labelled_batch=2", "--set", "objective.queue=8"];
    let train = [&["pretrain", "--run", "run"][..], &data, &wide, &few, &fewer].concat();
    done(folder.path(), &train, "cpu");
    let embedded = |device| {
        let checkpoint = ["--checkpoint", "run/checkpoint.safetensors"];
        let words = [&["embed", "--split", "all", "--out", device][..], &checkpoint, &data];
        done(folder.path(), &words.concat(), device);
        let bytes = fs::read(folder.path().join(format!("{device}.npy"))).expect("features");
        // Numbers come last, forty rows of 96.
        let numbers = bytes[bytes.len() - 4 * 40 * 96..].chunks_exact(4);
        let number = |four: &[u8]| f32::from_le_bytes(four.try_into().expect("four bytes"));
        numbers.map(number).collect::<Vec<f32>>()
    };
    let (expected, found) = (embedded("cpu"), embedded("gpu:0"));
    let largest = expected.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
    let apart = expected.iter().zip(&found).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(apart < 1e-3 * largest, "{apart} apart of {largest}");
}
