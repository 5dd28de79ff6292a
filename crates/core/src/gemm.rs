//! Products of matrices on the CPU, of rows that need not be gathered.
//!
//! A patch of a picture whose channels come last is a few runs of numbers that lie side by side, so a
//! product of patches by kernels can take its rows from where they are. The sums of a few rows and columns,
//! a tile, are built in registers. The matrix on the right is packed once, in the order in which it is used;
//! a block of it stays in the innermost cache while all rows pass by.
//!
//! A sum is built in one order, block by block, whatever the number of threads or the width of vectors.

mod columns;
mod tile;
mod panels;
mod summed;
mod transposed;
mod written;

pub(crate) use columns::{sums_of_changed_columns, sums_of_columns};
pub(crate) use panels::{Panels, lanes};
pub(crate) use summed::InPieces;
pub(crate) use transposed::Transposed;

use core::ops::Range;

use crate::activation::Activation;
use crate::vectors::processor;
use written::Written;

/// Numbers of a row that are multiplied before the next row's, at most: so many rows of a panel stay in the
/// innermost cache.
const DEPTH: usize = 384;

/// Where the numbers of a row lie, counted from its first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Runs {
    /// How many runs there are.
    pub(crate) count: usize,
    /// Numbers in a run, which lie side by side.
    pub(crate) length: usize,
    /// From the first number of a run to that of the next.
    pub(crate) step: usize,
}

impl Runs {
    /// Numbers in a row.
    pub(crate) fn depth(&self) -> usize {
        self.count * self.length
    }

    /// Some places of a row as pieces of runs.
    fn pieces(&self, places: Range<usize>) -> Vec<Range<usize>> {
        let mut pieces = Vec::new();
        let mut place = places.start;
        while place < places.end {
            let (run, at) = (place / self.length, place % self.length);
            let size = (self.length - at).min(places.end - place);
            pieces.push(run * self.step + at..run * self.step + at + size);
            place += size;
        }
        pieces
    }

    /// Parts of a row that are multiplied one after the other, as pieces of runs.
    fn blocks(&self, places: Places) -> Vec<Vec<Piece>> {
        let parts = self.length.div_ceil(DEPTH).max(1);
        let piece = self.length.div_ceil(parts).max(1);
        let pieces = (0..self.count).flat_map(|run| {
            let (first, place) = (run * self.step, places.first + run * places.step);
            let starts = (0..self.length).step_by(piece);
            starts.map(move |start| Piece {
                numbers: first + start..first + (start + piece).min(self.length),
                place: place + start,
            })
        });
        let mut blocks: Vec<Vec<Piece>> = Vec::new();
        let mut room = 0;
        for piece in pieces {
            let length = piece.numbers.len();
            match blocks.last_mut() {
                Some(block) if length <= room => {
                    room -= length;
                    block.push(piece);
                }
                _ => {
                    room = DEPTH.saturating_sub(length);
                    blocks.push(vec![piece]);
                }
            }
        }
        blocks
    }
}

/// Which rows of a matrix the runs of a product's rows meet: the row that the first number of the first run meets,
/// and how many rows further the next run begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Places {
    pub(crate) first: usize,
    pub(crate) step: usize,
}

/// Numbers of a row, side by side, and the row of the matrix that the first of them meets.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Piece {
    numbers: Range<usize>,
    place: usize,
}

/// A row of a product: where its numbers start on the left, and where its sums start in the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) from: usize,
    pub(crate) to: usize,
}

/// Rows times a matrix, plus a bias, through an activation.
#[derive(Clone, Debug)]
pub(crate) struct Product<'a> {
    numbers: &'a [f32],
    blocks: Vec<Vec<Piece>>,
    right: &'a Panels,
    end: Option<(&'a [f32], Activation)>,
    /// From a vector of a row's sums to the next, where they do not lie side by side.
    apart: Option<usize>,
}

impl<'a> Product<'a> {
    /// Of rows that lie so among some numbers.
    pub(crate) fn new(numbers: &'a [f32], runs: Runs, right: &'a Panels) -> Self {
        assert_eq!(runs.depth(), right.depth(), "a row has a number for each row of the matrix");
        Self::by_some(numbers, runs, (right, Places { first: 0, step: runs.length }))
    }

