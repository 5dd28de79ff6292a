//! The minimum of the penalised cross-entropy.

#[cfg(feature = "cpu")]
use burn::backend::Flex;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Tensor, TensorData};

#[cfg(feature = "cpu")]
use super::cpu::CrossEntropy;
use super::{Balance, LinearProbe, one_hot, upload};
#[cfg(feature = "cpu")]
use crate::array::plain;
#[cfg(feature = "cpu")]
use crate::device::is_cpu;
use crate::error::Error;
use crate::matrix::Times;
use crate::probe::Labelled;
use crate::probe::lbfgs::{Point, Until, minimise};
use crate::read::read;
use crate::rows::{columns, products};
#[cfg(feature = "cpu")]
use crate::vectors::widest;

/// Weights are found to this gradient.
const UNTIL: Until = Until { gradient: 3e-6, iterations: 300 };
/// A feature that varies less than this is left unscaled.
const STILL: f64 = 1e-6;

/// Labelled images on a device, between two strengths.
#[derive(Debug)]
pub(super) struct Problem {
    /// Standardised features, `[n, dim]`.
    x: Tensor<2>,
    /// The same, `[dim, n]`.
    columns: Tensor<2>,
    /// `[n, classes]`.
    targets: Tensor<2>,
    /// The same as numbers of classes, `[n]`.
    #[cfg(feature = "cpu")]
    labels: Vec<u16>,
    /// What each image weighs; they sum to 1. `[n, 1]`.
    shares: Tensor<2>,
    /// `[1, dim]`.
    mean: Tensor<2>,
    /// `[1, dim]`.
    deviation: Tensor<2>,
}

impl Problem {
    pub(super) fn new(images: Labelled<'_>, balance: Balance, device: &Device) -> Self {
        let Labelled { features, labels, classes } = images;
        let x = upload(features, device);
        let mean = x.clone().mean_dim(0);
        let deviation = (x.clone() - mean.clone()).square().mean_dim(0).sqrt().clamp_min(STILL);
        let x = (x - mean.clone()) / deviation.clone();
        let shares = balance.shares(labels, classes);
        let shares = Tensor::from_data(TensorData::new(shares, [labels.len(), 1]), device);
        let targets = one_hot(labels, classes, device);
        Self {
            columns: columns(x.clone()),
            x,
            targets,
            #[cfg(feature = "cpu")]
            labels: labels.to_vec(),
            shares,
            mean,
            deviation,
        }
    }

    /// `[classes, dim, numbers of the classifier]`.
    fn sizes(&self) -> [usize; 3] {
        let ([_, classes], [_, dim]) = (self.targets.dims(), self.x.dims());
        [classes, dim, classes * dim + classes]
    }

    /// Weights, row by row, and then biases: the minimum at a strength.
    pub(super) async fn solve(&self, start: Vec<f64>, strength: f64) -> Result<Vec<f64>, Error> {
        minimise(start, UNTIL, async |weights: &[f64]| self.point(weights, strength).await).await
    }

    async fn point(&self, weights: &[f64], strength: f64) -> Result<Point, Error> {
        let [classes, dim, numbers] = self.sizes();
        let all = self.slopes(weights).await?;
        let mut value = f64::from(all[numbers]);
        if !value.is_finite() {
            let expected = "numbers whose squares have a sum";
            return Err(Error::setting("features", expected, format!("a loss of {value}")));
        }
        let mut gradient: Vec<f64> = all[..numbers].iter().map(|&slope| f64::from(slope)).collect();
        for (slope, weight) in gradient.iter_mut().zip(weights).take(classes * dim) {
            *slope += strength * weight;
            value += strength / 2.0 * weight * weight;
        }
        Ok(Point { value, gradient })
    }

    /// The cross-entropy's gradient by weights and biases, and then the cross-entropy.
    async fn slopes(&self, weights: &[f64]) -> Result<Vec<f32>, Error> {
        let (weight, bias) = self.placed(weights);
        #[cfg(feature = "cpu")]
        if is_cpu(&self.x.device()) {
            return Ok(self.slopes_in_one_pass(weight, bias));
        }
        let logs = log_softmax(products(self.x.clone(), weight) + bias, 1);
        let error = (logs.clone().exp() - self.targets.clone()) * self.shares.clone();
        let loss = (logs * self.targets.clone() * self.shares.clone()).sum().neg();
        let bias_slope = error.clone().sum_dim(0).flatten::<1>(0, 1);
        let slope = products(error.transpose(), self.columns.clone()).flatten::<1>(0, 1);
        read(Tensor::cat(vec![slope, bias_slope, loss], 0)).await
    }

    #[cfg(feature = "cpu")]
    fn slopes_in_one_pass(&self, weight: Tensor<2>, bias: Tensor<2>) -> Vec<f32> {
        let mut logits = plain(weight.times(self.columns.clone())).to_contiguous();
        let (bias, shares) =
            (plain(bias).to_contiguous(), plain(self.shares.clone()).to_contiguous());
        let (entropy, off) = widest(CrossEntropy {
            logits: logits.storage_mut(),
            biases: bias.storage(),
            labels: &self.labels,
            shares: shares.storage(),
        });
        let errors: Tensor<2> = Tensor::from_primitive::<Flex>(logits);
        let slope = plain(products(errors, self.columns.clone())).to_contiguous();
        let others = off.into_iter().chain([entropy]).map(|number| number as f32);
        slope.storage().iter().copied().chain(others).collect()
    }

    /// `[classes, dim]` and `[1, classes]`.
    fn placed(&self, weights: &[f64]) -> (Tensor<2>, Tensor<2>) {
        let [classes, dim, _] = self.sizes();
        let (weight, bias) = weights.split_at(classes * dim);
        let tensor = |numbers: &[f64], shape| {
            let numbers: Vec<f32> = numbers.iter().map(|&number| number as f32).collect();
            Tensor::from_data(TensorData::new(numbers, shape), &self.x.device())
        };
        (tensor(weight, [classes, dim]), tensor(bias, [1, classes]))
    }

    /// The classifier of weights, for features as they come.
    pub(super) fn probe(&self, weights: &[f64]) -> LinearProbe {
        let (weight, bias) = self.placed(weights);
        let weight = weight / self.deviation.clone();
        let shift = self.mean.clone().times(weight.clone().transpose());
        LinearProbe { weight, bias: bias - shift }
    }
}
