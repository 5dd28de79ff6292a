//! Sums over rows, as gradients of biases are.

use crate::threads;
use crate::vectors::{Loop, widest};

/// Rows that a thread adds up at a time: sums do not depend on the number of threads.
const ROWS: usize = 512;

/// The sums over all rows of `[rows, columns]`, `[columns]`.
pub(crate) fn sums_of_columns(numbers: &[f32], columns: usize) -> Vec<f32> {
    let parts = numbers.chunks(ROWS * columns.max(1)).collect();
    added(&threads::each(parts, |part| of_part(part, columns)), columns)
}

/// The same of numbers that are changed first, some rows at a time: `change` gets them with the place of the first
/// number.
pub(crate) fn sums_of_changed_columns(
    numbers: &mut [f32],
    columns: usize,
    change: impl Fn(usize, &mut [f32]) + Send + Sync,
) -> Vec<f32> {
    let size = ROWS * columns.max(1);
    let parts = numbers.chunks_mut(size).enumerate().collect();
    let sums = threads::each(parts, |(number, part): (usize, &mut [f32])| {
        change(number * size, part);
        of_part(part, columns)
    });
    added(&sums, columns)
}

fn of_part(rows: &[f32], columns: usize) -> Vec<f32> {
    let mut sums = vec![0.0; columns];
    add_rows(&mut sums, rows);
    sums
}

/// Adds rows to sums, `[columns]`.
pub(super) fn add_rows(sums: &mut [f32], rows: &[f32]) {
    widest(Summed { sums, rows });
}

fn added(parts: &[Vec<f32>], columns: usize) -> Vec<f32> {
    let mut sums = vec![0.0; columns];
    parts.iter().for_each(|rows| add_rows(&mut sums, rows));
    sums
}

/// Adds rows to sums.
struct Summed<'a> {
    sums: &'a mut [f32],
    rows: &'a [f32],
}

impl Loop for Summed<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for row in self.rows.chunks_exact(self.sums.len()) {
            for (sum, number) in self.sums.iter_mut().zip(row) {
                *sum += number;
            }
        }
    }
}
