//! Sums of rows, written where they belong.

use core::ops::Range;

use pulp::{Simd, WithSimd};

use super::tile::{self, Panelled, Tile};
use super::{Piece, Product, Row};
use crate::activation::cpu::activate;

/// A product that is being written.
pub(super) struct Written<'a> {
    pub(super) product: &'a Product<'a>,
    pub(super) rows: &'a [Row],
    pub(super) result: &'a mut [f32],
}

impl WithSimd for Written<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        tile::each_panel(simd, 0..self.product.right.columns(), &mut self);
    }
}

impl Panelled for Written<'_> {
    #[inline(always)]
    fn panel<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &mut self,
        simd: S,
        columns: Range<usize>,
    ) {
        let (panel, _) = S::as_simd_f32s(self.product.right.from(columns.start));
        let (panel, _) = panel.as_chunks::<VECTORS>();
        let (tiles, left) = self.rows.as_chunks::<ROWS>();
        for number in 0..self.product.blocks.len() {
            for rows in tiles {
                self.multiply::<S, ROWS, VECTORS>(simd, rows, &columns, (number, panel));
            }
            match left {
                [] => {}
                [_] => self.multiply::<S, 1, VECTORS>(simd, left, &columns, (number, panel)),
                _ => self.multiply::<S, ROWS, VECTORS>(simd, left, &columns, (number, panel)),
            }
        }
    }
}

impl Written<'_> {
    /// The sums of a block for some rows, written or added to those of the blocks before.
    #[inline(always)]
    fn multiply<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &mut self,
        simd: S,
        rows: &[Row],
        columns: &Range<usize>,
        (number, panel): (usize, &[[S::f32s; VECTORS]]),
    ) {
        let tile = self.tile::<S, ROWS, VECTORS>(simd, rows, (&self.product.blocks[number], panel));
        let has_whole_vectors =
            self.product.apart.is_some() || columns.len() == VECTORS * S::F32_LANES;
        match <&[Row; ROWS]>::try_from(rows) {
            Ok(rows) if has_whole_vectors => {
                self.keep_all(simd, rows, columns, (number, tile));
            }
            _ => self.keep(simd, rows, columns, (number, tile)),
        }
    }

    /// Keeps whole vectors of all rows of a tile. Loops are so short that the sums stay in registers.
    #[inline(always)]
    fn keep_all<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &mut self,
        simd: S,
        rows: &[Row; ROWS],
        columns: &Range<usize>,
        (number, mut tile): (usize, Tile<S, ROWS, VECTORS>),
    ) {
        let step = self.product.apart.unwrap_or(S::F32_LANES);
        let first = columns.start / S::F32_LANES * step;
        if number > 0 {
            for (row, sums) in rows.iter().zip(&mut tile.sums) {
                tile::join_apart(simd, sums, &self.result[row.to + first..], step);
            }
        }
        self.end(simd, &mut tile, columns, number);
        for (row, sums) in rows.iter().zip(tile.sums) {
            tile::set_apart(simd, &mut self.result[row.to + first..], sums, step);
        }
    }

    /// Keeps what there is of a tile.
    #[inline(always)]
    fn keep<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &mut self,
        simd: S,
        rows: &[Row],
        columns: &Range<usize>,
        (number, mut tile): (usize, Tile<S, ROWS, VECTORS>),
    ) {
        if self.product.apart.is_some() {
            // As many rows as there are, one at a time.
            for (row, sums) in rows.iter().zip(tile.sums) {
                self.keep_all(simd, &[*row], columns, (number, Tile { sums: [sums] }));
            }
            return;
        }
        if number > 0 {
            for (row, sums) in rows.iter().zip(&mut tile.sums) {
                tile::join(simd, sums, &self.result[row.to..][columns.clone()]);
            }
        }
        self.end(simd, &mut tile, columns, number);
        for (row, sums) in rows.iter().zip(&tile.sums) {
            tile::set(simd, &mut self.result[row.to..][columns.clone()], sums);
        }
    }

    /// Adds the bias and applies the activation, after the last block.
    #[inline(always)]
    fn end<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &self,
        simd: S,
        tile: &mut Tile<S, ROWS, VECTORS>,
        columns: &Range<usize>,
        number: usize,
    ) {
        let is_last = number + 1 == self.product.blocks.len();
        let Some((bias, activation)) = self.product.end.filter(|_| is_last) else { return };
        let mut biases = [simd.splat_f32s(0.0); VECTORS];
        tile::join(simd, &mut biases, &bias[columns.clone()]);
        for sums in &mut tile.sums {
            for (sum, bias) in sums.iter_mut().zip(biases) {
                *sum = simd.add_f32s(*sum, bias);
            }
        }
        activate(simd, tile.sums.as_flattened_mut(), activation);
    }

    /// The sums of a block for some rows; where there are too few, the last stands for the others.
    #[inline(always)]
    fn tile<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &self,
        simd: S,
        rows: &[Row],
        (block, panel): (&[Piece], &[[S::f32s; VECTORS]]),
    ) -> Tile<S, ROWS, VECTORS> {
        let mut tile = Tile::new(simd);
        let starts: [usize; ROWS] = core::array::from_fn(|row| rows[row.min(rows.len() - 1)].from);
        for Piece { numbers, place } in block {
            let rows = starts.map(|start| &self.product.numbers[start..][numbers.clone()]);
            tile.add(simd, rows, &panel[*place..][..numbers.len()]);
        }
        tile
    }
}
