//! Which sums of pixels and of kernels are multiplied along one side of a map.

use core::ops::Range;

use super::super::KERNEL;
use super::sums::{Sums, Term};

/// What some outputs that lie side by side are made of: points, each a sum of pixels, which is multiplied by a sum
/// of a kernel's numbers.
struct Scheme {
    /// The sum of the kernel's numbers that each point meets.
    kinds: &'static [usize],
    /// Points as sums of pixels.
    points: &'static [&'static [Term]],
    /// Outputs as sums of products.
    outputs: &'static [&'static [Term]],
}

/// Outputs along a side with a stride of 1, one and two of them: F(2, 3) of Lavin and Gray.
const EVERY: &[Scheme] = &[
    Scheme {
        kinds: &[0, 1, 2],
        points: &[&[(0, 1.0), (2, -1.0)], &[(1, 1.0), (2, 1.0)], &[(2, 1.0), (1, -1.0)]],
        outputs: &[&[(0, 1.0), (1, 1.0), (2, 1.0)]],
    },
    Scheme {
        kinds: &[0, 1, 2, 3],
        points: &[
            &[(0, 1.0), (2, -1.0)],
            &[(1, 1.0), (2, 1.0)],
            &[(2, 1.0), (1, -1.0)],
            &[(3, 1.0), (1, -1.0)],
        ],
        outputs: &[&[(0, 1.0), (1, 1.0), (2, 1.0)], &[(1, 1.0), (2, -1.0), (3, 1.0)]],
    },
];

/// With a stride of 2, one, two and three of them: F(2, 2) and F(3, 2) by the first and last number of the kernel,
/// which meet pixels at even places, and a product for each output by the number between them.
const EVERY_OTHER: &[Scheme] = &[
    Scheme {
        kinds: &[0, 3, 4],
        points: &[&[(0, 1.0)], &[(2, 1.0)], &[(1, 1.0)]],
        outputs: &[&[(0, 1.0), (1, 1.0), (2, 1.0)]],
    },
    Scheme {
        kinds: &[0, 1, 3, 4, 4],
        points: &[
            &[(0, 1.0), (2, -1.0)],
            &[(2, 2.0)],
            &[(4, 1.0), (2, -1.0)],
            &[(1, 1.0)],
            &[(3, 1.0)],
        ],
        outputs: &[&[(0, 1.0), (1, 1.0), (3, 1.0)], &[(1, 1.0), (2, 1.0), (4, 1.0)]],
    },
    Scheme {
        kinds: &[0, 1, 2, 3, 4, 4, 4],
        points: &[
            &[(0, 1.0), (4, -1.0)],
            &[(2, 1.0), (4, 1.0)],
            &[(4, 1.0), (2, -1.0)],
            &[(6, 1.0), (2, -1.0)],
            &[(1, 1.0)],
            &[(3, 1.0)],
            &[(5, 1.0)],
        ],
        outputs: &[
            &[(0, 1.0), (1, 1.0), (2, 1.0), (4, 1.0)],
            &[(1, 1.0), (2, -1.0), (5, 1.0)],
            &[(1, 1.0), (2, 1.0), (3, 1.0), (6, 1.0)],
        ],
    },
];

/// The sums of a kernel's three numbers that points meet, for a stride of 1 and of 2.
const KERNELS: [&[&[Term]]; 2] = [
    &[&[(0, 1.0)], &[(0, 0.5), (1, 0.5), (2, 0.5)], &[(0, 0.5), (1, -0.5), (2, 0.5)], &[(2, 1.0)]],
    &[&[(0, 1.0)], &[(0, 0.5), (2, 0.5)], &[(0, 0.5), (2, -0.5)], &[(2, 1.0)], &[(1, 1.0)]],
];

/// Strides that there are schemes for.
pub(super) fn has(stride: usize) -> bool {
    (1..=KERNELS.len()).contains(&stride)
}

/// The sums of a kernel's numbers for such a stride.
pub(super) fn kernels(stride: usize) -> Sums {
    Sums::of(KERNELS[stride - 1])
}

/// A point: the sum of the kernel's numbers that it meets, and which it is among the points that meet it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point {
    pub(super) kind: usize,
    pub(super) at: usize,
}

/// Outputs that are made together.
#[derive(Clone, Debug)]
pub(super) struct Tile {
    pub(super) points: Range<usize>,
    pub(super) outputs: Range<usize>,
    /// What the outputs see.
    pub(super) pixels: Range<usize>,
}

