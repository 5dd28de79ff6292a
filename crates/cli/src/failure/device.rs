//! Why a device cannot be used, or lent, and how it fails.

use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;

use kith_core::Error;

use super::Failure;
use crate::command_line::in_words;
use crate::refused;

/// Why a device cannot be used, or lent, and how it fails.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// No GPU where one was asked for.
    #[error("--device {asked}, but {asked} cannot be used: {reason}; --device cpu always works")]
    NoGpu {
        /// What was asked for.
        asked: String,
        /// What the search for one found.
        reason: String,
    },
    /// No worker where one was asked for.
    #[error(
        "--device {asked}, but no worker answers there: {reason}; start one on that machine (kith worker \
         --listen ADDRESS:{port}), or bring its port here (ssh -L)"
    )]
    NoWorker {
        /// What was asked for.
        asked: String,
        /// Where it was looked for.
        port: u16,
        /// What happened.
        reason: String,
    },
    /// Nothing can listen at an address.
    #[error("{address} of this machine cannot be used ({source}): choose another with --listen")]
    Listen {
        /// The address and port.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// Several devices, or another process's, for a verb that takes one of this machine.
    #[error(
        "--device {got}: expected one device of this machine, since pretrain and sweep alone compute on \
         several or on those of workers; other verbs go on from what they leave"
    )]
    Several {
        /// The devices.
        got: String,
    },
    /// The device has no room for a training step.
    #[error(
        "the device has no memory for a step of {images} images ({reason}): begin a new run with {less}, or take \
         another device"
    )]
    StepMemory {
        /// Images of a step.
        images: usize,
        /// What the device said.
        reason: String,
        /// Settings that need less.
        less: String,
    },
    /// The device fails a run that can be gone on with.
    #[error("{source}; go on from what was saved last with: {}", in_words(resume))]
    InRun {
        /// How it fails.
        source: Box<Error>,
        /// The command line that goes on.
        resume: Vec<OsString>,
    },
}

impl DeviceError {
    /// A stable name for scripts.
    pub fn code(&self) -> &str {
        match self {
            Self::NoGpu { .. } => "NO_GPU",
            Self::Several { .. } => "SEVERAL_DEVICES",
            Self::NoWorker { .. } => "NO_WORKER",
            Self::Listen { .. } => "LISTEN",
            Self::StepMemory { .. } => "OUT_OF_MEMORY",
            Self::InRun { source, .. } => source.code(),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Core(refused::told(error))
    }
}

impl Failure {
    /// Whether the device has no room for what was computed at a time.
    pub(crate) fn is_memory(&self) -> bool {
        matches!(self, Self::Core(Error::DeviceMemory { .. }))
    }
}
