//! `SwAV`: "Unsupervised Learning of Visual Features by Contrasting Cluster Assignments" (Caron et al.
//! 2020).

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use burn::tensor::activation::log_softmax;
use serde::{Deserialize, Serialize};

use super::agreement::{self, each_alone, pair, views_of};
use super::prototypes::{self, Crops, Prototypes, scores};
use super::sinkhorn::assignments;
use super::{Build, Loss, Method, Network, Pace, Progress, Step, Steps};
use crate::augment::views::ViewCount;
use crate::error::Error;
use crate::head::Head;
use crate::initial;
use crate::metrics::Metric;
use crate::range;
use crate::unit::unit_rows;

/// Settings of `SwAV`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SwavSettings {
    /// How many prototypes: some times as many as there may be classes.
    pub prototypes: usize,
    /// τ: lower makes predictions sharper.
    pub temperature: f64,
    /// ε: lower makes assignments sharper.
    pub epsilon: f64,
    /// Iterations of Sinkhorn's.
    pub iterations: usize,
    /// Epochs in which prototypes do not learn.
    pub frozen_epochs: f64,
    /// How crops go through the head.
    pub crops: Crops,
    /// Embeddings of earlier images that join the assignments of small batches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<QueueSettings>,
}

/// Embeddings of earlier images.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueueSettings {
    /// How many, for each of the two global crops.
    pub length: usize,
    /// Epochs before they are kept.
    pub filled_from: f64,
    /// Epochs before they are used, once there are as many as the length.
    pub used_from: f64,
}

/// Projection head and prototypes.
#[derive(Module, Debug)]
pub struct Heads {
    projection: Option<Head>,
    prototypes: Prototypes,
}

/// Unit embeddings of earlier images, newest first, `[2, length, dim]`; zeros where none is yet.
#[derive(Module, Debug)]
pub struct Buffers {
    queue: Option<Param<Tensor<3>>>,
}

/// Crops whose assignments are predicted: the first ones.
const GLOBAL: usize = 2;

impl Method for SwavSettings {
    type Heads = Heads;
    type Buffers = Buffers;

    fn views(&self) -> ViewCount {
        ViewCount::AtLeast(GLOBAL)
    }

    fn metrics(&self) -> Vec<Metric> {
        agreement::METRICS.to_vec()
    }

    fn check(&self, steps: &Steps) -> Result<(), Error> {
        agreement::mean_alone(steps)?;
        Prototypes::check(self.prototypes)?;
        range::above_zero("objective.temperature", self.temperature)?;
        range::above_zero("objective.epsilon", self.epsilon)?;
        range::count("objective.iterations", self.iterations as u64, 1..=1_000)?;
        range::within("objective.frozen_epochs", self.frozen_epochs, 0.0..=f64::MAX, "0 or more")?;
        self.queue.map_or(Ok(()), |queue| queue.check(steps.batch()))
    }

    fn heads(&self, build: &mut Build<'_>) -> Result<Heads, Error> {
        let projection = build.projection()?;
        let size = [self.prototypes, build.projected()];
        let prototypes = Prototypes::new(size, build.weights, build.device)?;
        Ok(Heads { projection, prototypes })
    }

    fn buffers(&self, _network: &Network<Heads>, build: &Build<'_>) -> Buffers {
        let (dim, device) = (build.projected(), build.plain_device());
        let empty = |queue: QueueSettings| initial::zeros([GLOBAL, queue.length, dim], &device);
        Buffers { queue: self.queue.map(empty) }
    }

    fn prepared(&self, mut network: Network<Heads>) -> Network<Heads> {
        network.heads.prototypes = network.heads.prototypes.unit();
        network
    }

    fn pace(&self, parameter: &str, progress: Progress) -> Pace {
        prototypes::pace(parameter, self.frozen_epochs, progress)
    }

    fn loss(&self, step: Step<'_, Self>) -> Loss {
        let (n, heads) = (step.batch(), &step.network.heads);
        let features = views_of(&step.features, n);
        let projections = match self.crops {
            Crops::Together => {
                views_of(&Head::maybe(heads.projection.as_ref(), step.features.clone()), n)
            }
            Crops::Apart => each_alone(heads.projection.as_ref(), &features),
        };
        let embeddings: Vec<Tensor<2>> = projections.iter().cloned().map(unit_rows).collect();
        let queued = self.queued(step.buffers, step.progress);
        let value = self.swapped(&embeddings, heads.prototypes.rows(), queued);
        self.push(step.buffers, &embeddings, step.progress);
        let first_two = |views: &[Tensor<2>]| pair(views[..GLOBAL].to_vec());
        let compared = [first_two(&features), first_two(&projections)];
        let metrics = agreement::measured(&value, compared, step.accuracy_on);
        Loss { value, metrics }
    }
}

