//! A run on the CPU has the same bits on any number of threads.

use std::fs;

use crate::common::{SMALL, kith};
use crate::same::same_folder;

#[test]
fn threads_change_no_bit() {
    let folder = tempfile::tempdir().expect("a folder");
    let shorter = ["--set", "pretraining.epochs=1", "--set", "pretraining.steps=4"];
    let run = |threads: &str| {
        let folder = folder.path().join(threads);
        fs::create_dir(&folder).expect("a folder");
        let words = [&["pretrain", "--run", "run"][..], &SMALL, &shorter].concat();
        let mut command = kith(&folder, &words);
        let output = command.env("RAYON_NUM_THREADS", threads).output().expect("it starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        folder
    };
    let one = run("1");
    for threads in ["2", "5"] {
        same_folder(&one, &run(threads));
    }
}
