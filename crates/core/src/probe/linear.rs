//! A linear classifier on frozen features.

use burn::tensor::activation::{log_softmax, softmax};
use burn::tensor::{Device, Int, Tensor, TensorData};

use super::Features;
use super::knn::best;
use crate::archive::{Archive, Stored};
use crate::error::Error;
use crate::optimizer::{AdamSettings, EpsilonForm, Moments};
use crate::read::read;
use crate::rows::{columns, products};

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
    /// What pictures of classes of unlike size weigh.
    pub balance: Balance,
}

impl Default for LinearSettings {
    fn default() -> Self {
        Self {
            steps: 500,
            first_rate: 1e-2,
            last_rate: 1e-6,
            weight_decay: 5e-6,
            balance: Balance::default(),
        }
    }
}

/// A fitted classifier.
#[derive(Clone, Debug)]
pub struct LinearProbe {
    /// `[classes, dim]`, for features as they come (standardisation folded in).
    pub(super) weight: Tensor<2>,
    /// `[1, classes]`.
    pub(super) bias: Tensor<2>,
}

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
        let mut fit = Fit::new(features, labels, classes, settings, device)?;
        (0..settings.steps).for_each(|_| {
            fit.step();
        });
        Ok(fit.probe())
    }

    /// The class of each picture.
    ///
    /// # Errors
    /// [`Error::Device`] when the device fails.
    pub async fn predict(&self, features: &Features) -> Result<Vec<u16>, Error> {
        let [classes, _] = self.weight.dims();
        let logits = read(self.logits(features)).await?;
        Ok(logits.chunks(classes).map(best).collect())
    }

    /// Probabilities of the classes of each picture, `[n, classes]`; a row sums to 1.
    ///
    /// # Errors
    /// [`Error::Device`] when the device fails.
    pub async fn probabilities(&self, features: &Features) -> Result<Vec<f32>, Error> {
        read(softmax(self.logits(features), 1)).await
    }

    /// `[n, classes]`.
    fn logits(&self, features: &Features) -> Tensor<2> {
        let x = upload(features, &self.weight.device());
        products(x, self.weight.clone()) + self.bias.clone()
    }

    /// Mean cross-entropy and share told right, of features with their labels, `[2]`, unread.
    pub fn score(&self, features: &Features, labels: &[u16]) -> Tensor<1> {
        let [classes, _] = self.weight.dims();
        let targets = one_hot(labels, classes, &self.weight.device());
        let truth = targets.clone().argmax(1);
        measure(log_softmax(self.logits(features), 1), targets, truth)
    }

    /// Waits for the weights, `[classes, dim]`, and the biases, `[classes]`.
    ///
    /// # Errors
    /// [`Error::Device`] when reading fails.
    pub async fn weights(&self) -> Result<[Stored; 2], Error> {
        let bias = self.bias.clone().flatten::<1>(0, 1);
        Ok([Stored::read(self.weight.clone()).await?, Stored::read(bias).await?])
    }

    /// Adds the probe to a checkpoint as `probe.weight` `[classes, dim]` and `probe.bias`.
    ///
    /// # Errors
    /// [`Error::Device`] when reading fails.
    pub async fn store(&self, archive: &mut Archive) -> Result<(), Error> {
        let [weight, bias] = self.weights().await?;
        archive.tensors.insert("probe.weight".into(), weight);
        archive.tensors.insert("probe.bias".into(), bias);
        Ok(())
    }
}

/// `[n, dim]`.
pub(crate) fn upload(features: &Features, device: &Device) -> Tensor<2> {
    let data = TensorData::new(features.values.clone(), [features.len(), features.dim]);
    Tensor::from_data(data, device)
}

/// Mean cross-entropy of log-probabilities with one-hot targets and share told right, `[2]`; the
/// truth is the targets' places, `[n, 1]`.
fn measure(logs: Tensor<2>, targets: Tensor<2>, truth: Tensor<2, Int>) -> Tensor<1> {
    let right = truth.equal(logs.clone().argmax(1)).float().mean();
    let loss = (logs * targets).sum_dim(1).mean().neg();
    Tensor::cat(vec![loss, right], 0)
}

/// A fit between two steps: full-batch Adam on the mean cross-entropy, by its closed gradient.
#[derive(Debug)]
pub struct Fit {
    settings: LinearSettings,
    /// Standardised features, `[n, dim]`.
    x: Tensor<2>,
    /// The same, `[dim, n]`.
    columns: Tensor<2>,
    /// `[n, classes]`.
    targets: Tensor<2>,
    /// The class of each picture, `[n, 1]`.
    truth: Tensor<2, Int>,
    /// What each picture weighs; they sum to 1. `[n, 1]`.
    shares: Tensor<2>,
    mean: Tensor<2>,
    deviation: Tensor<2>,
    weight: Weights,
    bias: Weights,
    steps: usize,
}

impl Fit {
    /// A fit at its start, from zero.
    ///
    /// # Errors
    /// [`Error::TooFew`] without pictures or with fewer than two classes.
    pub fn new(
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
        let x = upload(features, device);
        let mean = x.clone().mean_dim(0);
        let deviation = (x.clone() - mean.clone()).square().mean_dim(0).sqrt().clamp_min(STILL);
        let x = (x - mean.clone()) / deviation.clone();
        let shares = settings.balance.shares(labels, classes);
        let shares = Tensor::from_data(TensorData::new(shares, [labels.len(), 1]), device);
        let weight = Weights::new(Tensor::zeros([classes, features.dim], device));
        let bias = Weights::new(Tensor::zeros([1, classes], device));
        let targets = one_hot(labels, classes, device);
        let columns = columns(x.clone());
        let (truth, steps) = (targets.clone().argmax(1), 0);
        Ok(Self {
            settings,
            x,
            columns,
            targets,
            truth,
            shares,
            mean,
            deviation,
            weight,
            bias,
            steps,
        })
    }

