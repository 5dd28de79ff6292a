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

use wasm_bindgen::prelude::*;

/// Lets panics and log lines reach the console.
#[wasm_bindgen(start)]
fn start() {
    console_error_panic_hook::set_once();
    console_log::init_with_level(log::Level::Warn).expect("nothing has logged before");
}
