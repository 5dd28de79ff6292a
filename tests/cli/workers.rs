//! Devices of other processes: `kith worker`, and training that computes by it.

use std::fs;
use std::io::{BufRead, BufReader, Lines, Read, Write, read_to_string};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use crate::common::{SMALL, metrics};

/// A worker on this machine, stopped at the end.
pub(crate) struct Worker {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    port: u16,
    /// What it computes on.
    about: String,
}

impl Worker {
    fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kith"));
        command.args(["worker", "--device", "cpu", "--listen", "127.0.0.1:0", "--json"]);
        command.stderr(Stdio::null());
        let worker = Self::of(command);
        assert!(worker.about.starts_with("CPU"), "{}", worker.about);
        worker
    }

    /// Starts a command, and waits until it listens.
    pub(crate) fn of(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
        let stdout = child.stdout.take().expect("it is piped");
        let lines = BufReader::new(stdout).lines();
        let mut worker = Self { child, lines, port: 0, about: String::new() };
        worker.listens();
        worker
    }

    /// Waits until it says where it listens.
    pub(crate) fn listens(&mut self) {
        let line = self.lines.next().expect("it listens").expect("a line");
        let told: Value = serde_json::from_str(&line).expect("JSON");
        let text = |key: &str| told[key].as_str().expect("text").to_owned();
        let port = text("address").rsplit(':').next().and_then(|port| port.parse().ok());
        (self.port, self.about) = (port.expect("a port"), text("device"));
    }

    pub(crate) fn device(&self) -> String {
        format!("remote:localhost:{}", self.port)
    }

    /// Stops it; what it has said on standard error, which is piped.
    pub(crate) fn end(mut self) -> String {
        self.child.kill().expect("the child is ours");
        let stderr = self.child.stderr.take().expect("it is piped");
        read_to_string(stderr).expect("text")
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.child.kill().expect("the child is ours");
        self.child.wait().expect("the child is ours");
    }
}

fn kith(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kith"));
    command.current_dir(folder).args(words).arg("--json");
    command
}

fn pretrain(folder: &Path, run: &str, device: &str, more: &[&str]) -> Command {
    let words = [&["pretrain", "--run", run, "--device", device][..], &SMALL, more].concat();
    kith(folder, &words)
}

fn done(mut command: Command) {
    let output = command.output().expect("the program starts");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The exit status, the code and the message of what fails.
fn told(output: &Output) -> (i32, String, String) {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let last = said.trim().lines().last().unwrap_or_default();
    let object: Value = serde_json::from_str(last).unwrap_or_default();
    let text = |key: &str| object[key].as_str().unwrap_or(&said).to_owned();
    (output.status.code().unwrap_or(-1), text("error"), text("message"))
}

#[test]
fn workers_compute_what_one_process_would_to_the_same_bits() {
    let folder = tempfile::tempdir().expect("a folder");
    let (one, other) = (Worker::start(), Worker::start());
    let both = format!("{},{}", one.device(), other.device());
    for (run, device) in [
        ("here", "cpu"),
        ("there", &one.device()),
        ("both", &both),
        ("mixed", &format!("cpu,{}", other.device())),
    ] {
        done(pretrain(folder.path(), run, device, &[]));
    }
    let of = |run: &str| metrics(&folder.path().join(run));
    let weights = |run: &str| {
        let bytes = fs::read(folder.path().join(run).join("checkpoint.safetensors"));
        let bytes = bytes.expect("a checkpoint");
        // Behind the note, which tells of the device.
        let length = u64::from_le_bytes(bytes[..8].try_into().expect("a length"));
        bytes[8 + length as usize..].to_vec()
    };
    assert_eq!(of("there"), of("here"));
    assert!(weights("there") == weights("here"));
    assert_eq!(of("both"), of("mixed"), "halves of a batch, whoever computes them");
    assert!(weights("both") == weights("mixed"));
    let loss = |run: &str| of(run)[0]["train"]["loss"].as_f64().expect("a loss");
    assert!((loss("both") - loss("here")).abs() < 1e-4 * loss("here"), "the loss is of all");
    let page = fs::read_to_string(folder.path().join("both/report.html")).expect("a report");
    assert!(page.contains(&one.device()) && page.contains(&other.device()), "it names both");
}

#[test]
fn a_run_whose_worker_dies_says_so_and_goes_on_elsewhere() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut worker = Worker::start();
    // Longer than it takes to end a worker, however busy the machine is.
    let long = ["--set", "pretraining.epochs=15"];
    done(pretrain(folder.path(), "whole", "cpu", &long));
    let child = pretrain(folder.path(), "cut", &worker.device(), &long)
        .env("KITH_SAVE_SECONDS", "0")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    while !folder.path().join("cut/state.safetensors").exists() {
        sleep(Duration::from_millis(20));
    }
    worker.child.kill().expect("the child is ours");
    let (exit, code, said) = told(&child.wait_with_output().expect("the child is ours"));
    assert_eq!((exit, code.as_str()), (5, "REMOTE_DEVICE"), "{said}");
    assert!(
        said.contains(&worker.device()) && said.contains("goes on from what was saved last"),
        "{said}"
    );
    done(pretrain(folder.path(), "cut", "cpu", &[&long[..], &["--resume"]].concat()));
    let of = |run: &str| metrics(&folder.path().join(run));
    assert_eq!(of("cut"), of("whole"), "nothing is lost, and nothing is another");
}

