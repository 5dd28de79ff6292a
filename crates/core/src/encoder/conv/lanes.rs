//! Four numbers that are added and multiplied at once: a browser's vector, elsewhere an array.

#[cfg(target_feature = "simd128")]
use core::arch::wasm32::{
    f32x4, f32x4_add, f32x4_extract_lane, f32x4_mul, f32x4_pmax, f32x4_splat, v128,
};

#[cfg(not(target_feature = "simd128"))]
use crate::activation::Activation;

/// Numbers in a vector.
pub(super) const LANES: usize = 4;

/// Four numbers.
#[derive(Clone, Copy, Debug)]
#[cfg(target_feature = "simd128")]
pub(super) struct Lanes(v128);

/// Four numbers.
#[derive(Clone, Copy, Debug)]
#[cfg(not(target_feature = "simd128"))]
pub(super) struct Lanes([f32; LANES]);

#[cfg(target_feature = "simd128")]
impl Lanes {
    /// The first four of some numbers.
    #[inline(always)]
    pub(super) fn of(x: &[f32]) -> Self {
        Self(f32x4(x[0], x[1], x[2], x[3]))
    }

    /// These numbers and the products of one with others.
    #[inline(always)]
    pub(super) fn plus(self, one: f32, others: Self) -> Self {
        Self(f32x4_add(self.0, f32x4_mul(f32x4_splat(one), others.0)))
    }

    /// What is below 0 becomes 0; NaN stays.
    #[inline(always)]
    pub(super) fn relu(self) -> Self {
        Self(f32x4_pmax(self.0, f32x4_splat(0.0)))
    }

    #[inline(always)]
    pub(super) fn numbers(self) -> [f32; LANES] {
        [
            f32x4_extract_lane::<0>(self.0),
            f32x4_extract_lane::<1>(self.0),
            f32x4_extract_lane::<2>(self.0),
            f32x4_extract_lane::<3>(self.0),
        ]
    }
}

#[cfg(not(target_feature = "simd128"))]
impl Lanes {
    /// The first four of some numbers.
    pub(super) fn of(x: &[f32]) -> Self {
        Self(core::array::from_fn(|lane| x[lane]))
    }

    /// These numbers and the products of one with others.
    pub(super) fn plus(self, one: f32, others: Self) -> Self {
        Self(core::array::from_fn(|lane| self.0[lane] + one * others.0[lane]))
    }

    /// What is below 0 becomes 0; NaN stays.
    pub(super) fn relu(self) -> Self {
        Self(self.0.map(|x| Activation::Relu.of(x)))
    }

    pub(super) fn numbers(self) -> [f32; LANES] {
        self.0
    }
}
