//! Batch normalisation on the CPU, its activation and gradients in as few passes as they need.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::{Autodiff, Flex};
use burn::tensor::Tensor;

use super::Inputs;
use crate::activation::Activation;
use crate::array::{Array, array, tracked};

/// As [`super::over_batch`].
pub(super) fn over_batch<const D: usize>(
    (x, weight, bias): Inputs<D>,
    epsilon: f64,
    activation: Activation,
) -> (Tensor<D>, [Tensor<1>; 2]) {
    // Channels last: for maps of kith's convolutions that is how they lie.
    let shape = x.dims();
    let [last, back] = axes::<D>();
    let turned = x.permute(last);
    let turned_shape = turned.dims();
    let channels = shape[1];
    let rows = turned.reshape([shape.iter().product::<usize>() / channels, channels]);
    let (rows, moments) = normalise((rows, weight, bias), epsilon, activation);
    (rows.reshape(turned_shape).permute(back), moments)
}

/// The order of axes that brings channels last, and the way back.
fn axes<const D: usize>() -> [[isize; D]; 2] {
    let last = core::array::from_fn(|k| match k {
        0 => 0,
        k if k == D - 1 => 1,
        k => k as isize + 1,
    });
    let back = core::array::from_fn(|k| match k {
        0 => 0,
        1 => D as isize - 1,
        k => k as isize - 1,
    });
    [last, back]
}

/// # Shapes
/// - x, result: `[rows, channels]`
fn normalise(
    (x, weight, bias): Inputs<2>,
    epsilon: f64,
    activation: Activation,
) -> (Tensor<2>, [Tensor<1>; 2]) {
    let (x, x_node) = tracked(x).into_parts();
    let (weight, weight_node) = tracked(weight).into_parts();
    let (bias, bias_node) = tracked(bias).into_parts();
    let batch = Batch::new(x.to_contiguous(), weight.to_contiguous(), epsilon, activation);
    let result = batch.forward(bias.to_contiguous().storage());
    let moments = [batch.mean.clone(), batch.variance.clone()].map(|moment| {
        let channels = moment.len();
        Tensor::from_primitive::<Flex>(array(moment, [channels]))
    });
    let nodes = [x_node, weight_node, bias_node];
    let tracked = match Normalise.prepare::<NoCheckpointing>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => prepared.finish((batch, result.clone()), result),
        OpsKind::UnTracked(prepared) => prepared.finish(result),
    };
    (Tensor::from_primitive::<Autodiff<Flex>>(tracked), moments)
}

/// The step back.
#[derive(Debug)]
struct Normalise;

impl Backward<Flex, 3> for Normalise {
    type State = (Batch, Array);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (batch, result) = ops.state;
        let mut gradient = grads.consume::<Flex>(&ops.node).to_contiguous();
        if batch.activation != Activation::Linear {
            batch.activation.stop(gradient.storage_mut(), result.storage());
        }
        let [weight, bias] = batch.gradients_of_parameters(gradient.storage());
        let channels = batch.channels();
        let [x_node, weight_node, bias_node] = ops.parents;
        if let Some(node) = x_node {
            let found = batch.gradient_of_rows(gradient.storage(), [&weight, &bias]);
            grads.register::<Flex>(node.id, found);
        }
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
struct Batch {
    /// `[rows, channels]`.
    x: Array,
    weight: Array,
    mean: Vec<f32>,
    variance: Vec<f32>,
    /// 1 / √(variance + ε).
    sharpness: Vec<f32>,
    activation: Activation,
}

/// Rows whose sums are built in single precision, before they go into double.
const BLOCK: usize = 64;

/// Sums over rows of what `add` adds for each row of two arrays of that many channels.
fn column_sums(
    [left, right]: [&[f32]; 2],
    channels: usize,
    add: impl Fn(&mut [f32], &[f32], &[f32]),
) -> Vec<f64> {
    let mut totals = vec![0.0; channels];
    let mut partial = vec![0.0; channels];
    let block = BLOCK * channels;
    for (left, right) in left.chunks(block).zip(right.chunks(block)) {
        partial.fill(0.0);
        for (left, right) in left.chunks_exact(channels).zip(right.chunks_exact(channels)) {
            add(&mut partial, left, right);
        }
        totals.iter_mut().zip(&partial).for_each(|(total, part)| *total += f64::from(*part));
    }
    totals
}

impl Batch {
    fn new(x: Array, weight: Array, epsilon: f64, activation: Activation) -> Self {
        let channels = weight.layout().shape()[0];
        let rows = x.storage::<f32>();
        let count = (rows.len() / channels) as f64;
        let means = |sums: Vec<f64>| sums.iter().map(|sum| (sum / count) as f32).collect();
        let mean: Vec<f32> = means(column_sums([rows, rows], channels, |sums, row, _| {
            sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
        }));
        let variance: Vec<f32> = means(column_sums([rows, rows], channels, |sums, row, _| {
            for ((sum, x), mean) in sums.iter_mut().zip(row).zip(&mean) {
                *sum += (x - mean) * (x - mean);
            }
        }));
        let sharp = |variance: &f32| (1.0 / (f64::from(*variance) + epsilon).sqrt()) as f32;
        let sharpness = variance.iter().map(sharp).collect();
        Self { x, weight, mean, variance, sharpness, activation }
    }

