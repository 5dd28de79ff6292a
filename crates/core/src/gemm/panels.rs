//! The right side of a product, packed.

use pulp::{Arch, Simd, WithSimd};

use super::tile::{self, Shape};

/// Numbers in a line of the cache.
const LINE: usize = 16;

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
        [depth, columns]: [usize; 2],
        row: impl Fn(usize) -> Row,
    ) -> Self {
        let widths = widths();
        let [lanes, _] = widths;
        let mut numbers = Vec::with_capacity(depth * columns.next_multiple_of(lanes));
        for panel in tile::panels(0..columns, widths) {
            let filled = panel.len().next_multiple_of(lanes) - panel.len();
            for place in 0..depth {
                numbers.extend(panel.clone().map(row(place)));
                numbers.extend(core::iter::repeat_n(0.0, filled));
            }
        }
        Self { numbers, depth, columns }
    }

    /// The matrix `[depth, columns]` whose columns lie one after the other.
    pub(crate) fn of_columns(numbers: &[f32], [depth, columns]: [usize; 2]) -> Self {
        let widths = widths();
        let [lanes, _] = widths;
        let mut packed = vec![0.0; depth * columns.next_multiple_of(lanes)];
        let mut rest = packed.as_mut_slice();
        for panel in tile::panels(0..columns, widths) {
            let width = panel.len().next_multiple_of(lanes);
            let (room, later) = rest.split_at_mut(depth * width);
            rest = later;
            pack(&numbers[panel.start * depth..panel.end * depth], depth, room, width);
        }
        Self { numbers: packed, depth, columns }
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

/// Writes columns, which lie one after the other, as the first of a panel `[depth, width]`. So many places of a
/// column as are written at a time lie in one line of the cache.
fn pack(columns: &[f32], depth: usize, panel: &mut [f32], width: usize) {
    for (part, rows) in panel.chunks_mut(LINE * width).enumerate() {
        for (at, column) in columns.chunks_exact(depth).enumerate() {
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
    Arch::new().dispatch(Widths)
}
