//! Sums of a few rows and columns, in registers.

use core::ops::Range;

use pulp::Simd;

/// How many rows and vectors of columns fit into the registers of a processor, with their operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Six rows of four vectors: 32 registers.
    Wide,
    /// Six rows of two vectors: 16 registers.
    Narrow,
    /// Two rows of four vectors: what a browser makes of WebAssembly has 16 registers, and no product that
    /// is added at once.
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

    /// Vectors in a row of a tile.
    pub(super) fn vectors(self) -> usize {
        match self {
            Self::Wide | Self::Browser => 4,
            Self::Narrow => 2,
        }
    }
}

/// Work that goes panel by panel, of as many columns as a tile has.
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

/// Does all panels of some columns. The last may be narrower.
#[inline(always)]
pub(super) fn each_panel<S: Simd>(simd: S, columns: Range<usize>, work: &mut impl Panelled) {
    match Shape::of::<S>() {
        Shape::Wide => panels::<S, 6, 4>(simd, columns, work),
        Shape::Narrow => panels::<S, 6, 2>(simd, columns, work),
        Shape::Browser => panels::<S, 2, 4>(simd, columns, work),
    }
}

#[inline(always)]
fn panels<S: Simd, const ROWS: usize, const VECTORS: usize>(
    simd: S,
    columns: Range<usize>,
    work: &mut impl Panelled,
) {
    let (width, end) = (VECTORS * S::F32_LANES, columns.end);
    for first in columns.step_by(width) {
        let columns = first..end.min(first + width);
        match columns.len().div_ceil(S::F32_LANES) {
            1 => work.panel::<S, ROWS, 1>(simd, columns),
            2 => work.panel::<S, ROWS, 2>(simd, columns),
            3 if VECTORS > 2 => work.panel::<S, ROWS, 3>(simd, columns),
            _ => work.panel::<S, ROWS, VECTORS>(simd, columns),
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

    /// Adds the products of rows with rows of a panel.
    #[inline(always)]
    pub(super) fn add(&mut self, simd: S, rows: [&[f32]; ROWS], panel: &[[S::f32s; VECTORS]]) {
        let rows = rows.map(|row| &row[..panel.len()]);
        for (place, vectors) in panel.iter().enumerate() {
            for (sums, row) in self.sums.iter_mut().zip(rows) {
                fuse(simd, sums, row[place], vectors);
            }
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
    sums: [S::f32s; VECTORS],
) {
    let (whole, rest) = S::as_mut_simd_f32s(result);
    for (number, sum) in whole.iter_mut().zip(sums) {
        *number = sum;
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
    for (sum, number) in sums.iter_mut().zip(whole) {
        *sum = simd.add_f32s(*sum, *number);
    }
    if !rest.is_empty() {
        let last = &mut sums[whole.len()];
        *last = simd.add_f32s(*last, simd.partial_load_f32s(rest));
    }
}
