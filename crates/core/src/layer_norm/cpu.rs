//! Layer normalisation on the CPU with its gradients, row by row.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::{Autodiff, Flex};
use burn::tensor::Tensor;

use super::Inputs;
use crate::array::{Array, array, tracked};
use crate::threads;
use crate::vectors::{Loop, widest};

/// Rows that a thread takes at a time: sums do not depend on the number of threads.
const ROWS: usize = 256;

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
        let mut gradient = grads.consume::<Flex>(&ops.node).to_contiguous();
        let channels = rows.channels();
        let [x_node, weight_node, bias_node] = ops.parents;
        if weight_node.is_some() || bias_node.is_some() {
            let [weight, bias] = rows.gradients_of_parameters(gradient.storage());
            let found = [(weight_node, weight), (bias_node, bias)];
            for (node, found) in found.into_iter().filter_map(|(node, of)| Some((node?, of))) {
                grads.register::<Flex>(node.id, array(found, [channels]));
            }
        }
        if let Some(node) = x_node {
            rows.lead_back(gradient.storage_mut());
            grads.register::<Flex>(node.id, gradient);
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
        let epsilon = epsilon as f32;
        let parts = x.storage::<f32>().chunks(ROWS * channels).collect();
        let parts = threads::each(parts, |rows| widest(Moments { rows, channels, epsilon }));
        let moments = parts.concat();
        Self { x, weight, moments }
    }

    fn channels(&self) -> usize {
        self.weight.layout().shape()[0]
    }

    /// Some rows with what normalises them, from the part of this number on.
    fn part(&self, number: usize, gradient: &[f32]) -> (&[f32], &[[f32; 2]]) {
        let (first, channels) = (number * ROWS, self.channels());
        let rows = &self.x.storage::<f32>()[first * channels..][..gradient.len()];
        (rows, &self.moments[first..][..gradient.len() / channels])
    }

    fn forward(&self, bias: &[f32]) -> Array {
        let (channels, weight) = (self.channels(), self.weight.storage::<f32>());
        let mut result = threads::zeros(self.moments.len() * channels);
        threads::each_part(&mut result, ROWS * channels, |number, result| {
            let (rows, moments) = self.part(number, result);
            widest(Normalised { rows, result, moments, affine: [weight, bias] });
        });
        array(result, [self.moments.len(), channels])
    }

    /// sharpness · (g·w − mean(g·w) − x̂ · mean(g·w · x̂)), in place of g.
    fn lead_back(&self, gradient: &mut [f32]) {
        let (channels, weight) = (self.channels(), self.weight.storage::<f32>());
        threads::each_part(gradient, ROWS * channels, |number, gradients| {
            let (rows, moments) = self.part(number, gradients);
            widest(Slopes { rows, gradients, moments, weight });
        });
    }

    /// Σ g · x̂ and Σ g.
    fn gradients_of_parameters(&self, gradient: &[f32]) -> [Vec<f32>; 2] {
        let channels = self.channels();
        let parts = gradient.chunks(ROWS * channels).enumerate().collect();
        let parts = threads::each(parts, |(number, gradients)| {
            let (rows, moments) = self.part(number, gradients);
            let mut sums = vec![[0.0_f64; 2]; channels];
            widest(Sums { rows, gradients, moments, sums: &mut sums });
            sums
        });
        [0, 1].map(|which| {
            let total = |channel: usize| parts.iter().map(|sums| sums[channel][which]).sum::<f64>();
            (0..channels).map(|channel| total(channel) as f32).collect()
        })
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

/// Gradients of rows, in place of those of what they become.
struct Slopes<'a> {
    rows: &'a [f32],
    gradients: &'a mut [f32],
    moments: &'a [[f32; 2]],
    weight: &'a [f32],
}

impl Loop for Slopes<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let channels = self.weight.len();
        let share = 1.0 / channels as f32;
        let pairs = self.rows.chunks_exact(channels).zip(self.gradients.chunks_exact_mut(channels));
        for ((row, gradients), &[mean, sharpness]) in pairs.zip(self.moments) {
            for (gradient, weight) in gradients.iter_mut().zip(self.weight) {
                *gradient *= weight;
            }
            let level = share * sum(gradients, gradients, |g, _| g);
            let lean = share * sharpness * sum(gradients, row, |g, x| g * (x - mean));
            for (gradient, x) in gradients.iter_mut().zip(row) {
                *gradient = sharpness * (*gradient - level - (x - mean) * sharpness * lean);
            }
        }
    }
}

/// Adds g · x̂ and g of every channel.
struct Sums<'a> {
    rows: &'a [f32],
    gradients: &'a [f32],
    moments: &'a [[f32; 2]],
    sums: &'a mut [[f64; 2]],
}

impl Loop for Sums<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let channels = self.sums.len();
        let pairs = self.rows.chunks_exact(channels).zip(self.gradients.chunks_exact(channels));
        for ((row, gradients), &[mean, sharpness]) in pairs.zip(self.moments) {
            for ((sums, g), x) in self.sums.iter_mut().zip(gradients).zip(row) {
                sums[0] += f64::from(g * ((x - mean) * sharpness));
                sums[1] += f64::from(*g);
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
