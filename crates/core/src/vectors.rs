//! Loops in vectors as wide as the processor's.

use pulp::{Arch, NullaryFnOnce, Simd};

/// Work on arrays, with what it needs.
pub(crate) trait Loop {
    /// What comes of it.
    type Output;

    /// Does it. This, and what it calls, must be `#[inline(always)]`: what is not inlined is compiled for
    /// the least processor.
    fn run(self) -> Self::Output;
}

/// Runs a loop that is compiled for every kind of vector, for the widest that there is here.
///
/// Nothing is added up in another order and no product is fused with a sum, so that results are the same
/// everywhere, to the bit.
pub(crate) fn widest<L: Loop>(of: L) -> L::Output {
    Arch::new().dispatch(Compiled(of))
}

/// A loop under the trait by which it is compiled.
struct Compiled<L>(L);

impl<L: Loop> NullaryFnOnce for Compiled<L> {
    type Output = L::Output;

    #[inline(always)]
    fn call(self) -> L::Output {
        self.0.run()
    }
}

/// A vector of some numbers, of which the last may be missing.
#[inline(always)]
pub(crate) fn load<S: Simd>(simd: S, numbers: &[f32]) -> S::f32s {
    match S::as_simd_f32s(numbers).0.first() {
        Some(whole) => *whole,
        None => simd.partial_load_f32s(numbers),
    }
}

/// Writes a vector, as far as there is room.
#[inline(always)]
pub(crate) fn store<S: Simd>(simd: S, room: &mut [f32], numbers: S::f32s) {
    match S::as_mut_simd_f32s(room) {
        ([whole, ..], _) => *whole = numbers,
        (_, rest) => simd.partial_store_f32s(rest, numbers),
    }
}
