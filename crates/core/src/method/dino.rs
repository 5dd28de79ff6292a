//! DINO: "Emerging Properties in Self-Supervised Vision Transformers" (Caron et al. 2021).

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use burn::tensor::activation::{log_softmax, softmax};
use serde::{Deserialize, Serialize};

use super::agreement::{self, each_alone, pair, views_of};
use super::prototypes::{self, Crops, Prototypes, scores};
use super::teacher;
use super::{Build, Loss, Method, Network, Pace, Passes, Progress, Step, Steps};
use crate::augment::views::ViewCount;
use crate::ema::Momentum;
use crate::error::Error;
use crate::head::Head;
use crate::initial;
use crate::metrics::{Metric, Shown, Unit};
use crate::range;
use crate::unit::unit_rows;

/// Settings of DINO.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DinoSettings {
    /// K: numbers of an answer.
    pub prototypes: usize,
    /// Lower makes the student's answers sharper.
    pub student_temperature: f64,
    /// Lower makes the teacher's answers sharper, which prevents that all numbers are alike.
    pub teacher_temperature: TeacherTemperature,
    /// Share of the old in the centre of the teacher's answers, which prevents that one number wins.
    pub centre_momentum: f64,
    /// How much of the teacher stays from step to step.
    pub teacher: Momentum,
    /// Epochs in which the last layer does not learn.
    pub frozen_epochs: f64,
    /// How crops go through the head.
    pub crops: Crops,
}

/// The teacher's temperature over the run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TeacherTemperature {
    /// In the first epoch.
    pub start: f64,
    /// After the warm-up.
    pub end: f64,
    /// Epochs, the first and the last one included, over which it goes from one to the other.
    pub warm_up_epochs: u64,
}

impl TeacherTemperature {
    fn at(self, progress: Progress) -> f64 {
        let epoch = progress.step / progress.epoch.max(1);
        match self.warm_up_epochs {
            epochs if epoch < epochs && epochs > 1 => {
                self.start + (self.end - self.start) * epoch as f64 / (epochs - 1) as f64
            }
            epochs if epoch < epochs => self.start,
            _ => self.end,
        }
    }

    fn check(self) -> Result<(), Error> {
        range::above_zero("start", self.start)?;
        range::above_zero("end", self.end)
    }
}

/// Projection head, and the last layer, whose rows count by their direction alone.
#[derive(Module, Debug)]
pub struct Heads {
    projection: Option<Head>,
    prototypes: Prototypes,
}

/// The teacher, and the mean of its answers.
#[derive(Module, Debug)]
pub struct Buffers {
    teacher: Network<Heads>,
    center: Param<Tensor<1>>,
}

/// Crops that the teacher sees: the first ones.
const GLOBAL: usize = 2;

/// How sure the teacher is.
const ENTROPY: Metric = Metric::number(
    "teacher_entropy",
    "Entropy of the teacher's answers (0 is sure; the logarithm of `prototypes` is none)",
    Unit::None,
)
.shown(Shown::Report);

impl Heads {
    /// Projections, `[n, dim]`.
    fn project(&self, features: Tensor<2>, crops: Crops, n: usize) -> Tensor<2> {
        let head = self.projection.as_ref();
        match crops {
            Crops::Together => Head::maybe(head, features),
            Crops::Apart => Tensor::cat(each_alone(head, &views_of(&features, n)), 0),
        }
    }

    /// Cosines of projections with the last layer's rows, `[n, prototypes]`.
    fn answers(&self, projections: Tensor<2>) -> Tensor<2> {
        scores(unit_rows(projections), unit_rows(self.prototypes.rows()))
    }
}

impl Method for DinoSettings {
    type Heads = Heads;
    type Buffers = Buffers;

    fn views(&self) -> ViewCount {
        ViewCount::AtLeast(GLOBAL)
    }

    fn metrics(&self) -> Vec<Metric> {
        agreement::METRICS.into_iter().chain([ENTROPY]).collect()
    }

    fn check(&self, steps: &Steps) -> Result<(), Error> {
        agreement::mean_alone(steps)?;
        Prototypes::check(self.prototypes)?;
        range::above_zero("objective.student_temperature", self.student_temperature)?;
        let below = |e: Error| e.below("objective.teacher_temperature");
        self.teacher_temperature.check().map_err(below)?;
        range::share("objective.centre_momentum", self.centre_momentum)?;
        self.teacher.check().map_err(|e| e.below("objective.teacher"))?;
        range::within("objective.frozen_epochs", self.frozen_epochs, 0.0..=f64::MAX, "0 or more")
    }

