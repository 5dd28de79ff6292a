//! A process for each run, so that its memory is its own and its end is not that of the others.
//!
//! The parent holds the other end of its child's standard input: when that closes, because the user
//! stops the parent or because the parent is gone, the child saves and stops.

use std::env::current_exe;
use std::ffi::OsString;
use std::io::{Read, sink};
use std::path::Path;
use std::process::{Child, Command as Process, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use kith_core::Error;
use kith_core::device::gpu::LOST;
use serde_json::Value;

use super::BENCHMARK;
use super::one_run::Bench;
use crate::args::{DataFlags, DeviceChoices};
use crate::failure::{DeviceError, Failure};
use crate::files::FileError;
use crate::interrupt::{listen_for_ctrl_c, stop, stopped};
use crate::output::Console;
use crate::study::{PlannedRun, Study};
use crate::train::folder::Folder;
use crate::verbs::runner::Runner;
use crate::verbs::session::Command;

/// The verb of the child.
const VERB: &str = "benchmark-run";
/// How often the parent looks whether the child is done or the user wants to stop.
const PATIENCE: Duration = Duration::from_millis(50);

/// What the runs of a benchmark have in common for the processes that do them.
#[derive(Clone, Copy)]
pub(super) struct Processes<'a> {
    pub(super) study: &'a Path,
    /// Labels a class, in rising order.
    pub(super) few_label: &'a [usize],
    pub(super) device: &'a DeviceChoices,
    pub(super) console: &'a Console,
}

impl Processes<'_> {
    /// Does one run in a process of its own, and once more in another where the first lost its GPU.
    ///
    /// # Errors
    /// What the process failed by, or [`Failure::Crashed`] when it did not say.
    pub(super) fn run(self, run: &PlannedRun) -> Result<(), Failure> {
        match self.once(run) {
            Err(Failure::Process { message, .. }) if message.contains(LOST) => {
                let note = format!("{LOST}: it is opened once more, and {} goes on", run.name);
                self.console.note(&note);
                self.once(run)
            }
            result => result,
        }
    }

    /// Starts a process, and waits for its end.
    fn once(self, run: &PlannedRun) -> Result<(), Failure> {
        let exe = current_exe().map_err(|e| FileError::new(Path::new("kith"), e))?;
        let mut process = Process::new(&exe);
        process.args(self.words(run)).stdin(Stdio::piped()).stdout(Stdio::null());
        let child = process.stderr(Stdio::piped()).spawn().map_err(|e| FileError::new(&exe, e))?;
        let (status, said) = wait(child).map_err(|e| FileError::new(&exe, e))?;
        if status.success() { Ok(()) } else { Err(failure(status, &said)) }
    }

    /// The child's command line.
    fn words(self, run: &PlannedRun) -> Vec<OsString> {
        let labels: Vec<String> = self.few_label.iter().map(usize::to_string).collect();
        let mut words: Vec<OsString> = vec![VERB.into(), run.name.clone().into()];
        words.extend(["--study".into(), self.study.into()]);
        words.extend(["--few-label".into(), labels.join(",").into()]);
        words.extend(["--device".into(), self.device.to_string().into(), "--json".into()]);
        words.extend(run.data.words());
        words
    }
}

/// Waits for the end of a child, which is told as soon as the user wants to stop. What it says on
/// standard error comes with it.
fn wait(mut child: Child) -> std::io::Result<(ExitStatus, String)> {
    let mut input = child.stdin.take();
    let output = child.stderr.take();
    // Read all the while: a full pipe would hold the child up.
    let said = thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = output.map(|mut output| output.read_to_end(&mut bytes));
        read.transpose().map(|_| String::from_utf8_lossy(&bytes).into_owned())
    });
    let status = loop {
        if stopped() {
            drop(input.take());
        }
        match child.try_wait()? {
            Some(status) => break status,
            None => thread::sleep(PATIENCE),
        }
    };
    let said = said.join().expect("reading does not panic")?;
    Ok((status, said))
}

