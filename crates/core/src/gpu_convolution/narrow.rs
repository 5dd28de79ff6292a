//! Products of numbers of two bytes, see [`precision`](crate::precision): the largest of some numbers, by which
//! they are scaled, and the way to such numbers and back.

use burn::tensor::DType;
use cubecl::ir::FloatKind;
use cubecl::prelude::*;

use super::gather::{Factors, Quad, UNITS};
use crate::buffers::{Buffer, empty};

/// Where the exponent of a number of four bytes begins among its bits.
const EXPONENT: u32 = 23;

/// Workgroups of the first launch: as many results are a quad for each thread of the second.
const GROUPS: usize = 4 * UNITS;

/// The largest number of each workgroup's share, without signs.
#[cube(launch)]
fn largest(numbers: &[Quad], result: &mut [f32], quads: u32) {
    let mut most = Shared::<[f32]>::new_slice(UNITS);
    let mut own = Quad::new(0.0f32);
    let step = CUBE_COUNT_X * UNITS as u32;
    let mut place = ABSOLUTE_POS_X;
    while place < quads {
        own = max(own, numbers[place as usize].abs());
        place += step;
    }
    let pair = max(own.extract(0usize), own.extract(1usize));
    most[UNIT_POS as usize] = max(pair, max(own.extract(2usize), own.extract(3usize)));
    sync_cube();
    if UNIT_POS == 0 {
        let mut all = 0.0f32;
        for unit in 0..UNITS {
            all = max(all, most[unit]);
        }
        result[CUBE_POS_X as usize] = all;
    }
}

/// The largest of some numbers, whole quads, without signs: one number.
pub(super) fn largest_number(numbers: &Buffer) -> Buffer {
    let launched = |numbers: &Buffer, groups: usize| {
        let result = empty(numbers, [groups]);
        let quads = numbers.meta.num_elements() / 4;
        largest::launch(
            &numbers.client,
            CubeCount::Static(groups as u32, 1, 1),
            CubeDim::new_1d(UNITS as u32),
            numbers.clone().into_buffer_arg(),
            result.clone().into_buffer_arg(),
            quads as u32,
        );
        result
    };
    launched(&launched(numbers, GROUPS), 1)
}

/// The type of the numbers that are multiplied with such weights.
pub(super) fn factors_with(weight: &Buffer) -> ElemType {
    match weight.dtype {
        DType::F16 => ElemType::Float(FloatKind::F16),
        _ => ElemType::Float(FloatKind::F32),
    }
}

/// The power of two by which numbers are scaled, so that the largest of them is between 16 and 32, and its
/// inverse; 1 where the largest is not asked for.
#[cube]
pub(super) fn scale(largest: &ComptimeOption<&[f32]>) -> (f32, f32) {
    let mut factor = 1.0f32;
    let mut inverse = 1.0f32;
    #[comptime]
    match largest {
        ComptimeOption::Some(largest) => {
            // Where there are both.
            let exponent = clamp(u32::reinterpret(largest[0]) >> EXPONENT, 5u32, 254u32);
            factor = f32::reinterpret((258u32 - exponent) << EXPONENT);
            inverse = f32::reinterpret((exponent - 4u32) << EXPONENT);
        }
        ComptimeOption::None => {}
    }
    (factor, inverse)
}

/// Numbers as they are multiplied.
#[cube]
pub(super) fn scaled<N: Float>(numbers: Quad, factor: f32) -> Factors<N> {
    Factors::<N>::cast_from(numbers * Quad::new(factor))
}

/// Adds sums of few products to those of all, and begins them anew.
#[cube]
pub(super) fn gathered<N: Float>(
    own: &mut Array<Factors<N>>,
    sums: &mut Array<Quad>,
    #[comptime] count: usize,
) {
    #[unroll]
    for k in 0..count {
        sums[k] += Quad::cast_from(own[k]);
        own[k] = Factors::<N>::new(N::new(0.0));
    }
}