#[test]
fn what_is_no_worker_is_told_before_anything_begins() {
    let folder = tempfile::tempdir().expect("a folder");
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("an address").port()
    };
    let web = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = web.local_addr().expect("an address").port();
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = web.accept().expect("a trainer");
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").expect("it reads");
        let _closed = stream.read_to_end(&mut Vec::new());
    });
    for (device, expected) in [
        (format!("remote:127.0.0.1:{closed}"), "refused"),
        (format!("remote:127.0.0.1:{port}"), "no message of kith's"),
        (format!("cpu,remote:localhost:{closed}"), "kith worker --listen"),
    ] {
        let output = pretrain(folder.path(), "run", &device, &[]).output().expect("it starts");
        let (exit, code, said) = told(&output);
        assert_eq!((exit, code.as_str()), (5, "NO_WORKER"), "{said}");
        assert!(said.contains(expected), "{said}");
    }
    answering.join().expect("it answered");
    let worker = Worker::start();
    let resnet = ["--set", "encoder={kind=\"resnet\",depth=18}"];
    let both = format!("cpu,{}", worker.device());
    let output = pretrain(folder.path(), "run", &both, &resnet).output();
    let (exit, code, said) = told(&output.expect("it starts"));
    assert_eq!((exit, code.as_str()), (3, "SETTING"), "{said}");
    assert!(said.contains("statistics"), "{said}");
    let words = ["evaluate", "run", "--device", &worker.device()];
    let (exit, code, said) = told(&kith(folder.path(), &words).output().expect("it starts"));
    assert_eq!((exit, code.as_str()), (3, "SEVERAL_DEVICES"), "{said}");
    let taken = format!("127.0.0.1:{}", worker.port);
    let words = ["worker", "--device", "cpu", "--listen", &taken];
    let (exit, code, said) = told(&kith(folder.path(), &words).output().expect("it starts"));
    assert_eq!((exit, code.as_str()), (5, "LISTEN"), "{said}");
    assert!(!folder.path().join("run/metrics.jsonl").exists(), "nothing was begun");
}

/// Whoever sends anything else is turned away, and the next trainer is answered.
#[test]
fn a_worker_outlives_what_is_no_trainer() {
    let folder = tempfile::tempdir().expect("a folder");
    let worker = Worker::start();
    for bytes in [&b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"[..], &[0; 64], &[255; 64], &[]] {
        let mut stream = TcpStream::connect(("127.0.0.1", worker.port)).expect("it listens");
        // It may have been turned away already.
        let _sent = stream.write_all(bytes).and_then(|()| stream.shutdown(Shutdown::Write));
        let mut answer = Vec::new();
        let _reset = stream.read_to_end(&mut answer);
        assert!(answer.iter().all(|&byte| byte == 0), "nothing but signs of life");
    }
    let message = [&5_u64.to_le_bytes()[..], b"hello"].concat();
    let mut stream = TcpStream::connect(("127.0.0.1", worker.port)).expect("it listens");
    stream.write_all(&message).expect("it reads");
    let mut length = [0; 8];
    stream.read_exact(&mut length).expect("an answer");
    let mut answer = vec![0; usize::try_from(u64::from_le_bytes(length)).expect("a short one")];
    stream.read_exact(&mut answer).expect("an answer");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.contains("failed") && answer.contains("safetensors"), "{answer}");
    done(pretrain(folder.path(), "run", &worker.device(), &[]));
}
