//! Barlow Twins (Zbontar et al. 2021).

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::agreement::{self, each_alone, pair, views_of};
use super::contrast::Pair;
use super::units::{centred, diagonal, off_diagonal};
use super::{Build, Loss, Method, Network, NoBuffers, Passes, Projector, Step, Steps};
use crate::augment::views::ViewCount;
use crate::error::Error;
use crate::matrix::Times;
use crate::metrics::Metric;
use crate::range;

/// Settings of Barlow Twins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BarlowSettings {
    /// λ: higher keeps units from saying the same, lower makes views agree.
    pub redundancy_weight: f64,
    /// What the whole loss is multiplied by (0.1 in solo-learn, 0.024 in the authors' later code): it
    /// matters beside weight decay alone.
    #[serde(default = "whole")]
    pub scale: f64,
}

fn whole() -> f64 {
    1.0
}

/// Added to the variance of each unit, as in a batch normalisation.
const EPSILON: f64 = 1e-5;

impl Method for BarlowSettings {
    type Heads = Projector;
    type Buffers = NoBuffers;

    fn views(&self) -> ViewCount {
        ViewCount::Exactly(2)
    }

    fn metrics(&self) -> Vec<Metric> {
        agreement::METRICS.to_vec()
    }

    fn check(&self, steps: &Steps) -> Result<(), Error> {
        agreement::mean_alone(steps)?;
        range::above_zero("objective.redundancy_weight", self.redundancy_weight)?;
        range::above_zero("objective.scale", self.scale)
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
        let value = self.redundancy(projections.clone());
        let compared = [pair(features), projections];
        let metrics = agreement::measured(&value, compared, step.accuracy_on);
        Loss { value: value.mul_scalar(self.scale), metrics }
    }
}

impl BarlowSettings {
    /// Σᵢ(1 − Cᵢᵢ)² + λ·Σᵢ≠ⱼCᵢⱼ², with C the correlations of units across the views (equation 1), `[1]`.
    ///
    /// # Shapes
    /// - projections of two views, `[n, dim]` each
    pub fn redundancy(&self, projections: Pair) -> Tensor<1> {
        let [n, _] = projections[0].dims();
        let [first, second] = projections.map(standardised);
        let correlations = first.transpose().times(second).div_scalar(n as f64);
        let own = diagonal(correlations.clone()).sub_scalar(1.0).square().sum();
        own + off_diagonal(correlations).square().sum().mul_scalar(self.redundancy_weight)
    }
}

/// Each unit with mean 0 and variance 1 over the batch.
fn standardised(view: Tensor<2>) -> Tensor<2> {
    let centred = centred(view);
    let variance = centred.clone().square().mean_dim(0);
    centred / variance.add_scalar(EPSILON).sqrt()
}
