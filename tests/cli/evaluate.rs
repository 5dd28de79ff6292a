//! What `kith evaluate` measures, and that it goes on where it was stopped.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};

use crate::common::{SMALL, done, kith, metrics, picture, refused, trained};

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
    let compare = ["evaluate", "--compare", "run", "run", "--data", "folder:loose"];
    let (status, code, text) = refused(folder.path(), &compare);
    assert_eq!((status, code.as_str()), (3, "NO_LABELS"), "{text}");
    for words in [&["--few-label", "1"][..], &[]] {
        let words = [&["evaluate", "run", "--data", "folder:loose"][..], words].concat();
        let (status, code, text) = refused(folder.path(), &words);
        assert_eq!((status, code.as_str()), (3, "NO_LABELS"), "{text}");
    }
}

#[test]
fn checkpoints_are_compared_on_the_same_pictures() {
    let folder = tempfile::tempdir().expect("a folder");
    trained(folder.path());
    // Another side and another width: each encoder gets the pictures in its own side.
    let mut other = SMALL;
    (other[1], other[3]) = ("64", "encoder.width=4");
    done(folder.path(), &[&["pretrain", "--run", "other"][..], &other].concat());

    let words = ["evaluate", "--compare", "run", "run/checkpoint.safetensors", "other"];
    let compared = done(folder.path(), &[&words[..], &["--seed", "5"]].concat());
    let rows = compared["checkpoints"].as_array().expect("a row a checkpoint");
    assert_eq!(rows.len(), 3);
    for row in rows {
        for probe in ["linear", "knn_200_0.1"] {
            let number = |name: &str| row[probe][name].as_f64().expect("a number");
            let end = |name: &str, end: usize| row[probe][name][end].as_f64().expect("an end");
            let within = |value: f64, name: &str| end(name, 0) <= value && value <= end(name, 1);
            assert!(within(number("accuracy"), "interval"), "{row}");
            assert!(within(number("difference"), "difference_interval"), "{row}");
            let width = end("interval", 1) - end("interval", 0);
            let share = number("accuracy");
            let expected = 2.0 * 1.96 * (share * (1.0 - share) / 736.0).sqrt();
            assert!((width / expected - 1.0).abs() < 0.15, "{width}, expected {expected}");
        }
    }
    assert_eq!((&rows[0]["side"], &rows[2]["side"]), (&json!(32), &json!(64)));
    assert_eq!(rows[0]["linear"], rows[1]["linear"], "one checkpoint by two names");
    assert_eq!(rows[1]["linear"]["difference_interval"], json!([0.0, 0.0]));
    assert!(rows[2]["linear"]["difference"] != json!(0.0), "{}", rows[2]);
    assert!(compared["test_of_differences"].as_str().is_some_and(|test| test.contains("McNemar")));
    assert_eq!(rows[1]["linear"]["p"], json!(1.0), "nothing parts a checkpoint from itself");
    for row in rows {
        for probe in ["linear", "knn_200_0.1"] {
            let number = |name: &str| row[probe][name].as_f64().expect("a number");
            let [low, high] =
                [0, 1].map(|end| row[probe]["difference_interval"][end].as_f64().expect("an end"));
            let p = number("p");
            // Both tests speak of the same differences: far from nothing, both say so.
            assert!((0.0..=1.0).contains(&p), "{p}");
            let far = low > 0.02 || high < -0.02;
            assert!(!far || p < 0.05, "[{low}, {high}] with p {p}");
        }
    }
    let mut command = kith(folder.path(), &[&words[..], &["--seed", "5"]].concat());
    let text = command.output().expect("the program starts").stdout;
    let text = String::from_utf8_lossy(&text);
    assert!(text.contains("exact McNemar test") && text.contains(" p 1.000"), "{text}");

    // The test pictures of another seed were this run's training pictures.
    let (status, code, text) = refused(folder.path(), &[&words[..], &["--seed", "6"]].concat());
    assert_eq!((status, code.as_str()), (3, "SEEN_TEST"), "{text}");
    assert!(text.contains("--seed 5"), "{text}");
    let (status, code, text) =
        refused(folder.path(), &["embed", "--checkpoint", "run/best.safetensors", "--side", "64"]);
    assert_eq!((status, code.as_str()), (3, "PICTURE_SIZE"), "{text}");
}

