//! Every combination of some settings and seeds, each in a folder of its own.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};

use crate::common::{SMALL, done, kith, metrics, refused};

const FEWER: [&str; 4] = ["--set", "pretraining.epochs=2", "--set", "pretraining.steps=4"];
const GRID: [&str; 5] = ["sweep", "--run", "sweep", "--grid", "objective.temperature=0.1,0.2"];

fn words<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&GRID[..], more, &SMALL, &FEWER].concat()
}

fn mean(combination: &Value) -> f64 {
    combination["validation_linear"]["mean"].as_f64().expect("a mean")
}

fn run_of(sweep: &Value, combination: usize, seed: usize) -> &Value {
    &sweep["combinations"][combination]["runs"][seed]
}

#[test]
fn a_sweep_is_its_runs_and_chooses_on_validation() {
    let folder = tempfile::tempdir().expect("a folder");
    let sweep = done(folder.path(), &words(&["--seeds", "2"]));
    let combinations = sweep["combinations"].as_array().expect("combinations");
    assert_eq!(combinations.len(), 2);
    for combination in combinations {
        for run in combination["runs"].as_array().expect("runs") {
            assert_eq!(run["status"], "finished");
        }
        for name in ["validation_linear", "validation_accuracy", "linear", "knn_200_0.1", "loss"] {
            let seeds = combination[name]["seeds"].as_array().expect("a number a seed");
            assert_eq!(seeds.len(), 2, "{name}");
            assert!(combination[name]["deviation"].is_f64(), "{name}");
        }
    }
    // Means of equal shares in another order may differ in the last bit.
    let ahead = mean(&combinations[1]) - mean(&combinations[0]);
    let best = usize::from(ahead > 1e-6);
    assert_eq!(sweep["chosen"]["by"], "validation_linear");
    assert_eq!(sweep["chosen"]["settings"], combinations[best]["settings"]);
    let tie = ahead.abs() <= 1e-6;
    assert_eq!(sweep["chosen"]["as_good"], u64::from(tie), "others that are as good are counted");

    // A run of the sweep is the run that `kith pretrain` makes of its settings.
    let alone = ["pretrain", "--run", "alone"];
    let set = ["--set", "objective.temperature=0.2", "--seed", "6"];
    let seed = SMALL.iter().position(|word| *word == "--seed").expect("it is there");
    done(folder.path(), &[&alone[..], &SMALL[..seed], &FEWER, &set].concat());
    let run = run_of(&sweep, 1, 1);
    assert_eq!(run["seed"], 6);
    let path = folder.path().join(run["run"].as_str().expect("a folder"));
    assert_eq!(metrics(&path), metrics(&folder.path().join("alone")));

    let csv = fs::read_to_string(folder.path().join("sweep/sweep.csv")).expect("a table");
    assert_eq!(csv.lines().count(), 5, "a header and a line a run: {csv}");
    assert!(
        csv.starts_with(
            "objective.temperature,seed,status,run,validation_linear,validation_accuracy"
        ),
        "{csv}"
    );
    let page = fs::read_to_string(folder.path().join("sweep/report.html")).expect("a report");
    for words in ["Accuracy by objective.temperature", "not by test pictures", "<svg"] {
        assert!(page.contains(words), "{words}");
    }

    // The same command again: what is finished is not done again, what is missing is.
    let results = |combination, seed| {
        let run = run_of(&sweep, combination, seed)["run"].as_str().expect("a folder");
        folder.path().join(run).join("results.json")
    };
    let mut marked: Value =
        serde_json::from_str(&fs::read_to_string(results(0, 0)).expect("results")).expect("JSON");
    marked["frozen"]["last"]["linear"] = json!(0.125);
    fs::write(results(0, 0), marked.to_string()).expect("written");
    fs::remove_dir_all(results(1, 1).parent().expect("its folder")).expect("it can go");
    let again = done(folder.path(), &words(&["--seeds", "2"]));
    assert_eq!(again["combinations"][0]["linear"]["seeds"][0], 0.125, "not measured again");
    assert_eq!(again["combinations"][1], sweep["combinations"][1], "done again, the same");
}

