//! Checkpoints as ONNX files.

use js_sys::Uint8Array;
use kith_core::archive::{Archive, Precision};
use kith_core::checkpoint::Meta;
use kith_core::onnx::{Input, Options, Output, write};
use serde::Deserialize;
use tsify::{Ts, Tsify};
use wasm_bindgen::prelude::*;

use crate::convert::from_object;
use crate::fail::{Result, from_core};

/// How a file is written.
#[derive(Debug, Deserialize, Tsify)]
#[serde(deny_unknown_fields)]
pub struct OnnxOptions {
    /// What it takes.
    input: OnnxInput,
    /// What it gives besides features.
    output: OnnxOutput,
    /// Weights take two bytes instead of four.
    half: bool,
}

/// What a file takes.
#[derive(Clone, Copy, Debug, Deserialize, Tsify)]
#[serde(rename_all = "lowercase")]
pub enum OnnxInput {
    /// Numbers in [0, 1], `[batch, 3, side, side]`.
    Float,
    /// Bytes, `[batch, side, side, 3 or 4]`.
    Bytes,
}

/// What a file gives besides features.
#[derive(Clone, Copy, Debug, Deserialize, Tsify)]
#[serde(rename_all = "lowercase")]
pub enum OnnxOutput {
    /// Nothing.
    Features,
    /// Logits of the checkpoint's classifier.
    Logits,
    /// What the objective compares.
    Projection,
}

/// The ONNX file of a checkpoint.
///
/// # Errors
/// Core's codes for what is no checkpoint, `SETTING` where it lacks what the output needs.
#[wasm_bindgen(js_name = exportOnnx)]
pub fn export_onnx(checkpoint: &[u8], options: Ts<OnnxOptions>) -> Result<Uint8Array> {
    let OnnxOptions { input, output, half } = from_object(&options)?;
    let archive = Archive::from_bytes(checkpoint).map_err(from_core)?;
    let meta = Meta::read(&archive).map_err(from_core)?;
    let input = match input {
        OnnxInput::Float => Input::Float,
        OnnxInput::Bytes => Input::Bytes,
    };
    let output = match output {
        OnnxOutput::Features => Output::Features,
        OnnxOutput::Logits => Output::Logits,
        OnnxOutput::Projection => Output::Projection,
    };
    let precision = if half { Precision::Half } else { Precision::Single };
    let bytes = write(&meta, &archive, Options { input, output, precision }).map_err(from_core)?;
    Ok(Uint8Array::from(bytes.as_slice()))
}
