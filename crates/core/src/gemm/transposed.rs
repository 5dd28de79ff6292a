//! Products of a transposed matrix by rows that need not be gathered, as gradients of kernels are.

use core::ops::Range;

use pulp::{Simd, WithSimd};

use super::Runs;
use super::panels::widths;
use super::tile::{self, Panelled, Tile};
use crate::threads;
use crate::vectors::processor;

/// Rows that are multiplied before the next ones, and places of them: so much stays in the second cache.
const ROWS_AT_ONCE: usize = 256;
const PLACES_AT_ONCE: usize = 384;

/// Columns whose numbers lie together while rows are multiplied: as many as tiles of all kinds have. Rows of a
/// power of two of columns would keep each other out of the innermost cache.
const GROUP: usize = 24;

/// Numbers of a result of which several may be kept, to be added up.
const SMALL: usize = 1 << 18;
/// Parts of the rows that are added up on their own, at most, and what each has, about. They do not depend on the
/// number of threads, nor do sums. There are a multiple of four of them, so that two or four threads have as many.
const PARTS: usize = 16;
const ROWS_IN_PART: usize = 1024;
/// Sums that a thread adds up at a time.
const SUMS: usize = 1 << 14;

/// The product `[columns, depth]` of `[rows, columns]`, transposed, by `[rows, depth]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Transposed<'a> {
    /// `[rows, columns]`.
    pub(crate) left: &'a [f32],
    pub(crate) columns: usize,
    /// What the rows on the right lie in.
    pub(crate) numbers: &'a [f32],
    pub(crate) runs: Runs,
    /// Where they start.
    pub(crate) starts: &'a [usize],
}

