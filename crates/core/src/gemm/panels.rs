//! The right side of a product, packed.

use core::ops::Range;

use pulp::{Simd, WithSimd};

use super::tile::{self, Shape};
use crate::threads;
use crate::vectors::processor;

/// Numbers in a line of the cache.
const LINE: usize = 16;

/// Numbers of a matrix that all threads pack.
const MANY: usize = 1 << 15;

/// A matrix as panels of as many columns as a tile has, each `[depth, width]`, the last filled up with zeros to
/// whole vectors.
#[derive(Clone)]
pub(crate) struct Panels {
    numbers: Vec<f32>,
    depth: usize,
    columns: usize,
}

impl core::fmt::Debug for Panels {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Panels of {} rows, {} columns", self.depth, self.columns)
    }
}

impl Panels {
    /// The matrix `[depth, columns]` whose row at a place has such a number in a column.
    pub(crate) fn new<Row: Fn(usize) -> f32>(
        shape: [usize; 2],
        row: impl Fn(usize) -> Row + Send + Sync,
    ) -> Self {
        Self::filled(shape, |columns, panel, width| {
            for (place, numbers) in panel.chunks_exact_mut(width).enumerate() {
                numbers.iter_mut().zip(columns.clone().map(row(place))).for_each(|(to, x)| *to = x);
            }
        })
    }

    /// The matrix `[depth, columns]` of such rows.
    pub(crate) fn of_rows<'a>(
        shape: [usize; 2],
        row: impl Fn(usize) -> &'a [f32] + Send + Sync,
    ) -> Self {
        Self::filled(shape, |columns, panel, width| {
            for (place, numbers) in panel.chunks_exact_mut(width).enumerate() {
                numbers[..columns.len()].copy_from_slice(&row(place)[columns.clone()]);
            }
        })
    }

    /// The matrix `[depth, columns]` by which a layer multiplies, of weights `[columns, depth]`.
    pub(crate) fn of_weights(weights: &[f32], [depth, columns]: [usize; 2]) -> Self {
        Self::of_columns([depth, columns], |column| &weights[column * depth..][..depth])
    }

    /// The matrix `[depth, columns]` of such columns.
    pub(crate) fn of_columns<'a>(
        shape: [usize; 2],
        column: impl Fn(usize) -> &'a [f32] + Send + Sync,
    ) -> Self {
        Self::filled(shape, |columns, panel, width| pack(columns.map(&column), panel, width))
    }

    /// With what is written of some columns to their panel, of such a width: it has zeros until then.
    fn filled(
        [depth, columns]: [usize; 2],
        write: impl Fn(Range<usize>, &mut [f32], usize) + Send + Sync,
    ) -> Self {
        let widths = widths();
        let [lanes, _] = widths;
        let mut numbers = threads::zeros(depth * columns.next_multiple_of(lanes));
        let mut rest = numbers.as_mut_slice();
        let panels = tile::panels(0..columns, widths).map(|columns| {
            let width = columns.len().next_multiple_of(lanes);
            let (panel, later) = core::mem::take(&mut rest).split_at_mut(depth * width);
            rest = later;
            (columns, panel, width)
        });
        let panels: Vec<(Range<usize>, &mut [f32], usize)> = panels.collect();
        if depth * columns < MANY {
            panels.into_iter().for_each(|(columns, panel, width)| write(columns, panel, width));
        } else {
            threads::each(panels, |(columns, panel, width)| write(columns, panel, width));
        }
        Self { numbers, depth, columns }
    }

    /// Rows of the matrix.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// Columns of the matrix.
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// The panel that begins with a column, and those after it.
    pub(super) fn from(&self, column: usize) -> &[f32] {
        &self.numbers[column * self.depth..]
    }
}

/// Writes columns as the first of a panel `[depth, width]`. So many places of a column as are written at a time lie
/// in one line of the cache.
fn pack<'a>(columns: impl Iterator<Item = &'a [f32]> + Clone, panel: &mut [f32], width: usize) {
    for (part, rows) in panel.chunks_mut(LINE * width).enumerate() {
        for (at, column) in columns.clone().enumerate() {
            let places = column[part * LINE..].iter();
            rows.chunks_exact_mut(width).zip(places).for_each(|(row, number)| row[at] = *number);
        }
    }
}

/// Numbers in a vector, here.
pub(crate) fn lanes() -> usize {
    widths()[0]
}

/// Numbers in a vector and vectors in a panel at most, here.
pub(super) fn widths() -> [usize; 2] {
    struct Widths;
    impl WithSimd for Widths {
        type Output = [usize; 2];

        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> [usize; 2] {
            [S::F32_LANES, Shape::of::<S>().vectors()]
        }
    }
    processor().dispatch(Widths)
}
