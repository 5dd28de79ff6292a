//! Batch normalisation on the CPU, its activation and gradients in as few passes as they need.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::{Autodiff, Flex};
use burn::tensor::Tensor;
use itertools::izip;

use super::Inputs;
use super::moments::{Moments, added, column_sums, part_of};
use crate::activation::{Activation, Follows};
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
    let [x, weight, bias] = [x, weight, bias].map(|array| array.to_contiguous());
    let batch = Batch::new(x, [&weight, &bias], epsilon, activation);
    let result = batch.forward();
    let moments = [batch.mean.clone(), batch.variance.clone()].map(|moment| {
        let channels = moment.len();
        Tensor::from_primitive::<Flex>(array(moment, [channels]))
    });
    let nodes = [x_node, weight_node, bias_node];
    let tracked = match Normalise.prepare::<NoCheckpointing>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => prepared.finish(batch, result),
        OpsKind::UnTracked(prepared) => prepared.finish(result),
    };
    (Tensor::from_primitive::<Autodiff<Flex>>(tracked), moments)
}

/// The step back.
#[derive(Debug)]
struct Normalise;

impl Backward<Flex, 3> for Normalise {
    type State = Batch;

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let batch = ops.state;
        let mut gradient = grads.consume::<Flex>(&ops.node).to_contiguous();
        let [weight, bias] = batch.gradients_of_parameters(gradient.storage());
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
///
/// The result is not kept: where the activation lets a gradient pass is computed again, which takes less time
/// than to read it.
#[derive(Clone, Debug)]
struct Batch {
    /// `[rows, channels]`.
    x: Array,
    mean: Vec<f32>,
    variance: Vec<f32>,
    /// 1 / √(variance + ε).
    sharpness: Vec<f32>,
    /// The weight times that.
    scale: Vec<f32>,
    /// What is added to a scaled number.
    shift: Vec<f32>,
    activation: Activation,
}

/// Writes numbers times a scale, plus a shift, through an activation.
struct Scaled<'a> {
    numbers: &'a [f32],
    /// The channel of the first.
    channel: usize,
    result: &'a mut [f32],
    /// Scale and shift.
    affine: [&'a [f32]; 2],
    activation: Activation,
}

impl Loop for Scaled<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { mut numbers, mut channel, mut result, affine: [scale, shift], activation } =
            self;
        while !numbers.is_empty() {
            let count = numbers.len().min(scale.len() - channel);
            let (row, later) = numbers.split_at(count);
            let (room, others) = result.split_at_mut(count);
            let affine = scale[channel..].iter().zip(&shift[channel..]);
            for ((result, x), (scale, shift)) in room.iter_mut().zip(row).zip(affine) {
                *result = activation.of(x * scale + shift);
            }
            (numbers, result, channel) = (later, others, 0);
        }
    }
}

struct LedBack<'a> {
    /// Become those of the rows.
    gradients: &'a mut [f32],
    rows: &'a [f32],
    /// Of the forward pass.
    affine: [&'a [f32]; 2],
    /// How much of a number is taken away, and what is added.
    back: [&'a [f32]; 2],
    follows: Follows,
}

impl Loop for LedBack<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { gradients, rows, affine: [scale, shift], back: [lean, level], follows } = self;
        let channels = scale.len();
        for (gradients, row) in
            gradients.chunks_exact_mut(channels).zip(rows.chunks_exact(channels))
        {
            for ((g, x), scale, shift, lean, level) in
                izip!(gradients.iter_mut().zip(row), scale, shift, lean, level)
            {
                *g = follows.back(*g, x * scale + shift) * scale - x * lean + level;
            }
        }
    }
}

impl Batch {
    fn new(x: Array, [weight, bias]: [&Array; 2], epsilon: f64, activation: Activation) -> Self {
        let (weight, bias) = (weight.storage(), bias.storage::<f32>());
        let moments = Moments::of_all(x.storage(), bias.len());
        let mean: Vec<f32> = moments.means.iter().map(|mean| *mean as f32).collect();
        let variance: Vec<f32> =
            moments.squares.iter().map(|sum| (sum / moments.count) as f32).collect();
        let sharp = |variance: &f32| (1.0 / (f64::from(*variance) + epsilon).sqrt()) as f32;
        let sharpness: Vec<f32> = variance.iter().map(sharp).collect();
        let scale = product(weight, &sharpness);
        let shift = bias.iter().zip(product(&mean, &scale)).map(|(bias, x)| bias - x).collect();
        Self { x, mean, variance, sharpness, scale, shift, activation }
    }

    fn channels(&self) -> usize {
        self.mean.len()
    }

    fn affine(&self) -> [&[f32]; 2] {
        [&self.scale, &self.shift]
    }

    fn forward(&self) -> Array {
        let channels = self.channels();
        let rows = self.x.storage::<f32>();
        let (affine, activation) = (self.affine(), self.activation);
        let result = threads::mapped(rows, |first, numbers, result| {
            widest(Scaled { numbers, channel: first % channels, result, affine, activation });
        });
        array(result, [rows.len() / channels, channels])
    }

    /// Of the weight and of the bias.
    fn gradients_of_parameters(&self, gradient: &[f32]) -> [Vec<f32>; 2] {
        let channels = self.channels();
        let size = part_of(channels);
        let [scale, shift] = self.affine();
        let numbers = (channels, [self.mean.as_slice(), scale, shift]);
        let follows = self.activation.follows();
        let parts = gradient.chunks(size).zip(self.x.storage::<f32>().chunks(size)).collect();
        let parts = threads::each(parts, |(gradient, rows)| {
            column_sums([gradient, rows], numbers, |g, x, [mean, scale, shift]| {
                let g = follows.back(g, x * scale + shift);
                [g * (x - mean), g]
            })
        });
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
        // g · scale − (x − mean) · lean − mean(g) · scale
        let lean: Vec<f32> = product(&product(&self.scale, &self.sharpness), weight);
        let lean: Vec<f32> = lean.iter().map(|x| x * share).collect();
        let mean: Vec<f32> = product(&self.scale, bias).iter().map(|x| x * share).collect();
        let level: Vec<f32> =
            product(&self.mean, &lean).iter().zip(&mean).map(|(a, b)| a - b).collect();
        let (affine, follows) = (self.affine(), self.activation.follows());
        let size = part_of(channels);
        threads::each_part(gradient, size, |number, gradients| {
            let rows = &rows[number * size..][..gradients.len()];
            widest(LedBack { gradients, rows, affine, back: [&lean, &level], follows });
        });
    }
}

/// Channel by channel.
fn product(left: &[f32], right: &[f32]) -> Vec<f32> {
    left.iter().zip(right).map(|(left, right)| left * right).collect()
}
