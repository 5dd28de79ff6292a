//! Loops in vectors as wide as the processor's.

#[cfg(feature = "cpu")]
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
    #[cfg(feature = "cpu")]
    return processor().dispatch(Compiled(of));
    #[cfg(not(feature = "cpu"))]
    of.run()
}

/// The widest vectors that there are here.
#[cfg(feature = "cpu")]
#[inline(always)]
pub(crate) fn processor() -> Arch {
    #[cfg(all(target_family = "wasm", feature = "relaxed-simd"))]
    return {
        use pulp::core_arch::wasm;
        let simd128 = wasm::Simd128::new_unchecked();
        let relaxed_simd = wasm::RelaxedSimd::new_unchecked();
        Arch::RelaxedSimd(pulp::wasm::RelaxedSimd { simd128, relaxed_simd })
    };
    #[cfg(all(target_family = "wasm", not(feature = "relaxed-simd")))]
    return {
        let simd128 = pulp::core_arch::wasm::Simd128::new_unchecked();
        Arch::Simd128(pulp::wasm::Simd128 { simd128 })
    };
    #[cfg(not(target_family = "wasm"))]
    Arch::new()
}

/// A loop under the trait by which it is compiled.
#[cfg(feature = "cpu")]
struct Compiled<L>(L);

#[cfg(feature = "cpu")]
impl<L: Loop> NullaryFnOnce for Compiled<L> {
    type Output = L::Output;

    #[inline(always)]
    fn call(self) -> L::Output {
        self.0.run()
    }
}

/// A vector of some numbers, of which the last may be missing.
#[cfg(feature = "cpu")]
#[inline(always)]
pub(crate) fn load<S: Simd>(simd: S, numbers: &[f32]) -> S::f32s {
    match S::as_simd_f32s(numbers).0.first() {
        Some(whole) => *whole,
        None => simd.partial_load_f32s(numbers),
    }
}

/// Writes a vector, as far as there is room.
#[cfg(feature = "cpu")]
#[inline(always)]
pub(crate) fn store<S: Simd>(simd: S, room: &mut [f32], numbers: S::f32s) {
    match S::as_mut_simd_f32s(room) {
        ([whole, ..], _) => *whole = numbers,
        (_, rest) => simd.partial_store_f32s(rest, numbers),
    }
}

/// ln 2 in two parts, so that n · ln 2 is exact enough.
const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];

/// eˣ for x ≤ 0, to 2e-7 of itself: 2ⁿ · eʳ with |r| ≤ ln 2 / 2, eʳ by the polynomial of the Cephes library
/// (`expf`). NaN stays; below -87 it is 0.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    /// Adding it rounds to a whole number.
    const ROUND: f32 = 12_582_912.0;
    const LEAST: f32 = -87.0;
    let clamped = if x < LEAST { LEAST } else { x };
    let shifted = clamped * core::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = clamped - n * LN_2[0] - n * LN_2[1];
    let p = 1.987_569_1e-4;
    let p = p * r + 1.398_199_9e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_5e-1;
    let p = p * r + 0.5;
    let power = p * r * r + r + 1.0;
    // The lowest bits of the shifted number are n; 127 is the exponent's offset.
    let scale = f32::from_bits((shifted.to_bits().wrapping_add(127)) << 23);
    let value = power * scale;
    if x < LEAST { 0.0 } else { value }
}

/// ln x for normal numbers above 0, to 1e-7 beside 1 or of itself: n · ln 2 + ln m with m between √½ and √2,
/// ln m by the polynomial of the Cephes library (`logf`).
#[inline(always)]
pub(crate) fn ln(x: f32) -> f32 {
    /// Of ln m = f - f² / 2 + f³ · (…) with f = m - 1, the highest power first.
    const TERMS: [f32; 9] = [
        7.037_683_6e-2,
        -1.151_461e-1,
        1.167_699_9e-1,
        -1.242_014_1e-1,
        1.424_932_3e-1,
        -1.666_805_8e-1,
        2.000_071_5e-1,
        -2.499_999_4e-1,
        3.333_333e-1,
    ];
    let n = x.to_bits().wrapping_sub(core::f32::consts::FRAC_1_SQRT_2.to_bits()) as i32 >> 23;
    let f = f32::from_bits(x.to_bits().wrapping_sub((n << 23) as u32)) - 1.0;
    let series = TERMS.iter().fold(0.0, |sum, term| sum * f + term);
    let n = n as f32;
    let of_m = f + (series * f * f * f + n * LN_2[1] - 0.5 * f * f);
    n * LN_2[0] + of_m
}

#[cfg(all(test, feature = "cpu"))]
mod tests {
    use super::*;

    #[test]
    fn logarithms_are_right() {
        let numbers = (1..400_000).map(|k| 1e-5 * k as f32).chain([f32::MIN_POSITIVE, 1e30]);
        for x in numbers {
            let expected = f64::from(x).ln();
            let far = (f64::from(ln(x)) - expected).abs();
            assert!(far <= 1.2e-7 * expected.abs().max(1.0), "{x}: off by {far}");
        }
        assert_eq!(ln(1.0), 0.0);
    }

    #[test]
    fn powers_of_e_are_right() {
        let numbers = (0..870_000).map(|k| -1e-4 * k as f32);
        let far = numbers.map(|x| (f64::from(exp(x)) / f64::from(x).exp() - 1.0).abs());
        assert!(far.fold(0.0, f64::max) < 2e-7);
        assert_eq!([exp(0.0), exp(-1e4), exp(f32::NEG_INFINITY)], [1.0, 0.0, 0.0]);
        assert!(exp(f32::NAN).is_nan());
    }
}
