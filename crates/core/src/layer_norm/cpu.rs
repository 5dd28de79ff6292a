//! Layer normalisation on the CPU with its gradients, row by row.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::{Autodiff, Flex};
use burn::tensor::Tensor;

use super::Inputs;
use crate::array::{Array, array, tracked};
use crate::vectors::{Loop, widest};

/// As [`super::normalised`].
pub(super) fn normalised((x, weight, bias): Inputs, epsilon: f64) -> Tensor<2> {
    let records = x.is_autodiff() || weight.is_autodiff() || bias.is_autodiff();
    let (x, x_node) = tracked(x).into_parts();
    let (weight, weight_node) = tracked(weight).into_parts();
    let (bias, bias_node) = tracked(bias).into_parts();
    let rows = Rows::new(x.to_contiguous(), weight.to_contiguous(), epsilon);
    let result = rows.forward(bias.to_contiguous().storage());
    if !records {
        return Tensor::from_primitive::<Flex>(result);
    }
    let nodes = [x_node, weight_node, bias_node];
    let tracked = match Normalise.prepare::<NoCheckpointing>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => prepared.finish(rows, result),
        OpsKind::UnTracked(prepared) => prepared.finish(result),
    };
    Tensor::from_primitive::<Autodiff<Flex>>(tracked)
}

/// The step back.
#[derive(Debug)]
struct Normalise;

impl Backward<Flex, 3> for Normalise {
    type State = Rows;

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let rows = ops.state;
        let gradient = grads.consume::<Flex>(&ops.node).to_contiguous();
        let gradient = gradient.storage::<f32>();
        let channels = rows.channels();
        let [x_node, weight_node, bias_node] = ops.parents;
        if let Some(node) = x_node {
            grads.register::<Flex>(node.id, rows.gradient_of_rows(gradient));
        }
        if weight_node.is_none() && bias_node.is_none() {
            return;
        }
        let [weight, bias] = rows.gradients_of_parameters(gradient);
        if let Some(node) = weight_node {
            grads.register::<Flex>(node.id, array(weight, [channels]));
        }
        if let Some(node) = bias_node {
            grads.register::<Flex>(node.id, array(bias, [channels]));
        }
    }
}

/// Rows, and what normalises them.
#[derive(Clone, Debug)]
struct Rows {
    /// `[rows, channels]`.
    x: Array,
    weight: Array,
    /// Mean and 1 / √(variance + ε) of every row.
    moments: Vec<[f32; 2]>,
}

impl Rows {
    fn new(x: Array, weight: Array, epsilon: f64) -> Self {
        let channels = weight.layout().shape()[0];
        let moments = widest(Moments { rows: x.storage(), channels, epsilon: epsilon as f32 });
        Self { x, weight, moments }
    }

    fn channels(&self) -> usize {
        self.weight.layout().shape()[0]
    }

    /// Every row with its mean and sharpness.
    fn each(&self) -> impl Iterator<Item = (&[f32], [f32; 2])> {
        self.x.storage().chunks_exact(self.channels()).zip(self.moments.iter().copied())
    }

    fn forward(&self, bias: &[f32]) -> Array {
        let weight = self.weight.storage::<f32>();
        let rows = self.x.storage::<f32>();
        let mut result = vec![0.0; rows.len()];
        let (moments, result_of) = (self.moments.as_slice(), result.as_mut_slice());
        widest(Normalised { rows, result: result_of, moments, affine: [weight, bias] });
        array(result, [self.moments.len(), self.channels()])
    }

    /// sharpness · (g·w − mean(g·w) − x̂ · mean(g·w · x̂)).
    fn gradient_of_rows(&self, gradient: &[f32]) -> Array {
        let (channels, weight) = (self.channels(), self.weight.storage::<f32>());
        let share = 1.0 / channels as f32;
        let mut found = Vec::with_capacity(gradient.len());
        let mut scaled = vec![0.0; channels];
        for ((row, [mean, sharpness]), g) in self.each().zip(gradient.chunks_exact(channels)) {
            scaled.iter_mut().zip(g).zip(weight).for_each(|((scaled, g), w)| *scaled = g * w);
            let level = share * sum(&scaled, &scaled, |g, _| g);
            let lean = share * sharpness * sum(&scaled, row, |g, x| g * (x - mean));
            let numbers = scaled.iter().zip(row);
            found.extend(
                numbers.map(|(g, x)| sharpness * (g - level - (x - mean) * sharpness * lean)),
            );
        }
        array(found, [self.moments.len(), channels])
    }

    /// Σ g · x̂ and Σ g.
    fn gradients_of_parameters(&self, gradient: &[f32]) -> [Vec<f32>; 2] {
        let channels = self.channels();
        let mut sums = vec![[0.0_f64; 2]; channels];
        for ((row, [mean, sharpness]), g) in self.each().zip(gradient.chunks_exact(channels)) {
            for ((sums, g), x) in sums.iter_mut().zip(g).zip(row) {
                sums[0] += f64::from(g * ((x - mean) * sharpness));
                sums[1] += f64::from(*g);
            }
        }
        [0, 1].map(|which| sums.iter().map(|sums| sums[which] as f32).collect())
    }
}

/// Finds mean and 1 / √(variance + ε) of rows.
struct Moments<'a> {
    rows: &'a [f32],
    channels: usize,
    epsilon: f32,
}

impl Loop for Moments<'_> {
    type Output = Vec<[f32; 2]>;

    #[inline(always)]
    fn run(self) -> Vec<[f32; 2]> {
        let Self { rows, channels, epsilon } = self;
        let share = 1.0 / channels as f32;
        let mut found = Vec::with_capacity(rows.len() / channels);
        for row in rows.chunks_exact(channels) {
            let mean = share * sum(row, row, |x, _| x);
            let variance = share * sum(row, row, |x, _| (x - mean) * (x - mean));
            found.push([mean, 1.0 / (variance + epsilon).sqrt()]);
        }
        found
    }
}

struct Normalised<'a> {
    rows: &'a [f32],
    result: &'a mut [f32],
    moments: &'a [[f32; 2]],
    /// Weight and bias.
    affine: [&'a [f32]; 2],
}

impl Loop for Normalised<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let [weight, bias] = self.affine;
        let channels = weight.len();
        let pairs = self.rows.chunks_exact(channels).zip(self.result.chunks_exact_mut(channels));
        for ((row, result), [mean, sharpness]) in pairs.zip(self.moments) {
            for (((result, x), w), b) in result.iter_mut().zip(row).zip(weight).zip(bias) {
                *result = (x - mean) * sharpness * w + b;
            }
        }
    }
}

/// Numbers that are summed side by side, so that they fill a vector.
const LANES: usize = 8;

/// The sum of what a function makes of pairs.
#[inline(always)]
fn sum(left: &[f32], right: &[f32], of: impl Fn(f32, f32) -> f32) -> f32 {
    let (left, left_rest) = left.as_chunks::<LANES>();
    let (right, right_rest) = right.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for (left, right) in left.iter().zip(right) {
        for ((lane, left), right) in lanes.iter_mut().zip(left).zip(right) {
            *lane += of(*left, *right);
        }
    }
    let rest = left_rest.iter().zip(right_rest).map(|(left, right)| of(*left, *right));
    lanes.iter().sum::<f32>() + rest.sum::<f32>()
}
