//! Activations of vectors.

use pulp::Simd;

use super::{Activation, SIX};

/// Applies an activation to vectors of sums. Lets a NaN pass, as [`Activation::of`] does.
#[inline(always)]
pub(crate) fn activate<S: Simd>(simd: S, sums: &mut [S::f32s], activation: Activation) {
    if activation == Activation::Linear {
        return;
    }
    let zero = simd.splat_f32s(0.0);
    for sum in &mut *sums {
        *sum = larger(simd, zero, *sum);
    }
    if activation == Activation::Relu6 {
        let six = simd.splat_f32s(SIX);
        for sum in sums {
            *sum = smaller(simd, six, *sum);
        }
    }
}

/// The maximum, which is NaN where the second number is: so it is in vectors (x86 gives the second number then,
/// ARM and WebAssembly a NaN), but not in Rust.
#[inline(always)]
fn larger<S: Simd>(simd: S, least: S::f32s, x: S::f32s) -> S::f32s {
    if S::F32_LANES > 1 {
        return simd.max_f32s(least, x);
    }
    simd.select_f32s(simd.less_than_f32s(x, least), least, x)
}

/// The minimum in the same way.
#[inline(always)]
fn smaller<S: Simd>(simd: S, most: S::f32s, x: S::f32s) -> S::f32s {
    if S::F32_LANES > 1 {
        return simd.min_f32s(most, x);
    }
    simd.select_f32s(simd.greater_than_f32s(x, most), most, x)
}
