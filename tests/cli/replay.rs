//! Runs that are run again from their record.

use std::fs;
use std::path::Path;

use kith_cli::run_link;
use kith_core::replay::{Platform, RunRecord};
use serde_json::{Value, json};

use crate::common::{done, refused, trained};

/// A run, and its record.
fn pretrained(folder: &Path) -> RunRecord {
    trained(folder);
    let text = fs::read_to_string(folder.join("run/replay.json")).expect("a record");
    RunRecord::parse(&text).expect("its own")
}

fn write(folder: &Path, name: &str, record: &RunRecord) {
    fs::write(folder.join(name), record.to_json()).expect("it can be written");
}

#[test]
fn a_run_agrees_to_the_bit_by_its_folder_its_file_and_its_link() {
    let folder = tempfile::tempdir().expect("a folder");
    let record = pretrained(folder.path());
    assert_eq!(record.first_losses.len(), 16);
    assert_eq!(record.epoch_losses.len() as u64, record.plan.epochs);
    assert!(record.results.contains_key("linear probe"), "{:?}", record.results);
    let link = done(folder.path(), &["replay", "run", "--link", "https://example.org/"]);
    let link = link["link"].as_str().expect("a link");
    assert!(link.starts_with("https://example.org/#learn?run=") && link.len() < 3_000, "{link}");
    assert_eq!(run_link::decode(link).expect("its own"), record);
    let whole = done(folder.path(), &["replay", link, "--run", "again"]);
    assert_eq!((&whole["agrees"], &whole["weights_equal"]), (&json!("to_the_bit"), &json!(true)));
    assert_eq!(whole["first_steps"]["equal"], 16);
    let again = fs::read_to_string(folder.path().join("again/replay.json")).expect("a record");
    assert_eq!(RunRecord::parse(&again).expect("its own"), record);
    for of in ["run", "run/replay.json"] {
        let first = done(folder.path(), &["replay", of, "--first-steps"]);
        assert_eq!(
            (&first["agrees"], &first["weights_equal"]),
            (&json!("to_the_bit"), &Value::Null)
        );
    }
}

#[test]
fn rounding_is_told_from_another_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let record = pretrained(folder.path());
    let moved = |share: f32| {
        let mut moved = record.clone();
        moved.first_losses.iter_mut().for_each(|loss| *loss *= 1.0 + share);
        moved
    };
    write(folder.path(), "near.json", &moved(3e-7));
    let near = done(folder.path(), &["replay", "near.json", "--first-steps"]);
    assert_eq!(near["agrees"], "within_rounding", "{near}");
    assert!(near["first_steps"]["tolerances"][15].as_f64().is_some_and(|t| t > 1e-6 && t < 1e-2));
    write(folder.path(), "far.json", &moved(0.05));
    let (status, code, text) = refused(folder.path(), &["replay", "far.json", "--first-steps"]);
    assert_eq!((status, code.as_str()), (1, "DEPARTS"));
    assert!(text.contains("at step 1 the loss was"), "{text}");
    let other =
        RunRecord { plan: kith_core::trainer::Plan { seed: 2, ..record.plan }, ..record.clone() };
    write(folder.path(), "other.json", &other);
    let (_, code, text) = refused(folder.path(), &["replay", "other.json", "--first-steps"]);
    assert_eq!(code, "OTHER_IMAGES", "seed 2 draws other test images: {text}");
    let mut boast = record.clone();
    boast.results.insert("linear probe".into(), 0.99);
    write(folder.path(), "boast.json", &boast);
    let (status, code, text) = refused(folder.path(), &["replay", "boast.json", "--run", "boast"]);
    assert_eq!((status, code.as_str()), (1, "DEPARTS"));
    assert!(text.contains("linear probe: recorded 99.00 %"), "{text}");
}

#[test]
fn what_cannot_be_run_again_says_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let record = pretrained(folder.path());
    let link = run_link::encode(&record);
    let elsewhere = |source: &str, ran_in| {
        let mut record = record.clone();
        record.data.source = source.to_owned();
        RunRecord { ran_in, ..record }
    };
    write(folder.path(), "stl10.json", &elsewhere("stl10", Platform::Terminal));
    write(folder.path(), "own.json", &elsewhere("pictures of a browser tab", Platform::Browser));
    write(folder.path(), "start.json", &RunRecord { start: Some("00".into()), ..record.clone() });
    fs::write(folder.path().join("not.json"), "{}").expect("it can be written");
    let cut = &link[..link.len() - 9];
    for (words, code, said) in [
        (&["nowhere"][..], "NO_RUN", "expected a link with #learn?run= in it"),
        (&["not.json"], "RECORD", "not the record of a run"),
        (&[cut], "RECORD", "cut off or changed"),
        (&["#learn?run=%%%"], "RECORD", "cut off or changed"),
        (&["stl10.json"], "DATA_NEEDED", "--data stl10:DIR"),
        (&["run", "--data", "stl10:x"], "OTHER_RUN", "kind of data"),
        (&["own.json"], "BROWSER_ONLY", "open the link there"),
        (&["own.json", "--run", "x"], "SETTING", "in memory"),
        (&["run", "--page", "x"], "SETTING", "only runs of the page need it"),
        (&["start.json"], "OTHER_RUN", "checkpoint to start from (--from)"),
    ] {
        let (status, got, text) = refused(folder.path(), &[&["replay"], words].concat());
        assert_eq!((status, got.as_str()), (3, code), "{words:?}: {text}");
        assert!(text.contains(said), "{words:?}: {text}");
    }
}

#[test]
fn a_damaged_gallery_of_the_page_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let record = pretrained(folder.path());
    write(folder.path(), "run.json", &RunRecord { ran_in: Platform::Browser, ..record });
    let gallery = folder.path().join("page/gallery");
    fs::create_dir_all(&gallery).expect("a folder can be made");
    let wrote = |name: &str, text: &str| fs::write(gallery.join(name), text).expect("a file");
    wrote("../index.html", "<!doctype html>");
    wrote("google-0.webp", "no image");
    for (table, said) in [("cat\tdog\nx cat", "emoji.txt"), ("cat\tdog\n0 cat", "google-0.webp")] {
        wrote("emoji.txt", table);
        let words = ["replay", "run.json", "--page", "page"];
        let (status, code, text) = refused(folder.path(), &words);
        assert_eq!((status, code.as_str()), (3, "PAGE_GALLERY"), "{text}");
        assert!(text.contains(said), "it names the file: {text}");
    }
}
