//! Values of core as JavaScript has them, and back.

use js_sys::{Float32Array, Object, Reflect, Uint32Array};
use kith_core::Error;
use kith_core::image::Images;
use kith_core::probe::Features;
use kith_core::probe::knn::Nearest;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::JsValue;

use crate::fail::{Result, argument, from_core};

/// A plain object.
pub(crate) fn object(value: &impl Serialize) -> Result<JsValue> {
    value.serialize(&Serializer::json_compatible()).map_err(argument)
}

/// What a plain object says.
pub(crate) fn from_object<T: DeserializeOwned>(value: JsValue) -> Result<T> {
    serde_wasm_bindgen::from_value(value).map_err(argument)
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

/// `{ k, indices, similarities }`.
pub(crate) fn found(nearest: &Nearest) -> Object {
    let indices: Vec<u32> = nearest.indices.iter().map(|&place| place as u32).collect();
    let found = Object::new();
    set(&found, "k", nearest.k as u32);
    set(&found, "indices", Uint32Array::from(indices.as_slice()));
    set(&found, "similarities", floats(&nearest.cosines));
    found
}

/// Sets a property of a plain object.
pub(crate) fn set(object: &Object, name: &str, value: impl Into<JsValue>) {
    Reflect::set(object, &name.into(), &value.into()).expect("a plain object takes a property");
}
