//! Disks that are full, may only be read, or have something in the way: the error says so, nothing
//! half-written has a name, and the run goes on to the same end.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use crate::common::{SMALL, done, kith, refused};
use crate::same::{readable, same_folder};

const RUN: [&str; 4] = ["pretrain", "--run", "run", "--resume"];

fn words() -> Vec<&'static str> {
    [&RUN[..], &SMALL].concat()
}

/// A finished run in `run`, in a folder of its own.
fn whole() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    done(folder.path(), &words());
    folder
}

/// Status, code and words of a command that failed.
fn failure(output: &Output) -> (i32, String, String) {
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.trim_end().lines().next_back().unwrap_or_default();
    let object: Value = serde_json::from_str(last).unwrap_or_else(|e| panic!("{e}: {said}"));
    let text = |key: &str| object[key].as_str().unwrap_or_default().to_owned();
    (output.status.code().unwrap_or(-1), text("error"), text("message"))
}

/// No file is left that has not its final name.
fn tidy(folder: &Path) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        assert!(!name.ends_with(".kith-tmp"), "{name} is left");
    }
}

/// A file may not grow beyond some kilobytes, as on disks with quotas.
#[test]
fn a_file_that_may_not_be_so_large_is_an_error_and_the_run_goes_on() {
    let whole = whole();
    let folder = tempfile::tempdir().expect("a folder");
    let program = kith(folder.path(), &[]).get_program().to_owned();
    // Small files fit, the state does not.
    let script = "ulimit -f 4; trap '' XFSZ; exec \"$0\" \"$@\"";
    let mut shell = Command::new("bash");
    shell.current_dir(folder.path()).args(["-c", script]).arg(program).args(words());
    let output = shell.args(["--device", "cpu", "--json"]).output().expect("a shell");
    let (status, code, text) = failure(&output);
    assert_eq!((status, code.as_str()), (4, "FILE_TOO_LARGE"), "{text}");
    assert!(text.contains(".safetensors") && text.contains("intact"), "{text}");
    let run = folder.path().join("run");
    readable(&run);
    tidy(&run);
    done(folder.path(), &words());
    same_folder(whole.path(), folder.path());
}

#[test]
fn a_folder_in_the_place_of_a_file_is_an_error_and_the_run_goes_on() {
    let whole = whole();
    for name in ["metrics.jsonl", "results.json"] {
        let folder = tempfile::tempdir().expect("a folder");
        let in_the_way = folder.path().join("run").join(name);
        fs::create_dir_all(&in_the_way).expect("a folder");
        let (status, code, text) = refused(folder.path(), &words());
        assert_eq!((status, code.as_str()), (4, "IS_A_DIRECTORY"), "{name}: {text}");
        assert!(text.contains(name), "{text}");
        readable(&folder.path().join("run"));
        tidy(&folder.path().join("run"));
        fs::remove_dir(&in_the_way).expect("it is empty");
        done(folder.path(), &words());
        same_folder(whole.path(), folder.path());
    }
}

#[test]
fn a_folder_that_vanishes_under_a_run_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = folder.path().join("run");
    let long = [&words()[..], &["--set", "pretraining.steps=4000", "--json"]].concat();
    let child = kith(folder.path(), &long)
        .env("KITH_SAVE_SECONDS", "0")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    while !run.join("state.safetensors").exists() {
        sleep(Duration::from_millis(5));
    }
    fs::rename(&run, folder.path().join("moved")).expect("it can be moved");
    fs::write(&run, "a file").expect("something else is there now");
    let output = child.wait_with_output().expect("it ends");
    let (status, code, text) = failure(&output);
    assert_eq!((status, code.as_str()), (4, "NOT_A_DIRECTORY"), "{text}");
    assert_eq!(fs::read(&run).expect("it is there"), b"a file");
    readable(&folder.path().join("moved"));
}

/// A disk of its own, which goes with the test.
#[cfg(target_os = "linux")]
struct Disk(
    PathBuf,
    #[expect(dead_code, reason = "it is the place that the disk is put in")] tempfile::TempDir,
);

#[cfg(target_os = "linux")]
impl Disk {
    fn of(kilobytes: u64) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let disk = Self(folder.path().to_owned(), folder);
        disk.mount(&format!("size={kilobytes}k"));
        disk
    }

    /// Mounts it in another way, as soon as no file on it is open for writing.
    fn mount(&self, how: &str) {
        let mounted = (0..1000).any(|_| {
            sleep(Duration::from_millis(1));
            let mut mount = Command::new("mount");
            mount.args(["-t", "tmpfs", "-o", how, "none"]).arg(&self.0).stderr(Stdio::null());
            mount.status().expect("mount is there").success()
        });
        assert!(mounted, "mount -o {how} {}", self.0.display());
    }
}

#[cfg(target_os = "linux")]
impl Drop for Disk {
    fn drop(&mut self) {
        let gone = Command::new("umount").arg(&self.0).status();
        assert!(gone.is_ok_and(|status| status.success()), "umount {}", self.0.display());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn on_tmpfs_a_full_disk_and_a_read_only_one_are_errors_and_the_run_goes_on() {
    let whole = whole();
    let size = |name: &str| fs::metadata(whole.path().join("run").join(name)).expect("it").len();
    // Room for a checkpoint and a state, and for no second state beside the first.
    let kilobytes = (size("best.safetensors") + size("state.safetensors")) / 1024 + 8;
    let disk = Disk::of(kilobytes);
    let (status, code, text) = refused(&disk.0, &words());
    assert_eq!((status, code.as_str()), (4, "DISK_FULL"), "{text}");
    assert!(text.contains("make room"), "{text}");
    readable(&disk.0.join("run"));
    tidy(&disk.0.join("run"));
    disk.mount("remount,size=64m,ro");
    let (status, code, text) = refused(&disk.0, &words());
    assert_eq!((status, code.as_str()), (4, "READ_ONLY"), "{text}");
    disk.mount("remount,rw");
    // The disk becomes one that may only be read while the run writes.
    let long = [&words()[..], &["--json"]].concat();
    let child = kith(&disk.0, &long)
        .env("KITH_SAVE_SECONDS", "0")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    while !disk.0.join("run/state.safetensors").exists() {
        sleep(Duration::from_millis(2));
    }
    disk.mount("remount,ro");
    let output = child.wait_with_output().expect("it ends");
    let (status, code, text) = failure(&output);
    assert_eq!((status, code.as_str()), (4, "READ_ONLY"), "{text}");
    readable(&disk.0.join("run"));
    disk.mount("remount,rw");
    done(&disk.0, &words());
    same_folder(whole.path(), &disk.0);
}