impl QueueSettings {
    fn check(&self, batch: usize) -> Result<(), Error> {
        const MOST: u64 = 1 << 20;
        range::count("objective.queue.length", self.length as u64, batch as u64..=MOST)?;
        let epochs = |name, epochs| range::within(name, epochs, 0.0..=f64::MAX, "0 or more");
        epochs("objective.queue.filled_from", self.filled_from)?;
        epochs("objective.queue.used_from", self.used_from)
    }
}

impl SwavSettings {
    /// The loss of swapped predictions, `[1]` (equation 2, and section 3.3 for more than two crops): each
    /// crop predicts the assignment of every global crop but itself.
    ///
    /// # Shapes
    /// - embeddings: `[n, dim]` a crop, unit rows, the two global ones first
    /// - prototypes: `[count, dim]`
    /// - queued: embeddings of earlier images that join, `[length, dim]` for each global crop, unit rows;
    ///   not used while the last is 0
    pub fn swapped(
        &self,
        embeddings: &[Tensor<2>],
        prototypes: Tensor<2>,
        queued: Option<[Tensor<2>; GLOBAL]>,
    ) -> Tensor<1> {
        let found: Vec<Tensor<2>> =
            embeddings.iter().map(|crop| scores(crop.clone(), prototypes.clone())).collect();
        let of = |global: usize| {
            let queued = queued.as_ref().map(|queued| queued[global].clone());
            let codes = self.codes(found[global].clone(), prototypes.clone(), queued);
            let others = found.iter().enumerate().filter(|(crop, _)| *crop != global);
            let entropies = others.map(|(_, scores)| {
                let chances = log_softmax(scores.clone().div_scalar(self.temperature), 1);
                (codes.clone() * chances).sum_dim(1).mean().neg()
            });
            let sum = entropies.reduce(|a, b| a + b).expect("checked: at least two crops");
            sum.div_scalar((found.len() - 1) as f64)
        };
        (of(0) + of(1)).div_scalar(GLOBAL as f64)
    }

    /// The assignments of a global crop, `[n, prototypes]`, rows of sum 1, without gradient.
    pub fn codes(
        &self,
        own: Tensor<2>,
        prototypes: Tensor<2>,
        queued: Option<Tensor<2>>,
    ) -> Tensor<2> {
        let own = own.inner();
        let [n, _] = own.dims();
        let counts = Tensor::ones([n, 1], &own.device());
        let (all, counts) = match queued {
            None => (own, counts),
            Some(queued) => {
                let [length, _] = queued.dims();
                // The queue is full when its last row is there.
                let last = queued.clone().narrow(0, length - 1, 1).square().sum_dim(1);
                let full = last.greater_elem(0.0).float().expand([length, 1]);
                let others = scores(queued, prototypes.inner());
                (Tensor::cat(vec![own, others], 0), Tensor::cat(vec![counts, full], 0))
            }
        };
        assignments(all, counts, self.epsilon, self.iterations).narrow(0, 0, n)
    }

    /// The queue of each global crop, where it is in use.
    fn queued(&self, buffers: &Buffers, progress: Progress) -> Option<[Tensor<2>; GLOBAL]> {
        let settings = self.queue.filter(|queue| !progress.within_epochs(queue.used_from))?;
        let queue = buffers.queue.as_ref()?.val();
        let [_, _, dim] = queue.dims();
        let of = |crop| queue.clone().narrow(0, crop, 1).reshape([settings.length, dim]);
        Some([of(0), of(1)])
    }

    /// Puts the embeddings of the global crops in front.
    fn push(&self, buffers: &mut Buffers, embeddings: &[Tensor<2>], progress: Progress) {
        let filled = self.queue.filter(|queue| !progress.within_epochs(queue.filled_from));
        let (Some(settings), Some(queue)) = (filled, &buffers.queue) else { return };
        let newest = embeddings[..GLOBAL].iter().map(|crop| crop.clone().inner().unsqueeze::<3>());
        let newest = Tensor::cat(newest.collect(), 0);
        let all = Tensor::cat(vec![newest, queue.val()], 1).narrow(1, 0, settings.length);
        buffers.queue = Some(initial::parameter(all));
    }
}
