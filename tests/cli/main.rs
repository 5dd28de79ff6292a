//! The whole program, run as its users run it.

mod benchmark;
mod clean;
mod common;
mod compare;
mod devices;
mod workers;
#[cfg(unix)] // others have no limits of a shell
mod disk;
mod diverged;
mod errors;
mod evaluate;
mod events;
mod export;
mod folders;
mod hostile;
mod import;
#[cfg(unix)] // others have no SIGKILL
mod kill;
mod label;
mod names;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))] // QEMU emulates others of its kind
mod processors;
mod replay;
mod resume;
mod run_file;
#[cfg(unix)]
mod same;
#[cfg(target_os = "linux")] // where the layer is a library of this form
mod scarce_gpu;
mod semi;
mod serve;
mod sweep;
#[cfg(unix)]
mod threads;
mod verbs;
