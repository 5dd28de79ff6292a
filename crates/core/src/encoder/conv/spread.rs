//! The gradient of pictures from that of their maps.
//!
//! With a stride of s, a pixel of a picture meets every s-th row and column of a kernel: which, says its
//! own place divided by s, the remainder. So the pixels of every remainder have a product of their own, of
//! the gradient's patches by a part of the kernels, and nothing has to be added up afterwards. Pixels near a
//! border meet fewer maps than others, and have a product by fewer places of the kernels.

use std::collections::BTreeMap;

use itertools::iproduct;

use super::axis::Axis;
use super::patches::Patches;
use crate::array::{Array, array, room};
use crate::gemm::{Panels, Places, Product, Row, Runs};
use crate::threads;
use crate::window::Window;

/// Pixels that a thread has at a time at most, but for a whole picture's: those of a corner should be enough for a
/// product.
const PIXELS: usize = 4096;
/// Pixels that it multiplies at a time: what they meet stays in the second cache.
const AT_ONCE: usize = 480;

/// How the gradient of a convolution's maps spreads over its pictures.
#[derive(Debug)]
pub(super) struct Spread {
    /// Numbers of the gradient of a picture.
    gradient: usize,
    /// Of the pictures, `[n, h, w, in]`.
    shape: [usize; 4],
    phases: Vec<Phase>,
    /// Where pixels of the first picture start that meet no map.
    missed: Vec<usize>,
}

/// The pixels of one remainder.
#[derive(Debug)]
struct Phase {
    kernels: Panels,
    parts: Vec<Part>,
}

/// Pixels that meet the same places of the kernels.
#[derive(Debug)]
struct Part {
    runs: Runs,
    places: Places,
    /// Pixels of the first picture.
    pixels: Vec<Row>,
}

impl Spread {
    /// # Shapes
    /// - of: of `count` pictures in their window
    /// - kernels: `[out, k, k, in]`
    pub(super) fn new(of: Patches, window: Window, kernels: &[f32], count: usize) -> Self {
        let Patches { height, width, channels, kernel, stride } = of;
        let (outputs, [rows, columns]) = (kernels.len() / of.patch(), of.grid());
        let axis = |side: usize, [before, after]: [usize; 2], maps| Axis {
            kernel,
            stride,
            side: side - before - after,
            before,
            maps,
        };
        let [tall, wide] = [axis(height, window.rows, rows), axis(width, window.columns, columns)];
        let mut missed = Vec::new();
        let mut phases = BTreeMap::<[usize; 2], Vec<Part>>::new();
        for ((y, lines), (x, places)) in iproduct!(&tall.lines(), &wide.lines()) {
            let pixels = iproduct!(lines, places).map(|(y, x)| Row {
                from: (y.map * columns + x.map) * outputs,
                to: (y.at * wide.side + x.at) * channels,
            });
            if y.count == 0 || x.count == 0 {
                missed.extend(pixels.map(|pixel| pixel.to));
                continue;
            }
            let line = wide.reached(x.remainder) * outputs;
            let length = x.count * outputs;
            phases.entry([y.remainder, x.remainder]).or_default().push(Part {
                runs: Runs { count: y.count, length, step: columns * outputs },
                places: Places { first: y.first * line + x.first * outputs, step: line },
                pixels: pixels.collect(),
            });
        }
        let phases = threads::each(phases.into_iter().collect(), |(remainders, parts)| {
            let reached = [tall.reached(remainders[0]), wide.reached(remainders[1])];
            Phase { kernels: reduced((kernels, of), remainders, reached), parts }
        });
        let shape = [count, tall.side, wide.side, channels];
        Self { gradient: rows * columns * outputs, shape, phases, missed }
    }

    /// # Shapes
    /// - gradient: `[n, rows, columns, out]`
    /// - over: something of no more use, as large as the result: it is written there if nothing else holds it
    /// - result: `[n, h, w, in]`
    pub(super) fn of(&self, gradient: &Array, over: Array) -> Array {
        let [n, height, width, channels] = self.shape;
        let picture = height * width * channels;
        let numbers = gradient.storage::<f32>();
        let group = threads::share(n, [1, (PIXELS / (height * width).max(1)).max(1)]);
        let mut found = room(over, n * picture);
        let parts = self.phases.iter().flat_map(|Phase { kernels, parts }| {
            parts.iter().map(move |Part { runs, places, pixels }| {
                (Product::by_some(numbers, *runs, (kernels, *places)), pixels)
            })
        });
        let products: Vec<(Product<'_>, &Vec<Row>)> = parts.collect();
        threads::each_part(&mut found, (group * picture).max(1), |number, part| {
            for picture in part.chunks_exact_mut(picture.max(1)) {
                self.missed.iter().for_each(|&pixel| picture[pixel..][..channels].fill(0.0));
            }
            for (product, pixels) in &products {
                let rows = self.rows(number * group, part.len() / picture, pixels);
                rows.chunks(AT_ONCE).for_each(|rows| product.write(rows, part));
            }
        });
        array(found, self.shape)
    }

    /// The pixels of some pictures, from the first on.
    fn rows(&self, first: usize, count: usize, pixels: &[Row]) -> Vec<Row> {
        let [_, height, width, channels] = self.shape;
        let picture = height * width * channels;
        let moved = |at: usize, row: &Row| Row {
            from: row.from + (first + at) * self.gradient,
            to: row.to + at * picture,
        };
        (0..count).flat_map(|at| pixels.iter().map(move |row| moved(at, row))).collect()
    }
}

/// The places of the kernels `[out, k, k, in]` that strides lead to from one on, `[rows · columns · out, in]`, the
/// last of them first: the gradient's patch is met backwards.
fn reduced(
    (kernels, of): (&[f32], Patches),
    first: [usize; 2],
    [tall, wide]: [usize; 2],
) -> Panels {
    let Patches { channels, kernel, stride, .. } = of;
    let (patch, outputs) = (of.patch(), kernels.len() / of.patch());
    let row = |place: usize| {
        let (at, output) = (place / outputs, place % outputs);
        let y = first[0] + stride * (tall - 1 - at / wide);
        let x = first[1] + stride * (wide - 1 - at % wide);
        &kernels[output * patch + (y * kernel + x) * channels..][..channels]
    };
    Panels::of_rows([tall * wide * outputs, channels], row)
}
