//! Bad input gets an error with a code that says what came and what to do; nothing panics.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use crate::common::{SMALL, done, kith, refused, trained};

#[test]
fn data_that_is_not_there_or_not_right() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("empty")).expect("a folder can be made");
    fs::write(folder.path().join("file"), b"text").expect("a file can be written");
    for (data, expected) in [
        ("mnist:somewhere", None),
        ("idx:nowhere", Some("NOT_A_DIRECTORY")),
        ("stl10:file", Some("NOT_A_DIRECTORY")),
        ("stl10:empty", Some("MISSING_FILE")),
        ("cifar10:empty", Some("MISSING_FILE")),
        ("cifar100:empty", Some("MISSING_FILE")),
        ("cifar100-coarse:empty", Some("MISSING_FILE")),
        ("tiny-imagenet:empty", Some("MISSING_FILE")),
        ("imagenette:empty", Some("MISSING_FILE")),
        ("parquet:empty", Some("LAYOUT")),
        ("parquet:file", Some("DAMAGED")),
        ("tar:empty", Some("LAYOUT")),
        ("tar:nowhere-{0..9}.tar", Some("LAYOUT")),
        ("tar:file", Some("TRUNCATED")),
        ("folder:empty", Some("EMPTY_FOLDER")),
    ] {
        let words = ["augment", "--data", data];
        match expected {
            Some(expected) => {
                let (status, code, text) = refused(folder.path(), &words);
                assert_eq!((status, code.as_str()), (3, expected), "{data}: {text}");
            }
            None => {
                let output = kith(folder.path(), &words).output().expect("it starts");
                assert_eq!(output.status.code(), Some(2), "{data} is a wrong command line");
            }
        }
    }
}

#[test]
fn a_panic_over_a_damaged_file_is_its_error_and_prints_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let fixture = "../../tests/fixtures/parquet/train-00000-of-00002.parquet";
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join(fixture);
    let mut damaged = fs::read(fixture).expect("the fixture");
    // Where a column lies: the number becomes negative.
    damaged[1653] ^= 1;
    fs::write(folder.path().join("a.parquet"), damaged).expect("a file can be written");
    let (status, code, text) = refused(folder.path(), &["augment", "--data", "parquet:a.parquet"]);
    assert_eq!((status, code.as_str()), (3, "DAMAGED"), "{text}");
    assert!(text.contains("its reader gave up") && text.contains("a.parquet"), "{text}");
}

#[test]
fn settings_that_cannot_be() {
    let folder = tempfile::tempdir().expect("a folder");
    for (words, expected) in [
        (vec!["pretrain", "--recipe", "nonesuch"], "UNKNOWN"),
        (vec!["pretrain", "--set", "pretraining.epochs=0"], "SETTING"),
        (vec!["pretrain", "--set", "nonesuch=1"], "RECIPE"),
        (vec!["pretrain", "--side", "16"], "SETTING"),
        (vec!["pretrain", "--labelled", "100000"], "TOO_FEW"),
        (vec!["pretrain", "--unlabelled", "9"], "TOO_FEW"),
        (vec!["pretrain", "--recipe", "byol", "--set", "projection.output=8"], "SETTING"),
        (vec!["pretrain", "--recipe", "nnclr-paper", "--set", "projection.output=8"], "SETTING"),
        (vec!["augment", "--policy", "nonesuch"], "UNKNOWN"),
    ] {
        let (status, code, text) = refused(folder.path(), &words);
        assert_eq!((status, code.as_str()), (3, expected), "{words:?}: {text}");
    }
}

#[test]
fn sides_that_no_checkpoint_may_have_are_a_wrong_command_line() {
    let folder = tempfile::tempdir().expect("a folder");
    for side in ["0", "4097", "1000000000", "-1"] {
        let side = format!("--side={side}");
        let output = kith(folder.path(), &["pretrain", &side]).output();
        assert_eq!(output.expect("it starts").status.code(), Some(2), "{side}");
    }
}

