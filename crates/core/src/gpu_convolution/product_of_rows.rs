//! The gradient of a convolution's kernels: patches by gradients, summed over all pixels. A sum over so
//! many is split among workgroups, whose parts are added up afterwards: in the same order each time.

use cubecl::prelude::*;

use super::gather::{Factors, Quad, SIDE, SLAB, Tap, Walk, entry, place, seat, seen, tap, zero};
use super::narrow::{gathered, scale, scaled};
use crate::activation::Activation;

/// Of the rows of one split, `result[split, k, out] = sum of patch[row, k] · gradient[row, out]` and
/// `totals[split, out] = sum of gradient[row, out]`.
///
/// With the largest number of the source and that of the gradient, numbers of type `N` are multiplied, of
/// two bytes.
#[cube(launch)]
pub(super) fn product_of_rows<N: Float>(
    source: &[Quad],
    gradient: &[Quad],
    mask: ComptimeOption<&[Quad]>,
    of_source: ComptimeOption<&[f32]>,
    of_gradient: ComptimeOption<&[f32]>,
    result: &mut [Quad],
    totals: &mut [Quad],
    walk: Walk,
    outputs: u32,
    rows_of_split: u32,
    #[comptime] activation: Activation,
    #[define(N)] _factors: ElemType,
) {
    let mut left = Shared::<[Factors<N>]>::new_slice(comptime![SLAB * SIDE]);
    let mut right = Shared::<[Factors<N>]>::new_slice(comptime![SLAB * SIDE]);
    let is_narrow = comptime![of_gradient.is_some()];
    let (left_factor, left_inverse) = scale(&of_source);
    let (right_factor, right_inverse) = scale(&of_gradient);
    let first = CUBE_POS_Z * rows_of_split;
    let end = min(first + rows_of_split, walk.rows);
    let (quad, column) = (CUBE_POS_X * SIDE as u32, CUBE_POS_Y * SIDE as u32);

    // What of each row this thread brings.
    let own = tap(&walk, quad + UNIT_POS % SIDE as u32);
    let brought = column + UNIT_POS % SIDE as u32;
    let mut row = first + UNIT_POS / SIDE as u32;
    let mut ahead_left = patch(source, &walk, own, row, end);
    let mut ahead_right = entry(gradient, &mask, (row, brought), (end, outputs), activation);

    let mut own_sums = Array::<Factors<N>>::new(4usize);
    let mut sums = Array::<Quad>::new(4usize);
    let mut total = zero();
    let slabs = rows_of_split.div_ceil(SLAB as u32);
    for slab in 0..slabs {
        left[UNIT_POS as usize] = scaled::<N>(ahead_left, left_factor);
        right[UNIT_POS as usize] = scaled::<N>(ahead_right, right_factor);
        total += ahead_right;
        sync_cube();
        if slab + 1 < slabs {
            row += SLAB as u32;
            ahead_left = patch(source, &walk, own, row, end);
            ahead_right = entry(gradient, &mask, (row, brought), (end, outputs), activation);
        }
        multiply(&left, &right, &mut own_sums);
        if is_narrow {
            gathered(&mut own_sums, &mut sums, 4usize);
        }
        sync_cube();
    }
    if !is_narrow {
        gathered(&mut own_sums, &mut sums, 4usize);
    }

    let (x, y) = seat(UNIT_POS);
    let (quad, out) = (quad + y as u32, column + x as u32);
    if quad < walk.depth && out < outputs {
        #[unroll]
        for k in 0..4usize {
            let line = (CUBE_POS_Z * walk.depth + quad) * 4 + k as u32;
            // One after the other: both at once may be too small a number.
            let sum = sums[k] * Quad::new(left_inverse) * Quad::new(right_inverse);
            result[(line * outputs + out) as usize] = sum;
        }
    }
    if CUBE_POS_X == 0 {
        let mut totals_of = Shared::<[Quad]>::new_slice(comptime![SLAB * SIDE]);
        totals_of[UNIT_POS as usize] = total;
        sync_cube();
        if UNIT_POS < SIDE as u32 && brought < outputs {
            let mut sum = zero();
            #[unroll]
            for row in 0..SLAB {
                sum += totals_of[row * SIDE + UNIT_POS as usize];
            }
            totals[(CUBE_POS_Z * outputs + brought) as usize] = sum;
        }
    }
}

/// A quad of a row's patch.
#[cube]
fn patch(source: &[Quad], walk: &Walk, tap: Tap, row: u32, end: u32) -> Quad {
    let none = ComptimeOption::<&[Quad]>::new_None();
    seen(source, &none, walk, (place(walk, row, end), tap), 1i32, Activation::Linear)
}

/// Adds a slab's products to a thread's sums.
#[cube]
fn multiply<N: Float>(
    left: &Shared<[Factors<N>]>,
    right: &Shared<[Factors<N>]>,
    sums: &mut Array<Factors<N>>,
) {
    let (x, y) = seat(UNIT_POS);
    #[unroll]
    for row in 0..SLAB {
        let numbers = left[row * SIDE + y];
        let slopes = right[row * SIDE + x];
        #[unroll]
        for k in 0..4usize {
            sums[k] = fma(Factors::<N>::new(numbers.extract(k)), slopes, sums[k]);
        }
    }
}
