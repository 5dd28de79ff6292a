//! Fitting a linear probe, some epochs at a time.

use js_sys::{Float64Array, Object};
use kith_core::probe::Features;
use kith_core::probe::linear::{Balance, Fit, LinearSettings};
use kith_core::read::read;
use serde::Deserialize;
use wasm_bindgen::prelude::*;

use crate::convert::{features, floats, from_object, set};
use crate::engine::Engine;
use crate::fail::{Result, from_core};

/// Features with their labels.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Labelled {
    features: Features,
    labels: Vec<u16>,
}

#[wasm_bindgen]
impl Labelled {
    /// Features `[n, dim]` and labels `[n]`; both may be empty.
    ///
    /// # Errors
    /// `DIMENSION` when the numbers do not make a row a label.
    #[wasm_bindgen(constructor)]
    pub fn new(values: Vec<f32>, dim: usize, labels: Vec<u16>) -> Result<Self> {
        let features = features(values, dim)?;
        if features.len() != labels.len() {
            let (expected, got) = (labels.len() * dim, features.values.len());
            return Err(from_core(kith_core::Error::Dimension { expected, got }));
        }
        Ok(Self { features, labels })
    }
}

/// What a caller may change; the rest is core's.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Settings {
    epochs: Option<usize>,
    first_rate: Option<f64>,
    last_rate: Option<f64>,
    weight_decay: Option<f64>,
    balanced: bool,
}

impl Settings {
    fn resolve(self) -> LinearSettings {
        let own = LinearSettings::default();
        LinearSettings {
            steps: self.epochs.unwrap_or(own.steps),
            first_rate: self.first_rate.unwrap_or(own.first_rate),
            last_rate: self.last_rate.unwrap_or(own.last_rate),
            weight_decay: self.weight_decay.unwrap_or(own.weight_decay),
            balance: if self.balanced { Balance::Classes } else { Balance::Pictures },
        }
    }
}

/// A fit between two epochs. All pictures are one batch: an epoch is a step.
#[wasm_bindgen]
#[derive(Debug)]
pub struct ProbeFit {
    fit: Fit,
    epochs: usize,
    validation: Labelled,
}

#[wasm_bindgen]
impl ProbeFit {
    /// A fit at its start, to labels below `classes`; `settings` is `{ epochs?, firstRate?,
    /// lastRate?, weightDecay?, balanced? }`.
    ///
    /// # Errors
    /// `TOO_FEW` without pictures or with fewer than two classes, `SETTING`.
    #[wasm_bindgen(constructor)]
    pub fn new(
        engine: &Engine,
        train: &Labelled,
        validation: Labelled,
        classes: usize,
        settings: JsValue,
    ) -> Result<Self> {
        let settings = from_object::<Settings>(settings)?.resolve();
        let (epochs, device) = (settings.steps, engine.device());
        let fit = Fit::new(&train.features, &train.labels, classes, settings, device);
        Ok(Self { fit: fit.map_err(from_core)?, epochs, validation })
    }

    /// Epochs of the whole fit.
    #[wasm_bindgen(getter)]
    pub fn epochs(&self) -> usize {
        self.epochs
    }

    /// Epochs done.
    #[wasm_bindgen(getter)]
    pub fn done(&self) -> usize {
        self.fit.steps()
    }

    /// Up to `n` epochs more; `[epochs, 4]`: loss and accuracy on the training pictures before the
    /// epoch's step, and on the validation pictures after it (NaN without any).
    ///
    /// # Errors
    /// `DEVICE` when the device fails.
    pub async fn advance(&mut self, n: usize) -> Result<Float64Array> {
        let mut rows = Vec::new();
        for _ in self.fit.steps()..self.epochs.min(self.fit.steps() + n) {
            let logs = self.fit.step();
            rows.push(self.fit.score(logs));
            if !self.validation.labels.is_empty() {
                let Labelled { features, labels } = &self.validation;
                rows.push(self.fit.probe().score(features, labels));
            }
        }
        let mut numbers = Vec::new();
        let each = if self.validation.labels.is_empty() { 1 } else { 2 };
        for row in rows.chunks(each) {
            for score in row {
                numbers.extend(read(score.clone()).await.map_err(from_core)?);
            }
            numbers.resize(numbers.len().next_multiple_of(4), f32::NAN);
        }
        Ok(numbers.into_iter().map(f64::from).collect::<Vec<_>>().as_slice().into())
    }

    /// `{ weight, bias }` of the classifier as it is now, for features as they come: `[classes,
    /// dim]` and `[classes]`.
    ///
    /// # Errors
    /// `DEVICE` when the device fails.
    pub async fn result(&self) -> Result<Object> {
        let [weight, bias] = self.fit.probe().weights().await.map_err(from_core)?;
        let result = Object::new();
        set(&result, "weight", floats(&weight.values));
        set(&result, "bias", floats(&bias.values));
        Ok(result)
    }
}
