//! A run's folder: which files it has, and how they are written.

use std::path::{Path, PathBuf};

use kith_core::Error;
use kith_core::archive::{Archive, Precision};

use crate::args::RunFlags;
use crate::command_line::{command, resume_args, resume_command};
use crate::failure::{DeviceError, Failure};
use crate::files::{self, FileError};
use crate::refused;

/// Everything that going on needs.
pub(crate) const STATE: &str = "state.safetensors";
/// The last encoder, for use.
pub(crate) use crate::checkpoint::LAST as CHECKPOINT;
/// The encoder of the best epoch.
pub(crate) const BEST: &str = "best.safetensors";
/// A line an epoch.
pub(crate) const METRICS: &str = "metrics.jsonl";
/// The page for people.
pub(crate) const REPORT: &str = "report.html";
/// What a run or a study came to, for scripts.
pub(crate) const RESULTS: &str = "results.json";
/// What running the run again needs.
pub(crate) const REPLAY: &str = "replay.json";
/// Every context, resolved.
pub(crate) const RECIPE: &str = "recipe.toml";
/// How the run was started.
pub(crate) const COMMAND: &str = "command.txt";
/// Where runs without a name of their own lie.
const RUNS: &str = "runs";

/// A run's folder.
#[derive(Clone, Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// The folder that the flags ask for: a new one, or one to go on with. Nothing is made yet, so
    /// that a run that cannot begin leaves nothing behind.
    ///
    /// Going on where nothing was begun, or where nothing was saved yet, is to begin: whoever restarts
    /// jobs that were killed needs one command line alone.
    pub(crate) fn choose(flags: &RunFlags, name: &str) -> Result<Self, Failure> {
        let Some(path) = &flags.run else { return Ok(Self::fresh(name)) };
        let folder = Self(path.clone());
        match flags.resume || !folder.is_run() {
            true => Ok(folder),
            false => Err(Failure::RunExists { path: path.clone() }),
        }
    }

    /// A folder, whether it is there or not.
    pub(crate) fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// The folder of that name in `runs`, whether it is there or not.
    pub(crate) fn named(name: &str) -> Self {
        Self(Path::new(RUNS).join(name))
    }

    /// A folder in `runs` that no run has yet.
    fn fresh(name: &str) -> Self {
        let numbered = |number: u32| match number {
            1 => Path::new(RUNS).join(name),
            _ => Path::new(RUNS).join(format!("{name}-{number}")),
        };
        let free = (1..).map(numbered).find(|path| !path.exists());
        Self(free.expect("some number is free"))
    }

    /// A folder for a part of the run.
    pub(crate) fn part(&self, name: &str) -> Self {
        Self(self.0.join(name))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Whether a run was begun here.
    pub(crate) fn is_run(&self) -> bool {
        self.is_saved() || self.file(COMMAND).exists()
    }

    /// Whether there is something to go on from.
    pub(crate) fn is_saved(&self) -> bool {
        self.file(STATE).exists()
    }

    /// Makes the folder, clears what a killed process left half-written, and writes how the run was
    /// started and with what settings.
    pub(crate) fn begin(&self, recipe: &kith_core::recipe::Recipe) -> Result<(), FileError> {
        files::make_folder(&self.0)?;
        files::sweep(&self.0)?;
        if !self.file(COMMAND).exists() {
            self.write(COMMAND, format!("{}\n", command()).as_bytes())?;
        }
        self.write(RECIPE, recipe.to_toml().as_bytes())
    }

    /// What is computed for the folder: where the device fails it, its failure says how to go on.
    pub(crate) fn computed<T>(
        &self,
        compute: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        refused::caught(compute).map_err(|failure| resumable(failure, self))
    }

    /// Writes a file, whole or not at all.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), FileError> {
        files::write(&self.file(name), bytes)
    }

    /// Writes tensors, exact.
    pub(crate) fn write_archive(&self, name: &str, archive: &Archive) -> Result<(), Failure> {
        let bytes = archive.to_bytes(Precision::Single).map_err(Failure::of(&self.file(name)))?;
        Ok(self.write(name, &bytes)?)
    }

    /// Reads tensors; none if the file is not there.
    pub(crate) fn read_archive(&self, name: &str) -> Result<Option<Archive>, Failure> {
        let path = self.file(name);
        match std::fs::read(&path) {
            Ok(bytes) => Archive::from_bytes(&bytes).map(Some).map_err(Failure::of(&path)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(FileError::new(&path, e).into()),
        }
    }
}

