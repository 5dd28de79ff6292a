//! Batch normalisation on a GPU. Burn's own sums over pictures take a hundred times as long where
//! channels lie last.

mod kernels;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::{Autodiff, Cube};
use burn::tensor::Tensor;
use burn_cubecl::kernel::into_contiguous;
use cubecl::calculate_cube_count_elemwise;
use cubecl::prelude::{BufferArg, CubeCount, CubeDim};

use self::kernels::{
    LANES, ScaleLaunch, TableLaunch, UNITS, coefficients, column_sums, gradients, normalised,
    slope_sums, totals,
};
use super::Inputs;
use crate::activation::Activation;
use crate::buffers::{Buffer, empty, tensor, tracked};

/// Workgroups that are enough to keep a GPU at work.
const ENOUGH: usize = 512;

/// The fewest rows that are worth a workgroup of their own.
const LEAST_ROWS: usize = 64;

/// # Shapes
/// - x, result: `[rows, channels]`; mean and variance: `[channels]`
pub(super) fn normalise(
    (x, weight, bias): Inputs<2>,
    epsilon: f64,
    activation: Activation,
) -> (Tensor<2>, [Tensor<1>; 2]) {
    let (x, x_node) = tracked(x).into_parts();
    let (weight, weight_node) = tracked(weight).into_parts();
    let (bias, bias_node) = tracked(bias).into_parts();
    let batch = Batch::new([x, weight].map(into_contiguous), epsilon, activation);
    let result = batch.forward(into_contiguous(bias));
    let moments = [batch.mean.clone(), batch.variance.clone()].map(tensor);
    let nodes = [x_node, weight_node, bias_node];
    let tracked = match Normalise.prepare::<NoCheckpointing>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => prepared.finish((batch, result.clone()), result),
        OpsKind::UnTracked(prepared) => prepared.finish(result),
    };
    (Tensor::from_primitive::<Autodiff<Cube>>(tracked), moments)
}

/// The step back.
#[derive(Debug)]
struct Normalise;

impl Backward<Cube, 3> for Normalise {
    type State = (Batch, Buffer);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (batch, result) = ops.state;
        let gradient = into_contiguous(grads.consume::<Cube>(&ops.node));
        let sums = batch.gradients_of_parameters(&gradient, &result);
        let [x_node, weight_node, bias_node] = ops.parents;
        if let Some(node) = x_node {
            let found = batch.gradient_of_rows([&gradient, &result], &sums);
            grads.register::<Cube>(node.id, found);
        }
        let [weight, bias] = sums;
        if let Some(node) = weight_node {
            grads.register::<Cube>(node.id, weight);
        }
        if let Some(node) = bias_node {
            grads.register::<Cube>(node.id, bias);
        }
    }
}

/// Rows, and what normalises them.
#[derive(Clone, Debug)]
struct Batch {
    /// `[rows, channels]`.
    x: Buffer,
    weight: Buffer,
    mean: Buffer,
    variance: Buffer,
    epsilon: f64,
    activation: Activation,
}

impl Batch {
    fn new([x, weight]: [Buffer; 2], epsilon: f64, activation: Activation) -> Self {
        let split = Split::of(&x);
        let moment = |centre: Option<&Buffer>| {
            let parts = empty(&x, [split.count, split.channels]);
            column_sums::launch(
                &x.client,
                split.workgroups(),
                CubeDim::new_1d(UNITS as u32),
                x.clone().into_buffer_arg(),
                centre.map(|centre| centre.clone().into_buffer_arg()).into(),
                parts.clone().into_buffer_arg(),
                split.table(),
            );
            split.total(parts, 1.0 / split.rows as f64)
        };
        let mean = moment(None);
        let variance = moment(Some(&mean));
        Self { mean, variance, x, weight, epsilon, activation }
    }

    fn scale(&self) -> ScaleLaunch {
        let [rows, channels] = self.x.meta.shape().dims();
        ScaleLaunch::new(rows as f32, channels as u32, self.epsilon as f32)
    }

    /// Launches for every number of the rows.
    fn everywhere(&self) -> (CubeCount, CubeDim) {
        let count = self.x.meta.shape().num_elements();
        let units = CubeDim::new(&self.x.client, count);
        (calculate_cube_count_elemwise(&self.x.client, count, units), units)
    }

