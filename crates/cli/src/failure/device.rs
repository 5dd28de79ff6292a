//! Why a device cannot be used, or lent.

use std::io;
use std::net::SocketAddr;

/// Why a device cannot be used, or lent.
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
}

impl DeviceError {
    /// A stable name for scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoGpu { .. } => "NO_GPU",
            Self::Several { .. } => "SEVERAL_DEVICES",
            Self::NoWorker { .. } => "NO_WORKER",
            Self::Listen { .. } => "LISTEN",
        }
    }
}
