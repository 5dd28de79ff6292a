//! Products of a transposed matrix by rows that need not be gathered, as gradients of kernels are.

use core::ops::Range;

use super::Runs;
use super::columns::add_rows;
use super::panels::widths;
use super::summed::{GROUP, Summed};
use super::tile;
use crate::activation;
use crate::threads;

/// Rows that are multiplied before the next ones, and places of them: so much stays in the second cache.
const ROWS_AT_ONCE: usize = 256;
const PLACES_AT_ONCE: usize = 384;

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
        if self.columns * self.runs.depth() > SMALL {
            return self.by_places();
        }
        added(threads::each(self.parts(), |rows| self.part(rows, 0..self.runs.depth())))
    }

    /// The same by the numbers on the left that are to be counted, `[rows, columns]`, and their sums over all rows,
    /// `[columns]`: in one pass, which changes none of them.
    pub(crate) fn computed_of(&self, counted: &[bool]) -> (Vec<f32>, Vec<f32>) {
        let depth = self.runs.depth();
        let parts = threads::each(self.parts(), |rows| {
            let mut counted =
                Counted { which: counted, room: Vec::new(), sums: vec![0.0; self.columns] };
            let mut result = vec![0.0; self.columns * depth];
            self.add((rows, 0..depth), Some(&mut counted), &mut result);
            (result, counted.sums)
        });
        let (products, sums) = parts.into_iter().unzip();
        (added(products), added(sums))
    }

    /// Rows that are added up on their own.
    fn parts(&self) -> Vec<Range<usize>> {
        let rows = self.starts.len();
        let parts = rows.div_ceil(ROWS_IN_PART).next_multiple_of(4).clamp(1, PARTS);
        let size = rows.div_ceil(parts).max(1);
        let parts = (0..parts).map(|part| rows.min(part * size)..rows.min((part + 1) * size));
        parts.collect()
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
        self.add((0..self.starts.len(), 0..self.runs.depth()), None, result);
    }

    /// What some rows have for some places, `[columns, places]`.
    fn part(&self, rows: Range<usize>, places: Range<usize>) -> Vec<f32> {
        let mut result = vec![0.0; self.columns * places.len()];
        self.add((rows, places), None, &mut result);
        result
    }

    /// Adds what some rows have for some places to `[columns, places]`.
    fn add(
        &self,
        (rows, places): (Range<usize>, Range<usize>),
        mut counted: Option<&mut Counted<'_>>,
        result: &mut [f32],
    ) {
        let (mut left, mut packed) = (Vec::new(), Vec::new());
        for first in rows.clone().step_by(ROWS_AT_ONCE) {
            let rows = first..rows.end.min(first + ROWS_AT_ONCE);
            let here = rows.start * self.columns..rows.end * self.columns;
            let numbers = &self.left[here.clone()];
            let numbers = match &mut counted {
                Some(counted) => counted.of(numbers, here),
                None => numbers,
            };
            self.group(numbers, rows.len(), &mut left);
            for first in places.clone().step_by(PLACES_AT_ONCE) {
                let here = first..places.end.min(first + PLACES_AT_ONCE);
                self.pack(rows.clone(), here.clone(), &mut packed);
                let place = here.start - places.start..here.end - places.start;
                let (columns, depth) = (self.columns, places.len());
                let summed = Summed {
                    left: &left,
                    group: GROUP,
                    columns,
                    packed: &packed,
                    place,
                    depth,
                    result: &mut *result,
                };
                summed.add();
            }
        }
    }

    /// The left side's numbers of rows, as groups of columns `[rows, columns of the group]`.
    fn group(&self, rows: &[f32], count: usize, left: &mut Vec<f32>) {
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

/// Numbers on the left that are counted; others are 0.
struct Counted<'a> {
    /// `[rows, columns]`.
    which: &'a [bool],
    /// A copy of some rows.
    room: Vec<f32>,
    /// Sums over the rows so far, `[columns]`.
    sums: Vec<f32>,
}

impl Counted<'_> {
    /// Those of some rows, which begin and end at such places.
    fn of(&mut self, rows: &[f32], places: Range<usize>) -> &[f32] {
        self.room.clear();
        self.room.extend_from_slice(rows);
        activation::stop(&mut self.room, &self.which[places]);
        add_rows(&mut self.sums, &self.room);
        &self.room
    }
}

/// Results that are added up by all threads.
fn added(results: Vec<Vec<f32>>) -> Vec<f32> {
    let mut results = results.into_iter();
    let mut sums = results.next().unwrap_or_default();
    let others: Vec<Vec<f32>> = results.collect();
    threads::each_part(&mut sums, SUMS, |number, sums| {
        for other in &others {
            let other = &other[number * SUMS..][..sums.len()];
            sums.iter_mut().zip(other).for_each(|(sum, number)| *sum += number);
        }
    });
    sums
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
