//! Kernels, transformed.

use pulp::{Simd, WithSimd};

use super::super::KERNEL;
use super::sums::{Placed, Sums};
use super::tiling;
use crate::gemm::Panels;
use crate::threads;
use crate::vectors::processor;

/// The numbers of a kernel.
const NUMBERS: usize = KERNEL * KERNEL;

/// The sums of kernels that points meet.
pub(in super::super) struct Transformed {
    /// `[out, kinds · kinds, in]`.
    numbers: Vec<f32>,
    products: usize,
    inputs: usize,
    outputs: usize,
}

impl Transformed {
    /// Of kernels `[out, 3, 3, in]`.
    pub(in super::super) fn new(
        kernels: &[f32],
        [inputs, outputs]: [usize; 2],
        stride: usize,
    ) -> Self {
        let sums = tiling::kernels(stride);
        let products = sums.0.len().pow(2);
        let mut numbers = threads::zeros(outputs * products * inputs);
        threads::each_part(&mut numbers, products * inputs, |output, to| {
            let from = &kernels[output * NUMBERS * inputs..][..NUMBERS * inputs];
            Both { to, from, sums: &sums, inputs }.write();
        });
        Self { numbers, products, inputs, outputs }
    }

    /// The right sides of all products, `[in, out]`.
    pub(in super::super) fn forward(&self) -> Vec<Panels> {
        threads::each((0..self.products).collect(), |product| {
            Panels::of_columns([self.inputs, self.outputs], |output| self.of(output, product))
        })
    }

    /// Those of the gradient of pictures, `[out, in]`.
    pub(in super::super) fn backward(&self) -> Vec<Panels> {
        threads::each((0..self.products).collect(), |product| {
            Panels::of_rows([self.outputs, self.inputs], |output| self.of(output, product))
        })
    }

    /// `[in]`.
    fn of(&self, output: usize, product: usize) -> &[f32] {
        &self.numbers[(output * self.products + product) * self.inputs..][..self.inputs]
    }
}

/// The gradient of kernels `[out, 3, 3, in]` from that of their sums, `[kinds · kinds, out, in]`: for so many inputs at
/// a time, some parts that are added up.
pub(super) fn back(
    gradient: &[Vec<f32>],
    block: usize,
    [inputs, outputs]: [usize; 2],
    stride: usize,
) -> Vec<f32> {
    let sums = tiling::kernels(stride);
    let products = sums.0.len().pow(2);
    let sums = sums.transposed(KERNEL);
    let parts = gradient.len() / inputs.div_ceil(block);
    let mut kernels = threads::zeros(outputs * NUMBERS * inputs);
    threads::each_part(&mut kernels, NUMBERS * inputs, |output, to| {
        let mut from = vec![0.0; products * inputs];
        for (product, from) in from.chunks_exact_mut(inputs).enumerate() {
            for (from, gradient) in from.chunks_mut(block).zip(gradient.chunks(parts)) {
                let place = (product * outputs + output) * from.len();
                let parts = gradient.iter().map(|part| &part[place..]);
                parts.for_each(|part| from.iter_mut().zip(part).for_each(|(sum, x)| *sum += x));
            }
        }
        Both { to, from: &from, sums: &sums, inputs }.write();
    });
    kernels
}

/// Sums of the rows of a kernel, and then of its columns.
struct Both<'a> {
    /// `[sums, sums, in]`.
    to: &'a mut [f32],
    /// `[lines, lines, in]`.
    from: &'a [f32],
    sums: &'a Sums,
    inputs: usize,
}

impl Both<'_> {
    /// Its code is in the program once.
    #[inline(never)]
    fn write(self) {
        processor().dispatch(self);
    }
}

impl WithSimd for Both<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { to, from, sums, inputs } = self;
        let line = (from.len() / inputs).isqrt() * inputs;
        let placed = |step: usize| -> Vec<Placed> {
            sums.0.iter().map(|terms| Placed::of(terms, |line| line * step)).collect()
        };
        let (rows, columns) = (placed(line), placed(inputs));
        let mut room = vec![0.0; line];
        for (row, to) in rows.iter().zip(to.chunks_exact_mut(columns.len() * inputs)) {
            row.write(simd, &mut room, from);
            for (column, to) in columns.iter().zip(to.chunks_exact_mut(inputs)) {
                column.write(simd, to, &room);
            }
        }
    }
}
