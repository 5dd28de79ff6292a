//! Ctrl-C asks a long command to save and stop.

use std::sync::atomic::{AtomicBool, Ordering};

/// Set by Ctrl-C; loops look after every step.
static STOP: AtomicBool = AtomicBool::new(false);

/// Lets Ctrl-C finish the step and save instead of killing the process.
pub(crate) fn listen_for_ctrl_c() {
    // A second registration fails, which changes nothing.
    let _already_listening = ctrlc::set_handler(stop);
}

/// Asks for the same.
pub(crate) fn stop() {
    STOP.store(true, Ordering::Relaxed);
}

/// Whether the user wants to stop.
pub(crate) fn stopped() -> bool {
    STOP.load(Ordering::Relaxed)
}
