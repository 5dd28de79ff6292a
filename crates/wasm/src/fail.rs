//! Errors as JavaScript has them, with a stable `code`.

use js_sys::Reflect;
use kith_core::Error;
use wasm_bindgen::JsValue;

/// What every fallible function for JavaScript returns.
pub(crate) type Result<T> = core::result::Result<T, JsValue>;

/// An `Error` with a `code`.
pub(crate) fn failure(code: &str, message: &str) -> JsValue {
    let error = JsValue::from(js_sys::Error::new(message));
    Reflect::set(&error, &"code".into(), &code.into()).expect("a fresh object takes a property");
    error
}

/// An error of core.
pub(crate) fn from_core(error: Error) -> JsValue {
    failure(error.code(), &error.to_string())
}

/// An argument that cannot be read.
pub(crate) fn argument(error: serde_wasm_bindgen::Error) -> JsValue {
    failure("SETTING", &format!("an argument cannot be read: {error}"))
}