#[test]
fn retrieval_and_the_map_are_in_results_and_reports() {
    let folder = tempfile::tempdir().expect("a folder");
    trained(folder.path());
    let page = |run: &str| {
        fs::read_to_string(folder.path().join(run).join("report.html")).expect("a report")
    };
    let judged = done(folder.path(), &["evaluate", "run", "--run", "judged"]);
    for kind in ["other_vendor", "same_class"] {
        let recall = ["recall@1", "recall@5", "recall@10"]
            .map(|at| judged["checkpoint"]["retrieval"][kind][at].as_f64().expect("a share"));
        assert!(recall.is_sorted() && recall[0] > 0.0 && recall[2] <= 1.0, "{kind}: {recall:?}");
    }
    for page in [page("run"), page("judged")] {
        assert_eq!(page.matches("class=\"point\"").count(), 300, "300 pictures on the map");
        for words in ["the same emoji by the other vendor, among 1", "Map of test pictures"] {
            assert!(page.contains(words), "{words} stands in the report");
        }
        assert!(!page.contains("<script") && page.contains("default-src 'none'"));
    }

    // Pictures of another kind have classes to find, and no other vendor.
    for class in ["one", "two"] {
        let own = folder.path().join("pictures").join(class);
        fs::create_dir_all(&own).expect("a folder can be made");
        for number in 0..10 {
            let out = format!("pictures/{class}/{number}.png");
            let seed = format!("{number}");
            let words = ["augment", "--pictures", "1", "--views", "1", "--out", &out];
            done(folder.path(), &[&words[..], &["--seed", &seed]].concat());
        }
    }
    let judged = done(folder.path(), &["evaluate", "run", "--data", "folder:pictures"]);
    let kinds = judged["checkpoint"]["retrieval"].as_object().expect("an object");
    assert_eq!(kinds.keys().collect::<Vec<_>>(), ["same_class"]);
}

/// A number of a result by its path, with its range.
fn within(found: &Value, path: &str, [low, high]: [f64; 2]) -> f64 {
    let number = found.pointer(path).and_then(Value::as_f64);
    let number = number.unwrap_or_else(|| panic!("{path} is no number of {found}"));
    assert!((low..=high).contains(&number), "{path}: {number} is not in [{low}, {high}]");
    number
}

/// What needs no labels, by name, with its range for eight features.
const WITHOUT_LABELS: [(&str, [f64; 2]); 4] = [
    ("rankme", [1.0, 8.01]),
    ("alignment", [0.0, 4.0]),
    ("uniformity", [-4.0, 0.0]),
    ("spread", [0.0, 1.0]),
];

#[test]
fn features_are_measured_in_every_epoch_and_at_the_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = trained(folder.path());
    let judged = done(folder.path(), &["evaluate", "run", "--run", "judged"]);
    assert_eq!(judged["checkpoint"], run["frozen"]["last"], "the same numbers, asked for twice");
    let last = &judged["checkpoint"];
    for (name, range) in WITHOUT_LABELS {
        within(last, &format!("/{name}"), range);
        let other = run["frozen"]["random"][name].as_f64();
        assert_ne!(last[name].as_f64(), other, "{name} of another network is another");
    }
    let known = ["knn_200_0.1", "knn_20_0.07", "k_means/accuracy", "k_means/nmi"];
    for path in known {
        within(last, &format!("/{path}"), [0.001, 1.0]);
    }
    within(last, "/k_means/ari", [-0.5, 1.0]);
    assert_eq!((&last["k_means"]["clusters"], &last["features"]), (&json!(9), &json!(8)));

    for epoch in metrics(&folder.path().join("run")) {
        for (name, range) in WITHOUT_LABELS {
            within(&epoch, &format!("/features/{name}"), range);
        }
        within(&epoch, "/features/knn_200_0.1", [0.0, 1.0]);
        within(&epoch, "/knn", [0.0, 1.0]);
    }
    for report in ["run/report.html", "judged/report.html"] {
        let page = fs::read_to_string(folder.path().join(report)).expect("a report");
        for words in ["What features are like, the 8 numbers", "ARI of clusters", "what it says"] {
            assert!(page.contains(words), "{words} stands in {report}");
        }
    }
    let page = fs::read_to_string(folder.path().join("run/report.html")).expect("a report");
    for title in ["RankMe: dimensions in use", "Alignment: distance", "pictures (200 nearest)"] {
        assert!(page.contains(title), "a curve: {title}");
    }
}

/// Images without labels have no neighbours to vote, and all the same a rank.
#[test]
fn images_without_labels_are_measured_too() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("loose")).expect("a folder can be made");
    for number in 0..40 {
        let path = folder.path().join(format!("loose/{number}.png"));
        picture(number).save(path).expect("an image can be written");
    }
    let words = [&["pretrain", "--run", "run", "--data", "folder:loose"][..], &SMALL].concat();
    done(folder.path(), &words);
    for epoch in metrics(&folder.path().join("run")) {
        for (name, range) in WITHOUT_LABELS {
            within(&epoch, &format!("/features/{name}"), range);
        }
        assert!(epoch["knn"].is_null() && epoch["features"]["knn_200_0.1"].is_null(), "{epoch}");
    }
}

