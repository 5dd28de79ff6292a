//! Running the program as a user does.

use std::ffi::OsString;
use std::fs::{self, DirEntry};
use std::io;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::OnceLock;

use image::{Rgb, RgbImage};
use serde_json::Value;

/// The program in a folder of its own, on the CPU.
pub(crate) fn kith(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kith"));
    command.current_dir(folder).args(words).args(["--device", "cpu"]);
    command
}

/// Runs to the end; what it printed on stdout, as JSON.
pub(crate) fn done(folder: &Path, words: &[&str]) -> Value {
    let output = kith(folder, words).arg("--json").output().expect("the program starts");
    let (stdout, stderr) = texts(&output);
    assert!(output.status.success(), "kith {}: {stderr}", words.join(" "));
    serde_json::from_str(&stdout).unwrap_or_else(|e| panic!("{e}: {stdout}"))
}

/// Runs to its error: exit status, code and text.
pub(crate) fn refused(folder: &Path, words: &[&str]) -> (i32, String, String) {
    let output = kith(folder, words).arg("--json").output().expect("the program starts");
    let (_, stderr) = texts(&output);
    assert!(!output.status.success(), "kith {} was done", words.join(" "));
    assert!(!stderr.contains("panicked"), "kith {} panicked: {stderr}", words.join(" "));
    let object: Value = serde_json::from_str(stderr.trim())
        .unwrap_or_else(|e| panic!("kith {}: {e}: {stderr}", words.join(" ")));
    let text = |key: &str| object[key].as_str().unwrap_or_default().to_owned();
    (output.status.code().unwrap_or(-1), text("error"), text("message"))
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

/// Names and contents.
type Files = Vec<(OsString, Vec<u8>)>;

/// A run of [`SMALL`] in `run`, which is computed once for all tests, and what it printed.
pub(crate) fn trained(folder: &Path) -> &'static Value {
    static RUN: OnceLock<(Files, Value)> = OnceLock::new();
    let (files, printed) = RUN.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let printed = done(folder.path(), &[&["pretrain", "--run", "run"][..], &SMALL].concat());
        let entries = fs::read_dir(folder.path().join("run")).expect("a run has a folder");
        let file = |entry: io::Result<DirEntry>| {
            let entry = entry.expect("an entry");
            (entry.file_name(), fs::read(entry.path()).expect("a run has files alone"))
        };
        (entries.map(file).collect(), printed)
    });
    fs::create_dir(folder.join("run")).expect("a folder");
    for (name, bytes) in files {
        fs::write(folder.join("run").join(name), bytes).expect("written");
    }
    printed
}

/// An image that is like no other: squares whose colours follow from a number.
pub(crate) fn picture(number: u32) -> RgbImage {
    RgbImage::from_fn(40, 40, |x, y| {
        let square = number * 1_000 + x / 8 * 31 + y / 8;
        let mixed = square.wrapping_mul(2_654_435_761).rotate_left(13).wrapping_mul(2_246_822_519);
        let [red, green, blue, _] = mixed.to_le_bytes();
        Rgb([red, green, blue])
    })
}

/// Such an image in a file, whose folder is made.
pub(crate) fn write_picture(path: &Path, number: u32) {
    fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder");
    picture(number).save(path).expect("an image can be written");
}

/// Two classes of so many images, in `pets`.
pub(crate) fn pets(folder: &Path, count: u32) {
    for number in 0..count {
        write_picture(&folder.join(format!("pets/cat/{number:02}.png")), number);
        write_picture(&folder.join(format!("pets/dog/{number:02}.png")), 100 + number);
    }
}

/// The metrics without wall time, which no two runs share.
pub(crate) fn metrics(run: &Path) -> Vec<Value> {
    let text = fs::read_to_string(run.join("metrics.jsonl")).expect("a finished run has metrics");
    let line = |line: &str| {
        let mut record: Value = serde_json::from_str(line).expect("a line is JSON");
        record.as_object_mut().expect("an object").remove("timing");
        record
    };
    text.lines().map(line).collect()
}

/// Flags of a run that takes a second or two.
pub(crate) const SMALL: [&str; 24] = [
    "--side",
    "32",
    "--set",
    "encoder.width=8",
    "--set",
    "projection.hidden=[8]",
    "--set",
    "projection.output=8",
    "--set",
    "objective.queue=64",
    "--set",
    "pretraining.epochs=3",
    "--set",
    "pretraining.steps=8",
    "--set",
    "pretraining.unlabelled_batch=24",
    "--set",
    "pretraining.labelled_batch=8",
    "--set",
    "finetuning.epochs=2",
    "--set",
    "finetuning.steps=8",
    "--seed",
    "5",
];
