//! A run that throws its weights away ends as one that failed, and keeps what was good before.

use std::fs;
use std::path::Path;

use crate::common::{SMALL, done, refused};

/// Rates at which one step makes features of four convolutions larger than any number.
const WILD: [&str; 6] = [
    "--set",
    "pretraining.optimizer.learning_rate=1e12",
    "--set",
    "pretraining.optimizer.schedule={}",
    "--set",
    "finetuning.optimizer.learning_rate=1e12",
];

/// One step, whose own loss is finite.
const ONE: [&str; 8] = [
    "--set",
    "pretraining.epochs=1",
    "--set",
    "pretraining.steps=1",
    "--set",
    "finetuning.epochs=1",
    "--set",
    "finetuning.steps=1",
];

fn diverges(folder: &Path, words: &[&str]) {
    let (status, code, text) = refused(folder, words);
    assert_eq!((status, code.as_str()), (1, "DIVERGED"), "{words:?}: {text}");
    assert!(text.contains("learning rate"), "it says what to do: {text}");
}

#[test]
fn the_last_step_may_not_throw_the_weights_away() {
    let folder = tempfile::tempdir().expect("a folder");
    let wild = [&SMALL[..], &WILD, &ONE].concat();
    for verb in [
        &["pretrain", "--run", "a"][..],
        &["finetune", "--from", "scratch", "--run", "b"],
        &["experiment", "--run", "c"],
    ] {
        diverges(folder.path(), &[verb, &wild].concat());
    }
    let semi = ["semi", "--run", "d", "--recipe", "cifar10-semi", "--labelled", "90"];
    let small = ["--side", "32", "--set", "encoder={kind=\"conv4\",width=8}"];
    diverges(folder.path(), &[&semi[..], &small, &WILD[4..], &ONE[4..]].concat());
    for run in ["a", "b", "c", "d"] {
        let metrics = folder.path().join(run).join("metrics.jsonl");
        assert!(!metrics.exists(), "nothing is kept of an epoch that is no result");
        // Going on meets the same step again.
    }
    let again = [&["pretrain", "--run", "a", "--resume"][..], &wild].concat();
    diverges(folder.path(), &again);
}

#[test]
fn what_was_good_before_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    // The rate rises a thousandfold from the first epoch to the second.
    let rising = [
        "--set",
        "finetuning.optimizer={learning_rate=1e8,schedule={shape=\"rise\"}}",
        "--set",
        "finetuning.steps=2",
    ];
    let words = |more: &[&'static str]| {
        [&["finetune", "--from", "scratch", "--run", "run"][..], &SMALL, &rising, more].concat()
    };
    diverges(folder.path(), &words(&[]));
    let run = folder.path().join("run");
    let metrics = fs::read_to_string(run.join("metrics.jsonl")).expect("the first epoch's");
    assert_eq!(metrics.lines().count(), 1, "{metrics}");
    assert!(!metrics.contains("loss\":null"), "{metrics}");
    let info = done(folder.path(), &["info", "run"]);
    assert_eq!(info["meta"]["steps"], 2, "the checkpoint of the first epoch");
    done(folder.path(), &["embed", "--checkpoint", "run/checkpoint.safetensors"]);
    diverges(folder.path(), &words(&["--resume"]));
}

#[test]
fn metrics_with_holes_of_an_earlier_version_do_no_harm() {
    let folder = tempfile::tempdir().expect("a folder");
    let words = [&["finetune", "--from", "scratch", "--run", "run"][..], &SMALL].concat();
    done(folder.path(), &words);
    let path = folder.path().join("run/metrics.jsonl");
    let metrics = fs::read_to_string(&path).expect("metrics");
    let place = metrics.find("\"loss\":").expect("a loss") + "\"loss\":".len();
    let end = place + metrics[place..].find([',', '}']).expect("an end");
    let holes = format!("{}null{}", &metrics[..place], &metrics[end..]);
    fs::write(&path, holes).expect("metrics can be written");
    assert!(done(folder.path(), &["info", "run"])["findings"].is_array());
    done(folder.path(), &[&words[..], &["--resume"]].concat());
}