/// All outputs along a side.
#[derive(Clone, Debug)]
pub(super) struct Tiling {
    pub(super) tiles: Vec<Tile>,
    pub(super) points: Vec<Point>,
    /// How many points there are of each kind.
    pub(super) counts: Vec<usize>,
    /// Points as sums of pixels, and the transpose.
    pub(super) of_pixels: Sums,
    pub(super) to_pixels: Sums,
    /// Outputs as sums of products, and the transpose.
    pub(super) to_outputs: Sums,
    pub(super) of_outputs: Sums,
}

impl Tiling {
    /// Of at least one output.
    pub(super) fn new(outputs: usize, stride: usize) -> Self {
        let schemes = [EVERY, EVERY_OTHER][stride - 1];
        let (mut tiles, mut points) = (Vec::new(), Vec::new());
        let mut counts = vec![0; KERNELS[stride - 1].len()];
        let (mut of_pixels, mut to_outputs) = (Sums::default(), Sums::default());
        for first in (0..outputs).step_by(schemes.len()) {
            let count = schemes.len().min(outputs - first);
            let scheme = &schemes[count - 1];
            let (point, pixel) = (points.len(), first * stride);
            of_pixels.add(scheme.points, pixel);
            to_outputs.add(scheme.outputs, point);
            for &kind in scheme.kinds {
                points.push(Point { kind, at: counts[kind] });
                counts[kind] += 1;
            }
            let pixels = pixel..pixel + (count - 1) * stride + KERNEL;
            tiles.push(Tile { points: point..points.len(), outputs: first..first + count, pixels });
        }
        let to_pixels = of_pixels.transposed((outputs - 1) * stride + KERNEL);
        let of_outputs = to_outputs.transposed(points.len());
        Self { tiles, points, counts, of_pixels, to_pixels, to_outputs, of_outputs }
    }

    pub(super) fn outputs(&self) -> usize {
        self.to_outputs.0.len()
    }

    /// Pixels that outputs see.
    pub(super) fn pixels(&self) -> usize {
        self.to_pixels.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::super::sums::TERMS;
    use super::*;

    fn times(sums: &Sums, numbers: &[f32]) -> Vec<f32> {
        let sum = |terms: &Vec<Term>| terms.iter().map(|(of, by)| numbers[*of] * by).sum();
        sums.0.iter().map(sum).collect()
    }

    /// Whole numbers, whose sums are exact.
    fn number(k: usize) -> f32 {
        (k * k % 11) as f32 - 5.0
    }

    #[test]
    fn outputs_are_those_of_the_kernel() {
        for (stride, outputs) in itertools::iproduct!([1, 2], 1..20) {
            let tiling = Tiling::new(outputs, stride);
            let kernel: Vec<f32> = (2..2 + KERNEL).map(number).collect();
            let pixels: Vec<f32> = (0..tiling.pixels()).map(number).collect();
            let kernels = times(&kernels(stride), &kernel);
            let points = times(&tiling.of_pixels, &pixels);
            let products = points.iter().zip(&tiling.points);
            let products = products.map(|(number, point)| number * kernels[point.kind]);
            let found = times(&tiling.to_outputs, &products.collect::<Vec<f32>>());
            let seen = |output: usize| kernel.iter().zip(&pixels[output * stride..]);
            let expected = (0..outputs).map(|output| seen(output).map(|(a, b)| a * b).sum());
            assert_eq!(found, expected.collect::<Vec<f32>>(), "{outputs} {stride}");
            assert_eq!(tiling.outputs(), outputs);
        }
        assert!(has(1) && has(2) && !has(0) && !has(3));
    }

    #[test]
    fn there_are_fewer_products_and_few_terms() {
        for (outputs, stride, expected) in
            [(2, 1, 4), (5, 1, 11), (3, 2, 7), (7, 2, 17), (23, 2, 54), (1, 2, 3)]
        {
            let tiling = Tiling::new(outputs, stride);
            assert_eq!(tiling.points.len(), expected, "{outputs} {stride}");
            assert_eq!(tiling.counts.iter().sum::<usize>(), expected);
            let Tiling { of_pixels, to_pixels, to_outputs, of_outputs, .. } = tiling;
            for sums in [of_pixels, to_pixels, to_outputs, of_outputs] {
                assert!(sums.0.iter().all(|terms| (1..=TERMS).contains(&terms.len())));
            }
        }
    }
}
