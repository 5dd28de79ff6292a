//! The terminal door: verbs, run folders, reports, downloads, progress.

pub mod chart;
pub mod fetch;
pub mod files;
pub mod progress;
pub mod report;
pub mod sheet;

mod args;
mod auto;
mod device;
mod diagnosis;
mod failure;
mod few_label;
mod final_test;
mod folder;
mod interrupt;
mod learner;
mod loader;
mod material;
mod measure;
mod minibatch;
mod offline;
mod plane;
mod retrieval;
mod saved;
mod say;
mod seeds;
mod semi;
mod sound;
mod start;
mod story;
mod training;
mod verbs;

pub use failure::Failure;

use std::process::ExitCode;

use clap::Parser;

/// Runs one command line and says how it ended.
pub fn run() -> ExitCode {
    let args = args::Args::parse();
    let say = say::Say::new(&args);
    match verbs::run(args.verb, &args.shared, &say) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say.failure(&failure);
            failure.exit_code()
        }
    }
}
