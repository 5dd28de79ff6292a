//! The command line: verbs, run folders, reports, downloads, progress.
//!
//! The modules below stand in the order in which data walk: a module uses only those above it, and
//! in a folder only those above it there.

pub mod files;
pub mod fetch;
mod refused;
mod command_line;
mod failure;
mod panic_hook;
mod args;
mod allocator;
pub mod progress;
mod output;
mod remote;
mod device;
mod format;
mod interrupt;
mod peak_memory;
mod events;
mod dataset;
mod checkpoint;
pub mod weights;
mod inference;
mod train;
mod reopened;
mod eval;
mod study;
pub mod report;
pub mod run_link;
mod verbs;

pub use failure::{CleanError, DeviceError, Failure, ReplayError};

use std::process::ExitCode;

/// Runs one command line and says how it ended.
pub fn run() -> ExitCode {
    panic_hook::install();
    let args = args::Args::read();
    allocator::keep_memory(&args.verb);
    // Its parent starts it anew.
    let is_part = matches!(args.verb, args::Verb::BenchmarkRun { .. });
    let console = output::Console::new(&args);
    match refused::caught(|| verbs::run(args.verb, &args.shared, &console)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !is_part {
                reopened::after_loss(&failure, &args.shared.device, &console);
            }
            console.failure(&failure);
            failure.exit_code()
        }
    }
}
