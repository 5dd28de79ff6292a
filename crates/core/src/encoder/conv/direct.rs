//! A convolution straight from the pictures: no patch is gathered.
//!
//! A patch is a few runs of numbers that lie side by side in a picture whose channels come last, so
//! the sums of a few patches and outputs can be built in registers from where the numbers are. In a
//! browser, whose vectors hold four numbers, this is faster than any product of gathered patches;
//! natively it is not.

use super::lanes::{LANES, Lanes};
use super::patches::Patches;
use crate::activation::Activation;

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
    /// `[out / WIDTH, k · k · in, WIDTH]`, the last filled up with zeros.
    kernels: Vec<f32>,
    /// `[out / WIDTH, WIDTH]`, likewise.
    bias: Vec<f32>,
    /// Numbers in the kernels of one panel.
    size: usize,
}

impl Panels {
    /// # Shapes
    /// - weight: `[out, in, k, k]`, bias: `[out]`; field: k · k
    fn new(weight: &[f32], bias: &[f32], field: usize) -> Self {
        let outputs = bias.len();
        let patch = weight.len() / outputs;
        let size = patch * WIDTH;
        let mut kernels = vec![0.0; outputs.div_ceil(WIDTH) * size];
        for (weight, panel) in weight.chunks(size).zip(kernels.chunks_exact_mut(size)) {
            fill(panel, weight, [patch, field]);
        }
        let mut bias = bias.to_vec();
        bias.resize(outputs.next_multiple_of(WIDTH), 0.0);
        Self { kernels, bias, size }
    }

    fn each(&self) -> impl Iterator<Item = (&[f32], &[f32])> {
        self.kernels.chunks_exact(self.size).zip(self.bias.chunks_exact(WIDTH))
    }
}

/// # Shapes
/// - panel: `[k · k · in, WIDTH]`, weight: at most WIDTH of `[in, k, k]`, each of `patch` numbers
fn fill(panel: &mut [f32], weight: &[f32], [patch, field]: [usize; 2]) {
    let inputs = patch / field;
    for number in 0..patch {
        let (input, place) = (number / field, number % field);
        let row = &mut panel[(place * inputs + input) * WIDTH..][..WIDTH];
        for (output, kernel) in row.iter_mut().zip(weight.chunks_exact(patch)) {
            *output = kernel[number];
        }
    }
}

/// # Shapes
/// - pictures: `[n, h, w, in]`, weight: `[out, in, k, k]`, bias: `[out]`
/// - result: `[n, rows, columns, out]`
pub(super) fn convolve(
    pictures: &[f32],
    patches: &Patches,
    [weight, bias]: [&[f32]; 2],
    activation: Activation,
) -> Vec<f32> {
    let panels = Panels::new(weight, bias, patches.kernel * patches.kernel);
    let outputs = bias.len();
    let corners: Vec<usize> = patches.corners().collect();
    let whole = (0..pictures.len()).step_by(patches.picture());
    let starts: Vec<usize> =
        whole.flat_map(|picture| corners.iter().map(move |corner| picture + corner)).collect();
    let mut maps = vec![0.0; starts.len() * outputs];
    for (starts, maps) in starts.chunks(ROWS).zip(maps.chunks_mut(ROWS * outputs)) {
        // Where one is left over, it stands for both.
        let starts = [starts[0], starts[starts.len() - 1]];
        for (panel, layer) in panels.each().enumerate() {
            let sums = sums(pictures, patches, starts, layer);
            let place = panel * WIDTH..outputs.min((panel + 1) * WIDTH);
            for (map, sums) in maps.chunks_exact_mut(outputs).zip(sums) {
                write(&mut map[place.clone()], sums, activation);
            }
        }
    }
    maps
}

/// The sums of two patches for the outputs of a panel.
#[inline(always)]
fn sums(
    pictures: &[f32],
    patches: &Patches,
    [first, second]: [usize; ROWS],
    (kernels, bias): (&[f32], &[f32]),
) -> Sums {
    let run = patches.run();
    let bias = [
        Lanes::of(bias),
        Lanes::of(&bias[LANES..]),
        Lanes::of(&bias[2 * LANES..]),
        Lanes::of(&bias[3 * LANES..]),
    ];
    let mut sums = [bias; ROWS];
    for (line, kernels) in kernels.chunks_exact(run * WIDTH).enumerate() {
        let from = line * patches.line();
        let runs = [&pictures[first + from..][..run], &pictures[second + from..][..run]];
        add_run(&mut sums, runs, kernels);
    }
    sums
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
fn write(map: &mut [f32], sums: [Lanes; VECTORS], activation: Activation) {
    for (map, sum) in map.chunks_mut(LANES).zip(sums) {
        let sum = match activation {
            Activation::Linear => sum,
            Activation::Relu | Activation::Relu6 => sum.relu(),
        };
        map.copy_from_slice(&sum.numbers()[..map.len()]);
        if activation == Activation::Relu6 {
            map.iter_mut().for_each(|x| *x = activation.of(*x));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::array;
    use crate::encoder::conv::product::Convolution;
    use crate::window::Window;

    /// Whole numbers, whose sums are exact.
    fn numbers<const D: usize>(shape: [usize; D]) -> Vec<f32> {
        (0..shape.iter().product()).map(|k: usize| (k * k % 11) as f32 - 5.0).collect()
    }

    #[test]
    fn it_computes_what_products_do() {
        for (count, side, inputs, outputs, [kernel, stride]) in [
            (1, 3, 1, 1, [3, 1]),
            (3, 7, 3, 5, [3, 2]),
            (2, 6, 2, 16, [3, 1]),
            (1, 9, 4, 40, [3, 2]),
            (2, 5, 6, 33, [1, 1]),
            (1, 9, 3, 17, [7, 2]),
        ] {
            for activation in [Activation::Linear, Activation::Relu] {
                let x = array(numbers([count, inputs, side, side]), [count, inputs, side, side]);
                let weight = numbers([outputs, inputs, kernel, kernel]);
                let weight = array(weight, [outputs, inputs, kernel, kernel]);
                let inputs = [x, weight, array(numbers([outputs]), [outputs])];
                let convolution =
                    Convolution::new(inputs, Window::valid(kernel, stride), activation);
                let (own, other) = (convolution.directly(), convolution.by_products());
                assert_eq!(own.layout().shape(), other.layout().shape());
                assert_eq!(own.storage::<f32>(), other.storage::<f32>(), "{outputs} outputs");
            }
        }
    }
}
