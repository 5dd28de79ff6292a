//! Fitting a linear probe, some epochs at a time.

use js_sys::{Float32Array, Float64Array};
use kith_core::probe::Features;
use kith_core::probe::linear::{Balance, Fit, LinearSettings};
use kith_core::read::read;
use serde::{Deserialize, Serialize};
use tsify::{Ts, Tsify};
use wasm_bindgen::prelude::*;

use crate::convert::{arrays, features, floats, from_object};
use crate::engine::Engine;
use crate::fail::{Result, from_core};

/// Features with their labels.
#[derive(Debug)]
struct Labelled {
    features: Features,
    labels: Vec<u16>,
}

impl Labelled {
    /// Splits rows with their labels: the first `training` ones, and the rest.
    fn split(all: Features, labels: &[u16], training: usize) -> Result<[Self; 2]> {
        let Features { values, dim } = all;
        let expected = labels.len() * dim;
        if values.len() != expected || training > labels.len() {
            let got = values.len();
            return Err(from_core(kith_core::Error::Dimension { expected, got }));
        }
        let (rows, labels) = (values.split_at(training * dim), labels.split_at(training));
        let part = |values: &[f32], labels: &[u16]| Self {
            features: Features { values: values.to_vec(), dim },
            labels: labels.to_vec(),
        };
        Ok([part(rows.0, labels.0), part(rows.1, labels.1)])
    }
}

/// Places of labels that are kept aside to validate: a share of every class, drawn by a seed.
#[wasm_bindgen(js_name = keepAside)]
pub fn keep_aside(labels: &[u16], share: f64, seed: f64) -> Vec<u32> {
    kith_core::protocol::keep_aside(labels, share, seed as u64).1
}

/// What is to be fitted, and how. What is left out has the default of [`LinearSettings`].
#[derive(Debug, Deserialize, Tsify)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FitOptions {
    /// Labels are below it.
    classes: usize,
    /// The first rows, so many, train; the rest validate.
    training: usize,
    /// Steps, each over all pictures.
    #[tsify(optional)]
    epochs: Option<usize>,
    /// First learning rate.
    #[tsify(optional)]
    first_rate: Option<f64>,
    /// Last learning rate.
    #[tsify(optional)]
    last_rate: Option<f64>,
    /// Weight decay.
    #[tsify(optional)]
    weight_decay: Option<f64>,
    /// Every class counts the same, whatever its number of pictures.
    balanced: bool,
}

impl FitOptions {
    fn settings(&self) -> LinearSettings {
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

/// Weights of a linear classifier in `PyTorch`'s layout.
#[derive(Debug, Serialize, Tsify)]
pub struct FittedWeights {
    /// `[classes, dim]`.
    #[serde(with = "serde_wasm_bindgen::preserve")]
    #[tsify(type = "Float32Array")]
    weight: Float32Array,
    /// `[classes]`.
    #[serde(with = "serde_wasm_bindgen::preserve")]
    #[tsify(type = "Float32Array")]
    bias: Float32Array,
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
        labels: &[u16],
        options: Ts<FitOptions>,
    ) -> Result<ProbeFit> {
        let options: FitOptions = from_object(&options)?;
        let (settings, classes) = (options.settings(), options.classes);
        let [train, validation] = Labelled::split(features(rows, dim)?, labels, options.training)?;
        let epochs = settings.steps;
        let fit = Fit::new(&train.features, &train.labels, classes, settings, self.device());
        Ok(ProbeFit { fit: fit.map_err(from_core)?, epochs, validation })
    }
}

#[wasm_bindgen]
impl ProbeFit {
    /// Epochs of the whole fit.
    pub fn epochs(&self) -> usize {
        self.epochs
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

    /// The classifier as it is now, for features as they come.
    ///
    /// # Errors
    /// `DEVICE` when the device fails.
    pub async fn result(&self) -> Result<Ts<FittedWeights>> {
        let [weight, bias] = self.fit.probe().weights().await.map_err(from_core)?;
        arrays(&FittedWeights { weight: floats(&weight.values), bias: floats(&bias.values) })
    }
}
