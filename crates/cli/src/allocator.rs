//! Memory that is freed stays with the process.
//!
//! A training step asks for the same large arrays as the step before. glibc gives each back to the system
//! when it is freed, which must then clear as many pages anew: a fifth of the time of a step on the CPU. It
//! can be told otherwise by an environment variable alone (without unsafe code), which it reads when a
//! program starts. mimalloc and jemalloc, which were tried, give back large arrays as well.

use crate::args::Verb;

/// Nothing is given back, nothing is mapped on its own, and pages may be huge: arrays are read faster from
/// few of them.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const TUNABLES: &str = "glibc.malloc.mmap_threshold=4294967295:\
    glibc.malloc.trim_threshold=4294967295:glibc.malloc.hugetlb=1";

/// Starts the program once more, in the same process, with an allocator that keeps memory, if the verb
/// trains. Where somebody has set the variable, it stays as it is.
pub(crate) fn keep_memory(verb: &Verb) {
    if trains(verb) {
        start_again();
    }
}

fn trains(verb: &Verb) -> bool {
    matches!(
        verb,
        Verb::Pretrain { .. }
            | Verb::Finetune { .. }
            | Verb::Experiment { .. }
            | Verb::Semi { .. }
            | Verb::BenchmarkRun { .. }
            | Verb::Worker { .. }
    )
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn start_again() {
    use std::os::unix::process::CommandExt;
    use std::{env, process};

    const VARIABLE: &str = "GLIBC_TUNABLES";
    let mut words = env::args_os();
    let (Ok(program), Some(name), None) = (env::current_exe(), words.next(), env::var_os(VARIABLE))
    else {
        return;
    };
    // This comes back only if it fails. The program then goes on as it is, a little slower.
    let _error =
        process::Command::new(program).arg0(name).args(words).env(VARIABLE, TUNABLES).exec();
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn start_again() {}
