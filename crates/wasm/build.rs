//! How the module is linked.

/// Constructors run once, when the page asks for them. A module that does not export them is taken
/// for a command, and then every call into it, even to free a string, runs them all again.
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_FAMILY").is_ok_and(|family| family == "wasm") {
        println!("cargo::rustc-link-arg-cdylib=--export=__wasm_call_ctors");
    }
}
