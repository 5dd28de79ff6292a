//! A GPU that was lost is opened once more, by a process of its own: within one that lost it, what was computed
//! there is gone with it.

use std::path::Path;

use kith_core::Error;
use kith_core::device::gpu::LOST;

use crate::failure::{DeviceError, Failure};
use crate::output::Console;

/// Starts the program once more, in the place of this process, where a GPU was lost in a run that was saved.
pub(crate) fn after_loss(failure: &Failure, console: &Console) {
    let failure = match failure {
        Failure::Part { source, .. } => source,
        failure => failure,
    };
    let Failure::Device(DeviceError::InRun { source, folder, .. }) = failure else { return };
    if let Error::Device { reason } = &**source
        && reason.starts_with(LOST)
    {
        start_again(reason, folder, console);
    }
}

#[cfg(unix)]
fn start_again(reason: &str, folder: &Path, console: &Console) {
    use std::env;
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    use crate::train::folder::resume_args;

    /// Is set in a process that goes on after a loss: the next one ends it.
    const VARIABLE: &str = "KITH_GPU_REOPENED";

    let mut words = resume_args(env::args_os(), folder).into_iter();
    let (Ok(program), Some(name), None) = (env::current_exe(), words.next(), env::var_os(VARIABLE))
    else {
        return;
    };
    console.note(&format!("{reason}: it is opened once more, and the run goes on"));
    // This comes back only if it fails, and the failure is told.
    let _error = Command::new(program).arg0(name).args(words).env(VARIABLE, "1").exec();
}

/// A process cannot take another's place here.
#[cfg(not(unix))]
fn start_again(_: &str, _: &Path, _: &Console) {}
