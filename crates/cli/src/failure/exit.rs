//! What a failed process says to the shell.

use std::process::ExitCode;

use super::{DeviceError, Failure, ReplayError};

const FAILED: u8 = 1;
const BAD_INPUT: u8 = 3;
const FILE_SYSTEM: u8 = 4;
const NETWORK: u8 = 5;
const INTERRUPTED: u8 = 130;

impl Failure {
    /// What the process says to the shell.
    pub fn exit_code(&self) -> ExitCode {
        if let Self::Part { source, .. } = self {
            return source.exit_code();
        }
        ExitCode::from(match self {
            Self::Core(
                kith_core::Error::Device { .. }
                | kith_core::Error::DeviceMemory { .. }
                | kith_core::Error::Diverged { .. }
                | kith_core::Error::DivergedAfter { .. },
            )
            | Self::Device(
                DeviceError::NoGpu { .. }
                | DeviceError::StepMemory { .. }
                | DeviceError::InRun { .. },
            )
            | Self::Replay(ReplayError::Departs { .. })
            | Self::Crashed { .. } => FAILED,
            Self::Process { exit, .. } => *exit,
            Self::File(_) | Self::Busy { .. } => FILE_SYSTEM,
            Self::Fetch(_)
            | Self::Port { .. }
            | Self::Device(DeviceError::Listen { .. } | DeviceError::NoWorker { .. })
            | Self::Core(kith_core::Error::Remote { .. }) => NETWORK,
            Self::Interrupted { .. } | Self::Stopped { .. } => INTERRUPTED,
            _ => BAD_INPUT,
        })
    }
}
