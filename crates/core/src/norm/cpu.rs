//! Batch normalisation on the CPU, its activation and gradients in as few passes as they need.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::{Autodiff, Flex};
use burn::tensor::Tensor;

use super::Inputs;
use super::moments::{Moments, added, column_sums, part_of};
use crate::activation::Activation;
use crate::array::{Array, array, tracked};
use crate::threads;
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
        OpsKind::Tracked(prepared) => {
            let stops = batch.activation != Activation::Linear;
            prepared.finish((batch, stops.then(|| result.clone())), result)
        }
        OpsKind::UnTracked(prepared) => prepared.finish(result),
    };
    (Tensor::from_primitive::<Autodiff<Flex>>(tracked), moments)
}

/// The step back.
#[derive(Debug)]
struct Normalise;

impl Backward<Flex, 3> for Normalise {
    /// The result, if the activation stops gradients.
    type State = (Batch, Option<Array>);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (batch, result) = ops.state;
        let mut gradient = grads.consume::<Flex>(&ops.node).to_contiguous();
        // Without one, nothing is stopped: the rows stand for it.
        let result = result.as_ref().unwrap_or(&batch.x).storage();
        let [weight, bias] = batch.gradients_of_parameters(gradient.storage_mut(), result);
        let channels = batch.channels();
        let [x_node, weight_node, bias_node] = ops.parents;
        if let Some(node) = x_node {
            batch.lead_back(gradient.storage_mut(), [&weight, &bias]);
            grads.register::<Flex>(node.id, gradient);
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
    /// Become those of the rows.
    gradients: &'a mut [f32],
    rows: &'a [f32],
    /// Scale, lean and shift.
    numbers: [&'a [f32]; 3],
}

impl Loop for LedBack<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { gradients, rows, numbers: [scale, lean, shift] } = self;
        let channels = scale.len();
        for (gradients, row) in
            gradients.chunks_exact_mut(channels).zip(rows.chunks_exact(channels))
        {
            let numbers = row.iter().zip(scale).zip(lean).zip(shift);
            for (g, (((x, scale), lean), shift)) in gradients.iter_mut().zip(numbers) {
                *g = *g * scale - x * lean + shift;
            }
        }
    }
}

impl Batch {
    fn new(x: Array, weight: Array, epsilon: f64, activation: Activation) -> Self {
        let moments = Moments::of_all(x.storage(), weight.layout().shape()[0]);
        let mean = moments.means.iter().map(|mean| *mean as f32).collect();
        let variance: Vec<f32> =
            moments.squares.iter().map(|sum| (sum / moments.count) as f32).collect();
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
        let mut result = threads::zeros(rows.len());
        let (affine, activation) = ([scale.as_slice(), shift.as_slice()], self.activation);
        let size = part_of(channels);
        threads::each_part(&mut result, size, |number, result| {
            let rows = &rows[number * size..][..result.len()];
            widest(Scaled { rows, result, affine, activation });
        });
        let count = rows.len() / channels;
        array(result, [count, channels])
    }

    /// Of the weight and of the bias. The gradient is stopped where the activation does so.
    fn gradients_of_parameters(&self, gradient: &mut [f32], results: &[f32]) -> [Vec<f32>; 2] {
        let (channels, mean) = (self.channels(), self.mean.as_slice());
        let size = part_of(channels);
        let rows = self.x.storage::<f32>().chunks(size).zip(results.chunks(size));
        let parts = threads::each(
            gradient.chunks_mut(size).zip(rows).collect(),
            |(gradient, (rows, results))| {
                self.activation.stop(gradient, results);
                let gradient = &*gradient;
                column_sums([gradient, rows, mean], |g, x, mean| [g * (x - mean), g])
            },
        );
        let total = |which: usize| {
            let sums =
                parts.iter().fold(vec![0.0; channels], |sums, part| added(sums, &part[which]));
            sums.iter().map(|sum| *sum as f32).collect::<Vec<f32>>()
        };
        [product(&total(0), &self.sharpness), total(1)]
    }

    /// weight · sharpness · (g − mean(g) − x̂ · mean(g · x̂)), as in the paper's section 3, in place of g.
    fn lead_back(&self, gradient: &mut [f32], [weight, bias]: [&[f32]; 2]) {
        let (rows, channels) = (self.x.storage::<f32>(), self.channels());
        let share = 1.0 / (rows.len() / channels) as f32;
        let scale: Vec<f32> = product(self.weight.storage(), &self.sharpness);
        // g · scale − (x − mean) · lean − level
        let lean: Vec<f32> = product(&product(&scale, &self.sharpness), weight);
        let lean: Vec<f32> = lean.iter().map(|x| x * share).collect();
        let level: Vec<f32> = product(&scale, bias).iter().map(|x| x * share).collect();
        let shift: Vec<f32> =
            product(&self.mean, &lean).iter().zip(&level).map(|(a, b)| a - b).collect();
        let numbers = [scale.as_slice(), lean.as_slice(), shift.as_slice()];
        let size = part_of(channels);
        threads::each_part(gradient, size, |number, gradients| {
            let rows = &rows[number * size..][..gradients.len()];
            widest(LedBack { gradients, rows, numbers });
        });
    }
}

/// Channel by channel.
fn product(left: &[f32], right: &[f32]) -> Vec<f32> {
    left.iter().zip(right).map(|(left, right)| left * right).collect()
}
