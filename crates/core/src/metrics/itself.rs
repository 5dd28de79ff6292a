//! Which units correlate most with themselves.

#[cfg(feature = "cpu")]
use burn::tensor::TensorData;
use burn::tensor::{Int, Tensor};

#[cfg(feature = "cpu")]
use crate::array::plain;
#[cfg(feature = "cpu")]
use crate::device::is_cpu;
use crate::matrix::Times;
#[cfg(feature = "cpu")]
use crate::threads;

/// Correlations closer than this are equal: f32 tells them no better apart.
const TIE: f32 = 1e-5;

/// Stands for "never" among correlations.
const NEVER: f64 = -1e9;

/// Numbers that are looked at side by side.
#[cfg(feature = "cpu")]
const LANES: usize = 16;

/// Correlations that compete: those of some rows with some columns, 1 or 0.
#[derive(Clone, Debug)]
pub(super) struct Counts {
    /// `[d, 1]`; none for all.
    pub(super) rows: Option<Tensor<2>>,
    /// `[1, d]`.
    pub(super) columns: Tensor<2>,
}

/// For each row 1 if its largest number is in the column of its own number, else 0, `[d, 1]`.
///
/// Of a row without any that competes, the first column is the largest. Of columns equal but for rounding
/// the first is the largest: units that fire together on one image alone correlate equally.
///
/// # Shapes
/// - table: `[d, d]`
pub(super) fn finds_itself(table: Tensor<2>, counts: Counts) -> Tensor<2> {
    #[cfg(feature = "cpu")]
    if is_cpu(&table.device()) {
        return on_cpu(table, counts);
    }
    everywhere(table, counts)
}

fn everywhere(table: Tensor<2>, Counts { rows, columns }: Counts) -> Tensor<2> {
    let ([d, _], device) = (table.dims(), table.device());
    let counts = match rows {
        Some(rows) => rows.times(columns),
        None => columns.expand([d, d]),
    };
    let units = Tensor::<1, Int>::arange(0..d as i64, &device).float();
    let (own, columns) = (units.clone().reshape([d, 1]), units.reshape([1, d]).expand([d, d]));
    let table = table.mask_fill(counts.equal_elem(0.0), NEVER);
    let best = table.clone().max_dim(1).sub_scalar(TIE).expand([d, d]);
    columns.mask_fill(table.lower(best), d as f64).min_dim(1).equal(own).float()
}

/// The same in two passes over each row.
#[cfg(feature = "cpu")]
fn on_cpu(table: Tensor<2>, Counts { rows, columns }: Counts) -> Tensor<2> {
    /// Rows that a thread takes at a time.
    const ROWS: usize = 32;
    let ([d, _], device) = (table.dims(), table.device());
    let array = |x: Tensor<2>| plain(x).to_contiguous();
    let (table, columns, rows) = (array(table), array(columns), rows.map(array));
    let (table, columns): (&[f32], &[f32]) = (table.storage(), columns.storage());
    let counts = |row: usize| rows.as_ref().is_none_or(|rows| rows.storage::<f32>()[row] > 0.0);
    let mut found = vec![0.0; d];
    threads::each_part(&mut found, ROWS, |part, found| {
        let mut competing = vec![NEVER as f32; d];
        for (at, found) in found.iter_mut().enumerate() {
            let own = part * ROWS + at;
            if counts(own) {
                compete(&mut competing, &table[own * d..][..d], columns);
            } else {
                competing.fill(NEVER as f32);
            }
            let least = largest(&competing) - TIE;
            let is_first = || !competing[..own].iter().any(|number| *number >= least);
            *found = f32::from(competing[own] >= least && is_first());
        }
    });
    Tensor::from_data(TensorData::new(found, [d, 1]), &device)
}

/// A row's numbers in the columns that compete.
#[cfg(feature = "cpu")]
fn compete(competing: &mut [f32], row: &[f32], columns: &[f32]) {
    for ((competing, number), counts) in competing.iter_mut().zip(row).zip(columns) {
        *competing = if *counts > 0.0 { *number } else { NEVER as f32 };
    }
}

/// The largest number.
#[cfg(feature = "cpu")]
fn largest(numbers: &[f32]) -> f32 {
    let mut all = [f32::NEG_INFINITY; LANES];
    for numbers in numbers.chunks(LANES) {
        for (largest, number) in all.iter_mut().zip(numbers) {
            *largest = largest.max(*number);
        }
    }
    all.into_iter().fold(f32::NEG_INFINITY, f32::max)
}

#[cfg(all(test, feature = "cpu"))]
#[expect(clippy::disallowed_methods, reason = "tests run natively and read what they computed")]
mod tests {
    use burn::tensor::Device;

    use super::*;

    fn column(numbers: Vec<f32>, shape: [usize; 2]) -> Tensor<2> {
        Tensor::from_data(TensorData::new(numbers, shape), &Device::flex())
    }

    /// Compares both ways on a table and its transpose, with all rows and with those of living units alone.
    fn both_ways_agree(table: &Tensor<2>, living: &[f32]) {
        let d = living.len();
        let values =
            |found: Tensor<2>| found.into_data().try_to_vec::<f32>().expect("they are numbers");
        for rows in [None, Some(column(living.to_vec(), [d, 1]))] {
            let counts = Counts { rows, columns: column(living.to_vec(), [1, d]) };
            for table in [table.clone(), table.clone().transpose()] {
                let expected = values(everywhere(table.clone(), counts.clone()));
                assert_eq!(values(on_cpu(table, counts.clone())), expected, "{living:?}");
            }
        }
    }

    #[test]
    fn both_ways_find_the_same() {
        for d in [1, 2, 7, 40] {
            // Many ties, exact and but for rounding.
            let number = |k: usize| (k * k % 13) as f32 / 13.0 - 0.5 + (k % 3) as f32 * 4e-6;
            let table = column((0..d * d).map(number).collect(), [d, d]);
            for dead in [usize::MAX, 3, 1] {
                let living: Vec<f32> =
                    (0..d).map(|k| f32::from(dead == usize::MAX || k % dead > 0)).collect();
                both_ways_agree(&table, &living);
            }
        }
    }
}
