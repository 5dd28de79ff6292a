//! `MoCo` v3: "An Empirical Study of Training Self-Supervised Vision Transformers" (Chen et al. 2021).

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::agreement::{self, pair, views_of};
use super::contrast::Pair;
use super::predictor::{Predicted, Predictor};
use super::teacher::{self, Taught};
use super::{Build, Loss, Method, Network, Passes, Step, Steps};
use crate::augment::views::ViewCount;
use crate::ema::Momentum;
use crate::error::Error;
use crate::head::HeadSettings;
use crate::loss::diagonal_cross_entropy;
use crate::matrix::Times;
use crate::metrics::Metric;
use crate::range;
use crate::unit::unit_rows;

/// Settings of `MoCo` v3.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MocoV3Settings {
    /// T: lower looks harder at the most similar images of the batch.
    pub temperature: f64,
    /// Shape of the predictor, which the student alone has.
    pub predictor: HeadSettings,
    /// How much of the teacher stays from step to step.
    pub teacher: Momentum,
}

impl Method for MocoV3Settings {
    type Heads = Predictor;
    type Buffers = Taught;

    fn views(&self) -> ViewCount {
        ViewCount::Exactly(2)
    }

    fn metrics(&self) -> Vec<Metric> {
        agreement::METRICS.to_vec()
    }

    fn check(&self, steps: &Steps) -> Result<(), Error> {
        agreement::mean_alone(steps)?;
        range::above_zero("objective.temperature", self.temperature)?;
        self.teacher.check().map_err(|e| e.below("objective.teacher"))?;
        self.predictor.check().map_err(|e| e.below("objective.predictor"))
    }

    fn heads(&self, build: &mut Build<'_>) -> Result<Predictor, Error> {
        Predictor::new(&self.predictor, build)
    }

    /// The teacher starts as a copy of the student.
    fn buffers(&self, network: &Network<Predictor>, _build: &Build<'_>) -> Taught {
        Taught::by(&network.encoder, network.heads.projector())
    }

    fn passes(&self) -> Passes {
        Passes::Each
    }

    /// Queries, then the teacher's step towards the student, then keys.
    fn loss(&self, step: Step<'_, Self>) -> Loss {
        let (n, heads) = (step.batch(), &step.network.heads);
        let features = views_of(&step.features, n);
        let Predicted { projections, predictions: queries } = heads.of_each(&features);
        let momentum = self.teacher.at(step.progress.step, step.progress.total);
        teacher::follow(&mut step.buffers.teacher, step.network, momentum);
        let keys = pair(teacher::targets(
            (&mut step.buffers.teacher, step.network),
            step.views,
            Passes::Each.at(step.precision),
            step.parts,
        ));
        let value = self.contrast(pair(queries), keys);
        let compared = [pair(features), pair(projections)];
        let metrics = agreement::measured(&value, compared, step.accuracy_on);
        Loss { value, metrics }
    }
}

impl MocoV3Settings {
    /// 2T times the cross-entropies of each view's queries among the other view's keys, both
    /// directions added, `[1]`.
    ///
    /// # Shapes
    /// - queries, keys: two views, `[n, dim]` each; keys are taken as constants
    pub fn contrast(&self, [query1, query2]: Pair, [key1, key2]: Pair) -> Tensor<1> {
        let ask = |query, key: Tensor<2>| {
            let similarities = unit_rows(query).times(unit_rows(key.inner()).transpose());
            let entropy = diagonal_cross_entropy(similarities.div_scalar(self.temperature));
            entropy.mean().mul_scalar(2.0 * self.temperature)
        };
        ask(query1, key2) + ask(query2, key1)
    }
}
