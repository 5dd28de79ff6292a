//! JavaScript bindings of kith's core: convert, call core, convert back.
//!
//! A build has the feature `cpu` or `gpu`; both have the same classes and functions. Pictures are
//! planar bytes, `[count, 3, side, side]`. Errors are JavaScript errors with a stable `code`. What a
//! GPU computes is read asynchronously only.
#![cfg(target_family = "wasm")]

mod fail;
mod convert;
pub mod engine;
pub mod info;
pub mod pictures;
pub mod encoder;
pub mod bank;
pub mod measures;
pub mod probe;
pub mod active;
pub mod clean;
pub mod training;
pub mod replay;
pub mod onnx;

use std::panic::{PanicHookInfo, set_hook};
use std::sync::OnceLock;

use wasm_bindgen::prelude::*;

/// What the panic said that ended this instance.
static PANICKED: OnceLock<String> = OnceLock::new();

/// Lets panics and log lines reach the console.
#[wasm_bindgen(start)]
fn start() {
    set_hook(Box::new(tell));
    console_log::init_with_level(log::Level::Warn).expect("nothing has logged before");
}

fn tell(info: &PanicHookInfo<'_>) {
    PANICKED.get_or_init(|| info.to_string());
    console_error_panic_hook::hook(info);
}

/// What the panic said after which nothing here works any more. What traps without one was refused memory.
#[wasm_bindgen]
pub fn panicked() -> Option<String> {
    PANICKED.get().cloned()
}