    fn heads(&self, build: &mut Build<'_>) -> Result<Heads, Error> {
        let projection = build.projection()?;
        let size = [self.prototypes, build.projected()];
        let prototypes = Prototypes::new(size, build.weights, build.device)?;
        Ok(Heads { projection, prototypes })
    }

    /// The teacher starts as a copy of the student.
    fn buffers(&self, network: &Network<Heads>, build: &Build<'_>) -> Buffers {
        let teacher = teacher::copy_of(&network.encoder, network.heads.clone());
        Buffers { teacher, center: initial::zeros([self.prototypes], &build.plain_device()) }
    }

    fn pace(&self, parameter: &str, progress: Progress) -> Pace {
        prototypes::pace(parameter, self.frozen_epochs, progress)
    }

    fn loss(&self, step: Step<'_, Self>) -> Loss {
        let (n, heads) = (step.batch(), &step.network.heads);
        let projections = heads.project(step.features.clone(), self.crops, n);
        let student = views_of(&heads.answers(projections.clone()), n);
        let globals = &step.views[..GLOBAL];
        let pass = Passes::BySize.at(step.precision);
        let seen = teacher::looks((&mut step.buffers.teacher, step.network), |teacher| {
            let features = teacher.features_in_parts(globals, pass, step.parts);
            vec![teacher.heads.answers(teacher.heads.project(features, self.crops, n))]
        });
        let teacher = views_of(&seen[0], n);
        let center = step.buffers.center.val();
        let temperature = self.teacher_temperature.at(step.progress);
        let targets: Vec<Tensor<2>> = teacher
            .into_iter()
            .map(|answers| Self::targets(answers, center.clone(), temperature))
            .collect();
        let value = self.distance(&student, &targets);
        step.buffers.center = initial::parameter(self.moved(center, seen[0].clone()));
        let first_two = |views: Vec<Tensor<2>>| pair(views[..GLOBAL].to_vec());
        let compared = [views_of(&step.features, n), views_of(&projections, n)].map(first_two);
        let mut metrics = agreement::measured(&value, compared, step.accuracy_on);
        metrics.push((ENTROPY, entropy(Tensor::cat(targets, 0))));
        Loss { value, metrics }
    }

    /// The teacher follows the student as it is after its step, the last layer too.
    fn after(&self, network: &Network<Heads>, buffers: &mut Buffers, progress: Progress) {
        let momentum = self.teacher.at(progress.step, progress.total);
        teacher::follow(&mut buffers.teacher, network, momentum);
    }
}

impl DinoSettings {
    /// softmax((answers − centre)/τ), `[n, K]`.
    pub fn targets(answers: Tensor<2>, center: Tensor<1>, temperature: f64) -> Tensor<2> {
        softmax((answers - center.unsqueeze()).div_scalar(temperature), 1)
    }

    /// The mean, over pairs of a teacher's crop and another crop of the student, of cross-entropies
    /// (equation 3), `[1]`.
    ///
    /// # Shapes
    /// - student: `[n, K]` a crop, the global ones first; targets: `[n, K]` a global crop, without gradient
    pub fn distance(&self, student: &[Tensor<2>], targets: &[Tensor<2>]) -> Tensor<1> {
        let chances: Vec<Tensor<2>> = student
            .iter()
            .map(|crop| log_softmax(crop.clone().div_scalar(self.student_temperature), 1))
            .collect();
        let pairs = (0..targets.len())
            .flat_map(|global| (0..student.len()).map(move |crop| (global, crop)))
            .filter(|(global, crop)| global != crop);
        let entropies: Vec<Tensor<1>> = pairs
            .map(|(global, crop)| {
                let target = targets[global].clone().inner();
                (target * chances[crop].clone()).sum_dim(1).mean().neg()
            })
            .collect();
        Tensor::cat(entropies, 0).mean()
    }

    /// The centre with the mean of a batch's answers, `[n, K]`, more.
    pub fn moved(&self, center: Tensor<1>, answers: Tensor<2>) -> Tensor<1> {
        let [_, outputs] = answers.dims();
        let now = answers.mean_dim(0).reshape([outputs]);
        center.mul_scalar(self.centre_momentum) + now.mul_scalar(1.0 - self.centre_momentum)
    }
}

/// Mean entropy of rows of chances, `[1]`.
fn entropy(chances: Tensor<2>) -> Tensor<1> {
    /// Keeps the logarithm of 0 away, which counts for nothing.
    const LEAST: f64 = 1e-30;
    let logarithms = chances.clone().clamp_min(LEAST).log();
    (chances * logarithms).sum_dim(1).mean().neg()
}