/// An object that a command left in a folder.
pub(crate) fn read_object(path: &Path) -> Result<serde_json::Value, Failure> {
    let text = std::fs::read_to_string(path).map_err(|e| FileError::new(path, e))?;
    let unreadable = |e: serde_json::Error| Error::Metadata { reason: e.to_string() };
    serde_json::from_str(&text).map_err(unreadable).map_err(Failure::of(path))
}

/// The folders of runs in a folder, in order of their names: its own, those of a study, those of
/// studies side by side. Deeper ones are not looked for.
pub(crate) fn runs_in(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    const DEPTH: usize = 3;
    runs_within(DEPTH, folder)
}

fn runs_within(depth: usize, folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    if folder.join(CHECKPOINT).exists() {
        return Ok(vec![folder.to_owned()]);
    }
    if depth == 0 {
        return Ok(Vec::new());
    }
    let runs = folders_in(folder)?.into_iter().map(|below| runs_within(depth - 1, &below));
    Ok(runs.collect::<Result<Vec<_>, _>>()?.concat())
}

/// Those right below, in order of their names.
fn folders_in(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let unread = |e| FileError::new(folder, e);
    let entries = std::fs::read_dir(folder).map_err(unread)?.collect::<Result<Vec<_>, _>>();
    let paths = entries.map_err(unread)?.into_iter().map(|entry| entry.path());
    let mut folders: Vec<_> = paths.filter(|path| path.is_dir() && !path.is_symlink()).collect();
    folders.sort_unstable();
    Ok(folders)
}

/// A failure of what is done in a folder, or in one below it, as one of the folder: where the user stopped it,
/// or the device failed it, it says how to go on with all of it.
pub(crate) fn resumable(failure: Failure, folder: &Folder) -> Failure {
    let in_run = |source| DeviceError::InRun { source, resume: resume_args(folder.path()) }.into();
    match failure {
        Failure::Core(source @ Error::Device { .. }) if folder.is_run() => in_run(source.into()),
        Failure::Device(DeviceError::InRun { source, .. }) => in_run(source),
        Failure::Stopped { done, total, .. } => {
            Failure::Stopped { done, total, resume: resume_command(folder.path()) }
        }
        Failure::Part { name, source } => {
            Failure::Part { name, source: resumable(*source, folder).into() }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_of_a_part_goes_on_with_the_whole() {
        let temporary = tempfile::tempdir().unwrap();
        let whole = Folder::at(temporary.path());
        let lost = || Failure::Core(Error::Device { reason: "lost".into() });
        assert!(matches!(resumable(lost(), &whole), Failure::Core(_)), "nothing was begun");
        let part = whole.part("byol");
        part.begin(&kith_core::recipe::Recipe::built_in("simclr").unwrap()).unwrap();
        let of_part = |source| Failure::Part { name: "byol".into(), source: Box::new(source) };
        let run = |folder: &Folder| format!(" --run {} --resume", folder.path().display());
        let failure = of_part(resumable(lost(), &part));
        assert!(failure.to_string().ends_with(&run(&part)), "{failure}");
        let stopped = Failure::Stopped { done: 1, total: 6, resume: "--run byol".into() };
        for (failure, code) in [(failure, "DEVICE"), (stopped, "INTERRUPTED")] {
            let failure = resumable(failure, &whole);
            assert_eq!(failure.code(), code);
            assert!(failure.to_string().ends_with(&run(&whole)), "{failure}");
        }
    }

    #[test]
    fn a_folder_with_a_run_is_not_taken_again() {
        let temporary = tempfile::tempdir().unwrap();
        let run = |resume| RunFlags { run: Some(temporary.path().join("r")), resume };
        assert!(Folder::choose(&run(true), "x").is_ok(), "nothing to go on with is to begin");
        let folder = Folder::choose(&run(false), "x").unwrap();
        files::make_folder(folder.path()).unwrap();
        folder.write(STATE, b"").unwrap();
        assert_eq!(Folder::choose(&run(false), "x").expect_err("taken").code(), "RUN_EXISTS");
        assert!(Folder::choose(&run(true), "x").is_ok());
    }
}
