//! Every verb on the built-in gallery, as a user chains them.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::common::{SMALL, done, kith, refused, trained};

fn is_png(path: &Path) -> bool {
    fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"\x89PNG"))
}

/// A report opens by itself: nothing in it is loaded from elsewhere.
fn is_self_contained(path: &Path) {
    let page = fs::read_to_string(path).expect("a report");
    assert!(page.contains("<svg") && page.contains("data:image/png;base64"), "curves and sheets");
    for outside in ["src=\"http", "href=\"http", "url(http", "@import"] {
        assert!(!page.contains(outside), "the report loads from elsewhere: {outside}");
    }
}

#[test]
fn one_checkpoint_serves_every_verb() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let run = |words: &[&str]| done(folder.path(), words);
    let trained = trained(folder.path());
    assert!(trained["frozen"]["last"]["linear"].as_f64().expect("a share") > 0.0);
    is_self_contained(&at("run/report.html"));
    for file in ["command.txt", "recipe.toml", "metrics.jsonl", "best.safetensors", "results.json"]
    {
        assert!(at("run").join(file).exists(), "{file} is missing");
    }
    let again = run(&["evaluate", "run"]);
    assert_eq!(again["checkpoint"], trained["frozen"]["last"], "evaluate says what pretrain said");

    let checkpoint = "run/checkpoint.safetensors";
    let tuned = run(&[&["finetune", "--from", checkpoint, "--run", "tuned"][..], &SMALL].concat());
    assert_eq!(tuned["last_epoch"]["epoch"], 2);
    run(&["neighbours", "--checkpoint", checkpoint, "--queries", "3", "-k", "2"]);
    run(&["augment", "--pictures", "2", "--views", "3", "--policy", "nnclr.views"]);
    assert!(is_png(&at("neighbours.png")) && is_png(&at("augmentations.png")));

    let views = run(&["augment", "--recipe", "keras-simclr", "--pictures", "3", "--out", "v.png"]);
    assert_eq!(views["rows"], serde_json::json!(["original", "weak", "strong", "strong"]));
    run(&["augment", "--recipe", "cifar10-semi", "--pictures", "3", "--out", "w.png"]);
    let size = |name: &str| image::image_dimensions(at(name)).expect("an image");
    let (width, height) = size("v.png");
    assert!(height > width, "four rows of three images: {width} × {height}");
    assert_ne!(fs::read(at("v.png")).expect("a file"), fs::read(at("w.png")).expect("a file"));

    let layers = run(&["info", "run"])["layers"].clone();
    let layers = layers.as_array().expect("layers");
    assert_eq!(layers.len(), 5);
    assert_eq!(layers[0]["output"], serde_json::json!([8, 15, 15]));
    assert_eq!(layers[0]["parameters"], 8 * 27 + 8);

    run(&["export", checkpoint, "--out", "small.safetensors", "--half"]);
    let size = |name: &str| fs::metadata(at(name)).expect("a file").len();
    assert!(size("small.safetensors") * 3 / 2 < size(checkpoint), "half precision is smaller");
    let shapes = run(&["info", "small.safetensors"]);
    assert_eq!(shapes["tensors"]["encoder.convs.0.weight"], serde_json::json!([8, 3, 3, 3]));
    run(&["embed", "--checkpoint", "small.safetensors", "--out", "small"]);
    assert!(at("small.npy").exists() && at("small.csv").exists());
    assert!(run(&["doctor"])["burn"].is_string());
}

/// A short run of relational reasoning, which has a head of its own and no projection.
const RELATIONAL: [&str; 13] = [
    "pretrain",
    "--recipe",
    "paper-relational",
    "--side",
    "16",
    "--set",
    "objective.views=3",
    "--set",
    "pretraining.epochs=2",
    "--set",
    "pretraining.steps=4",
    "--seed",
    "2",
];

#[test]
fn relational_reasoning_is_reported_and_evaluated_its_own_way() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |words: &[&str]| done(folder.path(), words);
    let trained = run(&[&RELATIONAL[..], &["--run", "run"]].concat());
    let share = trained["last_epoch"]["train"]["pair_accuracy"].as_f64().expect("a share");
    assert!((0.0..=1.0).contains(&share), "{share}");
    let page = fs::read_to_string(folder.path().join("run/report.html")).expect("a report");
    for title in ["Pair accuracy", "Loss of the pairs", "relational reasoning's paper"] {
        assert!(page.contains(title), "the report lacks `{title}`");
    }
    assert!(!page.contains("Contrastive accuracy"));
    let again = run(&["evaluate", "run"]);
    let small = &trained["frozen"]["minibatch"]["last"];
    assert!(small.is_f64() && again["checkpoint"]["linear_minibatch"] == *small, "{again}");
    let shapes = run(&["info", "run/checkpoint.safetensors"]);
    assert_eq!(shapes["tensors"]["relation.score.weight"], serde_json::json!([1, 256]));
    let (_, _, text) =
        refused(folder.path(), &[&RELATIONAL[..], &["--set", "objective.views=1"]].concat());
    assert!(text.contains("objective.views = 1"), "{text}");
}

