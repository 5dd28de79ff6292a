//! Values of core as JavaScript has them, and back.

use js_sys::{Float32Array, JSON, Object, Reflect, Uint32Array};
use kith_core::Error;
use kith_core::image::Images;
use kith_core::probe::Features;
use kith_core::probe::knn::Nearest;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_wasm_bindgen::Serializer;
use tsify::{Ts, Tsify};
use wasm_bindgen::JsValue;

use crate::fail::{Result, argument, failure, from_core};

/// The largest whole number up to which JavaScript's numbers hold every one: 2^53 - 1.
const EXACT: u64 = (1 << 53) - 1;

/// A plain object of a declared type. Whole numbers that JavaScript's cannot hold exactly, such as large seeds, are their
/// digits in a string.
pub(crate) fn object<T: Serialize + Tsify>(value: &T) -> Result<Ts<T>> {
    let unreadable = |e: serde_json::Error| failure("SETTING", &e.to_string());
    let mut value = serde_json::to_value(value).map_err(unreadable)?;
    write_out(&mut value);
    value.serialize(&Serializer::json_compatible()).map(Ts::new_unchecked).map_err(argument)
}

/// Turns numbers that cannot cross exactly into their digits.
fn write_out(value: &mut Value) {
    match value {
        Value::Number(number) => {
            let whole = number.as_u64().or(number.as_i64().map(i64::unsigned_abs));
            if whole.is_some_and(|whole| whole > EXACT) {
                *value = Value::String(number.to_string());
            }
        }
        Value::Array(values) => values.iter_mut().for_each(write_out),
        Value::Object(values) => values.values_mut().for_each(write_out),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// A plain object that holds arrays of JavaScript's own.
pub(crate) fn arrays<T: Serialize + Tsify>(value: &T) -> Result<Ts<T>> {
    serde_wasm_bindgen::to_value(value).map(Ts::new_unchecked).map_err(argument)
}

/// The Rust value of a plain object.
pub(crate) fn from_object<T: DeserializeOwned + Tsify>(value: &Ts<T>) -> Result<T> {
    serde_wasm_bindgen::from_value(value.js_value()).map_err(argument)
}

/// The Rust value of a plain object that holds what JSON can hold.
pub(crate) fn from_json<T: DeserializeOwned + Tsify>(value: &Ts<T>) -> Result<T> {
    let text = String::from(JSON::stringify(&value.js_value())?);
    serde_json::from_str(&text).map_err(|e| failure("SETTING", &e.to_string()))
}

/// Planar bytes as pictures of `side` pixels.
pub(crate) fn images(pixels: Vec<u8>, count: usize, side: usize) -> Result<Images> {
    Images::new(pixels, [count, side, side]).map_err(from_core)
}

/// Rows of `dim` numbers.
pub(crate) fn features(values: Vec<f32>, dim: usize) -> Result<Features> {
    if dim == 0 || !values.len().is_multiple_of(dim) {
        return Err(from_core(Error::Dimension { expected: dim, got: values.len() }));
    }
    Ok(Features { values, dim })
}

/// Numbers in memory of JavaScript's own.
pub(crate) fn floats(values: &[f32]) -> Float32Array {
    Float32Array::from(values)
}

/// The nearest neighbours of each query, nearest first.
#[derive(Debug, Serialize, Tsify)]
pub struct Found {
    /// Neighbours a query.
    k: usize,
    /// Their rows, `[queries, k]`.
    #[serde(with = "serde_wasm_bindgen::preserve")]
    #[tsify(type = "Uint32Array")]
    indices: Uint32Array,
    /// Their cosines, `[queries, k]`.
    #[serde(with = "serde_wasm_bindgen::preserve")]
    #[tsify(type = "Float32Array")]
    similarities: Float32Array,
}

impl From<&Nearest> for Found {
    fn from(nearest: &Nearest) -> Self {
        let indices: Vec<u32> = nearest.indices.iter().map(|&place| place as u32).collect();
        Self {
            k: nearest.k,
            indices: Uint32Array::from(indices.as_slice()),
            similarities: floats(&nearest.cosines),
        }
    }
}

/// Sets a property of a plain object.
pub(crate) fn set(object: &Object, name: &str, value: impl Into<JsValue>) {
    Reflect::set(object, &name.into(), &value.into()).expect("a plain object takes a property");
}