impl Transposed<'_> {
    /// `[columns, depth]`.
    pub(crate) fn computed(&self) -> Vec<f32> {
        let (depth, rows) = (self.runs.depth(), self.starts.len());
        if self.columns * depth > SMALL {
            return self.by_places();
        }
        let parts = rows.div_ceil(ROWS_IN_PART).next_multiple_of(4).min(PARTS);
        let size = rows.div_ceil(parts).max(1);
        let parts = (0..rows.div_ceil(size)).map(|part| part * size..rows.min((part + 1) * size));
        let parts = threads::each(parts.collect(), |rows| self.part(rows, 0..depth));
        let mut parts = parts.into_iter();
        let mut sums = parts.next().unwrap_or_else(|| vec![0.0; self.columns * depth]);
        let others: Vec<Vec<f32>> = parts.collect();
        threads::each_part(&mut sums, SUMS, |number, sums| {
            for part in &others {
                let part = &part[number * SUMS..][..sums.len()];
                sums.iter_mut().zip(part).for_each(|(sum, number)| *sum += number);
            }
        });
        sums
    }

    /// Some places by each thread, with all rows.
    pub(super) fn by_places(&self) -> Vec<f32> {
        let (depth, rows) = (self.runs.depth(), self.starts.len());
        let [lanes, vectors] = widths();
        let size = depth.div_ceil(2 * threads::count()).next_multiple_of(lanes * vectors);
        let parts = (0..depth.div_ceil(size)).map(|part| part * size..depth.min((part + 1) * size));
        let parts: Vec<Range<usize>> = parts.collect();
        let found = threads::each(parts.clone(), |places| self.part(0..rows, places));
        let mut result = threads::zeros(self.columns * depth);
        let rows = SUMS.div_ceil(depth.max(1));
        threads::each_part(&mut result, (rows * depth).max(1), |number, result| {
            for (places, found) in parts.iter().zip(&found) {
                let found = found[number * rows * places.len()..].chunks_exact(places.len());
                let pairs = result.chunks_exact_mut(depth).zip(found);
                pairs.for_each(|(row, found)| row[places.clone()].copy_from_slice(found));
            }
        });
        result
    }

    /// Adds it to `[columns, depth]`, on one thread.
    pub(crate) fn onto(&self, result: &mut [f32]) {
        self.add((0..self.starts.len(), 0..self.runs.depth()), result);
    }

    /// What some rows have for some places, `[columns, places]`.
    fn part(&self, rows: Range<usize>, places: Range<usize>) -> Vec<f32> {
        let mut result = vec![0.0; self.columns * places.len()];
        self.add((rows, places), &mut result);
        result
    }

    /// Adds what some rows have for some places to `[columns, places]`.
    fn add(&self, (rows, places): (Range<usize>, Range<usize>), result: &mut [f32]) {
        let (mut left, mut packed) = (Vec::new(), Vec::new());
        for first in rows.clone().step_by(ROWS_AT_ONCE) {
            let rows = first..rows.end.min(first + ROWS_AT_ONCE);
            self.group(rows.clone(), &mut left);
            for first in places.clone().step_by(PLACES_AT_ONCE) {
                let here = first..places.end.min(first + PLACES_AT_ONCE);
                self.pack(rows.clone(), here.clone(), &mut packed);
                let place = here.start - places.start..here.end - places.start;
                let (columns, depth) = (self.columns, places.len());
                processor().dispatch(Summed {
                    left: &left,
                    columns,
                    packed: &packed,
                    place,
                    depth,
                    result: &mut *result,
                });
            }
        }
    }

    /// The left side's numbers of rows, as groups of columns `[rows, columns of the group]`.
    fn group(&self, rows: Range<usize>, left: &mut Vec<f32>) {
        let count = rows.len();
        let rows = &self.left[rows.start * self.columns..rows.end * self.columns];
        left.resize(rows.len(), 0.0);
        for (number, group) in left.chunks_mut(GROUP * count).enumerate() {
            let (first, width) = (number * GROUP, group.len() / count);
            let rows = rows.chunks_exact(self.columns).map(|row| &row[first..][..width]);
            group.chunks_exact_mut(width).zip(rows).for_each(|(to, from)| copy(to, from));
        }
    }

    /// The numbers of rows at some places, as panels `[rows, width]`, the last filled up with zeros to whole
    /// vectors. A row is read at once: it may come from far.
    fn pack(&self, rows: Range<usize>, places: Range<usize>, packed: &mut Vec<f32>) {
        let widths = widths();
        let [lanes, _] = widths;
        packed.resize(rows.len() * places.len().next_multiple_of(lanes), 0.0);
        let mut rest = packed.as_mut_slice();
        let panels = tile::panels(places, widths).map(|here| {
            let width = here.len().next_multiple_of(lanes);
            let (panel, later) = core::mem::take(&mut rest).split_at_mut(rows.len() * width);
            rest = later;
            (panel.chunks_exact_mut(width), self.runs.pieces(here))
        });
        let mut panels: Vec<_> = panels.collect();
        for start in &self.starts[rows.clone()] {
            for (panel, pieces) in &mut panels {
                let row = panel.next().into_iter();
                row.for_each(|row| take(row, &self.numbers[*start..], pieces));
            }
        }
    }
}

/// Fills a row with pieces of some numbers, and then with zeros.
fn take(mut row: &mut [f32], numbers: &[f32], pieces: &[Range<usize>]) {
    for piece in pieces {
        let (to, rest) = row.split_at_mut(piece.len());
        copy(to, &numbers[piece.clone()]);
        row = rest;
    }
    row.fill(0.0);
}

/// Copies few numbers, for which a call would take longer than it.
fn copy(to: &mut [f32], from: &[f32]) {
    /// As many as may be copied at once.
    const FEW: usize = 8;
    let ((to, to_rest), (from, from_rest)) = (to.as_chunks_mut::<FEW>(), from.as_chunks::<FEW>());
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
    to_rest.iter_mut().zip(from_rest).for_each(|(to, from)| *to = *from);
}

struct Summed<'a> {
    /// As groups of columns.
    left: &'a [f32],
    columns: usize,
    packed: &'a [f32],
    /// Where in a row of the result the packed places belong.
    place: Range<usize>,
    /// `[columns, depth]`.
    result: &'a mut [f32],
    depth: usize,
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
        for first in (0..self.columns).step_by(GROUP) {
            let group = &self.left[first * rows..self.columns.min(first + GROUP) * rows];
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
