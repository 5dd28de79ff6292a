//! What is computed of a band.

use super::band::Band;
use super::lines::{Target, Wanted};
use super::points::Seen;
use crate::gemm::{Panels, Product, Row, Runs};

/// Points and their products, which the next band overwrites.
#[derive(Default)]
pub(super) struct Room {
    pub(super) points: Vec<f32>,
    sums: Vec<f32>,
    /// Rows of maps.
    rows: Vec<f32>,
}

impl Room {
    pub(super) fn make(&mut self, of: Seen<'_>) {
        of.points(&mut self.points, &mut self.rows);
    }

    pub(super) fn write(&mut self, of: Wanted<'_>, target: Target<'_>) {
        of.write(&self.sums, &mut self.rows, target);
    }

    /// Points of so many channels by kernels, and how many come of them.
    pub(super) fn multiply(&mut self, band: &Band, [from, to]: [usize; 2], kernels: &[Panels]) {
        let ((points, _), (sums, end)) = (band.places(from), band.places(to));
        self.sums.resize(end, 0.0);
        let rows: Vec<Row> =
            (0..band.most()).map(|row| Row { from: row * from, to: row * to }).collect();
        let runs = Runs { count: 1, length: from, step: from };
        let products = kernels.iter().zip(&band.counts).zip(points).zip(sums);
        for (((kernels, &count), points), sums) in products {
            let product = Product::new(&self.points[points..], runs, kernels);
            product.write(&rows[..count], &mut self.sums[sums..]);
        }
    }
}
