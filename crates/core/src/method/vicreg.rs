//! `VICReg`: variance, invariance, covariance (Bardes et al. 2022).

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::agreement::{self, each_alone, pair, views_of};
use super::contrast::Pair;
use super::units::{centred, off_diagonal};
use super::{Build, Loss, Method, Network, NoBuffers, Passes, Projector, Step, Steps};
use crate::augment::views::ViewCount;
use crate::error::Error;
use crate::matrix::Times;
use crate::metrics::{Metric, Shown, Unit};
use crate::range;

/// Settings of `VICReg`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VicregSettings {
    /// Higher makes views agree.
    pub invariance: f64,
    /// Higher keeps every unit varying: it is what prevents collapse. Of the mean of both views' terms,
    /// as in the authors' code; solo-learn adds them up, so that its 25 is 50 here.
    pub variance: f64,
    /// Higher keeps units from saying the same.
    pub covariance: f64,
}

/// Mean squared difference of the views.
const INVARIANCE: Metric = Metric {
    name: "invariance",
    word: "invariance",
    ..Metric::loss("Invariance: squared difference of the views", Unit::Loss).shown(Shown::Report)
};
/// How far units stay below a standard deviation of 1.
const VARIANCE: Metric = Metric {
    name: "variance",
    word: "variance",
    ..Metric::loss("Variance: how far units are below a deviation of 1", Unit::Loss)
        .shown(Shown::Report)
};
/// What units have in common.
const COVARIANCE: Metric = Metric {
    name: "covariance",
    word: "covariance",
    ..Metric::loss("Covariance: what units have in common", Unit::Loss).shown(Shown::Report)
};

/// Added to the variance under the root.
const EPSILON: f64 = 1e-4;

impl Method for VicregSettings {
    type Heads = Projector;
    type Buffers = NoBuffers;

    fn views(&self) -> ViewCount {
        ViewCount::Exactly(2)
    }

    fn metrics(&self) -> Vec<Metric> {
        agreement::METRICS.into_iter().chain([INVARIANCE, VARIANCE, COVARIANCE]).collect()
    }

    fn check(&self, steps: &Steps) -> Result<(), Error> {
        agreement::mean_alone(steps)?;
        let positive = |name, weight| range::within(name, weight, 0.0..=f64::MAX, "0 or more");
        positive("objective.invariance", self.invariance)?;
        positive("objective.variance", self.variance)?;
        positive("objective.covariance", self.covariance)
    }

    fn heads(&self, build: &mut Build<'_>) -> Result<Projector, Error> {
        Projector::new(build)
    }

    fn buffers(&self, _network: &Network<Projector>, _build: &Build<'_>) -> NoBuffers {
        NoBuffers {}
    }

    fn passes(&self) -> Passes {
        Passes::Each
    }

    fn loss(&self, step: Step<'_, Self>) -> Loss {
        let features = views_of(&step.features, step.batch());
        let projections = pair(each_alone(step.network.heads.projection(), &features));
        let terms = Self::terms(projections.clone());
        let value = self.weighted(&terms);
        let compared = [pair(features), projections];
        let mut metrics = agreement::measured(&value, compared, step.accuracy_on);
        metrics.extend([INVARIANCE, VARIANCE, COVARIANCE].into_iter().zip(terms));
        Loss { value, metrics }
    }
}

impl VicregSettings {
    /// Invariance, variance and covariance, `[1]` each, not weighted (section 4.1).
    ///
    /// # Shapes
    /// - projections of two views, `[n, dim]` each
    pub fn terms([first, second]: Pair) -> [Tensor<1>; 3] {
        let invariance = (first.clone() - second.clone()).square().mean();
        let variance = hinge(first.clone()) + hinge(second.clone());
        let covariance = redundancy(first) + redundancy(second);
        [invariance, variance.div_scalar(2.0), covariance]
    }

    /// The terms, weighted and added up, `[1]`.
    pub fn weighted(&self, terms: &[Tensor<1>; 3]) -> Tensor<1> {
        let [invariance, variance, covariance] = terms.clone();
        invariance.mul_scalar(self.invariance)
            + variance.mul_scalar(self.variance)
            + covariance.mul_scalar(self.covariance)
    }
}

/// How far units stay below a standard deviation of 1, on average.
fn hinge(view: Tensor<2>) -> Tensor<1> {
    let [n, _] = view.dims();
    let variance = centred(view).square().sum_dim(0).div_scalar((n - 1) as f64);
    let deviation = variance.add_scalar(EPSILON).sqrt();
    deviation.mul_scalar(-1.0).add_scalar(1.0).clamp_min(0.0).mean()
}

/// The sum of squared covariances of unlike units, by their number.
fn redundancy(view: Tensor<2>) -> Tensor<1> {
    let [n, dim] = view.dims();
    let centred = centred(view);
    let covariance = centred.clone().transpose().times(centred).div_scalar((n - 1) as f64);
    off_diagonal(covariance).square().sum().div_scalar(dim as f64)
}
