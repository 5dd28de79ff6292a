//! Relational reasoning (Patacchiola and Storkey 2020, "Self-Supervised Relational Reasoning for
//! Representation Learning"): a small head looks at two views and says whether they show the same
//! picture.

mod pair_block;
mod head;
mod pairs;
mod split;

use burn::module::Module;
use burn::tensor::activation::log_sigmoid;
use burn::tensor::{Bool, Tensor};
use serde::{Deserialize, Serialize};

pub use head::RelationHead;
pub use pairs::{Pairing, pairings};

use super::{Build, Loss, Method, Network, NoBuffers, Reduction, Step, Steps, contrast};
use crate::augment::views::{MOST_VIEWS, ViewCount};
use crate::error::Error;
use crate::head::Head;
use crate::metrics::{self, Metric, Shown, Unit};
use crate::range;

/// Settings of relational reasoning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelationalSettings {
    /// K, views of each picture, 2 to 256: a step compares K(K − 1) pairs of each. The paper's tables
    /// have 32.
    #[serde(default = "RelationalSettings::default_views")]
    pub views: usize,
    /// How two views become one row of numbers.
    #[serde(default)]
    pub aggregation: Aggregation,
    /// Hidden units of the relation head, at least 1.
    #[serde(default = "RelationalSettings::default_hidden")]
    pub hidden: usize,
    /// What a wrong score costs.
    #[serde(default)]
    pub loss: PairLoss,
}

/// How the features of two views become one row: the paper's four ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aggregation {
    /// One after the other: the only one that tells first from second, and the paper's
    /// script's.
    #[default]
    Concatenate,
    /// Their sum.
    Sum,
    /// Their mean.
    Mean,
    /// The larger of each two numbers.
    Max,
}

/// What a wrong score costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[serde(expecting = "a loss's settings, `kind` among them")]
pub enum PairLoss {
    /// Binary cross-entropy, −log p of the truth: the paper's loss and its short script's.
    #[default]
    CrossEntropy,
    /// Cross-entropy times α·(1 − p)^γ, which lets pairs that are right already weigh less (Lin et
    /// al. 2017, equation 5): what the paper's repository trains with, γ 2 and α 0.5.
    Focal {
        /// γ, not negative; 0 is cross-entropy.
        gamma: f64,
        /// α of pairs of the same picture, in [0, 1]; other pairs have 1 − α.
        alpha: f64,
    },
}

/// What relational reasoning gives for a batch.
#[derive(Clone, Debug)]
pub struct Relations {
    /// The mean loss over all pairs, `[1]`.
    pub loss: Tensor<1>,
    /// The score of each pair, `[K(K − 1)·n]`, without autodiff: above 0 says the same picture. For
    /// each two views, first the n pairs of the same picture, then the n of different ones.
    pub scores: Tensor<1>,
    /// Pictures.
    batch: usize,
}

impl RelationalSettings {
    /// K where a recipe says nothing.
    fn default_views() -> usize {
        4
    }

    /// The paper's hidden units.
    fn default_hidden() -> usize {
        256
    }

    /// Loss and scores of a batch. Where the aggregation allows it, pairs are not put together: see
    /// [`plainly`](Self::plainly), which gives the same numbers for more memory and time.
    ///
    /// # Shapes
    /// - features: `[K·n, dim]`, all pictures of the first view, then all of the second, …; n at
    ///   least 2
    pub fn compare(&self, features: Tensor<2>, head: &RelationHead) -> Relations {
        let halves = match self.aggregation {
            Aggregation::Concatenate => head.halves(features),
            Aggregation::Sum => head.twice(features, 1.0),
            Aggregation::Mean => head.twice(features, 0.5),
            Aggregation::Max => return self.plainly(features, head),
        };
        split::compare(self, halves, head)
    }

    /// [`compare`](Self::compare) as it is defined: a row a pair, all rows through the head.
    pub fn plainly(&self, features: Tensor<2>, head: &RelationHead) -> Relations {
        let batch = features.dims()[0] / self.views;
        let scores = head.forward(self.rows(features));
        let loss = self.loss.of(scores.clone(), batch).mean();
        Relations { loss, scores: scores.inner(), batch }
    }

    /// The rows of all pairs, `[K(K − 1)·n, aggregated dim]`, in the order of
    /// [`Relations::scores`].
    pub fn rows(&self, features: Tensor<2>) -> Tensor<2> {
        let batch = features.dims()[0] / self.views;
        let view = |view: usize| features.clone().narrow(0, view * batch, batch);
        let rows = pairings(self.views, batch).into_iter().flat_map(|pairing| {
            let (left, right) = (view(pairing.left), view(pairing.right));
            let other = right.clone().roll(&[pairing.shift as i64], &[0]);
            [(left.clone(), right), (left, other)].map(|(a, b)| self.aggregation.of(a, b))
        });
        Tensor::cat(rows.collect(), 0)
    }

    /// Numbers in an aggregated row of features of `dim` numbers.
    pub fn inputs(&self, dim: usize) -> usize {
        match self.aggregation {
            Aggregation::Concatenate => 2 * dim,
            Aggregation::Sum | Aggregation::Mean | Aggregation::Max => dim,
        }
    }
}

/// Projection head, where there is one, and relation head.
#[derive(Module, Debug)]
pub struct Heads {
    projection: Option<Head>,
    relation: RelationHead,
}