    fn channels(&self) -> usize {
        self.mean.len()
    }

    fn forward(&self, bias: &[f32]) -> Array {
        let channels = self.channels();
        let scale: Vec<f32> = product(self.weight.storage(), &self.sharpness);
        let shift: Vec<f32> =
            bias.iter().zip(product(&self.mean, &scale)).map(|(bias, x)| bias - x).collect();
        let rows = self.x.storage::<f32>();
        let mut result = Vec::with_capacity(rows.len());
        for row in rows.chunks_exact(channels) {
            let normalised = row.iter().zip(&scale).zip(&shift);
            result.extend(
                normalised.map(|((x, scale), shift)| self.activation.of(x * scale + shift)),
            );
        }
        let count = rows.len() / channels;
        array(result, [count, channels])
    }

    /// Of the weight and of the bias.
    fn gradients_of_parameters(&self, gradient: &[f32]) -> [Vec<f32>; 2] {
        let (rows, channels) = (self.x.storage::<f32>(), self.channels());
        let weight = column_sums([gradient, rows], channels, |sums, gradient, row| {
            let centred = row.iter().zip(&self.mean).map(|(x, mean)| x - mean);
            for ((sum, gradient), x) in sums.iter_mut().zip(gradient).zip(centred) {
                *sum += gradient * x;
            }
        });
        let bias = column_sums([gradient, gradient], channels, |sums, gradient, _| {
            sums.iter_mut().zip(gradient).for_each(|(sum, gradient)| *sum += gradient);
        });
        let weight: Vec<f32> = weight.iter().map(|sum| *sum as f32).collect();
        [product(&weight, &self.sharpness), bias.iter().map(|sum| *sum as f32).collect()]
    }

    /// weight · sharpness · (g − mean(g) − x̂ · mean(g · x̂)), as in the paper's section 3.
    fn gradient_of_rows(&self, gradient: &[f32], [weight, bias]: [&[f32]; 2]) -> Array {
        let (rows, channels) = (self.x.storage::<f32>(), self.channels());
        let count = rows.len() / channels;
        let share = 1.0 / count as f32;
        let scale: Vec<f32> = product(self.weight.storage(), &self.sharpness);
        // g · scale − (x − mean) · lean − level
        let lean: Vec<f32> = product(&product(&scale, &self.sharpness), weight);
        let lean: Vec<f32> = lean.iter().map(|x| x * share).collect();
        let level: Vec<f32> = product(&scale, bias).iter().map(|x| x * share).collect();
        let shift: Vec<f32> =
            product(&self.mean, &lean).iter().zip(&level).map(|(a, b)| a - b).collect();
        let mut found = Vec::with_capacity(rows.len());
        for (gradient, row) in gradient.chunks_exact(channels).zip(rows.chunks_exact(channels)) {
            let numbers = gradient.iter().zip(row).zip(&scale).zip(&lean).zip(&shift);
            found.extend(
                numbers.map(|((((g, x), scale), lean), shift)| g * scale - x * lean + shift),
            );
        }
        array(found, [count, channels])
    }
}

/// Channel by channel.
fn product(left: &[f32], right: &[f32]) -> Vec<f32> {
    left.iter().zip(right).map(|(left, right)| left * right).collect()
}
