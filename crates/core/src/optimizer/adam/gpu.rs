//! Adam on a GPU: one launch a parameter, where single operations are twelve.

use burn::tensor::Tensor;
use cubecl::calculate_cube_count_elemwise;
use cubecl::prelude::*;

use super::{Moments, Numbers};
use crate::buffers::{empty, rows, tensor};

/// The weight after a step, and its moments; `None` are those of no gradient yet.
pub(super) fn moved(
    weight: Tensor<1>,
    gradient: Tensor<1>,
    old: Option<Moments>,
    numbers: Numbers,
) -> (Tensor<1>, Moments) {
    let [count] = weight.dims();
    let (weight, gradient) = (rows(weight), rows(gradient));
    let client = weight.client.clone();
    let [new, mean, square] = [(); 3].map(|()| empty(&weight, [count]));
    let old = old.map(|old| [old.mean, old.square].map(|x| rows(x).into_buffer_arg()));
    let [old_mean, old_square] = match old {
        Some(old) => old.map(Some),
        None => [None, None],
    };
    let units = CubeDim::new(&client, count);
    adam::launch(
        &client,
        calculate_cube_count_elemwise(&client, count, units),
        units,
        weight.into_buffer_arg(),
        gradient.into_buffer_arg(),
        old_mean.into(),
        old_square.into(),
        new.clone().into_buffer_arg(),
        mean.clone().into_buffer_arg(),
        square.clone().into_buffer_arg(),
        NumbersOnGpuLaunch::new(
            numbers.beta1 as f32,
            (1.0 - numbers.beta1) as f32,
            numbers.beta2 as f32,
            (1.0 - numbers.beta2) as f32,
            numbers.epsilon as f32,
            numbers.decay as f32,
            numbers.keep as f32,
            numbers.pull as f32,
            numbers.widen as f32,
        ),
    );
    (tensor(new), Moments { mean: tensor(mean), square: tensor(square) })
}

#[derive(CubeLaunch, CubeType)]
struct NumbersOnGpu {
    beta1: f32,
    fresh1: f32,
    beta2: f32,
    fresh2: f32,
    epsilon: f32,
    decay: f32,
    keep: f32,
    pull: f32,
    widen: f32,
}

#[cube(launch)]
fn adam(
    weight: &[f32],
    gradient: &[f32],
    old_mean: ComptimeOption<&[f32]>,
    old_square: ComptimeOption<&[f32]>,
    new: &mut [f32],
    mean: &mut [f32],
    square: &mut [f32],
    numbers: NumbersOnGpu,
) {
    let at = ABSOLUTE_POS;
    if at >= new.len() {
        terminate!();
    }
    let from = weight[at];
    let slope = gradient[at] + numbers.decay * from;
    let mut m = numbers.fresh1 * slope;
    let mut v = numbers.fresh2 * (slope * slope);
    #[comptime]
    match old_mean {
        ComptimeOption::Some(old) => m += numbers.beta1 * old[at],
        ComptimeOption::None => {}
    }
    #[comptime]
    match old_square {
        ComptimeOption::Some(old) => v += numbers.beta2 * old[at],
        ComptimeOption::None => {}
    }
    mean[at] = m;
    square[at] = v;
    let root = v.sqrt() * numbers.widen + numbers.epsilon;
    new[at] = numbers.keep * from - numbers.pull * m / root;
}
