//! SIGKILL at any moment of any long command: the command given again, as often as need be, ends as if
//! it had never been killed, to the bit.
//!
//! `KITH_KILLS` says how many kills in all (`make kill N=1000`), `KITH_KILL_SEED` which moments.

mod cases;
mod server;

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Instant;

use crate::same::{Steps, readable, same_folder};
use cases::Case;
use kith_core::rng::{Purpose, Stream, stream};

/// Kills that a test run makes in all.
const FEW: u64 = 27;
/// Kills of a run before it may come to its end.
const MOST_IN_A_ROW: usize = 6;
/// The part of an undisturbed run's time within which it is killed.
const WITHIN: f64 = 0.9;

fn asked(name: &str, otherwise: u64) -> u64 {
    let number = |text: String| text.parse().unwrap_or_else(|e| panic!("{name}={text}: {e}"));
    std::env::var(name).map_or(otherwise, number)
}

/// A command in a process group of its own, so that its processes can be killed with it.
fn start(case: &Case, folder: &Path) -> Child {
    let mut command = (case.command)(folder);
    command.env("KITH_SAVE_SECONDS", "0").stdout(Stdio::null()).stderr(Stdio::piped());
    command.process_group(0).spawn().expect("the program starts")
}

fn finish(case: &Case, folder: &Path) {
    let output = start(case, folder).wait_with_output().expect("the child is ours");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", case.name);
}

/// Kills the process, or it and its own processes. Whether there was one to kill; one that ended by
/// itself must have been done.
fn kill(mut child: Child, moments: &mut Stream) -> bool {
    if child.try_wait().expect("the child is ours").is_none() {
        if moments.chance(0.5) {
            let group = format!("-{}", child.id());
            let killed = Command::new("kill").args(["-KILL", "--", &group]).status();
            assert!(killed.expect("kill is there").success(), "the group is there");
        } else {
            child.kill().expect("the child is ours");
        }
    }
    let output = child.wait_with_output().expect("the child is ours");
    let was_there = output.status.code().is_none();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(was_there || output.status.success(), "it failed after a kill: {said}");
    was_there
}

#[expect(clippy::print_stdout, reason = "it is what the campaign found")]
fn tell(name: &str, [kills, runs]: [u64; 2], seconds: f64) {
    println!("{name}: {kills} kills in {runs} runs of {seconds:.1} s, none lost");
}

/// Kills a command again and again until the share of kills is done; every run ends like the whole one.
fn campaign(case: &Case, share: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let [whole, killed] = ["whole", "killed"].map(|name| folder.path().join(name));
    let fresh = |folder: &Path| {
        fs::create_dir(folder).expect("a folder");
        (case.prepare)(folder);
    };
    fresh(&whole);
    let began = Instant::now();
    finish(case, &whole);
    let mut took = began.elapsed();
    let place = Case::ALL.iter().position(|one| one.name == case.name).expect("a known case");
    let mut moments = stream(asked("KITH_KILL_SEED", 1), Purpose::Test, 0, place as u64);
    let (mut kills, mut runs) = (0, 0);
    while kills < share {
        fresh(&killed);
        let mut steps = Steps::default();
        for round in 0..=moments.below(MOST_IN_A_ROW) {
            let began = Instant::now();
            let child = start(case, &killed);
            sleep(took.mul_f64(moments.uniform(0.0, WITHIN)));
            let was_there = kill(child, &mut moments);
            kills += u64::from(was_there);
            // A whole run that was quicker than the one before: the machine is less busy now.
            if !was_there && round == 0 {
                took = took.min(began.elapsed());
            }
            readable(&killed);
            steps.rise(&killed);
        }
        finish(case, &killed);
        same_folder(&whole, &killed);
        fs::remove_dir_all(&killed).expect("a finished run can go");
        runs += 1;
    }
    tell(case.name, [kills, runs], took.as_secs_f64());
}

fn killed_at_any_moment(name: &str) {
    let case = Case::ALL.iter().find(|case| case.name == name).expect("a known case");
    campaign(case, asked("KITH_KILLS", FEW).div_ceil(Case::ALL.len() as u64));
}

#[test]
fn pretrain_ends_the_same() {
    killed_at_any_moment("pretrain");
}

#[test]
fn semi_ends_the_same() {
    killed_at_any_moment("semi");
}

#[test]
fn experiment_ends_the_same() {
    killed_at_any_moment("experiment");
}

#[test]
fn finetune_ends_the_same() {
    killed_at_any_moment("finetune");
}

#[test]
fn few_label_ends_the_same() {
    killed_at_any_moment("few-label");
}

#[test]
fn import_ends_the_same() {
    killed_at_any_moment("import");
}

#[test]
fn fetch_ends_the_same() {
    killed_at_any_moment("fetch");
}

#[test]
fn sweep_ends_the_same() {
    killed_at_any_moment("sweep");
}

#[test]
fn benchmark_ends_the_same() {
    killed_at_any_moment("benchmark");
}

/// What the others would let pass, they must not: folders that differ in a bit are told apart.
#[test]
fn a_bit_that_differs_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let [one, other] = ["one", "other"].map(|name| folder.path().join(name));
    let fill = |folder: &Path, name: &str, bytes: &[u8]| {
        fs::create_dir_all(folder).expect("a folder");
        fs::write(folder.join(name), bytes).expect("written");
    };
    let differ = || std::panic::catch_unwind(|| same_folder(&one, &other)).is_err();
    for (name, then, now, same) in [
        ("a.bin", &b"\x00"[..], &b"\x01"[..], false),
        ("b.json", br#"{"x":1,"timing":{"train_seconds":2}}"#, br#"{"timing":3,"x":1}"#, true),
        ("c.jsonl", b"{\"x\":1}\n{\"x\":2}\n", b"{\"x\":1}\n{\"x\":3}\n", false),
        ("d.csv", b"a,training_seconds\n1,2\n", b"a,training_seconds\n1,3\n", true),
        ("e.csv", b"a,training_seconds\n1,2\n", b"a,training_seconds\n2,2\n", false),
    ] {
        fill(&one, name, then);
        fill(&other, name, now);
        assert_eq!(differ(), !same, "{name}");
        for folder in [&one, &other] {
            fs::remove_file(folder.join(name)).expect("it was there");
        }
    }
    fill(&other, ".x.kith-tmp", b"");
    assert!(differ(), "a file that one alone has");
    assert!(std::panic::catch_unwind(|| readable(&one)).is_ok());
    fill(&one, "half.json", b"{");
    assert!(std::panic::catch_unwind(|| readable(&one)).is_err(), "half of a file");
}
