//! Relational reasoning without putting the pairs together.
//!
//! The first layer of the head is linear, so the hidden row of a pair is a sum of two rows, one of
//! each view: K·n rows are multiplied instead of K(K − 1)·n. Hidden rows of pairs are never kept: a
//! block of them is made, used and dropped, once for the batch's moments, once for the scores, once for
//! the gradients. Sums over them give batch norm its moments and its gradient, by its closed form.
//! Autodiff, which would keep every block, is given the loss as a sum over what goes in here, each
//! number times its gradient.

use burn::tensor::activation::leaky_relu;
use burn::tensor::{Device, Int, Tensor};

use super::head::{Halves, LEAK, RelationHead};
use super::pair_block::{PairBlock, Sums, pair_blocks};
use super::{PairLoss, RelationalSettings, Relations};

use crate::matrix::Times;

/// The hidden rows of all pairs, less their mean, as sums of rows of views.
struct Hidden {
    pair_blocks: Vec<PairBlock>,
    pairs: usize,
    left: Tensor<2>,
    right: Tensor<2>,
    /// In how many pairs each row is, `[K·n, 1]` each.
    counts: [Tensor<2>; 2],
    /// Sums, over the pairs that a row is in, of their hidden rows.
    sums: Sums,
    /// Mean and variance over all pairs, `[1, hidden]`.
    mean: Tensor<2>,
    variance: Tensor<2>,
    /// What the normalised rows are divided by, `[1, hidden]`.
    deviation: Tensor<2>,
}

/// The part of the head behind batch norm's division, `[1, hidden]` but for the last, `[1, 1]`.
struct HeadTail {
    scale: Tensor<2>,
    shift: Tensor<2>,
    weight: Tensor<2>,
    bias: Tensor<2>,
}

/// Gradients of the loss.
struct Gradients {
    left: Tensor<2>,
    right: Tensor<2>,
    tail: HeadTail,
}

pub(super) fn compare(
    settings: &RelationalSettings,
    halves: Halves,
    head: &RelationHead,
) -> Relations {
    let [rows, _] = halves.left.dims();
    let batch = rows / settings.views;
    let tail = HeadTail::of(head);
    let hidden = Hidden::new(&halves, settings.views, head.norm().epsilon());
    let moments = [&hidden.mean, &hidden.variance].map(|x| x.clone().flatten(0, 1));
    head.norm().remember(moments, hidden.pairs);
    let detached = tail.detached();
    let scores = hidden.scores(&detached);
    let (loss, gradient) = cost(settings.loss, scores.clone(), batch);
    let gradients = hidden.gradients(&detached, gradient);
    let along = [
        (halves.left, gradients.left),
        (halves.right, gradients.right),
        (tail.scale, gradients.tail.scale),
        (tail.shift, gradients.tail.shift),
        (tail.weight, gradients.tail.weight),
        (tail.bias, gradients.tail.bias),
    ];
    let terms = along.into_iter().map(|(x, gradient)| (x * gradient).sum());
    let terms = terms.reduce(|sum, term| sum + term).expect("there are six");
    // The terms' value cancels, their gradient stays.
    let loss = terms.clone() - terms.detach() + loss;
    Relations { loss, scores, batch }
}

/// The mean cost of scores and its gradient.
fn cost(loss: PairLoss, scores: Tensor<1>, batch: usize) -> (Tensor<1>, Tensor<1>) {
    let scores = scores.autodiff().require_grad();
    let loss = loss.of(scores.clone(), batch).mean();
    let gradient = scores.grad(&loss.backward()).expect("the loss depends on the scores");
    (loss.inner(), gradient)
}

impl HeadTail {
    fn of(head: &RelationHead) -> Self {
        let [scale, shift] = head.norm().weights().map(Tensor::unsqueeze);
        let (weight, bias) = head.score();
        Self { scale, shift, weight, bias: bias.unsqueeze() }
    }

    /// The same without autodiff.
    fn detached(&self) -> Self {
        let [scale, shift, weight, bias] =
            [&self.scale, &self.shift, &self.weight, &self.bias].map(|x| x.clone().inner());
        Self { scale, shift, weight, bias }
    }
}

