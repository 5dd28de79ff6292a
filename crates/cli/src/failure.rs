//! How a command fails: one error with a code, what to do, and an exit status.

mod clean;
mod device;
mod replay;
mod exit;

use std::path::{Path, PathBuf};

use kith_data::Split;

use crate::fetch::FetchError;
use crate::files::FileError;
use crate::refused;
pub use clean::CleanError;
pub use device::DeviceError;
pub use replay::ReplayError;

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The core refused its input or the device failed.
    #[error(transparent)]
    Core(kith_core::Error),
    /// The images cannot be used.
    #[error(transparent)]
    Data(#[from] kith_data::Error),
    /// The file system refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// A download failed.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// A file is not what it should be.
    #[error("{}: {source}", path.display())]
    In {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        source: kith_core::Error,
    },
    /// A file of weights cannot be read.
    #[error("{}: {reason}", path.display())]
    Weights {
        /// The file.
        path: PathBuf,
        /// Why, and what would do.
        reason: String,
    },
    /// What several machines embedded does not fit together.
    #[error("shards of {}: {reason}", path.display())]
    Shards {
        /// The files, without their endings.
        path: PathBuf,
        /// Why, and what would do.
        reason: String,
    },
    /// A device cannot be used, or lent.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A run's folder is taken.
    #[error("{} already holds a run: --resume goes on with it, another --run starts anew", path.display())]
    RunExists {
        /// The folder.
        path: PathBuf,
    },
    /// Another process writes a run.
    #[error("{} is being written by another process: wait for its end, or stop it", path.display())]
    Busy {
        /// The folder.
        path: PathBuf,
    },
    /// A table of labels is not as it was left.
    #[error("{} was changed by another program: start `kith label` anew and reload the page", path.display())]
    TableChanged {
        /// The table.
        path: PathBuf,
    },
    /// There is nothing to tell of.
    #[error("{} holds no run: expected {expected} in it, or in folders below it as experiment and semi write them", path.display())]
    NoCheckpoint {
        /// The folder.
        path: PathBuf,
        /// The file that a run has.
        expected: &'static str,
    },
    /// A run is resumed with other settings than it was started with.
    #[error(
        "the run was started with another {what} (then {then}, now {now}): resume with the same, or start anew with another --run"
    )]
    OtherRun {
        /// What differs.
        what: &'static str,
        /// As it was.
        then: String,
        /// As it is asked now.
        now: String,
    },
    /// Something has no labels.
    #[error("no labels, which {what} needs: put each class into a folder, or use other data")]
    NoLabels {
        /// What needs them.
        what: &'static str,
    },
    /// There is nothing to test on.
    #[error(
        "no image is left to test on, which {what} needs: add images, more than a few of each class, or use \
         other data"
    )]
    NoTest {
        /// What needs it.
        what: &'static str,
    },
    /// No pseudo-label passes the threshold.
    #[error(
        "the teacher is not sure of a single unlabelled picture: lower semi.threshold (now {threshold}), or train the teacher longer or on more labels"
    )]
    UnsureTeacher {
        /// The probability that was asked for.
        threshold: f64,
    },
    /// A checkpoint was trained on images that it is to be tested on.
    #[error(
        "{} was trained on {data} with seed {then}, which drew its test pictures; those that seed {now} \
         draws, it was trained on for the most part: give --seed {then}, compare checkpoints of one \
         seed, or use data with a test set of its own",
        path.display()
    )]
    SeenTest {
        /// The checkpoint.
        path: PathBuf,
        /// The images.
        data: String,
        /// The seed of its run.
        then: u64,
        /// The seed that is asked for.
        now: u64,
    },
    /// A name is not known.
    #[error("{what} `{got}` is not known: expected {expected}")]
    Unknown {
        /// What kind of name.
        what: &'static str,
        /// The name.
        got: String,
        /// What would do.
        expected: String,
    },
    /// The page was not built.
    #[error("there is no built page at {}: `make page` builds it, --page names its folder", path.display())]
    NoPage {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Nothing can listen on the port.
    #[error("port {port} of this machine cannot be used ({source}): choose another with --port")]
    Port {
        /// The port.
        port: u16,
        /// What the system says.
        source: std::io::Error,
    },
    /// A study's folder holds another one.
    #[error(
        "{} holds another study: its {what} was `{then}`, asked for is `{now}`; give the command that began it, or another --run",
        path.display()
    )]
    OtherStudy {
        /// The folder.
        path: PathBuf,
        /// What differs.
        what: String,
        /// As it was.
        then: String,
        /// As it is asked now.
        now: String,
    },
    /// A part of a study fails.
    #[error("{name}: {source}")]
    Part {
        /// The part.
        name: String,
        /// Why.
        source: Box<Self>,
    },
    /// A folder is no run that could be compared.
    #[error("{} is no run: {reason}", path.display())]
    NoRun {
        /// The folder.
        path: PathBuf,
        /// What is missing, and what to do.
        reason: String,
    },
    /// A recorded run cannot be run again, or is another one.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// A process that did a part says why it failed.
    #[error("{message}")]
    Process {
        /// The name of its failure for scripts.
        code: String,
        /// Its words.
        message: String,
        /// What it said to the shell.
        exit: u8,
    },
    /// A process that did a part is gone.
    #[error(
        "its process ended without saying why ({how}){said}; if memory ran out, smaller pictures, batches \
         or encoders need less. The same command goes on where it was saved last"
    )]
    Crashed {
        /// Its exit status.
        how: String,
        /// What it wrote last, if anything.
        said: String,
    },
    /// A data set cannot be cleaned up.
    #[error(transparent)]
    Clean(#[from] CleanError),
    /// The user stopped a study of many parts.
    #[error("stopped after {done} of {total} parts, which are kept; go on with: {resume}")]
    Stopped {
        /// Parts done by this command.
        done: usize,
        /// Parts that it had to do.
        total: usize,
        /// The command that goes on.
        resume: String,
    },
    /// The user stopped the run.
    #[error("stopped after step {step}; go on with: {resume}")]
    Interrupted {
        /// Steps done.
        step: u64,
        /// The command that goes on.
        resume: String,
    },
}