    fn forward(&self, bias: Buffer) -> Buffer {
        let result = empty(&self.x, self.x.meta.shape().dims::<2>());
        let (workgroups, units) = self.everywhere();
        normalised::launch(
            &self.x.client,
            workgroups,
            units,
            self.x.clone().into_buffer_arg(),
            self.mean.clone().into_buffer_arg(),
            self.variance.clone().into_buffer_arg(),
            self.weight.clone().into_buffer_arg(),
            bias.into_buffer_arg(),
            result.clone().into_buffer_arg(),
            self.scale(),
            self.activation,
        );
        result
    }

    /// Of the weight and the bias, `[channels]` each.
    fn gradients_of_parameters(&self, gradient: &Buffer, result: &Buffer) -> [Buffer; 2] {
        let split = Split::of(&self.x);
        let [of_weight, of_bias] = [(); 2].map(|()| empty(gradient, [split.count, split.channels]));
        slope_sums::launch(
            &gradient.client,
            split.workgroups(),
            CubeDim::new_1d(UNITS as u32),
            self.x.clone().into_buffer_arg(),
            gradient.clone().into_buffer_arg(),
            self.mask(result).into(),
            self.mean.clone().into_buffer_arg(),
            self.variance.clone().into_buffer_arg(),
            of_weight.clone().into_buffer_arg(),
            of_bias.clone().into_buffer_arg(),
            split.table(),
            self.scale(),
            self.activation,
        );
        [of_weight, of_bias].map(|parts| split.total(parts, 1.0))
    }

    fn gradient_of_rows(
        &self,
        [gradient, result]: [&Buffer; 2],
        [of_weight, of_bias]: &[Buffer; 2],
    ) -> Buffer {
        let [_, channels] = self.x.meta.shape().dims();
        let lines = empty(gradient, [4, channels]);
        let units = CubeDim::new(&gradient.client, channels);
        coefficients::launch(
            &gradient.client,
            calculate_cube_count_elemwise(&gradient.client, channels, units),
            units,
            self.mean.clone().into_buffer_arg(),
            self.variance.clone().into_buffer_arg(),
            self.weight.clone().into_buffer_arg(),
            of_weight.clone().into_buffer_arg(),
            of_bias.clone().into_buffer_arg(),
            lines.clone().into_buffer_arg(),
            self.scale(),
        );
        let found = empty(gradient, self.x.meta.shape().dims::<2>());
        let (workgroups, units) = self.everywhere();
        gradients::launch(
            &gradient.client,
            workgroups,
            units,
            self.x.clone().into_buffer_arg(),
            gradient.clone().into_buffer_arg(),
            self.mask(result).into(),
            lines.into_buffer_arg(),
            found.clone().into_buffer_arg(),
            channels as u32,
            self.activation,
        );
        found
    }

    /// What tells where the activation lets a gradient pass.
    fn mask(&self, result: &Buffer) -> Option<BufferArg> {
        (self.activation != Activation::Linear).then(|| result.clone().into_buffer_arg())
    }
}

/// How the rows of a sum are split among workgroups: their parts are added in the same order each time.
#[derive(Clone, Copy, Debug)]
struct Split {
    rows: usize,
    channels: usize,
    count: usize,
    rows_of_each: usize,
}

impl Split {
    fn of(x: &Buffer) -> Self {
        let [rows, channels] = x.meta.shape().dims();
        let wanted = ENOUGH.div_ceil(channels.div_ceil(LANES));
        let rows_of_each = rows.div_ceil(wanted).max(LEAST_ROWS);
        Self { rows, channels, count: rows.div_ceil(rows_of_each).max(1), rows_of_each }
    }

    fn workgroups(self) -> CubeCount {
        CubeCount::Static(self.channels.div_ceil(LANES) as u32, self.count as u32, 1)
    }

    fn table(self) -> TableLaunch {
        TableLaunch::new(self.rows as u32, self.channels as u32, self.rows_of_each as u32)
    }

    /// The parts' sums times a number, `[channels]`.
    fn total(self, parts: Buffer, factor: f64) -> Buffer {
        let result = empty(&parts, [self.channels]);
        let units = CubeDim::new(&parts.client, self.channels);
        totals::launch(
            &parts.client.clone(),
            calculate_cube_count_elemwise(&parts.client, self.channels, units),
            units,
            parts.into_buffer_arg(),
            result.clone().into_buffer_arg(),
            self.count as u32,
            factor as f32,
        );
        result
    }
}
