//! Kernels over rows of channels.

use cubecl::prelude::*;

use crate::activation::Activation;
use crate::activation::gpu::{activated, passed};

/// Threads of a workgroup that sums: so many channels by [`DEEP`] rows.
pub(super) const UNITS: usize = LANES * DEEP;

/// Channels of a workgroup that sums.
pub(super) const LANES: usize = 32;

/// Rows that a workgroup reads at once.
const DEEP: usize = 8;

/// Rows of channels, and how many of them a workgroup sums.
#[derive(CubeLaunch, CubeType)]
pub(super) struct Table {
    rows: u32,
    channels: u32,
    rows_of_each: u32,
}

/// What normalising needs besides the moments.
#[derive(CubeLaunch, CubeType)]
pub(super) struct Scale {
    rows: f32,
    channels: u32,
    epsilon: f32,
}

/// Where a thread's rows begin and end, and its channel.
#[cube]
fn share(table: &Table) -> (u32, u32, u32) {
    let first = CUBE_POS_Y * table.rows_of_each;
    let end = min(first + table.rows_of_each, table.rows);
    let channel = CUBE_POS_X * LANES as u32 + UNIT_POS % LANES as u32;
    // A channel beyond the last has no rows.
    let end = select(channel < table.channels, end, first);
    (first + UNIT_POS / LANES as u32, end, channel)
}

/// Adds the sums of a workgroup's threads up and writes them.
#[cube]
fn gather(sum: f32, parts: &mut [f32], table: &Table, channel: u32) {
    let mut sums = Shared::<[f32]>::new_slice(UNITS);
    sums[UNIT_POS as usize] = sum;
    sync_cube();
    if UNIT_POS < LANES as u32 && channel < table.channels {
        let mut total = 0.0f32;
        #[unroll]
        for row in 0..DEEP {
            total += sums[row * LANES + UNIT_POS as usize];
        }
        parts[(CUBE_POS_Y * table.channels + channel) as usize] = total;
    }
}

/// Of each channel the sum over some rows: of the numbers, or of the squares of their distances from a
/// centre.
#[cube(launch)]
pub(super) fn column_sums(
    x: &[f32],
    centre: ComptimeOption<&[f32]>,
    parts: &mut [f32],
    table: Table,
) {
    let (first, end, channel) = share(&table);
    let mut sum = 0.0f32;
    #[comptime]
    match centre {
        ComptimeOption::Some(centre) => {
            let middle = centre[channel as usize];
            for row in range_stepped(first, end, DEEP as u32) {
                let far = x[(row * table.channels + channel) as usize] - middle;
                sum += far * far;
            }
        }
        ComptimeOption::None => {
            for row in range_stepped(first, end, DEEP as u32) {
                sum += x[(row * table.channels + channel) as usize];
            }
        }
    }
    gather(sum, parts, &table, channel);
}

/// Of each channel the sums over some rows that the gradients of weight and bias are.
#[cube(launch)]
pub(super) fn slope_sums(
    x: &[f32],
    gradient: &[f32],
    result: ComptimeOption<&[f32]>,
    mean: &[f32],
    variance: &[f32],
    of_weight: &mut [f32],
    of_bias: &mut [f32],
    table: Table,
    scale: Scale,
    #[comptime] activation: Activation,
) {
    let (first, end, channel) = share(&table);
    let middle = mean[channel as usize];
    let sharpness = 1.0f32 / (variance[channel as usize] + scale.epsilon).sqrt();
    let mut weight = 0.0f32;
    let mut bias = 0.0f32;
    for row in range_stepped(first, end, DEEP as u32) {
        let at = (row * table.channels + channel) as usize;
        let slope = slope(gradient, &result, at, activation);
        weight += slope * ((x[at] - middle) * sharpness);
        bias += slope;
    }
    gather(weight, of_weight, &table, channel);
    sync_cube();
    gather(bias, of_bias, &table, channel);
}

/// Sums of parts, times a number.
#[cube(launch)]
pub(super) fn totals(parts: &[f32], result: &mut [f32], count: u32, factor: f32) {
    if ABSOLUTE_POS >= result.len() {
        terminate!();
    }
    let mut total = 0.0f32;
    for part in 0..count {
        total += parts[part as usize * result.len() + ABSOLUTE_POS];
    }
    result[ABSOLUTE_POS] = total * factor;
}

/// Numbers of mean 0 and variance 1, scaled and shifted, after the activation.
#[cube(launch)]
pub(super) fn normalised(
    x: &[f32],
    mean: &[f32],
    variance: &[f32],
    weight: &[f32],
    bias: &[f32],
    result: &mut [f32],
    scale: Scale,
    #[comptime] activation: Activation,
) {
    let at = ABSOLUTE_POS;
    if at >= result.len() {
        terminate!();
    }
    let channel = at % scale.channels as usize;
    let sharpness = 1.0f32 / (variance[channel] + scale.epsilon).sqrt();
    let number = (x[at] - mean[channel]) * sharpness;
    result[at] = activated(number * weight[channel] + bias[channel], activation);
}

/// Of each channel, what [`gradients`] multiplies and adds: four rows of `[channels]`.
#[cube(launch)]
pub(super) fn coefficients(
    mean: &[f32],
    variance: &[f32],
    weight: &[f32],
    of_weight: &[f32],
    of_bias: &[f32],
    result: &mut [f32],
    scale: Scale,
) {
    let channel = ABSOLUTE_POS;
    let channels = scale.channels as usize;
    if channel >= channels {
        terminate!();
    }
    let sharpness = 1.0f32 / (variance[channel] + scale.epsilon).sqrt();
    let factor = weight[channel] * sharpness;
    result[channel] = factor;
    result[channels + channel] = -factor * sharpness * of_weight[channel] / scale.rows;
    result[2 * channels + channel] = -factor * of_bias[channel] / scale.rows;
    result[3 * channels + channel] = mean[channel];
}

/// The gradient of the numbers, `weight / σ · (g − mean of g − x̂ · mean of g · x̂)`.
#[cube(launch)]
pub(super) fn gradients(
    x: &[f32],
    gradient: &[f32],
    result: ComptimeOption<&[f32]>,
    coefficients: &[f32],
    found: &mut [f32],
    channels: u32,
    #[comptime] activation: Activation,
) {
    let at = ABSOLUTE_POS;
    if at >= found.len() {
        terminate!();
    }
    let channels = channels as usize;
    let channel = at % channels;
    let slope = slope(gradient, &result, at, activation);
    let far = x[at] - coefficients[3 * channels + channel];
    let common = coefficients[channels + channel] * far + coefficients[2 * channels + channel];
    found[at] = coefficients[channel] * slope + common;
}

/// The gradient before the activation.
#[cube]
fn slope(
    gradient: &[f32],
    result: &ComptimeOption<&[f32]>,
    at: usize,
    #[comptime] activation: Activation,
) -> f32 {
    let mut slope = gradient[at];
    #[comptime]
    match result {
        ComptimeOption::Some(result) => slope = passed(slope, result[at], activation),
        ComptimeOption::None => {}
    }
    slope
}