impl Failure {
    /// A core error about a file.
    pub(crate) fn of(path: &Path) -> impl Fn(kith_core::Error) -> Self + '_ {
        move |source| Self::In { path: path.to_owned(), source: refused::told(source) }
    }

    /// Why something cannot be judged on these splits: no label, or no image to test on.
    pub(crate) fn unjudged(what: &'static str, labelled: &Split, test: &Split) -> Self {
        let taught = labelled.labels().is_some_and(|labels| !labels.is_empty());
        if taught && test.is_empty() { Self::NoTest { what } } else { Self::NoLabels { what } }
    }

    /// A stable name for scripts.
    pub fn code(&self) -> &str {
        match self {
            Self::Core(error) | Self::In { source: error, .. } => error.code(),
            Self::Data(error) => error.code(),
            Self::File(error) => error.code(),
            Self::Fetch(error) => error.code(),
            Self::Clean(error) => error.code(),
            Self::Replay(error) => error.code(),
            Self::Weights { .. } => "WEIGHTS",
            Self::Shards { .. } => "SHARDS",
            Self::Device(error) => error.code(),
            Self::RunExists { .. } => "RUN_EXISTS",
            Self::Busy { .. } => "BUSY",
            Self::TableChanged { .. } => "TABLE_CHANGED",
            Self::NoCheckpoint { .. } => "NO_CHECKPOINT",
            Self::OtherRun { .. } => "OTHER_RUN",
            Self::NoLabels { .. } => "NO_LABELS",
            Self::NoTest { .. } => "NO_TEST",
            Self::UnsureTeacher { .. } => "UNSURE_TEACHER",
            Self::SeenTest { .. } => "SEEN_TEST",
            Self::Unknown { .. } => "UNKNOWN",
            Self::OtherStudy { .. } => "OTHER_STUDY",
            Self::Part { source, .. } => source.code(),
            Self::Process { code, .. } => code,
            Self::Crashed { .. } => "CRASHED",
            Self::NoRun { .. } => "NO_RUN",
            Self::NoPage { .. } => "NO_PAGE",
            Self::Port { .. } => "PORT",
            Self::Interrupted { .. } | Self::Stopped { .. } => "INTERRUPTED",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_judged_says_what_is_missing() {
        let side = Some(32);
        let gallery =
            kith_data::Source::Gallery.open(&kith_data::Options { side, ..Default::default() });
        let gallery = gallery.expect("the gallery is built in");
        let none = gallery.test.subset(&[]);
        let code = |labelled, test| Failure::unjudged("a test", labelled, test).code().to_owned();
        assert_eq!(code(&gallery.labelled, &none), "NO_TEST");
        assert_eq!(code(&none, &gallery.test), "NO_LABELS");
        assert_eq!(code(&gallery.unlabelled, &gallery.test), "NO_LABELS");
    }
}
