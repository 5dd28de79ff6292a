//! A linear classifier on frozen features, trained in small batches.

use burn::tensor::activation::softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};

use super::Features;
use super::linear::{LinearProbe, one_hot, upload};
use crate::error::Error;
use crate::linear::Linear;
use crate::matrix::Times;
use crate::optimizer::{AdamSettings, EpsilonForm, Moments};
use crate::rng::{Purpose, stream};
use crate::rows::products;

/// Linear evaluation as relational reasoning's script does it (Patacchiola and Storkey 2020): Adam
/// at one rate on features as they come, without augmentation or weight decay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MinibatchSettings {
    /// Passes over the pictures, at least 1.
    pub epochs: u64,
    /// Pictures a step, at least 1; the last batch of an epoch may be smaller.
    pub batch: usize,
    /// Learning rate.
    pub rate: f64,
}

impl Default for MinibatchSettings {
    fn default() -> Self {
        Self { epochs: 100, batch: 128, rate: 1e-3 }
    }
}

impl MinibatchSettings {
    /// Fits a classifier to features and their labels; the seed decides where it starts and the
    /// order of the pictures.
    ///
    /// # Errors
    /// [`Error::TooFew`] without pictures or with fewer than two classes, [`Error::Setting`] for a
    /// batch of no pictures.
    pub fn fit(
        &self,
        (features, labels): (&Features, &[u16]),
        classes: usize,
        seed: u64,
        device: &Device,
    ) -> Result<LinearProbe, Error> {
        if labels.is_empty() || classes < 2 {
            let (what, got) = ("classes with labelled pictures", classes.min(labels.len()));
            return Err(Error::TooFew { what, expected: 2, got });
        }
        if self.batch == 0 {
            return Err(Error::setting("batch", "at least 1", 0));
        }
        let device = device.clone().inner();
        let all = (upload(features, &device), one_hot(labels, classes, &device));
        let mut fresh = stream(seed, Purpose::Probe, 0, 0);
        let start = Linear::torch(features.dim, classes, &mut fresh, &device);
        let mut weight = Weights::new(start.weight());
        let mut bias = Weights::new(start.bias().unsqueeze());
        let mut steps = 0;
        for epoch in 1..=self.epochs {
            let mut order: Vec<i32> = (0..labels.len() as i32).collect();
            stream(seed, Purpose::Probe, epoch, 0).shuffle(&mut order);
            for places in order.chunks(self.batch) {
                let (x, targets) = select(&all, places, &device);
                let logits = products(x.clone(), weight.value.clone()) + bias.value.clone();
                let error = (softmax(logits, 1) - targets).div_scalar(places.len() as f64);
                bias.step(error.clone().sum_dim(0), steps, self.rate);
                weight.step(error.transpose().times(x), steps, self.rate);
                steps += 1;
            }
        }
        Ok(LinearProbe { weight: weight.value, bias: bias.value })
    }
}

/// A matrix that Adam moves, in `PyTorch`'s form.
#[derive(Debug)]
struct Weights {
    value: Tensor<2>,
    settings: AdamSettings,
    moments: Option<Moments>,
}

impl Weights {
    fn new(value: Tensor<2>) -> Self {
        const EPSILON: f64 = 1e-8;
        let (epsilon, epsilon_form) = (EPSILON, EpsilonForm::Pytorch);
        let settings = AdamSettings { epsilon, epsilon_form, ..AdamSettings::default() };
        Self { value, settings, moments: None }
    }

    /// The step after `step` steps.
    fn step(&mut self, gradient: Tensor<2>, step: usize, rate: f64) {
        let shape = self.value.dims();
        let gradient = gradient.flatten::<1>(0, 1);
        let moments = self.settings.remembered(self.moments.take(), gradient);
        let change = self.settings.change(&moments, step as u64 + 1, rate);
        self.moments = Some(moments);
        self.value = self.value.clone() - change.reshape(shape);
    }
}

