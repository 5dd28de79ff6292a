//! Where results are written: links, pipes, devices and names that are no text.

#![cfg(unix)]

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::path::Path;
use std::process::Command;

use crate::common::{SMALL, done, kith, refused, trained};

/// A name as old drives have it, in Latin 1.
fn latin(name: &[u8]) -> &Path {
    Path::new(std::ffi::OsStr::from_bytes(name))
}

#[test]
fn results_go_through_links_and_leave_pipes_and_devices_what_they_are() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    trained(folder.path());
    let export = |out: &str| done(folder.path(), &["export", "run/best.safetensors", "--out", out]);
    export("plain");
    let plain = fs::read(at("plain")).expect("a file");

    fs::create_dir(at("disk")).expect("a folder can be made");
    fs::write(at("disk/real"), "old").expect("a file can be written");
    symlink("disk/real", at("link")).expect("a link can be made");
    symlink("disk/later", at("early")).expect("a link can be made");
    for (link, real) in [("link", "disk/real"), ("early", "disk/later")] {
        export(link);
        assert!(at(link).is_symlink(), "{link} is still a link");
        assert!(fs::read(at(real)).expect("a file") == plain, "{real} is the checkpoint");
    }
    symlink("round", at("round")).expect("a link can be made");
    let (status, code, text) =
        refused(folder.path(), &["export", "run/best.safetensors", "--out", "round"]);
    assert_eq!((status, code.as_str()), (4, "IO"), "{text}");

    assert!(Command::new("mkfifo").arg(at("pipe")).status().expect("mkfifo").success());
    let pipe = at("pipe");
    let reader = std::thread::spawn(move || fs::read(pipe).expect("the pipe can be read"));
    export("pipe");
    assert!(reader.join().expect("it reads to the end") == plain, "the reader has the checkpoint");
    let kind = |path: &Path| fs::metadata(path).expect("it is there").file_type();
    assert!(kind(&at("pipe")).is_fifo());
    export("/dev/null");
    assert!(kind(Path::new("/dev/null")).is_char_device());
}

#[test]
fn names_that_are_no_text_are_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = latin(b"r\xe9sultat");
    let mut command = kith(folder.path(), &["pretrain", "--json"]);
    let output = command.arg("--run").arg(run).args(SMALL).output().expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let run = folder.path().join(run);
    let written = fs::read_to_string(run.join("command.txt")).expect("the command is text");
    assert!(written.contains(r"--run $'r\xe9sultat'"), "{written}");
    assert!(run.join("report.html").exists());

    let mut command = kith(folder.path(), &["embed", "--json"]);
    command
        .arg("--checkpoint")
        .arg(run.join("checkpoint.safetensors"))
        .arg("--out")
        .arg(latin(b"o\xe9"));
    assert!(command.output().expect("the program starts").status.success());
    for name in [&b"o\xe9.npy"[..], b"o\xe9.csv"] {
        assert!(folder.path().join(latin(name)).exists(), "{name:?} is written exactly there");
    }
    // What must be text is refused before anything is computed.
    let mut command = kith(folder.path(), &["augment"]);
    let output =
        command.arg("--data").arg(latin(b"folder:no\xe9")).output().expect("the program starts");
    assert_eq!(output.status.code(), Some(2));
}