#[test]
fn without_labels_a_step_the_last_epoch_is_the_best() {
    let folder = tempfile::tempdir().expect("a folder");
    let none = ["--run", "run", "--set", "pretraining.labelled_batch=0"];
    let trained = done(folder.path(), &[&RELATIONAL[..], &none].concat());
    assert_eq!(trained["best_epoch"]["epoch"], 2);
    assert!(trained["last_epoch"]["test"].is_null(), "no probe has learnt");
    assert!(trained["frozen"]["last"]["linear"].is_f64(), "frozen features are still measured");
}

/// Lines of a run's metrics that have a score on test pictures.
fn tested(run: &Path) -> Vec<u64> {
    let text = fs::read_to_string(run.join("metrics.jsonl")).expect("a finished run has metrics");
    let lines = text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON"));
    let scored = lines.filter(|line: &serde_json::Value| !line["test"].is_null());
    scored.map(|line| line["epoch"].as_u64().expect("an epoch")).collect()
}

#[test]
fn test_pictures_are_looked_at_once_where_there_are_others_to_choose_by() {
    let folder = tempfile::tempdir().expect("a folder");
    // With so high a rate the probe wanders: the second of six epochs is the best. Without a
    // schedule a shorter run is the beginning of a longer one.
    let (wandering, steady) =
        ("pretraining.probe_optimizer.learning_rate=0.1", "pretraining.optimizer.schedule={}");
    let kept = "evaluation.validation=0.3";
    let words = [&SMALL[..], &["--set", kept, "--set", wandering, "--set", steady]].concat();
    let of = |run, epochs| [&["pretrain", "--run", run], &words[..], &["--set", epochs]].concat();
    let words = of("run", "pretraining.epochs=6");
    let trained = done(folder.path(), &words);
    let (last, best) = (&trained["last_epoch"], &trained["best_epoch"]);
    let epoch = |record: &serde_json::Value| record["epoch"].as_u64().expect("an epoch");
    let mut both = vec![epoch(best), epoch(last)];
    both.dedup();
    assert_eq!(tested(&folder.path().join("run")), both, "the best and the last epoch alone");

    // The best network's own classifier has the accuracy that the run says.
    let info = |name: &str| done(folder.path(), &["info", &format!("run/{name}.safetensors")]);
    for (name, record) in [("checkpoint", last), ("best", best)] {
        assert_eq!(info(name)["meta"]["last"]["epoch"], record["epoch"]);
        assert_eq!(info(name)["meta"]["last"]["test"], record["test"]);
        assert_eq!(info(name)["meta"]["best"]["test"], best["test"]);
    }
    let again = done(folder.path(), &[&words[..], &["--resume"]].concat());
    assert_eq!(again["best_epoch"], *best, "a finished run says the same again");
    let shorter =
        done(folder.path(), &of("short", &format!("pretraining.epochs={}", best["epoch"])));
    assert_eq!(shorter["last_epoch"]["test"], best["test"], "what the best epoch had as the last");

    let words =
        [&["pretrain", "--run", "each-epoch"][..], &SMALL, &["--set", "evaluation.validation=0.0"]];
    done(folder.path(), &words.concat());
    assert_eq!(
        tested(&folder.path().join("each-epoch")),
        [1, 2, 3],
        "each epoch, as the Keras examples do"
    );
}

#[test]
fn an_experiment_compares_its_three_parts() {
    let folder = tempfile::tempdir().expect("a folder");
    let words = ["experiment", "--run", "study", "--seeds", "2", "--recipe", "keras-simclr"];
    let small: Vec<&str> = SMALL.into_iter().collect();
    let queue = small.iter().position(|word| *word == "objective.queue=64").expect("it is there");
    let without_queue = [&small[..queue - 1], &small[queue + 1..]].concat();
    let study = done(folder.path(), &[&words[..], &without_queue].concat());
    let accuracies = study["accuracies"].as_object().expect("accuracies by name");
    for name in ["supervised baseline, last", "online probe, best", "fine-tuned, last"] {
        let seeds = accuracies[name]["seeds"].as_array().expect("a number a seed");
        assert_eq!(seeds.len(), 2, "{name}");
    }
    let differences = study["differences"].as_array().expect("differences");
    let tuned = differences.iter().find(|found| found["method"] == "fine-tuned, last");
    let tuned = tuned.expect("fine-tuning is held against the baseline");
    assert_eq!(tuned["baseline"], "supervised baseline, last");
    assert!(tuned["p"].as_f64().is_some_and(|p| (0.0..=1.0).contains(&p)), "{tuned}");
    is_self_contained(&folder.path().join("study/report.html"));
}

