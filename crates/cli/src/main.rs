//! `kith`: learns what images have in common, without labels.

use std::process::ExitCode;

fn main() -> ExitCode {
    kith_cli::run()
}
