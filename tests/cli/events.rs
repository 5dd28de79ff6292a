//! Event files, as `TensorBoard`'s own reader sees them.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use crate::common::{SMALL, done, kith, metrics};

const LOGGED: [&str; 5] = ["pretrain", "--run", "run", "--log", "tensorboard"];

/// A run that is killed in the middle and goes on.
fn killed_once(folder: &Path) {
    let words = [&LOGGED[..], &SMALL, &["--resume"]].concat();
    let mut child = kith(folder, &words)
        .env("KITH_SAVE_SECONDS", "0")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    while !folder.join("run/metrics.jsonl").exists() {
        sleep(Duration::from_millis(2));
    }
    child.kill().expect("the child is ours");
    child.wait().expect("the child is ours");
    done(folder, &words);
}

fn event_files(run: &Path) -> usize {
    let names =
        fs::read_dir(run).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    names.filter(|name| name.to_string_lossy().contains("tfevents")).count()
}

/// Ends alike in both: a number of the metrics file, as event files hold numbers.
fn same(ours: &Value, theirs: &Value) -> bool {
    let [ours, theirs] = [ours, theirs].map(|value| value.as_f64().expect("a number"));
    (ours - theirs).abs() <= 1e-6 * ours.abs().max(1e-3)
}

#[test]
fn a_killed_run_has_every_step_once_in_tensorboard() {
    let folder = tempfile::tempdir().expect("a folder");
    killed_once(folder.path());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/python/events.py");
    let python = std::env::var("KITH_PYTHON").unwrap_or_else(|_| "python3".into());
    let output = Command::new(&python)
        .arg(&script)
        .arg(folder.path().join("run"))
        .output()
        .expect("python starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let theirs: Value = serde_json::from_slice(&output.stdout).expect("the script prints JSON");
    let records = metrics(&folder.path().join("run"));
    assert_eq!(records.len(), 3);
    for (tag, pointer) in [
        ("train/loss", "/train/loss"),
        ("train/probe_accuracy", "/train/probe_accuracy"),
        ("validation/accuracy", "/validation/accuracy"),
        ("validation/knn_accuracy", "/knn"),
        ("epoch", "/epoch"),
    ] {
        for reader in ["accumulated", "raw"] {
            let points =
                theirs[reader][tag].as_array().unwrap_or_else(|| panic!("{tag}: {theirs}"));
            assert_eq!(points.len(), 3, "{reader} {tag}: every epoch once: {points:?}");
            for (record, point) in records.iter().zip(points) {
                assert_eq!(point[0], record["step"], "{reader} {tag}");
                let value = record.pointer(pointer).expect("the run measures it");
                assert!(same(value, &point[1]), "{reader} {tag}: {value} is {}", point[1]);
            }
        }
    }
    let tested: Vec<&Value> = records.iter().filter(|record| !record["test"].is_null()).collect();
    assert_eq!(theirs["raw"]["test/accuracy"].as_array().map(Vec::len), Some(tested.len()));
}

#[test]
fn a_run_is_the_same_with_event_files() {
    let folder = tempfile::tempdir().expect("a folder");
    done(folder.path(), &[&LOGGED[..], &SMALL].concat());
    done(folder.path(), &[&["pretrain", "--run", "plain"][..], &SMALL].concat());
    let [logged, plain] = ["run", "plain"].map(|run| folder.path().join(run));
    assert_eq!(metrics(&logged), metrics(&plain));
    assert_eq!((event_files(&logged), event_files(&plain)), (1, 0));
    // A run that is over has nothing more to write; one that was not logged catches up.
    done(folder.path(), &[&LOGGED[..], &SMALL, &["--resume"]].concat());
    assert_eq!(event_files(&logged), 1);
    let late = [&["pretrain", "--run", "plain", "--log", "tensorboard", "--resume"][..], &SMALL];
    done(folder.path(), &late.concat());
    assert_eq!(event_files(&plain), 1);
    let study = [&["experiment", "--run", "study", "--log", "tensorboard"][..], &SMALL].concat();
    done(folder.path(), &study);
    for part in ["baseline", "pretraining", "finetuning"] {
        assert_eq!(event_files(&folder.path().join("study/seed-5").join(part)), 1, "{part}");
    }
}
