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
use crate::vectors::{Loop, widest};

/// # Shapes
/// - x, result: `[rows, channels]`
pub(super) fn normalise(
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

/// Sums over rows, for each channel, of a term of the numbers of two arrays there and of a number of the
/// channel's.
fn column_sums(
    [left, right, centres]: [&[f32]; 3],
    term: impl Fn(f32, f32, f32) -> f32 + Copy,
) -> Vec<f64> {
    let channels = centres.len();
    let mut totals = vec![0.0; channels];
    let mut partial = vec![0.0; channels];
    let block = BLOCK * channels;
    for (left, right) in left.chunks(block).zip(right.chunks(block)) {
        partial.fill(0.0);
        widest(Summed { rows: [left, right], centres, sums: &mut partial, term });
        totals.iter_mut().zip(&partial).for_each(|(total, part)| *total += f64::from(*part));
    }
    totals
}

struct Summed<'a, F> {
    /// Of two arrays.
    rows: [&'a [f32]; 2],
    /// A number for each channel.
    centres: &'a [f32],
    sums: &'a mut [f32],
    term: F,
}

impl<F: Fn(f32, f32, f32) -> f32> Loop for Summed<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { rows: [left, right], centres, sums, term } = self;
        let channels = centres.len();
        for (left, right) in left.chunks_exact(channels).zip(right.chunks_exact(channels)) {
            for (((sum, left), right), centre) in sums.iter_mut().zip(left).zip(right).zip(centres)
            {
                *sum += term(*left, *right, *centre);
            }
        }
    }
}

struct Scaled<'a> {
    rows: &'a [f32],
    result: &'a mut [f32],
    /// Scale and shift.
    affine: [&'a [f32]; 2],
    activation: Activation,
}

impl Loop for Scaled<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { rows, result, affine: [scale, shift], activation } = self;
        let pairs = rows.chunks_exact(scale.len()).zip(result.chunks_exact_mut(scale.len()));
        for (row, result) in pairs {
            for (((result, x), scale), shift) in result.iter_mut().zip(row).zip(scale).zip(shift) {
                *result = activation.of(x * scale + shift);
            }
        }
    }
}

struct LedBack<'a> {
    /// Gradients, and the rows that were normalised.
    rows: [&'a [f32]; 2],
    found: &'a mut [f32],
    /// Scale, lean and shift.
    numbers: [&'a [f32]; 3],
}

impl Loop for LedBack<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { rows: [gradient, rows], found, numbers: [scale, lean, shift] } = self;
        let channels = scale.len();
        let each = gradient.chunks_exact(channels).zip(rows.chunks_exact(channels));
        for ((gradient, row), found) in each.zip(found.chunks_exact_mut(channels)) {
            let numbers = gradient.iter().zip(row).zip(scale).zip(lean).zip(shift);
            for (found, ((((g, x), scale), lean), shift)) in found.iter_mut().zip(numbers) {
                *found = g * scale - x * lean + shift;
            }
        }
    }
}

impl Batch {
    fn new(x: Array, weight: Array, epsilon: f64, activation: Activation) -> Self {
        let channels = weight.layout().shape()[0];
        let rows = x.storage::<f32>();
        let count = (rows.len() / channels) as f64;
        let means = |sums: Vec<f64>| sums.iter().map(|sum| (sum / count) as f32).collect();
        let zeros = vec![0.0; channels];
        let mean: Vec<f32> = means(column_sums([rows, rows, &zeros], |x, _, _| x));
        let variance: Vec<f32> =
            means(column_sums([rows, rows, &mean], |x, _, mean| (x - mean) * (x - mean)));
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
        let mut result = vec![0.0; rows.len()];
        let (affine, activation) = ([scale.as_slice(), shift.as_slice()], self.activation);
        widest(Scaled { rows, result: &mut result, affine, activation });
        let count = rows.len() / channels;
        array(result, [count, channels])
    }

    /// Of the weight and of the bias.
    fn gradients_of_parameters(&self, gradient: &[f32]) -> [Vec<f32>; 2] {
        let rows = self.x.storage::<f32>();
        let weight = column_sums([gradient, rows, &self.mean], |g, x, mean| g * (x - mean));
        let bias = column_sums([gradient, gradient, &self.mean], |g, _, _| g);
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
        let mut found = vec![0.0; rows.len()];
        let numbers = [scale.as_slice(), lean.as_slice(), shift.as_slice()];
        widest(LedBack { rows: [gradient, rows], found: &mut found, numbers });
        array(found, [count, channels])
    }
}

/// Channel by channel.
fn product(left: &[f32], right: &[f32]) -> Vec<f32> {
    left.iter().zip(right).map(|(left, right)| left * right).collect()
}
