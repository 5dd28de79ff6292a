//! Runs beside each other, from what their folders hold.

use std::fs;

use serde_json::{Value, json};

use crate::common::{SMALL, done, refused};

#[test]
fn runs_of_several_kinds_are_laid_over_each_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |words: &[&str]| done(folder.path(), &[words, &SMALL].concat());
    let trained = run(&["pretrain", "--run", "a"]);
    run(&["pretrain", "--run", "b", "--set", "objective.temperature=0.2"]);
    run(&["finetune", "--from", "a", "--run", "tuned"]);
    // As an early version wrote it: an epoch without its time.
    let path = folder.path().join("b/metrics.jsonl");
    let lines = fs::read_to_string(&path).expect("metrics");
    let timeless = |line: &str| {
        let mut record: Value = serde_json::from_str(line).expect("a line is JSON");
        record["timing"]["train_seconds"] = Value::Null;
        format!("{record}\n")
    };
    fs::write(&path, lines.lines().map(timeless).collect::<String>()).expect("written");

    let found = done(folder.path(), &["compare", "a", "b", "tuned"]);
    let runs = found["runs"].as_array().expect("runs");
    let names: Vec<&Value> = runs.iter().map(|run| &run["name"]).collect();
    assert_eq!(names, ["a", "b", "tuned"]);
    assert_eq!(runs[0]["linear"]["last"], trained["frozen"]["last"]["linear"]);
    assert_eq!(runs[0]["knn_200_0.1"]["best"], trained["frozen"]["best"]["knn_200_0.1"]);
    assert_eq!(runs[0]["validation"]["last"], trained["last_epoch"]["validation"]["accuracy"]);
    assert_eq!((&runs[0]["steps"], &runs[2]["steps"]), (&json!(24), &json!(16)));
    assert!(runs[0]["seconds"].as_f64().is_some_and(|seconds| seconds > 0.0));
    assert_eq!((&runs[1]["seconds"], &runs[2]["linear"]["last"]), (&Value::Null, &Value::Null));
    let differences = found["differences"].as_array().expect("differences");
    let temperature = json!({ "setting": "objective.temperature", "values": [0.1, 0.2, 0.1] });
    assert_eq!(differences, &[temperature]);
    let last = found["last_epochs"].as_array().expect("numbers");
    let loss = last.iter().find(|number| number["title"] == "Contrastive loss").expect("a loss");
    assert_eq!((&loss["better"], &loss["values"][2]), (&json!("lower"), &Value::Null));
    assert_eq!(loss["values"][0], trained["last_epoch"]["train"]["loss"]);

    let page = fs::read_to_string(folder.path().join("compare.html")).expect("a page");
    let charts = |title: &str| page.matches(&format!("aria-label=\"{title}\"")).count();
    assert_eq!(charts("Validation accuracy"), 3, "over steps, epochs and seconds");
    assert_eq!(charts("Contrastive loss"), 2, "two runs have steps and epochs");
    assert_eq!(charts("Contrastive loss (a alone)"), 1, "one of them has seconds");
    for words in ["b is missing where the horizontal axis is seconds", "lower is better"] {
        assert!(page.contains(words), "{words}");
    }
    assert!(!page.contains("<script") && !page.contains("src=\"http"), "it needs nothing else");
    let again = done(folder.path(), &["compare", "a", "b", "--out", "other.html"]);
    assert_eq!(again["report"], "other.html");
    assert!(folder.path().join("other.html").exists());
}

#[test]
fn what_cannot_be_compared_says_why() {
    let folder = tempfile::tempdir().expect("a folder");
    done(folder.path(), &[&["pretrain", "--run", "study/a"][..], &SMALL].concat());
    fs::create_dir(folder.path().join("empty")).expect("a folder can be made");
    let checkpoint = "study/a/checkpoint.safetensors";
    for (others, code, said) in [
        (&[][..], "SETTING", "at least two runs"),
        (&["study/../study/a"], "SETTING", "each run once"),
        (&["nowhere"], "NO_RUN", "nothing of that name"),
        (&["empty"], "NO_RUN", "no checkpoint.safetensors"),
        (&["study"], "NO_RUN", "study/a"),
        (&[checkpoint], "NO_RUN", "kith evaluate --compare"),
    ] {
        let (status, got, text) =
            refused(folder.path(), &[&["compare", "study/a"], others].concat());
        assert_eq!((status, got.as_str()), (3, code), "{others:?}: {text}");
        assert!(text.contains(said), "{others:?}: {text}");
    }
    fs::remove_file(folder.path().join("study/a/metrics.jsonl")).expect("it can go");
    fs::create_dir(folder.path().join("study/b")).expect("a folder can be made");
    let (_, _, text) = refused(folder.path(), &["compare", "study/a", "study/b"]);
    assert!(text.contains("no metrics.jsonl"), "{text}");
    assert!(!folder.path().join("compare.html").exists(), "nothing is written");
}
