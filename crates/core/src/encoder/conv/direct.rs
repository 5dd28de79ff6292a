//! A convolution straight from the pictures: no patch is gathered.
//!
//! A patch is three runs of numbers that lie side by side in a picture whose channels come last, so
//! the sums of a few patches and outputs can be built in registers from where the numbers are. In a
//! browser, whose vectors hold four numbers, this is faster than any product of gathered patches;
//! natively it is not.

use super::After;
use super::lanes::{LANES, Lanes};
use super::patches::Patches;

/// Whether this way is the faster one here.
pub(super) const FASTER: bool = cfg!(target_feature = "simd128");

/// Patches whose sums are built at once, and the vectors of outputs for each: with the operands they
/// just fit into sixteen registers.
const ROWS: usize = 2;
const VECTORS: usize = 4;
/// Outputs that are built at once.
const WIDTH: usize = LANES * VECTORS;

type Sums = [[Lanes; VECTORS]; ROWS];

/// Kernels and bias in the order in which they are used.
#[derive(Debug)]
struct Panels {
    /// `[out / WIDTH, 3 · 3 · in, WIDTH]`, the last filled up with zeros.
    kernels: Vec<f32>,
    /// `[out / WIDTH, WIDTH]`, likewise.
    bias: Vec<f32>,
    /// Numbers in the kernels of one panel.
    size: usize,
}

impl Panels {
    /// # Shapes
    /// - kernels: `[out, 3 · 3 · in]`, bias: `[out]`
    fn new(kernels: &[f32], bias: &[f32]) -> Self {
        let outputs = bias.len();
        let patch = kernels.len() / outputs;
        let size = patch * WIDTH;
        let mut panels = vec![0.0; outputs.div_ceil(WIDTH) * size];
        for (output, kernel) in kernels.chunks_exact(patch).enumerate() {
            let panel = &mut panels[output / WIDTH * size..][..size];
            for (row, number) in panel.chunks_exact_mut(WIDTH).zip(kernel) {
                row[output % WIDTH] = *number;
            }
        }
        let mut bias = bias.to_vec();
        bias.resize(outputs.next_multiple_of(WIDTH), 0.0);
        Self { kernels: panels, bias, size }
    }

    fn each(&self) -> impl Iterator<Item = (&[f32], &[f32])> {
        self.kernels.chunks_exact(self.size).zip(self.bias.chunks_exact(WIDTH))
    }
}

/// # Shapes
/// - pictures: `[n, h, w, in]`, kernels: `[out, 3 · 3 · in]`, bias: `[out]`
/// - result: `[n, rows, columns, out]`
pub(super) fn convolve(
    pictures: &[f32],
    patches: &Patches,
    [kernels, bias]: [&[f32]; 2],
    after: After,
) -> Vec<f32> {
    let panels = Panels::new(kernels, bias);
    let (outputs, run) = (bias.len(), patches.run());
    let count = pictures.len() / patches.picture() * patches.count();
    let mut maps = vec![0.0; count * outputs];
    for first in (0..count).step_by(ROWS) {
        // Where an odd one is left, it is computed twice.
        let places: [usize; ROWS] = core::array::from_fn(|row| (first + row).min(count - 1));
        let starts = places.map(|place| patches.start(place));
        for (panel, (kernels, bias)) in panels.each().enumerate() {
            let bias = core::array::from_fn(|v| Lanes::of(&bias[v * LANES..]));
            let mut sums: Sums = [bias; ROWS];
            for (line, kernels) in kernels.chunks_exact(run * WIDTH).enumerate() {
                let from = line * patches.line();
                add_run(&mut sums, starts.map(|start| &pictures[start + from..][..run]), kernels);
            }
            for (place, sums) in places.iter().zip(sums) {
                let left = panel * WIDTH;
                let map = &mut maps[place * outputs..(place + 1) * outputs];
                let end = outputs.min(left + WIDTH);
                write(&mut map[left..end], sums, after);
            }
        }
    }
    maps
}

/// Adds the products of one run of each patch with the kernels, `[run, WIDTH]`.
///
/// Written out, because sums in an array that a loop walks over do not reliably stay in registers.
#[inline(always)]
fn add_run(sums: &mut Sums, [first, second]: [&[f32]; ROWS], kernels: &[f32]) {
    let [[mut a0, mut a1, mut a2, mut a3], [mut b0, mut b1, mut b2, mut b3]] = *sums;
    for ((kernels, &a), &b) in kernels.chunks_exact(WIDTH).zip(first).zip(second) {
        let (k0, k1) = (Lanes::of(kernels), Lanes::of(&kernels[LANES..]));
        let (k2, k3) = (Lanes::of(&kernels[2 * LANES..]), Lanes::of(&kernels[3 * LANES..]));
        (a0, a1, a2, a3) = (a0.plus(a, k0), a1.plus(a, k1), a2.plus(a, k2), a3.plus(a, k3));
        (b0, b1, b2, b3) = (b0.plus(b, k0), b1.plus(b, k1), b2.plus(b, k2), b3.plus(b, k3));
    }
    *sums = [[a0, a1, a2, a3], [b0, b1, b2, b3]];
}

/// Writes what of a panel's sums there is room for.
#[inline(always)]
fn write(map: &mut [f32], sums: [Lanes; VECTORS], after: After) {
    for (map, sum) in map.chunks_mut(LANES).zip(sums) {
        let sum = match after {
            After::Nothing => sum,
            After::Relu => sum.relu(),
        };
        map.copy_from_slice(&sum.numbers()[..map.len()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoder::conv::product::{Convolution, array};

    /// Whole numbers, whose sums are exact.
    fn numbers<const D: usize>(shape: [usize; D]) -> Vec<f32> {
        (0..shape.iter().product()).map(|k: usize| (k * k % 11) as f32 - 5.0).collect()
    }

    #[test]
    fn it_computes_what_products_do() {
        for (count, side, inputs, outputs, stride) in
            [(1, 3, 1, 1, 1), (3, 7, 3, 5, 2), (2, 6, 2, 16, 1), (1, 9, 4, 40, 2)]
        {
            for after in [After::Nothing, After::Relu] {
                let x = array(numbers([count, inputs, side, side]), [count, inputs, side, side]);
                let weight = array(numbers([outputs, inputs, 3, 3]), [outputs, inputs, 3, 3]);
                let inputs = [x, weight, array(numbers([outputs]), [outputs])];
                let convolution = Convolution::new(inputs, stride, after);
                let (own, other) = (convolution.directly(), convolution.by_products());
                assert_eq!(own.layout().shape(), other.layout().shape());
                assert_eq!(own.storage::<f32>(), other.storage::<f32>(), "{outputs} outputs");
            }
        }
    }
}
