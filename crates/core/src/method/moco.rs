//! `MoCo` v2: "Improved Baselines with Momentum Contrastive Learning" (Chen et al. 2020; He et al.
//! 2020).

use burn::module::Module;
use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};

use super::agreement::{self, each_alone, views_of};
use super::contrast::Terms;
use super::teacher::{self, Teacher};
use super::{Build, Loss, Method, Network, Passes, Projector, Step, Steps};
use crate::augment::views::ViewCount;
use crate::ema::Momentum;
use crate::error::Error;
use crate::loss::cross_entropy;
use crate::matrix::Times;
use crate::metrics::{self, Metric};
use crate::range;
use crate::support::{SupportSet, UNKNOWN};
use crate::unit::unit_rows;

/// Settings of `MoCo` v2.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MocoSettings {
    /// T: lower looks harder at the most similar keys.
    pub temperature: f64,
    /// Keys of earlier images, which repel: more are more negatives, but staler ones.
    pub queue: usize,
    /// How much of the teacher stays from step to step.
    pub teacher: Momentum,
    /// Which views ask, and which answer.
    pub directions: Directions,
}

/// Which views ask, and which answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Directions {
    /// The first view asks and the second answers: the papers.
    One,
    /// Each asks the other; the mean of both losses: lightly and solo-learn.
    BothMean,
    /// Each asks the other; the sum of both losses: the authors' notebook for CIFAR-10.
    BothSum,
}

/// The teacher, and keys of earlier images.
#[derive(Module, Debug)]
pub struct Buffers {
    teacher: Teacher,
    queue: SupportSet,
}

/// Queries that find their key before all of the queue.
const KEY_ACCURACY: Metric =
    Metric::share("key_accuracy", "Queries that find their key in the queue", "keys");
/// What a step measures.
const METRICS: [Metric; 5] = [
    agreement::LOSS,
    KEY_ACCURACY,
    agreement::PROJECTION_SPREAD,
    metrics::FEATURE_SPREAD,
    metrics::DEAD_UNITS,
];
/// The most keys: the paper's are 65,536.
const MOST_KEYS: u64 = 1 << 20;

impl Method for MocoSettings {
    type Heads = Projector;
    type Buffers = Buffers;

    fn views(&self) -> ViewCount {
        ViewCount::Exactly(2)
    }

    fn metrics(&self) -> Vec<Metric> {
        METRICS.to_vec()
    }

    fn check(&self, steps: &Steps) -> Result<(), Error> {
        range::above_zero("objective.temperature", self.temperature)?;
        self.teacher.check().map_err(|e| e.below("objective.teacher"))?;
        range::count("objective.queue", self.queue as u64, 1..=MOST_KEYS)?;
        let pushed = steps.batch() * self.answering().len();
        SupportSet::check(self.queue, pushed).map_err(|e| e.below("objective"))
    }

    fn heads(&self, build: &mut Build<'_>) -> Result<Projector, Error> {
        Projector::new(build)
    }

    /// The teacher starts as a copy of the student, the queue with random keys.
    fn buffers(&self, network: &Network<Projector>, build: &Build<'_>) -> Buffers {
        let teacher = teacher::copy_of(&network.encoder, network.heads.clone());
        let (size, dim) = (self.queue, build.projected());
        let queue = SupportSet::random(size, dim, build.seed, &build.plain_device());
        Buffers { teacher, queue }
    }

    fn passes(&self) -> Passes {
        match self.directions {
            Directions::One => Passes::First,
            Directions::BothMean | Directions::BothSum => Passes::Each,
        }
    }

    /// Queries, then the teacher's step towards the student, then keys; the batch's keys join the queue
    /// after the loss.
    fn loss(&self, step: Step<'_, Self>) -> Loss {
        let features = views_of(&step.features, step.batch());
        let queries = each_alone(step.network.heads.projection(), &features);
        let momentum = self.teacher.at(step.progress.step, step.progress.total);
        teacher::follow(&mut step.buffers.teacher, step.network, momentum);
        let answering: Vec<Tensor<4>> =
            self.answering().iter().map(|&view| step.views[view].clone()).collect();
        let keys = teacher::targets(
            (&mut step.buffers.teacher, step.network),
            &answering,
            Passes::Each.at(step.precision),
            step.parts,
        );
        let queue = step.buffers.queue.rows();
        let asked = queries.iter().zip(&keys);
        let logits: Vec<Tensor<2>> = asked
            .map(|(query, key)| self.logits(query.clone(), key.clone(), queue.clone()))
            .collect();
        let logits = Tensor::cat(logits, 0);
        let [asked, _] = logits.dims();
        let first: Tensor<1, Int> = Tensor::zeros([asked], &logits.device());
        let terms = Terms { losses: cross_entropy(logits.clone(), first.clone()) };
        let value = terms.reduced(step.reduction).mul_scalar(self.factor());
        let values = [
            value.clone(),
            metrics::accuracy(logits, first),
            metrics::feature_spread(queries[0].clone()),
            metrics::feature_spread(features[0].clone()),
            metrics::dead_units(features[0].clone()),
        ];
        let keys = unit_rows(Tensor::cat(keys, 0));
        let labels = Tensor::full([keys.dims()[0]], UNKNOWN, &keys.device());
        step.buffers.queue.push(keys, labels);
        Loss { value, metrics: METRICS.into_iter().zip(values).collect() }
    }
}

impl MocoSettings {
    /// The views that answer, in the order in which the first ones ask.
    fn answering(&self) -> &'static [usize] {
        match self.directions {
            Directions::One => &[1],
            Directions::BothMean | Directions::BothSum => &[1, 0],
        }
    }

    /// What the mean over all that ask is multiplied by.
    fn factor(&self) -> f64 {
        match self.directions {
            Directions::One | Directions::BothMean => 1.0,
            Directions::BothSum => 2.0,
        }
    }

    /// Similarities of queries to their keys, and then to the queue, over T, `[n, 1 + queue]`.
    ///
    /// # Shapes
    /// - queries, keys: `[n, dim]`; keys are taken as constants
    /// - queue: `[queue, dim]`, unit rows
    pub fn logits(&self, queries: Tensor<2>, keys: Tensor<2>, queue: Tensor<2>) -> Tensor<2> {
        let (queries, keys) = (unit_rows(queries), unit_rows(keys.inner()));
        let own = (queries.clone() * keys).sum_dim(1);
        let others = queries.times(queue.transpose());
        Tensor::cat(vec![own, others], 1).div_scalar(self.temperature)
    }
}
