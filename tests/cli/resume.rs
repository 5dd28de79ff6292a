//! A run that is stopped and goes on is the run that was never stopped.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::common::{SMALL, done, kith, metrics, refused};
use kith_core::archive::Archive;
use kith_core::rng::{Purpose, stream};

fn words<'a>(run: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["pretrain", "--run", run][..], &SMALL, more].concat()
}

fn tensors(run: &Path, name: &str) -> Archive {
    let bytes = fs::read(run.join(name)).expect("a finished run has it");
    let mut archive = Archive::from_bytes(&bytes).expect("a readable file");
    archive.note.clear();
    archive
}

fn same_run(one: &Path, other: &Path) {
    assert_eq!(metrics(one), metrics(other), "metrics differ");
    let record = |run: &Path| fs::read_to_string(run.join("replay.json")).expect("a record");
    assert_eq!(record(one), record(other), "records differ");
    for name in ["checkpoint.safetensors", "best.safetensors", "state.safetensors"] {
        assert!(tensors(one, name) == tensors(other, name), "{name} differs");
    }
}

/// Starts or goes on, saving all the time.
fn begin(folder: &Path, run: &str) -> Child {
    let more: &[&str] = if folder.join(run).exists() { &["--resume"] } else { &[] };
    kith(folder, &words(run, more))
        .env("KITH_SAVE_SECONDS", "0")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts")
}

#[test]
fn killed_ten_times_a_run_ends_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let began = Instant::now();
    done(folder.path(), &words("whole", &[]));
    let whole = began.elapsed();
    let mut moments = stream(1, Purpose::Test, 0, 0);
    let mut killed = 0;
    while killed < 10 {
        let mut child = begin(folder.path(), "killed");
        sleep(whole.mul_f64(moments.uniform(0.05, 0.6)));
        // A run that was quicker has left nothing to kill: begin another.
        if child.try_wait().expect("the child is ours").is_some() {
            fs::remove_dir_all(folder.path().join("killed")).expect("a finished run can go");
            continue;
        }
        child.kill().expect("the child is ours");
        child.wait().expect("the child is ours");
        killed += 1;
    }
    done(folder.path(), &words("killed", &["--resume"]));
    same_run(&folder.path().join("whole"), &folder.path().join("killed"));
}

/// A queue that restarts jobs has one command line for all of them.
#[test]
fn one_command_line_begins_and_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let resume = words("queued", &["--resume"]);
    let begin = |seconds: &str| {
        kith(folder.path(), &resume)
            .env("KITH_SAVE_SECONDS", seconds)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts")
    };
    // Killed before anything was saved, with nothing but its command and recipe in the folder.
    let run = folder.path().join("queued");
    let mut child = begin("3600");
    while !run.join("recipe.toml").exists() {
        sleep(Duration::from_millis(2));
    }
    child.kill().expect("the child is ours");
    child.wait().expect("the child is ours");
    // Killed once something was.
    let mut child = begin("0");
    while !run.join("state.safetensors").exists() {
        sleep(Duration::from_millis(2));
    }
    child.kill().expect("the child is ours");
    child.wait().expect("the child is ours");
    done(folder.path(), &resume);
    done(folder.path(), &words("whole", &[]));
    same_run(&folder.path().join("whole"), &run);
    for other in [["--seed", "6"], ["--labelled", "80"]] {
        let place = resume.iter().position(|word| *word == "--seed").expect("it is there");
        let kept = if other[0] == "--seed" { &resume[..place] } else { &resume[..] };
        let again = [kept, &other, &["--resume"][..]].concat();
        let words = if other[0] == "--seed" { again } else { [&resume[..], &other].concat() };
        let (status, code, text) = refused(folder.path(), &words);
        assert_eq!((status, code.as_str()), (3, "OTHER_RUN"), "{other:?}: {text}");
    }
}

#[test]
fn who_reads_a_file_reads_a_line_an_epoch() {
    let folder = tempfile::tempdir().expect("a folder");
    let said = |run: &str, more: &[&str]| {
        let output = kith(folder.path(), &words(run, more)).output().expect("the program starts");
        assert!(output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let text = said("told", &[]);
    for epoch in 1..=3 {
        let begin = format!("epoch   {epoch}  loss ");
        let line = text.lines().find(|line| line.starts_with(&begin));
        let line = line.unwrap_or_else(|| panic!("epoch {epoch} is told: {text}"));
        for word in ["contrast", "correlation", "probe loss", "validation", "loss"] {
            assert!(line.contains(word), "{word} is in: {line}");
        }
    }
    assert!(text.contains("random: linear probe"), "{text}");
    assert_eq!(said("quiet", &["--quiet"]), "");
    assert_eq!(said("json", &["--json"]), "");
}

#[test]
fn the_same_seed_is_the_same_run() {
    let folder = tempfile::tempdir().expect("a folder");
    done(folder.path(), &words("one", &[]));
    done(folder.path(), &words("two", &[]));
    same_run(&folder.path().join("one"), &folder.path().join("two"));
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_saves_and_says_how_to_go_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let long = ["--set", "pretraining.steps=4000", "--json"];
    let child = kith(folder.path(), &words("run", &long))
        .env("KITH_SAVE_SECONDS", "0")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let state = folder.path().join("run/state.safetensors");
    while !state.exists() {
        sleep(Duration::from_millis(20));
    }
    let pid = child.id().to_string();
    std::process::Command::new("kill").args(["-INT", &pid]).status().expect("kill is there");
    let output = child.wait_with_output().expect("the child ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("INTERRUPTED") && said.contains("--run run --resume"), "{said}");
}

#[test]
fn going_on_with_other_settings_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    done(folder.path(), &words("run", &[]));
    let (status, code, text) =
        refused(folder.path(), &words("run", &["--resume", "--set", "objective.temperature=0.2"]));
    assert_eq!((status, code.as_str()), (3, "OTHER_RUN"), "{text}");
    assert!(text.contains("0.1") && text.contains("0.2"), "{text}");
}

#[test]
fn going_on_from_another_checkpoint_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    done(folder.path(), &words("a", &[]));
    done(folder.path(), &words("b", &["--set", "objective.temperature=0.2"]));
    let tuned = |from: &'static str, more: &[&'static str]| {
        [&["finetune", "--run", "tuned", "--from", from][..], &SMALL, more].concat()
    };
    done(folder.path(), &tuned("a/checkpoint.safetensors", &[]));
    done(folder.path(), &tuned("a/checkpoint.safetensors", &["--resume"]));
    for other in ["b/checkpoint.safetensors", "scratch"] {
        let (status, code, text) = refused(folder.path(), &tuned(other, &["--resume"]));
        assert_eq!((status, code.as_str()), (3, "OTHER_RUN"), "{other}: {text}");
        assert!(text.contains("checkpoint to start from"), "{text}");
    }
}
