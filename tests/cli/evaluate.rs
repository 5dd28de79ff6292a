//! What `kith evaluate` measures, and that it goes on where it was stopped.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};

use crate::common::{SMALL, done, kith, refused};

/// A trained network in `run`.
fn trained(folder: &Path) {
    done(folder, &[&["pretrain", "--run", "run"][..], &SMALL].concat());
}

const FEW: [&str; 12] = [
    "evaluate",
    "run",
    "--few-label",
    "3,1",
    "--seeds",
    "2",
    "--set",
    "evaluation.few_label_steps=6",
    "--set",
    "finetuning.batch=4",
    "--run",
    "study",
];

/// The kept cells of a study.
fn results(folder: &Path) -> Value {
    let text = fs::read_to_string(folder.join("study/results.json")).expect("results are kept");
    serde_json::from_str(&text).expect("results are JSON")
}

#[test]
fn few_labels_are_measured_kept_and_not_measured_again() {
    let folder = tempfile::tempdir().expect("a folder");
    trained(folder.path());
    let study = done(folder.path(), &FEW);
    let rows = study["accuracies"].as_array().expect("a row a method and count").clone();
    assert_eq!(rows.len(), 8 * 2, "eight methods, two counts");
    for row in &rows {
        assert_eq!(row["seeds"].as_array().map(Vec::len), Some(2), "{row}");
    }
    let page = fs::read_to_string(folder.path().join("study/report.html")).expect("a report");
    for words in ["labels a class", "supervised baseline", "pixels, kNN", "at least 6 steps"] {
        assert!(page.contains(words), "{words} stands in the report");
    }

    // One cell is forgotten and one is altered: the first is computed anew, the second believed.
    let whole = results(folder.path());
    let mut altered = whole.clone();
    let cells = altered["cells"].as_array_mut().expect("cells");
    assert_eq!(cells.len(), 8 * 2 * 2);
    let forgotten = cells.pop().expect("a cell");
    cells[0]["accuracy"] = json!(0.125);
    fs::write(folder.path().join("study/results.json"), altered.to_string()).expect("written");
    done(folder.path(), &[&FEW[..], &["--resume"]].concat());
    let again = results(folder.path());
    let cells = again["cells"].as_array().expect("cells");
    assert_eq!(cells.last(), Some(&forgotten), "the same seed gives the same cell");
    assert_eq!(cells[0]["accuracy"], 0.125, "a finished cell is not computed again");

    let other = [&FEW[..7], &["evaluation.few_label_steps=7"], &FEW[8..], &["--resume"]].concat();
    let (status, code, text) = refused(folder.path(), &other);
    assert_eq!((status, code.as_str()), (3, "OTHER_RUN"), "{text}");
    assert!(text.contains("few_label_steps 6") && text.contains("few_label_steps 7"), "{text}");
}

#[cfg(unix)]
#[test]
fn a_study_that_is_stopped_keeps_its_cells() {
    let folder = tempfile::tempdir().expect("a folder");
    trained(folder.path());
    let long = [&FEW[..5], &["50", "--run", "study", "--json"]].concat();
    let child = kith(folder.path(), &long)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    while !folder.path().join("study/results.json").exists() {
        sleep(Duration::from_millis(20));
    }
    let pid = child.id().to_string();
    std::process::Command::new("kill").args(["-INT", &pid]).status().expect("kill is there");
    let output = child.wait_with_output().expect("the child ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("INTERRUPTED") && said.contains("--run study --resume"), "{said}");
    let kept = results(folder.path())["cells"].as_array().expect("cells").len();
    assert!(kept > 0, "finished cells are kept");
}

#[test]
fn few_labels_that_there_are_not_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    trained(folder.path());
    let (status, code, text) =
        refused(folder.path(), &["evaluate", "run", "--few-label", "1,5000", "--run", "study"]);
    assert_eq!((status, code.as_str()), (3, "TOO_FEW"), "{text}");
    assert!(text.contains("5000") && text.contains("smallest class"), "{text}");
    assert!(!folder.path().join("study").exists(), "nothing was begun");

    done(folder.path(), &["augment", "--pictures", "1", "--views", "1", "--out", "a.png"]);
    fs::create_dir(folder.path().join("loose")).expect("a folder can be made");
    for name in ["a.png", "b.png", "c.png"] {
        fs::copy(folder.path().join("a.png"), folder.path().join("loose").join(name))
            .expect("a picture can be copied");
    }
    for words in [&["--few-label", "1"][..], &[]] {
        let words = [&["evaluate", "run", "--data", "folder:loose"][..], words].concat();
        let (status, code, text) = refused(folder.path(), &words);
        assert_eq!((status, code.as_str()), (3, "NO_LABELS"), "{text}");
    }
}
