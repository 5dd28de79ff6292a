//! Sums over rows, as gradients of biases are.

use crate::threads;
use crate::vectors::{Loop, widest};

/// Rows that a thread adds up at a time: sums do not depend on the number of threads.
const ROWS: usize = 512;

/// The sums over all rows of `[rows, columns]`, `[columns]`.
pub(crate) fn sums_of_columns(numbers: &[f32], columns: usize) -> Vec<f32> {
    let mut sums = vec![0.0; columns];
    for part in threads::each(numbers.chunks(ROWS * columns.max(1)).collect(), |part| {
        let mut sums = vec![0.0; columns];
        widest(Summed { sums: &mut sums, rows: part });
        sums
    }) {
        widest(Summed { sums: &mut sums, rows: &part });
    }
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
