//! Sums of a few rows and columns, in registers.

use core::ops::Range;

use itertools::izip;
use pulp::Simd;

use crate::vectors::{load, store};

/// How many rows and vectors of columns fit into the registers of a processor, with their operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Six rows of four vectors and the like: 32 registers.
    Wide,
    /// Six rows of two vectors: 16 registers.
    Narrow,
    /// Two rows of four vectors and the like: what a browser makes of WebAssembly has 16 registers, of which it needs
    /// some for itself.
    Browser,
}

impl Shape {
    #[inline(always)]
    pub(super) fn of<S: Simd>() -> Self {
        if cfg!(target_family = "wasm") {
            Self::Browser
        } else if S::REGISTER_COUNT > 16 {
            Self::Wide
        } else {
            Self::Narrow
        }
    }

    /// Vectors in a row of a tile, at most.
    pub(super) fn vectors(self) -> usize {
        match self {
            Self::Wide | Self::Browser => 4,
            Self::Narrow => 2,
        }
    }
}

/// Work that goes panel by panel.
pub(super) trait Panelled {
    /// Does one panel, of tiles of so many rows and vectors.
    ///
    /// As all that works on vectors, it must be `#[inline(always)]`.
    fn panel<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &mut self,
        simd: S,
        columns: Range<usize>,
    );
}

/// Some columns as the fewest panels that tiles can have, which differ by one vector at most: a tile that is
/// narrower than the others waits for its numbers more often. The last vector may not be full.
#[inline(always)]
pub(super) fn panels(
    columns: Range<usize>,
    [lanes, most]: [usize; 2],
) -> impl Iterator<Item = Range<usize>> {
    let vectors = columns.len().div_ceil(lanes);
    let count = vectors.div_ceil(most);
    let first = move |panel: usize| columns.start + panel * vectors / count * lanes;
    (0..count).map(move |panel| first(panel)..first(panel + 1).min(columns.end))
}

/// Does all panels of some columns.
#[inline(always)]
pub(super) fn each_panel<S: Simd>(simd: S, columns: Range<usize>, work: &mut impl Panelled) {
    let shape = Shape::of::<S>();
    for columns in panels(columns, [S::F32_LANES, shape.vectors()]) {
        match (shape, columns.len().div_ceil(S::F32_LANES)) {
            (Shape::Wide, 1) => work.panel::<S, 12, 1>(simd, columns),
            (Shape::Wide, 2) => work.panel::<S, 12, 2>(simd, columns),
            (Shape::Wide, 3) => work.panel::<S, 8, 3>(simd, columns),
            (Shape::Wide, _) => work.panel::<S, 6, 4>(simd, columns),
            (Shape::Narrow, 1) => work.panel::<S, 6, 1>(simd, columns),
            (Shape::Narrow, _) => work.panel::<S, 6, 2>(simd, columns),
            (Shape::Browser, 1) => work.panel::<S, 4, 1>(simd, columns),
            (Shape::Browser, 2) => work.panel::<S, 4, 2>(simd, columns),
            (Shape::Browser, 3) => work.panel::<S, 2, 3>(simd, columns),
            (Shape::Browser, _) => work.panel::<S, 2, 4>(simd, columns),
        }
    }
}

/// Sums that are being built.
pub(super) struct Tile<S: Simd, const ROWS: usize, const VECTORS: usize> {
    pub(super) sums: [[S::f32s; VECTORS]; ROWS],
}

impl<S: Simd, const ROWS: usize, const VECTORS: usize> Tile<S, ROWS, VECTORS> {
    #[inline(always)]
    pub(super) fn new(simd: S) -> Self {
        Self { sums: [[simd.splat_f32s(0.0); VECTORS]; ROWS] }
    }