/// The mean loss over all pairs.
const PAIR_LOSS: Metric = Metric::loss("Loss of the pairs", Unit::Loss);
/// Share of pairs told right.
const PAIR_ACCURACY: Metric = Metric::share("pair_accuracy", "Pair accuracy", "pairs");
/// Share of pairs of the same image told right.
const POSITIVE: Metric =
    Metric::share("positive_accuracy", "Accuracy on pairs of the same image", "same image")
        .shown(Shown::File);
/// Share of pairs of different images told right.
const NEGATIVE: Metric =
    Metric::share("negative_accuracy", "Accuracy on pairs of different images", "different images")
        .shown(Shown::File);

impl Method for RelationalSettings {
    type Heads = Heads;
    type Buffers = NoBuffers;

    fn views(&self) -> ViewCount {
        ViewCount::Exactly(self.views)
    }

    fn metrics(&self) -> Vec<Metric> {
        let own = [PAIR_LOSS, PAIR_ACCURACY, POSITIVE, NEGATIVE];
        own.into_iter().chain([metrics::DEAD_UNITS, metrics::FEATURE_SPREAD]).collect()
    }

    fn check(&self, steps: &Steps) -> Result<(), Error> {
        if steps.reduction == Reduction::Sum {
            let expected = "mean, the only one of relational reasoning";
            return Err(Error::setting("pretraining.reduction", expected, "sum"));
        }
        range::count("objective.views", self.views as u64, 2..=MOST_VIEWS as u64)?;
        range::count("objective.hidden", self.hidden as u64, 1..=range::MOST_WIDTH)?;
        let batch = steps.unlabelled_batch;
        if batch < 2 {
            let expected = "at least 2 images: alone, an image has no other to differ from";
            return Err(Error::setting("pretraining.unlabelled_batch", expected, batch));
        }
        let PairLoss::Focal { gamma, alpha } = self.loss else { return Ok(()) };
        range::within("objective.loss.gamma", gamma, 0.0..=f64::MAX, "at least 0")?;
        range::share("objective.loss.alpha", alpha)
    }

    fn heads(&self, build: &mut Build<'_>) -> Result<Heads, Error> {
        let projection = build.projection()?;
        let size = [self.inputs(build.projected()), self.hidden];
        let relation = RelationHead::new(size, build.weights, build.device);
        Ok(Heads { projection, relation })
    }

    fn buffers(&self, _network: &Network<Heads>, _build: &Build<'_>) -> NoBuffers {
        NoBuffers {}
    }

    fn loss(&self, step: Step<'_, Self>) -> Loss {
        let (n, heads) = (step.batch(), &step.network.heads);
        let projections = Head::maybe(heads.projection.as_ref(), step.features.clone());
        let relations = self.compare(projections, &heads.relation);
        let [all, same, other] = relations.accuracies();
        let [first, _] = contrast::first_two(step.features, n);
        let metrics = vec![
            (PAIR_LOSS, relations.loss.clone()),
            (PAIR_ACCURACY, all),
            (POSITIVE, same),
            (NEGATIVE, other),
            (metrics::DEAD_UNITS, metrics::dead_units(first.clone())),
            (metrics::FEATURE_SPREAD, metrics::feature_spread(first)),
        ];
        Loss { value: relations.loss, metrics }
    }
}

impl Aggregation {
    fn of(self, left: Tensor<2>, right: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Concatenate => Tensor::cat(vec![left, right], 1),
            Self::Sum => left + right,
            Self::Mean => (left + right).div_scalar(2.0),
            Self::Max => left.max_pair(right),
        }
    }
}

impl PairLoss {
    /// The cost of each score, in their order and shape.
    fn of(self, scores: Tensor<1>, batch: usize) -> Tensor<1> {
        let [pairs] = scores.dims();
        // Blocks of the same pictures and of different ones take turns.
        let blocks = scores.reshape([pairs / (2 * batch), 2, batch]);
        let block = |kind| blocks.clone().narrow(1, kind, 1);
        let (same, other) = (block(0), block(1).neg());
        let weights = match self {
            Self::CrossEntropy => [1.0; 2],
            Self::Focal { alpha, .. } => [alpha, 1.0 - alpha],
        };
        let costs = [same, other].into_iter().zip(weights).map(|(truth, weight)| {
            let cost = log_sigmoid(truth.clone()).neg();
            match self {
                Self::CrossEntropy => cost,
                Self::Focal { gamma, .. } => {
                    // (1 − p)^γ, in logarithms: a power of 0 has no gradient to speak of.
                    cost * log_sigmoid(truth.neg()).mul_scalar(gamma).exp().mul_scalar(weight)
                }
            }
        });
        Tensor::cat(costs.collect(), 1).reshape([pairs])
    }
}

impl Relations {
    /// Shares of pairs told right: of all, of those of the same picture, of those of different
    /// ones. `[1]` each.
    pub fn accuracies(&self) -> [Tensor<1>; 3] {
        let [pairs] = self.scores.dims();
        let blocks = self.scores.clone().reshape([pairs / (2 * self.batch), 2, self.batch]);
        let block = |kind| blocks.clone().narrow(1, kind, 1);
        let share = |right: Tensor<3, Bool>| right.float().mean();
        let (same, other) = (share(block(0).greater_elem(0)), share(block(1).lower_equal_elem(0)));
        [(same.clone() + other.clone()).div_scalar(2.0), same, other]
    }
}

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;