/// What a child failed by: its last line is an object, unless it could not say.
fn failure(status: ExitStatus, said: &str) -> Failure {
    let last = said.trim_end().lines().next_back().unwrap_or_default();
    let object: Value = serde_json::from_str(last).unwrap_or_default();
    let exit = status.code().and_then(|code| u8::try_from(code).ok());
    match (object["error"].as_str(), object["message"].as_str(), exit) {
        (Some("INTERRUPTED"), ..) => {
            Failure::Stopped { done: 0, total: 1, resume: String::default() }
        }
        (Some(code), Some(message), Some(exit)) => {
            let next = match code {
                "DEVICE" => "; the same command goes on where it was saved last",
                _ => "",
            };
            Failure::Process { code: code.to_owned(), message: format!("{message}{next}"), exit }
        }
        _ => {
            let said = if last.is_empty() { String::new() } else { format!(": {last}") };
            Failure::Crashed { how: status.to_string(), said }
        }
    }
}

/// The child's part of the command line.
pub(in crate::verbs) struct One {
    pub(in crate::verbs) name: String,
    pub(in crate::verbs) study: std::path::PathBuf,
    pub(in crate::verbs) few_label: Vec<usize>,
    pub(in crate::verbs) data: DataFlags,
}

/// Does one run of a benchmark that its folder names.
pub(in crate::verbs) fn one(asked: &One, command: Command<'_>) -> Result<(), Failure> {
    listen_for_ctrl_c();
    thread::spawn(|| {
        // Whether it ends or fails, nobody is at the other end any more.
        let _ended = std::io::copy(&mut std::io::stdin(), &mut sink());
        stop();
    });
    let unknown = |expected: String| Error::setting("run", expected, &asked.name);
    let folder = Folder::at(&asked.study);
    let study = Study::reopen(folder, BENCHMARK, &asked.data)?;
    let study = study.ok_or_else(|| unknown("one of a benchmark".into()))?;
    let Some(run) = study.runs.iter().find(|run| run.name == asked.name) else {
        let names: Vec<&str> = study.runs.iter().map(|run| run.name.as_str()).collect();
        return Err(unknown(format!("one of {}", names.join(", "))).into());
    };
    // The child of a parent that was killed may still be saving.
    let runner =
        Runner::new(command.device_for(run.recipe.precision)?, None, command.console).waits();
    let mut bench = Bench { runner, few_label: asked.few_label.clone() };
    let done = study.one(run, &mut |run, folder| bench.run(run, &study.folder, &folder));
    done.map_err(|failure| match failure {
        // The parent alone goes on.
        Failure::Device(DeviceError::InRun { source, .. }) => Failure::Core(*source),
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    fn ended(script: &str) -> Failure {
        let mut shell = Process::new("sh");
        shell.args(["-c", script]).stdin(Stdio::piped()).stderr(Stdio::piped());
        let (status, said) = wait(shell.spawn().expect("a shell")).expect("it ends");
        failure(status, &said)
    }

    #[cfg(unix)]
    #[test]
    fn a_failure_keeps_its_name_and_words_and_a_crash_says_how() {
        let said = ended(r#"echo chatter >&2; echo '{"error":"IO","message":"full"}' >&2; exit 4"#);
        assert_eq!((said.code(), said.to_string().as_str()), ("IO", "full"));
        assert_eq!(said.exit_code(), std::process::ExitCode::from(4));

        let killed = ended("kill -KILL $$");
        assert_eq!(
            (killed.code(), killed.exit_code()),
            ("CRASHED", std::process::ExitCode::from(1))
        );
        assert!(killed.to_string().contains("signal: 9"), "{killed}");
        let panicked = ended("echo 'out of reach' >&2; exit 101").to_string();
        assert!(panicked.contains("101") && panicked.contains("out of reach"), "{panicked}");

        let stopped = ended(r#"echo '{"error":"INTERRUPTED","message":"x"}' >&2; exit 130"#);
        assert!(matches!(stopped, Failure::Stopped { .. }), "{stopped}");
        // More than a pipe holds.
        let long = ended("head -c 1000000 /dev/zero | tr '\\0' x >&2; exit 1");
        assert_eq!(long.code(), "CRASHED");
    }
}
