//! A trained encoder.

use js_sys::{Float32Array, Int32Array};
use kith_core::Error;
use kith_core::image::Images;
use kith_core::import::Told;
use kith_core::model::{Layer, Length, Model};
use kith_core::probe::Features;
use serde::Serialize;
use tsify::{Ts, Tsify};
use wasm_bindgen::prelude::*;

use crate::convert::{Found, arrays, features, floats, from_json, images, object};
use crate::engine::Engine;
use crate::fail::{Result, failure, from_core};
use crate::info::EncoderInfo;

/// A trained encoder with what came with it.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Encoder {
    model: Model,
}

#[wasm_bindgen]
impl Engine {
    /// Reads and checks a checkpoint, or a safetensors file of other software's, with its name and what is
    /// told of it.
    ///
    /// # Errors
    /// Core's codes for files that hold no encoder, `SETTING` for what is told and cannot be.
    pub fn encoder(&self, file: &[u8], name: &str, told: Option<Ts<Told>>) -> Result<Encoder> {
        let told = told.map(|told| from_json(&told)).transpose()?;
        let model = Model::open_any(file, name, told.as_ref(), self.device());
        Ok(Encoder { model: model.map_err(from_core)? })
    }
}

#[wasm_bindgen]
impl Encoder {
    /// What the checkpoint says about itself.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn info(&self) -> Result<Ts<EncoderInfo>> {
        object(&EncoderInfo::of(&self.model))
    }

    /// Features, `[count, dim]`, of the layer `backbone` or `projection`; rows of `unit` length or
    /// their `own`.
    ///
    /// # Errors
    /// `PIXEL_COUNT`, `SETTING` for another word, `MISSING_TENSOR` without a projection, `DEVICE`.
    pub async fn embed(
        &self,
        pixels: Vec<u8>,
        count: usize,
        layer: &str,
        length: &str,
    ) -> Result<Float32Array> {
        let images = images(pixels, count, self.model.meta().side)?;
        let (layer, length) = (layer_named(layer)?, length_named(length)?);
        let features = self.model.embed(&images, layer, length).await;
        Ok(floats(&features.map_err(from_core)?.values))
    }

    /// Probabilities by the classifier in the checkpoint, `[count, classes]`.
    ///
    /// # Errors
    /// `PIXEL_COUNT`, `MISSING_TENSOR` without a classifier, `DEVICE`.
    pub async fn classify(&self, pixels: Vec<u8>, count: usize) -> Result<Float32Array> {
        let images = images(pixels, count, self.model.meta().side)?;
        Ok(floats(&self.model.classify(&images).await.map_err(from_core)?.values))
    }

    /// The rows of the support set nearest to projections `[n, projectionDim]`, with their labels.
    ///
    /// # Errors
    /// `MISSING_TENSOR` without a support set, `DIMENSION`, `DEVICE`.
    #[wasm_bindgen(js_name = supportNearest)]
    pub async fn support_nearest(
        &self,
        projections: Vec<f32>,
        k: usize,
    ) -> Result<Ts<SupportFound>> {
        let projections = features(projections, self.model.meta().recipe.compared())?;
        let (nearest, labels) =
            self.model.support_nearest(&projections, k).await.map_err(from_core)?;
        let labels = Int32Array::from(labels.as_slice());
        arrays(&SupportFound { nearest: Found::from(&nearest), labels })
    }
}

impl Encoder {
    /// Side of the pictures, in pixels.
    pub(crate) fn side(&self) -> usize {
        self.model.meta().side
    }

    /// Features of the backbone, not brought to length one.
    pub(crate) async fn own_length(
        &self,
        images: &Images,
    ) -> core::result::Result<Features, Error> {
        self.model.embed(images, Layer::Backbone, Length::Own).await
    }
}

/// What a search of the support set found.
#[derive(Debug, Serialize, Tsify)]
pub struct SupportFound {
    /// The nearest rows.
    nearest: Found,
    /// Their labels, `[queries, k]`; -1 where none is known.
    #[serde(with = "serde_wasm_bindgen::preserve")]
    #[tsify(type = "Int32Array")]
    labels: Int32Array,
}

fn layer_named(name: &str) -> Result<Layer> {
    match name {
        "backbone" => Ok(Layer::Backbone),
        "projection" => Ok(Layer::Projection),
        _ => Err(failure("SETTING", &format!("layer `{name}`: expected backbone or projection"))),
    }
}

fn length_named(name: &str) -> Result<Length> {
    match name {
        "unit" => Ok(Length::Unit),
        "own" => Ok(Length::Own),
        _ => Err(failure("SETTING", &format!("length `{name}`: expected unit or own"))),
    }
}