/// The documented reader of a checkpoint gives kith's own features.
#[test]
fn features_are_those_in_numpy() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let script = here.join("../../tests/python/embed.py");
    let page = fs::read_to_string(here.join("../../docs/checkpoints.md")).expect("a page");
    let text = fs::read_to_string(&script).expect("a script");
    assert!(page.contains(&text), "docs/checkpoints.md shows tests/python/embed.py as it is");

    let folder = tempfile::tempdir().expect("a folder");
    trained(folder.path());
    let checkpoint = "run/checkpoint.safetensors";
    done(folder.path(), &["embed", "--checkpoint", checkpoint, "--out", "ours", "--pixels"]);
    let python = std::env::var("KITH_PYTHON").unwrap_or_else(|_| "python3".into());
    let output = Command::new(&python)
        .current_dir(folder.path())
        .arg(&script)
        .args([checkpoint, "ours.pixels.npy", "theirs.npy"])
        .output()
        .expect("python starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read = |name: &str| -> Vec<f32> {
        let bytes = fs::read(folder.path().join(name)).expect("an array");
        npyz::NpyFile::new(&bytes[..]).expect("npy").into_vec().expect("f32")
    };
    let (ours, theirs) = (read("ours.npy"), read("theirs.npy"));
    assert!(ours.len() > 1000 && ours.len() == theirs.len(), "as many features as numpy has");
    let off = ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    let largest = ours.iter().copied().fold(0.0, f32::max);
    assert!(largest > 0.0 && off <= 1e-5 * largest, "off by {off}, largest feature {largest}");
}

/// Shards of several machines are what one machine writes, whatever the order; what does not fit together is
/// refused.
#[test]
fn shards_put_together_are_the_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let bytes = |name: &str| fs::read(at(name)).expect("a file");
    trained(folder.path());
    let embed = |out: &str, more: &[&str]| {
        let words = ["embed", "--checkpoint", "run", "--split", "all"];
        done(folder.path(), &[&words[..], &["--out", out], more].concat());
    };
    embed("whole", &["--pixels"]);
    for shard in ["3/3", "1/3", "2/3"] {
        embed("parts", &["--pixels", "--shard", shard]);
    }
    let merged = done(folder.path(), &["merge", "parts"]);
    assert_eq!(merged["shards"], 3);
    for ending in ["npy", "csv", "pixels.npy"] {
        let (found, expected) =
            (bytes(&format!("parts.{ending}")), bytes(&format!("whole.{ending}")));
        assert!(found == expected, "{ending}");
    }

    let fails = |code: &str, words: &str| {
        let (_, got, message) = refused(folder.path(), &["merge", "parts"]);
        assert_eq!(got, code);
        assert!(message.contains(words), "{message}");
    };
    fs::rename(at("parts.2-of-3.json"), at("aside")).expect("it is moved");
    fails("SHARDS", "missing: 2 (`kith embed --shard 2/3`)");
    fs::rename(at("aside"), at("parts.2-of-3.json")).expect("it is moved back");
    embed("parts", &["--pixels", "--shard", "1/2"]);
    fails("SHARDS", "some are of 2 and some of 3");
    for file in fs::read_dir(folder.path()).expect("a folder").flatten() {
        if file.file_name().to_string_lossy().contains("1-of-2") {
            fs::remove_file(file.path()).expect("it is removed");
        }
    }
    embed("parts", &["--shard", "2/3"]);
    fails("SHARDS", "pictures of shard 1: written, of shard 2: not written");
    fs::write(at("parts.2-of-3.json"), "{").expect("it is written");
    fails("SHARDS", "is no note of this shard");
}

#[test]
fn doctor_says_what_a_step_holds_and_which_batch_fits() {
    let folder = tempfile::tempdir().expect("a folder");
    let fit = |changes: &[&str]| {
        let words = ["doctor", "--fit", "--recipe", "minute", "--side", "16"];
        let found = done(folder.path(), &[&words[..], changes].concat());
        assert!(found["taken"].is_string());
        found["fit"].clone()
    };
    assert!(done(folder.path(), &["doctor"]).get("fit").is_none(), "nobody asked");
    let small = fit(&[]);
    if small.is_null() {
        return; // the system does not tell
    }
    let bytes = |fit: &serde_json::Value, key: &str| fit[key].as_u64().expect("a number");
    assert_eq!(bytes(&small, "batch"), 64);
    assert!(bytes(&small, "bytes") < bytes(&small, "memory"), "{small}");
    assert!(bytes(&small, "largest") > 64 && small["accumulate"].is_null(), "{small}");
    // Machines differ in what they hold; what is said of one batch agrees with what is said of others.
    let large = fit(&["--set", "pretraining.unlabelled_batch=65536"]);
    let largest = bytes(&large, "largest");
    assert!(bytes(&large, "bytes") > 10 * bytes(&small, "bytes"), "{large}");
    match large["accumulate"].as_u64() {
        None => assert!(largest >= 65536, "{large}"),
        Some(parts) => {
            assert!(largest < 65536 && 65536 / parts <= largest, "{large}");
            assert!(65536 / (parts - 1) > largest, "{large}");
        }
    }
    let output =
        kith(folder.path(), &["doctor", "--recipe", "minute"]).output().expect("it starts");
    assert_eq!(output.status.code(), Some(2), "a recipe is for --fit alone");
    let (status, code, _) = refused(folder.path(), &["doctor", "--fit", "--side", "8"]);
    assert_eq!((status, code.as_str()), (3, "SETTING"));
}