    /// Of rows that lie so among some numbers, by some rows of a matrix.
    pub(crate) fn by_some(
        numbers: &'a [f32],
        runs: Runs,
        (right, places): (&'a Panels, Places),
    ) -> Self {
        let last = places.first + runs.count.saturating_sub(1) * places.step + runs.length;
        assert!(last <= right.depth(), "a number of a row meets a row of the matrix");
        Self { numbers, blocks: runs.blocks(places), right, end: None, apart: None }
    }

    /// With a bias, a number a column, and an activation.
    pub(crate) fn ending(self, bias: &'a [f32], activation: Activation) -> Self {
        assert_eq!(bias.len(), self.right.columns(), "a bias has a number a column");
        Self { end: Some((bias, activation)), ..self }
    }

    /// With so many numbers from a vector of a row's sums to the next; the last is written as a whole, too.
    pub(crate) fn apart(self, step: usize) -> Self {
        Self { apart: Some(step), ..self }
    }

    /// Writes the sums of rows, which must lie within the numbers and the result.
    pub(crate) fn write(&self, rows: &[Row], result: &mut [f32]) {
        if !rows.is_empty() {
            processor().dispatch(Written { product: self, rows, result });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whole numbers, whose sums are exact.
    fn number(k: usize) -> f32 {
        (k * k % 11) as f32 - 5.0
    }

    /// Rows of two or three runs among some numbers, and the matrix that they are multiplied by.
    fn all_kinds() -> impl Iterator<Item = (Runs, usize, usize)> {
        let runs = [(1, 1, 1), (3, 9, 40), (2, 5, 7), (1, 700, 700), (3, 130, 150), (7, 21, 30)];
        let runs = runs.map(|(count, length, step)| Runs { count, length, step });
        let rows = [1, 2, 6, 7, 300];
        let columns = [1, 3, 16, 17, 40, 64, 70, 130];
        runs.into_iter().flat_map(move |runs| {
            rows.into_iter()
                .flat_map(move |rows| columns.into_iter().map(move |columns| (runs, rows, columns)))
        })
    }

    /// Starts that are not in order, and the numbers in which all of it lies.
    fn left(runs: Runs, rows: usize) -> (Vec<usize>, Vec<f32>) {
        let starts: Vec<usize> = (0..rows).map(|row| (row * 7 % rows) * 3).collect();
        let size = rows * 3 + runs.count * runs.step.max(runs.length);
        (starts, (0..size).map(number).collect())
    }

    /// A row's number at a place.
    fn at(numbers: &[f32], runs: Runs, start: usize, place: usize) -> f32 {
        numbers[start + place / runs.length * runs.step + place % runs.length]
    }

    #[test]
    fn a_product_is_the_sum_of_products() {
        let other = |place: usize, column: usize| number(place * 3 + column * 5 + 1);
        for (runs, rows, columns) in all_kinds() {
            let (starts, numbers) = left(runs, rows);
            let row = |place: usize| move |column: usize| other(place, column);
            let panels = Panels::new([runs.depth(), columns], row);
            // A gap of one number between rows stays as it is.
            let places = starts.iter().enumerate();
            let places: Vec<Row> =
                places.map(|(row, &from)| Row { from, to: row * (columns + 1) }).collect();
            let bias: Vec<f32> = (0..columns).map(|column| number(column + 2)).collect();
            let mut result = vec![0.5; rows * (columns + 1)];
            let product = Product::new(&numbers, runs, &panels).ending(&bias, Activation::Relu);
            product.write(&places, &mut result);
            for (row, found) in result.chunks(columns + 1).enumerate() {
                assert_eq!(found[columns], 0.5, "{runs:?} {rows} {columns}");
                let product = |k, column| at(&numbers, runs, starts[row], k) * other(k, column);
                let sum = |column| (0..runs.depth()).map(|k| product(k, column)).sum::<f32>();
                let expected = (0..columns).map(|column| (sum(column) + bias[column]).max(0.0));
                assert!(expected.eq(found[..columns].iter().copied()), "{runs:?} {rows} {columns}");
            }
        }
    }

    #[test]
    fn a_transposed_product_is_the_sum_over_rows() {
        for (runs, rows, columns) in all_kinds() {
            let (starts, numbers) = left(runs, rows);
            let other: Vec<f32> = (0..rows * columns).map(|k| number(k + 4)).collect();
            let product =
                Transposed { left: &other, columns, numbers: &numbers, runs, starts: &starts };
            let expected = (0..columns * runs.depth()).map(|index| -> f32 {
                let (column, place) = (index / runs.depth(), index % runs.depth());
                let right = |row: usize| at(&numbers, runs, starts[row], place);
                (0..rows).map(|row| other[row * columns + column] * right(row)).sum()
            });
            let expected: Vec<f32> = expected.collect();
            assert_eq!(product.computed(), expected, "{runs:?} {rows} {columns}");
            assert_eq!(product.by_places(), expected, "{runs:?} {rows} {columns}");

            let counted: Vec<bool> = (0..other.len()).map(|k| k % 3 != 1).collect();
            let some =
                other.iter().zip(&counted).map(|(x, counted)| if *counted { *x } else { 0.0 });
            let some: Vec<f32> = some.collect();
            let sums: Vec<f32> = (0..columns)
                .map(|column| some.iter().skip(column).step_by(columns).sum())
                .collect();
            let of_some = Transposed { left: &some, ..product }.computed();
            assert_eq!(product.computed_of(&counted), (of_some, sums), "{runs:?} {rows} {columns}");
        }
    }

    #[test]
    fn no_block_is_deeper_than_fits() {
        for (length, count, expected) in
            [(768, 3, 6), (21, 7, 1), (96, 9, 3), (1, 1, 1), (385, 1, 2)]
        {
            let runs = Runs { count, length, step: 1000 };
            let blocks = runs.blocks(Places { first: 0, step: length });
            let pieces = |block: &Vec<Piece>| block.iter().map(|piece| piece.numbers.len()).sum();
            let depths = blocks.iter().map::<usize, _>(pieces);
            assert!(depths.clone().all(|depth| 0 < depth && depth <= DEPTH), "{length} {count}");
            assert_eq!(depths.sum::<usize>(), runs.depth());
            assert_eq!(blocks.len(), expected, "{length} {count}");
        }
    }
}
