//! A linear classifier on frozen features.

use burn::tensor::activation::softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};

use super::Features;
use super::knn::best;
use crate::archive::{Archive, Stored};
use crate::error::Error;
use crate::read::read;

/// Multinomial logistic regression on standardised features, fitted with full-batch Adam.
///
/// The rates are those of Ermolov et al. 2021 (W-MSE), whose protocol this is but for the whole
/// training set being one batch: Adam from 1e-2 to 1e-6 along an exponential, weight decay 5e-6.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinearSettings {
    /// Steps, each over all pictures.
    pub steps: usize,
    /// First learning rate.
    pub first_rate: f64,
    /// Last learning rate.
    pub last_rate: f64,
    /// Share of each weight added to its gradient.
    pub weight_decay: f64,
}

impl Default for LinearSettings {
    fn default() -> Self {
        Self { steps: 500, first_rate: 1e-2, last_rate: 1e-6, weight_decay: 5e-6 }
    }
}

/// A fitted classifier.
#[derive(Clone, Debug)]
pub struct LinearProbe {
    /// `[classes, dim]`, for features as they come (standardisation folded in).
    weight: Tensor<2>,
    /// `[1, classes]`.
    bias: Tensor<2>,
}

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;
/// A feature that varies less than this is left unscaled.
const STILL: f64 = 1e-6;

impl LinearProbe {
    /// Fits a classifier to features and their labels. Deterministic: it starts from zero.
    ///
    /// # Errors
    /// [`Error::TooFew`] without pictures or with fewer than two classes.
    pub fn fit(
        features: &Features,
        labels: &[u16],
        classes: usize,
        settings: LinearSettings,
        device: &Device,
    ) -> Result<Self, Error> {
        if labels.is_empty() || classes < 2 {
            let (what, got) = ("classes with labelled pictures", classes.min(labels.len()));
            return Err(Error::TooFew { what, expected: 2, got });
        }
        let n = features.len();
        let data = TensorData::new(features.values.clone(), [n, features.dim]);
        let x = Tensor::<2>::from_data(data, device);
        let mean = x.clone().mean_dim(0);
        let deviation = (x.clone() - mean.clone()).square().mean_dim(0).sqrt().clamp_min(STILL);
        let x = (x - mean.clone()) / deviation.clone();
        let targets = one_hot(labels, classes, device);
        let (weight, bias) = descend(x, targets, settings);
        let weight = weight / deviation;
        let bias = bias - mean.matmul(weight.clone().transpose());
        Ok(Self { weight, bias })
    }

    /// The class of each picture.
    ///
    /// # Errors
    /// [`Error::Device`] when the device fails.
    pub async fn predict(&self, features: &Features) -> Result<Vec<u16>, Error> {
        let data = TensorData::new(features.values.clone(), [features.len(), features.dim]);
        let x = Tensor::<2>::from_data(data, &self.weight.device());
        let logits = x.matmul(self.weight.clone().transpose()) + self.bias.clone();
        let [_, classes] = logits.dims();
        Ok(read(logits).await?.chunks(classes).map(best).collect())
    }

    /// Adds the probe to a checkpoint as `probe.weight` `[classes, dim]` and `probe.bias`.
    ///
    /// # Errors
    /// [`Error::Device`] when reading fails.
    pub async fn store(&self, archive: &mut Archive) -> Result<(), Error> {
        let bias = self.bias.clone().flatten::<1>(0, 1);
        archive.tensors.insert("probe.weight".into(), Stored::read(self.weight.clone()).await?);
        archive.tensors.insert("probe.bias".into(), Stored::read(bias).await?);
        Ok(())
    }
}

/// Full-batch Adam on the mean cross-entropy, by its closed gradient: weight `[classes, dim]` and
/// bias `[1, classes]`.
fn descend(x: Tensor<2>, targets: Tensor<2>, settings: LinearSettings) -> (Tensor<2>, Tensor<2>) {
    let ([n, dim], [_, classes], device) = (x.dims(), targets.dims(), x.device());
    let mut weight = Slope::new(Tensor::zeros([classes, dim], &device));
    let mut bias = Slope::new(Tensor::zeros([1, classes], &device));
    let decline = (settings.last_rate / settings.first_rate).ln() / settings.steps as f64;
    for step in 0..settings.steps {
        let logits = x.clone().matmul(weight.value.clone().transpose()) + bias.value.clone();
        let error = (softmax(logits, 1) - targets.clone()).div_scalar(n as f64);
        let shrink = weight.value.clone().mul_scalar(settings.weight_decay);
        let rate = settings.first_rate * (decline * step as f64).exp();
        bias.step(error.clone().sum_dim(0), step, rate);
        weight.step(error.transpose().matmul(x.clone()) + shrink, step, rate);
    }
    (weight.value, bias.value)
}

/// A matrix on its way down, with Adam's memory.
struct Slope {
    value: Tensor<2>,
    mean: Tensor<2>,
    square: Tensor<2>,
}

impl Slope {
    fn new(value: Tensor<2>) -> Self {
        let zero = value.zeros_like();
        Self { value, mean: zero.clone(), square: zero }
    }

    fn step(&mut self, gradient: Tensor<2>, step: usize, rate: f64) {
        let t = step as i32 + 1;
        let fresh = gradient.clone().mul_scalar(1.0 - BETA1);
        self.mean = self.mean.clone().mul_scalar(BETA1) + fresh;
        self.square =
            self.square.clone().mul_scalar(BETA2) + gradient.square().mul_scalar(1.0 - BETA2);
        let root = self.square.clone().div_scalar(1.0 - BETA2.powi(t)).sqrt().add_scalar(EPSILON);
        let change = self.mean.clone().mul_scalar(rate / (1.0 - BETA1.powi(t))) / root;
        self.value = self.value.clone() - change;
    }
}

/// `[n, classes]`, 1 at each label.
pub(crate) fn one_hot(labels: &[u16], classes: usize, device: &Device) -> Tensor<2> {
    let labels: Vec<i32> = labels.iter().map(|&label| i32::from(label)).collect();
    let n = labels.len();
    let labels = Tensor::<2, Int>::from_data(TensorData::new(labels, [n, 1]), device);
    labels.equal(Tensor::<1, Int>::arange(0..classes as i64, device).reshape([1, classes])).float()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, stream};

    /// Three clouds in the plane, far from the origin and of unlike spread.
    fn clouds() -> (Features, Vec<u16>) {
        let mut stream = stream(2, Purpose::Test, 0, 0);
        let mut features = Features { values: vec![], dim: 2 };
        let labels: Vec<u16> = (0..90).map(|i| i % 3).collect();
        for label in &labels {
            let centre = [[10.0, 0.0], [10.0, 500.0], [13.0, 0.0]][usize::from(*label)];
            let spread = [0.3, 30.0];
            for axis in 0..2 {
                features.values.push((centre[axis] + spread[axis] * stream.normal()) as f32);
            }
        }
        (features, labels)
    }

    #[test]
    fn separable_clouds_are_told_apart() {
        let (features, labels) = clouds();
        let device = Device::flex();
        let probe =
            LinearProbe::fit(&features, &labels, 3, LinearSettings::default(), &device).unwrap();
        assert_eq!(pollster::block_on(probe.predict(&features)).unwrap(), labels);
    }

    #[test]
    fn one_class_is_refused() {
        let (features, _) = clouds();
        let settings = LinearSettings::default();
        let error = LinearProbe::fit(&features, &[0; 90], 1, settings, &Device::flex());
        assert_eq!(error.expect_err("one class").code(), "TOO_FEW");
    }
}