#[test]
fn checkpoints_that_are_damaged() {
    let folder = tempfile::tempdir().expect("a folder");
    trained(folder.path());
    let good = fs::read(folder.path().join("run/checkpoint.safetensors")).expect("a checkpoint");
    let swap = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len(), "a header keeps its length");
        let place = good.windows(from.len()).position(|w| w == from.as_bytes());
        let place = place.unwrap_or_else(|| panic!("{from} is in the file"));
        let mut bytes = good.clone();
        bytes[place..place + to.len()].copy_from_slice(to.as_bytes());
        bytes
    };
    let mut nan = good.clone();
    let length = u64::from_le_bytes(good[..8].try_into().expect("8 bytes")) as usize;
    let header: serde_json::Value = serde_json::from_slice(&good[8..8 + length]).expect("a header");
    let begin = header["encoder.dense.bias"]["data_offsets"][0].as_u64().expect("an offset");
    let begin = 8 + length + begin as usize;
    nan[begin..begin + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    let mut hostile = good.clone();
    hostile[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    for (name, bytes, expected) in [
        ("empty", Vec::new(), "NOT_SAFETENSORS"),
        ("half", good[..good.len() / 2].to_vec(), "NOT_SAFETENSORS"),
        ("hostile", hostile, "NOT_SAFETENSORS"),
        ("picture", b"\x89PNG\r\n\x1a\n0000000000000000".to_vec(), "NOT_SAFETENSORS"),
        ("nan", nan, "NOT_FINITE"),
        ("future", swap("\\\"format\\\":1", "\\\"format\\\":9"), "VERSION"),
        ("foreign", swap("\"kith\"", "\"kiln\""), "NOT_KITH"),
        ("renamed", swap("encoder.dense.bias", "encoder.dense.bihs"), "MISSING_TENSOR"),
        ("other", swap("\\\"width\\\":8", "\\\"width\\\":9"), "TENSOR_SHAPE"),
    ] {
        fs::write(folder.path().join(name), bytes).expect("a file can be written");
        let (status, code, text) =
            refused(folder.path(), &["embed", "--checkpoint", name, "--side", "32"]);
        assert_eq!((status, code.as_str()), (3, expected), "{name}: {text}");
        assert!(text.contains(name), "the error names the file: {text}");
    }
    let (status, code, _) = refused(folder.path(), &["info", "nowhere"]);
    assert_eq!((status, code.as_str()), (4, "NOT_FOUND"));
    fs::create_dir(folder.path().join("hollow")).expect("a folder can be made");
    let (status, code, text) = refused(folder.path(), &["info", "hollow"]);
    assert_eq!((status, code.as_str()), (3, "NO_CHECKPOINT"), "{text}");
    assert!(text.contains("checkpoint.safetensors"), "it says what was expected: {text}");
}

#[test]
fn places_that_cannot_be_written() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("file"), b"text").expect("a file can be written");
    let words = ["augment", "--pictures", "1", "--views", "1", "--out", "file/below.png"];
    let (status, code, text) = refused(folder.path(), &words);
    assert_eq!((status, code.as_str()), (4, "NOT_A_DIRECTORY"), "{text}");
}

#[test]
fn a_run_is_not_written_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let words = [&["pretrain", "--run", "run"][..], &SMALL].concat();
    done(folder.path(), &words);
    let (status, code, text) = refused(folder.path(), &words);
    assert_eq!((status, code.as_str()), (3, "RUN_EXISTS"), "{text}");
}

/// Answers every request with a web page.
fn page_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = [0; 4096];
            let _read = stream.read(&mut request);
            let page = "<!DOCTYPE html><html>Moved</html>";
            let _written = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n{page}",
                page.len()
            );
        }
    });
    format!("http://{address}")
}

fn fetched(folder: &Path, mirror: &str) -> (i32, String, String) {
    refused(folder, &["fetch", "fashion-mnist", "--mirror", mirror])
}

#[test]
fn a_mirror_that_answers_a_page_is_said_to() {
    let folder = tempfile::tempdir().expect("a folder");
    let (status, code, text) = fetched(folder.path(), &page_server());
    assert_eq!((status, code.as_str()), (5, "WEB_PAGE"), "{text}");
}

#[test]
fn a_seed_or_a_gpu_that_says_nothing_to_a_verb_is_refused() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let seed = ["--seed", "3"];
    let gpu = ["--device", "gpu"];
    let verbs: [(&[&str], [&str; 2]); 11] = [
        (&["resume", "run.safetensors"], seed),
        (&["replay", "run"], seed),
        (&["evaluate", "run"], seed),
        (&["embed", "--checkpoint", "one"], seed),
        (&["label", "images"], seed),
        (&["compare", "one", "two"], seed),
        (&["info", "run"], seed),
        (&["export", "run", "--out", "x"], gpu),
        (&["serve"], gpu),
        (&["doctor"], gpu),
        (&["compare", "one", "two"], gpu),
    ];
    for (words, unused) in verbs {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kith"));
        let command = command.current_dir(folder.path()).args(words).args(unused);
        let output = command.output().expect("the program starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{words:?} {unused:?}: {said}");
        let expected = format!("{} says nothing here: ", unused.join(" "));
        assert!(said.contains(&expected), "{words:?} {unused:?}: {said}");
    }
}
