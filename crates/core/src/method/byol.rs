//! BYOL: "Bootstrap Your Own Latent" (Grill et al. 2020).

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::agreement::{self, mean_cosine, pair, views_of};
use super::contrast::Pair;
use super::predictor::{Predicted, Predictor};
use super::teacher::{self, Taught};
use super::{Build, Loss, Method, Network, Passes, Progress, Step, Steps};
use crate::augment::views::ViewCount;
use crate::ema::Momentum;
use crate::error::Error;
use crate::head::HeadSettings;
use crate::metrics::Metric;

/// Settings of BYOL.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ByolSettings {
    /// Shape of the predictor, which the student alone has.
    pub predictor: HeadSettings,
    /// How much of the teacher stays from step to step.
    pub teacher: Momentum,
}

impl Method for ByolSettings {
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

    fn loss(&self, step: Step<'_, Self>) -> Loss {
        let (n, heads) = (step.batch(), &step.network.heads);
        let features = views_of(&step.features, n);
        let Predicted { projections, predictions } = heads.of_each(&features);
        let targets = pair(teacher::targets(
            (&mut step.buffers.teacher, step.network),
            step.views,
            Passes::Each.at(step.precision),
            step.parts,
        ));
        let value = Self::distance(pair(predictions), targets);
        let compared = [pair(features), pair(projections)];
        let metrics = agreement::measured(&value, compared, step.accuracy_on);
        Loss { value, metrics }
    }

    /// The teacher follows the student as it is after its step.
    fn after(&self, network: &Network<Predictor>, buffers: &mut Taught, progress: Progress) {
        let momentum = self.teacher.at(progress.step, progress.total);
        teacher::follow(&mut buffers.teacher, network, momentum);
    }
}

impl ByolSettings {
    /// Mean squared distance of unit predictions from the other view's unit targets, both directions
    /// added (equation 2), `[1]`: 0 to 8.
    ///
    /// # Shapes
    /// - predictions, targets: two views, `[n, dim]` each; targets have no gradient
    pub fn distance([first, second]: Pair, [target1, target2]: Pair) -> Tensor<1> {
        let apart =
            |prediction, target| mean_cosine(prediction, target).mul_scalar(-2.0).add_scalar(2.0);
        apart(first, target2) + apart(second, target1)
    }
}