#[test]
fn a_sweep_that_cannot_be_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let exists = |name: &str| folder.path().join(name).exists();
    for (grid, code, said) in [
        ("objective.queue=64,7", "SETTING", "objective.temperature=0.1 objective.queue=7"),
        ("pretraining.unlabelled_batch=24,40", "TOO_FEW", "pretraining.unlabelled_batch=40"),
        ("encoder.width=8,[8", "SETTING", "opened or closed alone"),
        ("objective.temperature=0.3", "SETTING", "--grid objective.temperature"),
        ("encoder.depth=3", "RECIPE", "encoder.depth=3"),
    ] {
        let setting = grid.split_once('=').expect("a grid").0;
        let is_of = |word: &str| word.starts_with(&format!("{setting}="));
        let kept: Vec<&str> =
            SMALL.chunks(2).filter(|pair| !is_of(pair[1])).flatten().copied().collect();
        let words = [&GRID[..], &["--grid", grid, "--unlabelled", "30"], &kept].concat();
        let (status, got, text) = refused(folder.path(), &words);
        assert_eq!((status, got.as_str()), (3, code), "{grid}: {text}");
        assert!(text.contains(said), "{grid}: {text}");
        assert!(!exists("sweep"), "{grid}: nothing was begun");
    }
    done(folder.path(), &[&["pretrain", "--run", "sweep"][..], &SMALL, &FEWER].concat());
    let (status, code, text) = refused(folder.path(), &words(&[]));
    assert_eq!((status, code.as_str()), (3, "RUN_EXISTS"), "{text}");
}

/// Sweeps of two and of three settings have other figures.
#[test]
fn two_settings_make_a_map_and_three_make_bars() {
    let folder = tempfile::tempdir().expect("a folder");
    let less = ["--set", "pretraining.epochs=1", "--set", "pretraining.steps=1"];
    let sweep = |run: &str, grids: &[&str]| {
        let words = grids.iter().flat_map(|grid| ["--grid", grid]).collect::<Vec<_>>();
        let small = SMALL.chunks(2).filter(|pair| !pair[1].starts_with("encoder.width="));
        let small: Vec<&str> = small.flatten().copied().collect();
        done(folder.path(), &[&["sweep", "--run", run][..], &words, &small, &less].concat());
        fs::read_to_string(folder.path().join(run).join("report.html")).expect("a report")
    };
    let map = sweep("two", &["objective.temperature=0.1,0.2", "encoder.width=4,8"]);
    assert_eq!(map.matches("fill-opacity=").count(), 4, "a cell a combination");
    let three =
        ["objective.temperature=0.1", "encoder.width=4,8", "pretraining.shuffle=full,window"];
    let bars = sweep("three", &three);
    assert_eq!(bars.matches("height=\"18\"").count(), 4, "a bar a combination: {bars}");
}

#[cfg(unix)]
#[test]
fn an_interrupted_sweep_goes_on_and_another_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let long = [&words(&[])[..], &["--set", "pretraining.steps=60"]].concat();
    let child = kith(folder.path(), &[&long[..], &["--json"]].concat())
        .env("KITH_SAVE_SECONDS", "0")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    while !any_state(&folder.path().join("sweep")) {
        sleep(Duration::from_millis(20));
    }
    let pid = child.id().to_string();
    std::process::Command::new("kill").args(["-INT", &pid]).status().expect("kill is there");
    let output = child.wait_with_output().expect("the child ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("INTERRUPTED") && said.contains("--run sweep --resume"), "{said}");
    let table = fs::read_to_string(folder.path().join("sweep/sweep.csv")).expect("a table");
    assert!(table.contains(",missing,"), "what is missing is said: {table}");

    let (status, code, text) =
        refused(folder.path(), &[&long[..], &["--set", "encoder.width=4"]].concat());
    assert_eq!((status, code.as_str()), (3, "OTHER_STUDY"), "{text}");
    assert!(text.contains("width = 8") && text.contains("width = 4"), "{text}");

    let output = kith(folder.path(), &long).output().expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let lines: BTreeSet<&str> =
        said.lines().filter_map(|line| line.split_once(": ")).map(|(head, _)| head).collect();
    for head in ["1 of 2  001-temperature=0.1/seed-5", "2 of 2  002-temperature=0.2/seed-5"] {
        assert!(lines.contains(head), "{head} is told: {said}");
    }
    let alone = [&["pretrain", "--run", "alone"][..], &SMALL, &FEWER].concat();
    done(folder.path(), &[&alone[..], &["--set", "pretraining.steps=60"]].concat());
    let first = folder.path().join("sweep/001-temperature=0.1/seed-5");
    assert_eq!(metrics(&first), metrics(&folder.path().join("alone")), "as if never stopped");
}

/// Whether some run of the sweep was saved.
fn any_state(sweep: &Path) -> bool {
    let Ok(combinations) = fs::read_dir(sweep) else { return false };
    let folders = combinations.filter_map(|entry| Some(entry.ok()?.path()));
    folders.into_iter().any(|folder| folder.join("seed-5/state.safetensors").exists())
}