impl Hidden {
    fn new(halves: &Halves, views: usize, epsilon: f64) -> Self {
        let [left, right] = [&halves.left, &halves.right].map(|half| half.clone().inner());
        let ([rows, hidden], device) = (left.dims(), left.device());
        let (batch, pairs) = (rows / views, rows * (views - 1));
        let pair_blocks = pair_blocks([views, batch, hidden], &device);
        let counts = counts(views, batch, &device);
        let mean = |half: &Tensor<2>, count: &Tensor<2>| {
            (half.clone() * count.clone()).sum_dim(0).div_scalar(pairs as f64)
        };
        let means = [mean(&left, &counts[0]), mean(&right, &counts[1])];
        let (left, right) = (left - means[0].clone(), right - means[1].clone());
        let mut sums = Sums::new(&left);
        pair_blocks
            .iter()
            .for_each(|pair_block| sums.add(pair_block, pair_block.rows(&left, &right)));
        let variance = sums.inner(&left, &right).div_scalar(pairs as f64);
        let deviation = variance.clone().add_scalar(epsilon).sqrt();
        let mean = means.into_iter().reduce(|first, second| first + second).expect("two");
        Self { pair_blocks, pairs, left, right, counts, sums, mean, variance, deviation }
    }

    /// The halves of what goes into the leaky `ReLU`.
    fn normal(&self, tail: &HeadTail) -> [Tensor<2>; 2] {
        let scale = tail.scale.clone() / self.deviation.clone();
        let left = self.left.clone() * scale.clone() + tail.shift.clone();
        [left, self.right.clone() * scale]
    }

    /// The score of each pair, in order.
    fn scores(&self, tail: &HeadTail) -> Tensor<1> {
        let [left, right] = self.normal(tail);
        let weight = tail.weight.clone().transpose();
        let of = |pair_block: &PairBlock| {
            let active = leaky_relu(pair_block.rows(&left, &right).flatten::<2>(0, 1), LEAK);
            active.times(weight.clone())
        };
        let scores = Tensor::cat(self.pair_blocks.iter().map(of).collect(), 0) + tail.bias.clone();
        scores.flatten(0, 1)
    }

    /// The gradients, given that of the scores.
    fn gradients(&self, tail: &HeadTail, of_scores: Tensor<1>) -> Gradients {
        let [left, right] = self.normal(tail);
        let mut sums = Sums::new(&left);
        let mut weight = tail.weight.zeros_like();
        let mut first = 0;
        for pair_block in &self.pair_blocks {
            let rows = pair_block.rows(&left, &right);
            let [blocks, batch, hidden] = rows.dims();
            let count = blocks * batch;
            let gradient = of_scores.clone().narrow(0, first, count).reshape([1, count]);
            first += count;
            let derivative =
                rows.clone().greater_elem(0).float().mul_scalar(1.0 - LEAK).add_scalar(LEAK);
            let active = (rows * derivative.clone()).reshape([count, hidden]);
            weight = weight + gradient.clone().times(active);
            let back =
                derivative * tail.weight.clone().unsqueeze() * gradient.reshape([blocks, batch, 1]);
            sums.add(pair_block, back);
        }
        let (scale, shift) =
            (sums.inner(&self.left, &self.right) / self.deviation.clone(), sums.total());
        let halves = self.through_norm(tail, sums, [&scale, &shift]);
        let bias = of_scores.sum().unsqueeze();
        let [left, right] = halves;
        Gradients { left, right, tail: HeadTail { scale, shift, weight, bias } }
    }

    /// Back through batch norm (Ioffe and Szegedy 2015, section 3), summed over the pairs of a row:
    /// γ/σ·(Σ∂y − count·mean ∂y − Σx̂·mean(∂y·x̂)).
    fn through_norm(
        &self,
        tail: &HeadTail,
        gradients: Sums,
        [scale, shift]: [&Tensor<2>; 2],
    ) -> [Tensor<2>; 2] {
        let deviation = self.deviation.clone();
        let mean = |sum: &Tensor<2>| sum.clone().div_scalar(self.pairs as f64);
        let (along, level) = (mean(scale) / deviation.clone(), mean(shift));
        let factor = tail.scale.clone() / deviation;
        let back = |gradient: Tensor<2>, count: &Tensor<2>, sum: &Tensor<2>| {
            let spread = sum.clone() * along.clone();
            (gradient - count.clone() * level.clone() - spread) * factor.clone()
        };
        let [first, second] = &self.counts;
        [
            back(gradients.left, first, &self.sums.left),
            back(gradients.right, second, &self.sums.right),
        ]
    }
}

/// In how many pairs each row is, as the left half and as the right, `[K·n, 1]` each.
fn counts(views: usize, batch: usize, device: &Device) -> [Tensor<2>; 2] {
    let later = Tensor::<1, Int>::arange(0..views as i64, device).float().mul_scalar(2.0);
    let earlier = later.clone().neg().add_scalar(2.0 * (views as f64 - 1.0));
    [earlier, later]
        .map(|count| count.reshape([views, 1]).expand([views, batch]).reshape([views * batch, 1]))
}
