//! The right side of a product, packed.

use pulp::{Arch, Simd, WithSimd};

use super::tile::Shape;

/// A matrix as panels of as many columns as a tile has: `[columns / width, depth, width]`, the last panel as
/// narrow as vectors allow, filled up with zeros.
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
        [depth, columns]: [usize; 2],
        row: impl Fn(usize) -> Row,
    ) -> Self {
        let [lanes, width] = widths();
        let mut numbers = Vec::with_capacity(depth * columns.next_multiple_of(lanes));
        for first in (0..columns).step_by(width) {
            let end = (first + width).min(columns);
            let filled = (end - first).next_multiple_of(lanes) - (end - first);
            for place in 0..depth {
                numbers.extend((first..end).map(row(place)));
                numbers.extend(core::iter::repeat_n(0.0, filled));
            }
        }
        Self { numbers, depth, columns }
    }

    /// The matrix `[depth, columns]` whose columns lie one after the other.
    pub(crate) fn of_columns(numbers: &[f32], [depth, columns]: [usize; 2]) -> Self {
        let row = |place: usize| move |column: usize| numbers[column * depth + place];
        Self::new([depth, columns], row)
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

/// Numbers in a vector and columns in a panel, here.
pub(super) fn widths() -> [usize; 2] {
    struct Widths;
    impl WithSimd for Widths {
        type Output = [usize; 2];

        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> [usize; 2] {
            [S::F32_LANES, S::F32_LANES * Shape::of::<S>().vectors()]
        }
    }
    Arch::new().dispatch(Widths)
}