    /// Steps done.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// One step over all pictures; gives the logarithms of their probabilities before it, `[n,
    /// classes]`, unread.
    pub fn step(&mut self) -> Tensor<2> {
        let LinearSettings { steps, first_rate, last_rate, weight_decay, .. } = self.settings;
        let decline = (last_rate / first_rate).ln() / steps as f64;
        let rate = first_rate * (decline * self.steps as f64).exp();
        let weight = self.weight.value.clone();
        let logits = products(self.x.clone(), weight.clone()) + self.bias.value.clone();
        let logs = log_softmax(logits, 1);
        let error = (logs.clone().exp() - self.targets.clone()) * self.shares.clone();
        let shrink = weight.mul_scalar(weight_decay);
        self.bias.step(error.clone().sum_dim(0), self.steps, rate);
        let slope = products(error.transpose(), self.columns.clone());
        self.weight.step(slope + shrink, self.steps, rate);
        self.steps += 1;
        logs
    }

    /// Mean cross-entropy and share told right of what a step gave, `[2]`, unread.
    pub fn score(&self, logs: Tensor<2>) -> Tensor<1> {
        measure(logs, self.targets.clone(), self.truth.clone())
    }

    /// The classifier as it is now.
    pub fn probe(&self) -> LinearProbe {
        let weight = self.weight.value.clone() / self.deviation.clone();
        let shift = self.mean.clone().matmul(weight.clone().transpose());
        LinearProbe { weight, bias: self.bias.value.clone() - shift }
    }
}

/// What pictures of classes of unlike size weigh.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Balance {
    /// Every picture the same.
    #[default]
    Pictures,
    /// Every class the same.
    Classes,
}

impl Balance {
    /// What each picture weighs; they sum to 1.
    fn shares(self, labels: &[u16], classes: usize) -> Vec<f32> {
        let mut counts = vec![0; classes];
        labels.iter().for_each(|&label| counts[usize::from(label)] += 1);
        let present = counts.iter().filter(|&&count| count > 0).count();
        let share = |&label: &u16| match self {
            Self::Pictures => 1.0 / labels.len() as f32,
            Self::Classes => 1.0 / (present * counts[usize::from(label)]) as f32,
        };
        labels.iter().map(share).collect()
    }
}

/// A matrix that Adam moves, in `PyTorch`'s form.
#[derive(Debug)]
pub(super) struct Weights {
    pub(super) value: Tensor<2>,
    settings: AdamSettings,
    moments: Option<Moments>,
}

impl Weights {
    pub(super) fn new(value: Tensor<2>) -> Self {
        const EPSILON: f64 = 1e-8;
        let (epsilon, epsilon_form) = (EPSILON, EpsilonForm::Pytorch);
        let settings = AdamSettings { epsilon, epsilon_form, ..AdamSettings::default() };
        Self { value, settings, moments: None }
    }

    /// The step after `step` steps.
    pub(super) fn step(&mut self, gradient: Tensor<2>, step: usize, rate: f64) {
        let shape = self.value.dims();
        let gradient = gradient.flatten::<1>(0, 1);
        let moments = self.settings.remembered(self.moments.take(), gradient);
        let change = self.settings.change(&moments, step as u64 + 1, rate);
        self.moments = Some(moments);
        self.value = self.value.clone() - change.reshape(shape);
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
    fn the_loss_falls_and_the_score_agrees_with_the_steps() {
        let (features, labels) = clouds();
        let settings = LinearSettings { steps: 20, ..Default::default() };
        let mut fit = Fit::new(&features, &labels, 3, settings, &Device::flex()).unwrap();
        let value = |x: Tensor<1>| pollster::block_on(read(x)).unwrap();
        let logs = fit.step();
        let first = value(fit.score(logs));
        assert!((first[0] - 3.0_f32.ln()).abs() < 1e-5, "from zero every class is as likely");
        (1..20).for_each(|_| {
            fit.step();
        });
        let score = value(fit.probe().score(&features, &labels));
        let logs = fit.step();
        let next = value(fit.score(logs));
        assert!(score[0] < first[0], "expected less than {first:?}, got {score:?}");
        assert!((score[0] - next[0]).abs() < 1e-3 * next[0], "{score:?} is not {next:?}");
    }

    #[test]
    fn balanced_classes_weigh_the_same() {
        assert_eq!(
            Balance::Classes.shares(&[0, 0, 0, 2], 3),
            [1.0 / 6.0, 1.0 / 6.0, 1.0 / 6.0, 0.5]
        );
        assert_eq!(Balance::Pictures.shares(&[0, 0, 0, 2], 3), [0.25; 4]);
    }

    #[test]
    fn one_class_is_refused() {
        let (features, _) = clouds();
        let settings = LinearSettings::default();
        let error = LinearProbe::fit(&features, &[0; 90], 1, settings, &Device::flex());
        assert_eq!(error.expect_err("one class").code(), "TOO_FEW");
    }
}