/// Features and targets of the pictures at these places.
fn select(
    (x, targets): &(Tensor<2>, Tensor<2>),
    places: &[i32],
    device: &Device,
) -> (Tensor<2>, Tensor<2>) {
    let data = TensorData::new(places.to_vec(), [places.len()]);
    let places = Tensor::<1, Int>::from_data(data, device);
    (x.clone().select(0, places.clone()), targets.clone().select(0, places))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::read;

    /// Two clouds that a line through the origin cannot part.
    fn clouds() -> (Features, Vec<u16>) {
        let mut stream = stream(4, Purpose::Test, 0, 0);
        let labels: Vec<u16> = (0..60).map(|i| i % 2).collect();
        let mut number = |level: f64| (level + 0.3 * stream.normal()) as f32;
        let row = |label: &u16| [number(2.0 + 2.0 * f64::from(*label)), number(0.0)];
        let values = labels.iter().flat_map(row).collect();
        (Features { values, dim: 2 }, labels)
    }

    fn fit(settings: MinibatchSettings, seed: u64) -> LinearProbe {
        let (features, labels) = clouds();
        settings.fit((&features, &labels), 2, seed, &Device::flex()).unwrap()
    }

    #[test]
    fn clouds_are_told_apart_and_the_seed_decides_the_rest() {
        let settings = MinibatchSettings { epochs: 300, batch: 16, rate: 1e-2 };
        let (features, labels) = clouds();
        let probe = fit(settings, 1);
        assert_eq!(pollster::block_on(probe.predict(&features)).unwrap(), labels);
        let weights = |probe: LinearProbe| pollster::block_on(read(probe.weight)).unwrap();
        assert_eq!(weights(probe), weights(fit(settings, 1)));
        assert_ne!(weights(fit(settings, 1)), weights(fit(settings, 2)));
    }

    /// One batch a step is the closed gradient: against Adam's formula in f64.
    #[test]
    fn a_step_follows_the_formula() {
        let read_all = |epochs| {
            let probe = fit(MinibatchSettings { epochs, batch: 60, rate: 1e-2 }, 3);
            let [weight, bias] = [probe.weight, probe.bias].map(|x| pollster::block_on(read(x)));
            (weight.unwrap(), bias.unwrap())
        };
        let (features, labels) = clouds();
        let ((start, start_bias), (once, once_bias)) = (read_all(0), read_all(1));
        let (mut slopes, mut bias_slopes) = (vec![0.0_f64; 4], vec![0.0_f64; 2]);
        for (picture, &label) in labels.iter().enumerate() {
            let x = features.row(picture);
            let logit = |c: usize| start[2 * c] * x[0] + start[2 * c + 1] * x[1] + start_bias[c];
            let share = 1.0 / (1.0 + f64::from(logit(1) - logit(0)).exp());
            for (class, share) in [share, 1.0 - share].into_iter().enumerate() {
                let error = (share - f64::from(u8::from(usize::from(label) == class))) / 60.0;
                bias_slopes[class] += error;
                (0..2).for_each(|axis| slopes[2 * class + axis] += error * f64::from(x[axis]));
            }
        }
        // Adam's first step is the rate along the gradient's sign.
        let moved = start.iter().zip(&once).chain(start_bias.iter().zip(&once_bias));
        for ((before, after), slope) in moved.zip(slopes.iter().chain(&bias_slopes)) {
            let expected = -1e-2 * slope / (slope.abs() + 1e-8);
            let got = f64::from(after - before);
            assert!((got - expected).abs() < 1e-6, "expected {expected}, got {got}");
        }
    }

    #[test]
    fn what_cannot_be_fitted_is_refused() {
        let (features, labels) = clouds();
        let settings = MinibatchSettings::default();
        let one = settings.fit((&features, &labels), 1, 0, &Device::flex());
        assert_eq!(one.expect_err("one class").code(), "TOO_FEW");
        let none = MinibatchSettings { batch: 0, ..settings };
        let none = none.fit((&features, &labels), 2, 0, &Device::flex());
        assert_eq!(none.expect_err("no batch").code(), "SETTING");
    }
}