#[test]
fn what_looks_wrong_with_a_run_is_said_everywhere() {
    let folder = tempfile::tempdir().expect("a folder");
    // Two equal views of a picture are found at once: there is nothing to learn.
    let easy = ["--set", "pretraining.views=none"];
    let words = [&["pretrain", "--run", "easy"][..], &SMALL, &easy].concat();
    let found = |object: &Value| -> Vec<String> {
        let findings = object["findings"].as_array().expect("findings");
        findings.iter().map(|f| f["finding"].as_str().expect("a name").to_owned()).collect()
    };
    let said = done(folder.path(), &words);
    assert!(found(&said).contains(&"weak_augmentation".to_owned()), "{said}");
    let info = done(folder.path(), &["info", "easy"]);
    assert_eq!(found(&info), found(&said), "the same from the folder alone");
    let page = fs::read_to_string(folder.path().join("easy/report.html")).expect("a report");
    assert!(page.contains("too easy") && page.contains("pretraining.views"));
    let output = kith(folder.path(), &["info", "easy"]).output().expect("the program starts");
    let words = String::from_utf8_lossy(&output.stdout);
    assert!(words.contains("diagnosis  ") && words.contains("too easy"), "{words}");
    let one = done(folder.path(), &["info", "easy/checkpoint.safetensors"]);
    assert!(one["findings"].is_null(), "a checkpoint alone has no history");

    trained(folder.path());
    let healthy = done(folder.path(), &["info", "run"]);
    assert!(!found(&healthy).contains(&"weak_augmentation".to_owned()), "{healthy}");
}

/// The files of a base, without their endings.
fn files_of(folder: &Path, base: &str) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path());
    entries.filter(|path| path.to_string_lossy().contains(&format!("/{base}."))).collect()
}

#[test]
fn features_of_several_machines_are_worth_what_those_of_one_are() {
    let folder = tempfile::tempdir().expect("a folder");
    trained(folder.path());
    let whole = done(folder.path(), &["evaluate", "run"]);
    assert!(whole["best"]["linear"].is_f64() && whole["checkpoint"]["validation"].is_object());
    for shard in ["3/3", "1/3", "2/3"] {
        let part = done(folder.path(), &["evaluate", "run", "--shard", shard]);
        assert!(part["shape"][0].as_u64() > Some(0), "{part}");
    }
    let merged = done(folder.path(), &["merge", "evaluation"]);
    assert_eq!(merged["next"], "kith evaluate RUN --features evaluation");
    let evaluate = ["evaluate", "run", "--features", "evaluation"];
    assert_eq!(done(folder.path(), &evaluate), whole, "to the bit");
    let mut reported = done(folder.path(), &[&evaluate[..], &["--run", "page"]].concat());
    assert!(reported.as_object_mut().expect("an object").remove("report").is_some());
    assert_eq!(reported, whole);
    assert!(folder.path().join("page/report.html").exists());
}

#[test]
fn features_that_are_not_of_one_evaluation_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    trained(folder.path());
    let last = "run/checkpoint.safetensors";
    let shard = |out: &str, shard: &str, more: &[&str]| {
        let words = ["evaluate", last, "--out", out, "--shard", shard];
        done(folder.path(), &[&words[..], more].concat());
    };
    let fails = |words: &[&str], expected: &[&str]| {
        let (exit, code, said) = refused(folder.path(), words);
        assert_eq!((exit, code.as_str()), (3, "SHARDS"), "{said}");
        expected.iter().for_each(|words| assert!(said.contains(words), "{words}: {said}"));
    };
    let merge = &["merge", "parts"][..];
    shard("parts", "1/2", &[]);
    fails(merge, &["expected 2, got 1; missing: 2 (`kith evaluate --shard 2/2`)"]);
    fails(&["evaluate", last, "--features", "parts"], &["parts.json", "kith merge parts"]);
    shard("parts", "2/2", &["--labelled", "100"]);
    fails(merge, &["images of shard 1", "of shard 2", "embed all with the same"]);
    shard("parts", "2/2", &[]);
    fs::copy(at("parts.2-of-2.npy"), at("aside")).expect("it is copied");
    fs::copy(at("parts.1-of-2.npy"), at("parts.2-of-2.npy")).expect("it is copied");
    fails(merge, &["parts.2-of-2.npy is not what its note says", "expected numbers"]);
    fs::rename(at("aside"), at("parts.2-of-2.npy")).expect("it is moved");
    done(folder.path(), merge);
    done(folder.path(), &["evaluate", last, "--features", "parts"]);

    let best = "run/best.safetensors";
    fs::copy(at(last), at(best)).expect("the best may be the last");
    fails(&["evaluate", best, "--features", "parts"], &["names, labels and splits", "expected"]);
    let shorter = ["--set", "pretraining.epochs=2"];
    let other = [&["pretrain", "--run", "other"][..], &SMALL, &shorter].concat();
    done(folder.path(), &other);
    let other = ["evaluate", "other/checkpoint.safetensors", "--features", "parts"];
    fails(&other, &["encoder: expected", "got", "embed again"]);
    let fewer = ["evaluate", last, "--features", "parts", "--labelled", "100"];
    fails(&fewer, &["images: expected", "got"]);
    let mut bytes = fs::read(at("parts.npy")).expect("an array");
    *bytes.last_mut().expect("it has bytes") ^= 1;
    fs::write(at("parts.npy"), bytes).expect("it is written");
    fails(&["evaluate", last, "--features", "parts"], &["parts.npy is not what its note says"]);
    assert!(files_of(folder.path(), "parts").len() >= 9, "nothing is removed");
}