    /// Adds the products of rows with rows of a panel. An index would be checked for every row at every step.
    #[inline(always)]
    pub(super) fn add(&mut self, simd: S, rows: [&[f32]; ROWS], panel: &[[S::f32s; VECTORS]]) {
        macro_rules! of_rows {
            ($($number:ident: $row:literal),+) => {
                for (vectors, $($number),+) in izip!(panel, $(rows[$row]),+) {
                    for (sums, number) in self.sums.iter_mut().zip([$($number),+]) {
                        fuse(simd, sums, *number, vectors);
                    }
                }
            };
        }
        match ROWS {
            1 => of_rows!(a: 0),
            2 => of_rows!(a: 0, b: 1),
            4 => of_rows!(a: 0, b: 1, c: 2, d: 3),
            6 => of_rows!(a: 0, b: 1, c: 2, d: 3, e: 4, f: 5),
            8 => of_rows!(a: 0, b: 1, c: 2, d: 3, e: 4, f: 5, g: 6, h: 7),
            12 => of_rows!(
                a: 0, b: 1, c: 2, d: 3, e: 4, f: 5, g: 6, h: 7, i: 8, j: 9, k: 10, l: 11
            ),
            _ => unreachable!("tiles have no other numbers of rows"),
        }
    }
}

/// Adds one number times vectors.
#[inline(always)]
pub(super) fn fuse<S: Simd, const VECTORS: usize>(
    simd: S,
    sums: &mut [S::f32s; VECTORS],
    number: f32,
    vectors: &[S::f32s; VECTORS],
) {
    let number = simd.splat_f32s(number);
    for (sum, vector) in sums.iter_mut().zip(vectors) {
        *sum = simd.mul_add_e_f32s(number, *vector, *sum);
    }
}

/// Writes vectors, as far as there is room.
#[inline(always)]
pub(super) fn set<S: Simd, const VECTORS: usize>(
    simd: S,
    result: &mut [f32],
    sums: &[S::f32s; VECTORS],
) {
    let (whole, rest) = S::as_mut_simd_f32s(result);
    if let Some(all) = whole.first_chunk_mut::<VECTORS>() {
        *all = *sums;
        return;
    }
    for (number, sum) in whole.iter_mut().zip(sums) {
        *number = *sum;
    }
    if !rest.is_empty() {
        simd.partial_store_f32s(rest, sums[whole.len()]);
    }
}

/// Adds numbers to vectors, as far as there are any.
#[inline(always)]
pub(super) fn join<S: Simd, const VECTORS: usize>(
    simd: S,
    sums: &mut [S::f32s; VECTORS],
    numbers: &[f32],
) {
    let (whole, rest) = S::as_simd_f32s(numbers);
    if let Some(all) = whole.first_chunk::<VECTORS>() {
        for (sum, number) in sums.iter_mut().zip(all) {
            *sum = simd.add_f32s(*sum, *number);
        }
        return;
    }
    for (sum, number) in sums.iter_mut().zip(whole) {
        *sum = simd.add_f32s(*sum, *number);
    }
    if !rest.is_empty() {
        let last = &mut sums[whole.len()];
        *last = simd.add_f32s(*last, simd.partial_load_f32s(rest));
    }
}

/// Adds vectors that lie so far apart.
#[inline(always)]
pub(super) fn join_apart<S: Simd, const VECTORS: usize>(
    simd: S,
    sums: &mut [S::f32s; VECTORS],
    numbers: &[f32],
    step: usize,
) {
    for (vector, sum) in sums.iter_mut().enumerate() {
        *sum = simd.add_f32s(*sum, load(simd, &numbers[vector * step..][..S::F32_LANES]));
    }
}

/// Writes vectors so far apart.
#[inline(always)]
pub(super) fn set_apart<S: Simd, const VECTORS: usize>(
    simd: S,
    result: &mut [f32],
    sums: [S::f32s; VECTORS],
    step: usize,
) {
    for (vector, sum) in sums.into_iter().enumerate() {
        store(simd, &mut result[vector * step..][..S::F32_LANES], sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_differ_by_a_vector_at_most() {
        let widths = |columns: usize, lanes| -> Vec<usize> {
            let all: Vec<_> = panels(10..10 + columns, [lanes, 4]).collect();
            assert!(all.windows(2).all(|pair| pair[0].end == pair[1].start));
            assert_eq!((all[0].start, all[all.len() - 1].end), (10, 10 + columns));
            all.iter().map(Range::len).collect()
        };
        assert_eq!(widths(64, 16), [64]);
        assert_eq!(widths(144, 16), [48, 48, 48]);
        assert_eq!(widths(80, 16), [32, 48]);
        assert_eq!(widths(17, 16), [17]);
        assert_eq!(widths(70, 16), [32, 38]);
        assert_eq!(widths(1, 4), [1]);
        assert_eq!(widths(65, 4), [12, 12, 16, 12, 13]);
    }
}
