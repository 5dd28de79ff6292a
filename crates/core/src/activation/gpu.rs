//! Activations in kernels.

use cubecl::prelude::*;

use super::{Activation, SIX};

/// A sum after the activation. A NaN stays one: divergence must show.
#[cube]
pub(crate) fn activated(sum: f32, #[comptime] activation: Activation) -> f32 {
    let mut result = sum;
    if comptime![activation != Activation::Linear] {
        result = select(sum < 0.0f32, 0.0f32, sum);
    }
    if comptime![activation == Activation::Relu6] {
        result = select(result > SIX, SIX, result);
    }
    result
}

/// What of a gradient passes where the activation gave such a result: none where the result does not
/// follow the sum.
#[cube]
pub(crate) fn passed(gradient: f32, result: f32, #[comptime] activation: Activation) -> f32 {
    let mut passed = gradient;
    if comptime![activation != Activation::Linear] {
        passed = select(result > 0.0f32, passed, 0.0f32);
    }
    if comptime![activation == Activation::Relu6] {
        passed = select(result < SIX, passed, 0.0f32);
    }
    passed
}
