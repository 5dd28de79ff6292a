//! A GPU that was lost is opened once more, by a process of its own: within one that lost it, what was computed
//! there is gone with it. Where that one loses it, too, and the choice of a device was left to kith, the CPU
//! takes over.

use std::env;
use std::ffi::OsString;

use crate::args::{DeviceChoice, DeviceChoices};
use crate::command_line::without;
use crate::failure::{DeviceError, Failure};
use crate::output::Console;
use crate::refused;

/// How many processes before this one lost the GPU; none is 0.
const LOSSES: &str = "KITH_GPU_LOSSES";

/// Starts the program once more, in the place of this process, where it failed because its GPU was lost.
pub(crate) fn after_loss(failure: &Failure, device: &DeviceChoices, console: &Console) {
    let Some(reason) = refused::loss().filter(|_| ["DEVICE", "NO_GPU"].contains(&failure.code()))
    else {
        return;
    };
    let args = resume_of(failure).map_or_else(|| env::args_os().collect(), <[_]>::to_vec);
    let losses = env::var(LOSSES).map_or(0, |losses| losses.parse().unwrap_or(u32::MAX));
    match (losses, &device.0[..]) {
        (0, _) => {
            console.note(&format!("{reason}: it is opened once more, and the command goes on"));
            start_again(args, 1);
        }
        (1, [DeviceChoice::Auto]) => {
            console.note(&format!("{reason}, for the second time: the command goes on on the CPU"));
            let device: [OsString; 2] = ["--device".into(), "cpu".into()];
            start_again(without(args, "--device").into_iter().chain(device).collect(), 2);
        }
        _ => {}
    }
}

/// The command line that goes on, where it is not the same.
fn resume_of(failure: &Failure) -> Option<&[OsString]> {
    match failure {
        Failure::Part { source, .. } => resume_of(source),
        Failure::Device(DeviceError::InRun { resume, .. }) => Some(resume),
        _ => None,
    }
}

/// Starts a command line in the place of this process. This comes back only where that cannot be, and the
/// failure is told.
#[cfg(unix)]
pub(crate) fn start_again(args: Vec<OsString>, losses: u32) {
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    let mut args = args.into_iter();
    if let (Ok(program), Some(name)) = (env::current_exe(), args.next()) {
        let mut command = Command::new(program);
        let _error = command.arg0(name).args(args).env(LOSSES, losses.to_string()).exec();
    }
}

/// A process cannot take another's place here.
#[cfg(not(unix))]
pub(crate) fn start_again(_: Vec<OsString>, _: u32) {}
