//! Every method by one protocol, each run in a folder of its own.

use std::fs;
use std::path::Path;
#[cfg(unix)]
use std::process::{Child, Command, Stdio};
#[cfg(unix)]
use std::thread::sleep;
#[cfg(unix)]
use std::time::Duration;

use serde_json::{Value, json};

#[cfg(unix)]
use crate::common::kith;
use crate::common::{done, metrics, refused};

/// A protocol of a second or two a run.
const TINY: [&str; 20] = [
    "--labelled",
    "460",
    "--unlabelled",
    "450",
    "--set",
    "encoder.width=8",
    "--set",
    "pretraining.epochs=2",
    "--set",
    "pretraining.steps=4",
    "--set",
    "pretraining.unlabelled_batch=24",
    "--set",
    "pretraining.labelled_batch=8",
    "--set",
    "evaluation.few_label_steps=4",
    "--few-label",
    "2,5",
    "--seed",
    "5",
];

fn words<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["benchmark", "--run", "all"], more, &TINY].concat()
}

/// Words with one of them replaced.
fn replaced<'a>(words: &[&'a str], before: &str, now: &'a str) -> Vec<&'a str> {
    words.iter().map(|&word| if word == before { now } else { word }).collect()
}

fn names(benchmark: &Value) -> Vec<&str> {
    let rows = benchmark["methods"].as_array().expect("methods");
    rows.iter().map(|row| row["method"].as_str().expect("a name")).collect()
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join("all").join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

#[test]
fn a_benchmark_is_its_runs_and_can_be_extended() {
    let folder = tempfile::tempdir().expect("a folder");
    let asked = ["--methods", "byol,simclr", "--seeds", "2", "--markdown", "table.md"];
    let first = done(folder.path(), &words(&asked));
    assert_eq!(names(&first), ["baseline", "simclr", "byol"]);
    for row in first["methods"].as_array().expect("methods") {
        for name in ["linear", "knn_20_0.07", "knn_200_0.1", "finetuned_2", "finetuned_5", "rankme"]
        {
            assert_eq!(row[name]["seeds"].as_array().expect(name).len(), 2, "{name} of {row}");
        }
        let has_run = row["training_seconds"]["mean"].as_f64().is_some_and(|mean| mean > 0.0);
        assert_eq!(has_run, row["method"] != "baseline", "{row}");
        #[cfg(target_os = "linux")]
        assert_eq!(row["peak_memory_bytes"]["mean"].is_f64(), has_run, "{row}");
    }
    let differences = first["differences"].as_array().expect("differences");
    assert!(differences.iter().any(|d| d["method"] == "byol" && d["measure"] == "linear"));
    assert!(differences.iter().all(|d| d["baseline"] == "simclr"), "{differences:?}");

    // A run's pre-training is the run that `kith pretrain` makes of its recipe.
    let recipe = folder.path().join("all/byol/seed-6/pretraining/recipe.toml");
    let recipe = recipe.to_str().expect("text");
    let alone = ["pretrain", "--run", "alone", "--side", "32", "--recipe", recipe, "--seed", "6"];
    let alone = [&alone[..], &TINY[..4]].concat();
    done(folder.path(), &alone);
    let own = folder.path().join("all/byol/seed-6/pretraining");
    assert_eq!(metrics(&own), metrics(&folder.path().join("alone")));

    let csv = read(folder.path(), "benchmark.csv");
    assert_eq!(csv.lines().count(), 7, "a header and a line a run: {csv}");
    let page = read(folder.path(), "report.html");
    for words in ["Methods on gallery", "<circle", "no pre-training", "8 looks", "Differences from"]
    {
        let looks = words.replace("8 looks", &format!("{} looks", 2 * 4 * 32));
        assert!(page.contains(&looks), "{looks}");
    }
    let markdown = fs::read_to_string(folder.path().join("table.md")).expect("it is written");
    assert!(markdown.contains("| BYOL |"), "{markdown}");

    // Another method joins: what is finished is kept.
    let path = folder.path().join("all/simclr/seed-5/results.json");
    let mut marked: Value =
        serde_json::from_str(&fs::read_to_string(&path).expect("results")).expect("JSON");
    marked["numbers"]["linear"] = json!(0.125);
    fs::write(&path, marked.to_string()).expect("written");
    let more = done(folder.path(), &words(&["--methods", "supcon", "--seeds", "1"]));
    assert_eq!(names(&more), ["baseline", "simclr", "byol", "supcon"]);
    assert_eq!(more["methods"][1]["linear"]["seeds"][0], 0.125, "not measured again");
    assert_eq!(more["methods"][2], first["methods"][2]);
    assert_eq!(more["methods"][3]["told_labels"], true);
    assert_eq!(more["methods"][3]["linear"]["seeds"].as_array().map(Vec::len), Some(1));
    assert!(read(folder.path(), "report.html").contains("an upper bound"));

    // Another protocol does not.
    for (change, said) in [
        (&["--set", "encoder.width=4"][..], ["width = 8", "width = 4"]),
        (&["--set", "byol:pretraining.optimizer.learning_rate=2e-3"], ["recipe of byol", "0.002"]),
        (&["--views", "own"], ["views", "own"]),
    ] {
        let again = [&words(&["--methods", "byol"])[..], change].concat();
        let (status, code, text) = refused(folder.path(), &again);
        assert_eq!((status, code.as_str()), (3, "OTHER_STUDY"), "{text}");
        assert!(said.iter().all(|words| text.contains(words)), "{change:?}: {text}");
    }
    for (before, now, said) in [("2,5", "2", "few_label"), ("450", "200", "--unlabelled 200")] {
        let (_, code, text) = refused(folder.path(), &replaced(&words(&[]), before, now));
        assert!(code == "OTHER_STUDY" && text.contains(said), "{text}");
    }
}

#[test]
fn a_benchmark_that_cannot_be_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    for (flags, code, said) in [
        (&["--methods", "nonesuch"][..], "UNKNOWN", "simclr"),
        (&["--methods", "byol,byol"], "SETTING", "each method once"),
        (&["--set", "objective.temperature=0.2"], "SETTING", "METHOD:KEY=VALUE"),
        (&["--set", "moco:objective.queue=7"], "SETTING", "moco: "),
        (&["--set", "evaluation.validation=0"], "SETTING", "evaluation.validation"),
    ] {
        let all = [&words(&[])[..], flags].concat();
        let (status, got, text) = refused(folder.path(), &all);
        assert_eq!((status, got.as_str()), (3, code), "{flags:?}: {text}");
        assert!(text.contains(said), "{flags:?}: {text}");
        assert!(!folder.path().join("all").exists(), "{flags:?}: nothing was begun");
    }
    let (status, code, text) = refused(folder.path(), &replaced(&words(&[]), "460", "20"));
    assert_eq!((status, code.as_str()), (3, "TOO_FEW"), "{text}");
    assert!(text.contains("baseline/seed-5") && !folder.path().join("all").exists(), "{text}");
}

