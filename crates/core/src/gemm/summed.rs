//! Sums over the rows of a transposed product, in registers.

use core::ops::Range;

use pulp::{Simd, WithSimd};

use super::panels::widths;
use super::tile::{self, Panelled, Tile};
use crate::vectors::processor;

/// Columns whose numbers lie together while rows are multiplied: as many as tiles of all kinds have. Rows of a
/// power of two of columns would keep each other out of the innermost cache.
pub(super) const GROUP: usize = 24;

/// The same for columns that fill whole vectors of every processor.
const WHOLE_GROUP: usize = 48;

/// A transposed product of sides that lie in pieces already. Columns and depth fill whole vectors of every processor.
pub(crate) struct InPieces<'a> {
    /// In pieces of [`InPieces::of_left`], each `[rows, width]`.
    pub(crate) left: &'a [f32],
    pub(crate) columns: usize,
    /// In pieces of [`InPieces::of_right`].
    pub(crate) right: &'a [f32],
    pub(crate) depth: usize,
}

impl InPieces<'_> {
    /// Columns of the left side that lie together.
    pub(crate) fn of_left(columns: usize) -> Vec<Range<usize>> {
        let firsts = (0..columns).step_by(WHOLE_GROUP);
        firsts.map(|first| first..columns.min(first + WHOLE_GROUP)).collect()
    }

    /// Columns of the right side that lie together here.
    pub(crate) fn of_right(depth: usize) -> Vec<Range<usize>> {
        tile::panels(0..depth, widths()).collect()
    }

    /// Adds it to `[columns, depth]`, on one thread.
    pub(crate) fn onto(&self, result: &mut [f32]) {
        let &Self { left, columns, right: packed, depth } = self;
        let group = WHOLE_GROUP;
        Summed { left, group, columns, packed, place: 0..depth, result, depth }.add();
    }
}

/// Sums over rows, which are added to a result.
pub(super) struct Summed<'a> {
    /// As groups of so many columns.
    pub(super) left: &'a [f32],
    pub(super) group: usize,
    pub(super) columns: usize,
    pub(super) packed: &'a [f32],
    /// Where in a row of the result the packed places belong.
    pub(super) place: Range<usize>,
    /// `[columns, depth]`.
    pub(super) result: &'a mut [f32],
    pub(super) depth: usize,
}

impl Summed<'_> {
    /// Its code, of which there is much, is in the program once.
    #[inline(never)]
    pub(super) fn add(self) {
        processor().dispatch(self);
    }
}

impl WithSimd for Summed<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        tile::each_panel(simd, self.place.clone(), &mut self);
    }
}

impl Panelled for Summed<'_> {
    #[inline(always)]
    fn panel<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &mut self,
        simd: S,
        places: Range<usize>,
    ) {
        let rows = self.left.len() / self.columns;
        let (panel, _) = S::as_simd_f32s(&self.packed[(places.start - self.place.start) * rows..]);
        let (panel, _) = panel.as_chunks::<VECTORS>();
        for first in (0..self.columns).step_by(self.group) {
            let group = &self.left[first * rows..self.columns.min(first + self.group) * rows];
            let width = group.len() / rows;
            let left = Left { group, width, at: 0, column: first };
            self.group::<S, ROWS, VECTORS>(simd, left, &places, panel);
        }
    }
}

/// Columns of a group from one on.
#[derive(Clone, Copy)]
struct Left<'a> {
    /// `[rows, width]`.
    group: &'a [f32],
    width: usize,
    /// The first column, in the group and of all.
    at: usize,
    column: usize,
}

impl Left<'_> {
    /// Without so many columns.
    fn without(self, columns: usize) -> Self {
        Self { at: self.at + columns, column: self.column + columns, ..self }
    }
}

impl Summed<'_> {
    /// Adds what the columns of a group have for the places of a panel.
    #[inline(always)]
    fn group<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &mut self,
        simd: S,
        mut left: Left<'_>,
        places: &Range<usize>,
        panel: &[[S::f32s; VECTORS]],
    ) {
        while left.at < left.width {
            left = left.without(match left.width - left.at {
                columns if columns >= ROWS => {
                    self.tile::<S, ROWS, VECTORS>(simd, left, places, panel);
                    ROWS
                }
                4.. => {
                    self.tile::<S, 4, VECTORS>(simd, left, places, panel);
                    4
                }
                _ => {
                    self.tile::<S, 1, VECTORS>(simd, left, places, panel);
                    1
                }
            });
        }
    }

    /// Adds what some columns have for the places of a panel.
    #[inline(always)]
    fn tile<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &mut self,
        simd: S,
        left: Left<'_>,
        places: &Range<usize>,
        panel: &[[S::f32s; VECTORS]],
    ) {
        let mut built = Tile::<S, ROWS, VECTORS>::new(simd);
        for (row, vectors) in left.group.chunks_exact(left.width).zip(panel) {
            let numbers = &row[left.at..][..ROWS];
            for (sums, number) in built.sums.iter_mut().zip(numbers) {
                tile::fuse(simd, sums, *number, vectors);
            }
        }
        if places.len() == VECTORS * S::F32_LANES {
            // The loop is so short that the sums stay in registers.
            for (row, mut sums) in built.sums.into_iter().enumerate() {
                let first = (left.column + row) * self.depth + places.start;
                tile::join_apart(simd, &mut sums, &self.result[first..], S::F32_LANES);
                tile::set_apart(simd, &mut self.result[first..], sums, S::F32_LANES);
            }
            return;
        }
        let rows = self.result[left.column * self.depth..].chunks_exact_mut(self.depth);
        for (row, mut sums) in rows.zip(built.sums) {
            tile::join(simd, &mut sums, &row[places.clone()]);
            tile::set(simd, &mut row[places.clone()], &sums);
        }
    }
}
