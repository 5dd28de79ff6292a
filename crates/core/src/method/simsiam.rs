//! `SimSiam`: "Exploring Simple Siamese Representation Learning" (Chen and He 2021).

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::agreement::{self, mean_cosine, pair, views_of};
use super::contrast::Pair;
use super::predictor::{Predicted, Predictor};
use super::{Build, Loss, Method, Network, NoBuffers, Pace, Passes, Progress, Step, Steps};
use crate::augment::views::ViewCount;
use crate::error::Error;
use crate::head::HeadSettings;
use crate::metrics::Metric;

/// Settings of `SimSiam`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimsiamSettings {
    /// Shape of the predictor.
    pub predictor: HeadSettings,
    /// The predictor's learning rate over the run.
    pub predictor_rate: PredictorRate,
}

/// The predictor's learning rate over the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PredictorRate {
    /// It stays at the peak: the authors' `--fix-pred-lr`.
    Constant,
    /// It follows the schedule, as the encoder's does.
    Scheduled,
}

impl Method for SimsiamSettings {
    type Heads = Predictor;
    type Buffers = NoBuffers;

    fn views(&self) -> ViewCount {
        ViewCount::Exactly(2)
    }

    fn metrics(&self) -> Vec<Metric> {
        agreement::METRICS.to_vec()
    }

    fn check(&self, steps: &Steps) -> Result<(), Error> {
        agreement::mean_alone(steps)?;
        self.predictor.check().map_err(|e| e.below("objective.predictor"))
    }

    fn heads(&self, build: &mut Build<'_>) -> Result<Predictor, Error> {
        Predictor::new(&self.predictor, build)
    }

    fn buffers(&self, _network: &Network<Predictor>, _build: &Build<'_>) -> NoBuffers {
        NoBuffers {}
    }

    fn passes(&self) -> Passes {
        Passes::Each
    }

    fn pace(&self, parameter: &str, _progress: Progress) -> Pace {
        match self.predictor_rate {
            PredictorRate::Constant if parameter.starts_with("predictor.") => Pace::Constant,
            PredictorRate::Constant | PredictorRate::Scheduled => Pace::Scheduled,
        }
    }

    fn loss(&self, step: Step<'_, Self>) -> Loss {
        let (n, heads) = (step.batch(), &step.network.heads);
        let features = views_of(&step.features, n);
        let Predicted { projections, predictions } = heads.of_each(&features);
        let projections = pair(projections);
        let value = Self::unlikeness(pair(predictions), projections.clone());
        let compared = [pair(features), projections];
        let metrics = agreement::measured(&value, compared, step.accuracy_on);
        Loss { value, metrics }
    }
}

impl SimsiamSettings {
    /// −½ of the mean cosines of predictions with the other view's projections (equation 2), `[1]`: −1
    /// to 1.
    ///
    /// # Shapes
    /// - predictions, projections: two views, `[n, dim]` each; projections are taken as constants
    pub fn unlikeness([first, second]: Pair, [projection1, projection2]: Pair) -> Tensor<1> {
        let cosines = mean_cosine(first, projection2) + mean_cosine(second, projection1);
        cosines.mul_scalar(-0.5)
    }
}