#[test]
fn a_search_gives_flags_that_a_benchmark_takes() {
    let folder = tempfile::tempdir().expect("a folder");
    let shorter: Vec<&str> =
        TINY.chunks(2).filter(|pair| pair[0] != "--few-label").flatten().copied().collect();
    let asked = ["benchmark", "--search", "--run", "search", "--methods", "simclr"];
    let found = done(folder.path(), &[&asked[..], &shorter].concat());
    let settings = found["methods"][0]["settings"].as_array().expect("something was chosen");
    let settings: Vec<&str> = settings.iter().map(|one| one.as_str().expect("text")).collect();
    assert!(settings[0].starts_with("objective.temperature=0."), "{settings:?}");
    assert!(settings[1].starts_with("pretraining.optimizer.learning_rate="), "{settings:?}");
    let flags = fs::read_to_string(folder.path().join("search/flags.txt")).expect("it is written");
    assert_eq!(flags.trim(), found["flags"]);
    let page = fs::read_to_string(folder.path().join("search/simclr/report.html")).expect("a page");
    assert!(page.contains("Sweep of simclr"));
    let unquoted = flags.replace('\'', "");
    let flags: Vec<&str> = unquoted.split_whitespace().collect();
    let with = [&words(&["--methods", "simclr", "--seeds", "1"])[..], &flags].concat();
    assert_eq!(names(&done(folder.path(), &with)), ["baseline", "simclr"]);
}

/// A benchmark that has saved its one run since it began.
#[cfg(unix)]
fn begun(folder: &Path, words: &[&str]) -> Child {
    let state = folder.join("all/simclr/seed-5/pretraining/state.safetensors");
    let saved = || fs::metadata(&state).and_then(|data| data.modified()).ok();
    let before = saved();
    let child = kith(folder, &[words, &["--json"]].concat())
        .env("KITH_SAVE_SECONDS", "0")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    while saved() == before {
        sleep(Duration::from_millis(20));
    }
    child
}

/// What a command said on standard error, and to the shell.
#[cfg(unix)]
fn ended(child: Child) -> (Option<i32>, String) {
    let output = child.wait_with_output().expect("the child ends");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[cfg(unix)]
#[test]
fn a_benchmark_stops_its_runs_and_survives_their_crash() {
    let folder = tempfile::tempdir().expect("a folder");
    let long =
        replaced(&words(&["--methods", "simclr", "--seeds", "1"]), "pretraining.steps=4", STEPS);
    let long: Vec<&str> = long.iter().map(|&word| if word == "2,5" { "2" } else { word }).collect();
    let run = folder.path().join("all/simclr/seed-5/pretraining");

    // The process of the run alone is killed, as the system does when memory runs out.
    let child = begun(folder.path(), &long);
    let parent = child.id().to_string();
    Command::new("pkill").args(["-KILL", "-P", &parent]).status().expect("pkill is there");
    let (status, said) = ended(child);
    assert_eq!(status, Some(1), "{said}");
    for words in ["CRASHED", "simclr/seed-5", "signal: 9"] {
        assert!(said.contains(words), "{words} in {said}");
    }

    // The benchmark alone is told to stop: its run saves and stops, too.
    let child = begun(folder.path(), &long);
    let parent = child.id().to_string();
    Command::new("kill").args(["-INT", &parent]).status().expect("kill is there");
    let (status, said) = ended(child);
    assert_eq!(status, Some(130), "{said}");
    assert!(said.contains("INTERRUPTED") && said.contains("--run all --resume"), "{said}");
    assert!(read(folder.path(), "benchmark.csv").contains("simclr,5,missing,"));
    assert!(run.join("state.safetensors").exists() && !run.join("results.json").exists());

    let whole = done(folder.path(), &long);
    assert!(whole["methods"][1]["linear"]["mean"].is_f64(), "{whole}");
    let recipe = run.join("recipe.toml");
    let alone = ["pretrain", "--run", "alone", "--side", "32", "--seed", "5", "--recipe"];
    let alone = [&alone[..], &[recipe.to_str().expect("text")], &TINY[..4]].concat();
    done(folder.path(), &alone);
    assert_eq!(metrics(&run), metrics(&folder.path().join("alone")), "as if never stopped");
    assert!(fs::read_to_string(&recipe).expect("a recipe").contains("name = \"simclr\""));
}

/// Enough steps to be stopped in.
#[cfg(unix)]
const STEPS: &str = "pretraining.steps=60";
