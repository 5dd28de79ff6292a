//! Fitting a linear probe, one strength of the penalty after the other.

use js_sys::{Float32Array, Float64Array};
use kith_core::Device;
use kith_core::probe::linear::{Balance, Fitted, LinearFit, LinearSettings, Parts};
use kith_core::probe::{Features, Labelled};
use serde::{Deserialize, Serialize};
use tsify::{Ts, Tsify};
use wasm_bindgen::prelude::*;

use crate::convert::{arrays, features, floats, from_object};
use crate::engine::Engine;
use crate::fail::{Result, from_core};

/// Places of labels that are kept aside to validate: a share of every class, drawn by a seed.
#[wasm_bindgen(js_name = keepAside)]
pub fn keep_aside(labels: &[u16], share: f64, seed: f64) -> Vec<u32> {
    kith_core::protocol::keep_aside(labels, share, seed as u64).1
}

/// What is to be fitted, and how.
#[derive(Debug, Deserialize, Tsify)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FitOptions {
    /// Labels are below it.
    classes: usize,
    /// Strength of the penalty; chosen by cross-validation where none is given.
    #[tsify(optional)]
    strength: Option<f64>,
    /// Every class counts the same, whatever its number of pictures.
    balanced: bool,
}

/// A linear classifier in `PyTorch`'s layout, and how it was found.
#[derive(Debug, Serialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct FittedProbe {
    /// `[classes, dim]`.
    #[serde(with = "serde_wasm_bindgen::preserve")]
    #[tsify(type = "Float32Array")]
    weight: Float32Array,
    /// `[classes]`.
    #[serde(with = "serde_wasm_bindgen::preserve")]
    #[tsify(type = "Float32Array")]
    bias: Float32Array,
    /// Strength of the penalty.
    strength: f64,
    /// Probabilities by classifiers of that strength that were fitted without the picture, `[n,
    /// classes]`; NaN where none could judge it.
    #[serde(with = "serde_wasm_bindgen::preserve")]
    #[tsify(type = "Float32Array")]
    held_out: Float32Array,
}

/// A fit between two strengths, with its pictures.
#[wasm_bindgen]
#[derive(Debug)]
pub struct ProbeFit {
    features: Features,
    labels: Vec<u16>,
    classes: usize,
    fit: LinearFit,
    device: Device,
}

#[wasm_bindgen]
impl Engine {
    /// A fit at its start, to features `[n, dim]` and labels `[n]`.
    ///
    /// # Errors
    /// `DIMENSION` when the numbers do not make a row a label, `TOO_FEW` without pictures or with
    /// fewer than two classes, `SETTING`.
    pub fn fit(
        &self,
        rows: Vec<f32>,
        dim: usize,
        labels: Vec<u16>,
        options: Ts<FitOptions>,
    ) -> Result<ProbeFit> {
        let FitOptions { classes, strength, balanced } = from_object(&options)?;
        let features = features(rows, dim)?;
        if features.len() != labels.len() {
            let (expected, got) = (labels.len() * dim, features.values.len());
            return Err(from_core(kith_core::Error::Dimension { expected, got }));
        }
        let balance = if balanced { Balance::Classes } else { Balance::Pictures };
        let settings = LinearSettings { strength, balance };
        let images = Labelled { features: &features, labels: &labels, classes };
        let fit = LinearFit::new(images, settings, &Parts::of(&labels)).map_err(from_core)?;
        Ok(ProbeFit { features, labels, classes, fit, device: self.device().clone() })
    }
}

#[wasm_bindgen]
impl ProbeFit {
    /// The next strength on pictures that are kept aside: the strength, their mean cross-entropy, the
    /// share of them told right. Empty where all strengths that promise anything are tried.
    ///
    /// # Errors
    /// `DEVICE` when the device fails.
    pub async fn advance(&mut self) -> Result<Float64Array> {
        let Self { features, labels, classes, fit, device } = self;
        let images = Labelled { features, labels, classes: *classes };
        let tried = fit.advance(images, device).await.map_err(from_core)?;
        let numbers = tried.map(|tried| [tried.strength, tried.loss, tried.accuracy]);
        Ok(numbers.as_ref().map_or(&[][..], |numbers| &numbers[..]).into())
    }

    /// The classifier of the best strength so far, fitted to all pictures.
    ///
    /// # Errors
    /// `DEVICE` when the device fails.
    pub async fn finish(&self) -> Result<Ts<FittedProbe>> {
        let Self { features, labels, classes, fit, device } = self;
        let images = Labelled { features, labels, classes: *classes };
        let fitted = fit.finish(images, device).await.map_err(from_core)?;
        let Fitted { probe, strength, held_out, .. } = fitted;
        let [weight, bias] = probe.weights().await.map_err(from_core)?;
        arrays(&FittedProbe {
            weight: floats(&weight.values),
            bias: floats(&bias.values),
            strength,
            held_out: floats(&held_out),
        })
    }
}
