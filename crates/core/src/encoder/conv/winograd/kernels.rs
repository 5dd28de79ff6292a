//! Kernels, transformed.

use pulp::Simd;

use super::super::KERNEL;
use super::squares::{Squares, Transform};
use super::{PRODUCTS, SIDE};
use crate::gemm::Panels;
use crate::threads;
use crate::vectors::processor;

/// The numbers of kernels by which squares are multiplied.
pub(in super::super) struct Transformed {
    /// `[out, 16, in]`.
    numbers: Vec<f32>,
    inputs: usize,
    outputs: usize,
}

impl Transformed {
    /// Of kernels `[out, 3, 3, in]`, whose inputs fill whole vectors.
    pub(in super::super) fn new(kernels: &[f32], [inputs, outputs]: [usize; 2]) -> Self {
        let mut numbers = vec![0.0; outputs * PRODUCTS * inputs];
        threads::each_part(&mut numbers, PRODUCTS * inputs, |output, transformed| {
            processor().dispatch(Squares {
                of: Kernel,
                maps: kernels,
                width: KERNEL,
                channels: inputs,
                corners: &[output * KERNEL * KERNEL * inputs],
                squares: transformed,
                step: inputs,
            });
        });
        Self { numbers, inputs, outputs }
    }

    /// The right sides of the 16 products, `[in, out]`.
    pub(in super::super) fn forward(&self) -> Vec<Panels> {
        threads::each((0..PRODUCTS).collect(), |product| {
            Panels::of_columns([self.inputs, self.outputs], |output| self.of(output, product))
        })
    }

    /// Those of the gradient of pictures, whose kernels are turned by half a circle: `[out, in]`.
    pub(in super::super) fn backward(&self) -> Vec<Panels> {
        /// Where a row or column of a kernel is that is read backwards.
        const TURNED: [usize; SIDE] = [3, 1, 2, 0];
        threads::each((0..PRODUCTS).collect(), |product| {
            let product = TURNED[product / SIDE] * SIDE + TURNED[product % SIDE];
            Panels::of_rows([self.outputs, self.inputs], |output| self.of(output, product))
        })
    }

    /// `[in]`.
    fn of(&self, output: usize, product: usize) -> &[f32] {
        &self.numbers[(output * PRODUCTS + product) * self.inputs..][..self.inputs]
    }
}

/// Of a kernel.
struct Kernel;

impl Transform<KERNEL> for Kernel {
    #[inline(always)]
    fn line<S: Simd>(&self, simd: S, [a, b, c]: [S::f32s; KERNEL]) -> [S::f32s; SIDE] {
        let half = simd.splat_f32s(0.5);
        let ends = simd.mul_f32s(simd.add_f32s(a, c), half);
        let middle = simd.mul_f32s(b, half);
        [a, simd.add_f32s(ends, middle), simd.sub_f32s(ends, middle), c]
    }
}

/// What the gradient of transformed kernels is for the kernels: the transpose of [`Kernel`].
pub(super) fn back([a, b, c, d]: [f32; SIDE]) -> [f32; KERNEL] {
    let both = (b + c) / 2.0;
    [a + both, (b - c) / 2.0, both + d]
}
