//! The gradient of pictures from that of their maps.
//!
//! With a stride of s, a pixel of a picture meets every s-th row and column of a kernel: which, says its
//! own place divided by s, the remainder. So the pixels of every remainder have a product of their own, of
//! the gradient's patches by a part of the kernels, and nothing has to be added up afterwards.

use super::patches::{Patches, padded};
use crate::array::{Array, array, room};
use crate::gemm::{Panels, Product, Row, Runs};
use crate::threads;
use crate::window::Window;

/// Pixels that a thread multiplies at a time at most, but for a whole picture's.
const PIXELS: usize = 512;

/// How the gradient of a convolution's maps spreads over its pictures.
#[derive(Debug)]
pub(super) struct Spread {
    /// Of the gradient, with zeros around it.
    patches: Patches,
    /// Of the pictures, with theirs.
    of: Patches,
    /// Rows and columns of zeros before the pictures.
    before: [usize; 2],
    /// Zeros around the gradient.
    around: Window,
    /// `[n, h, w, in]`.
    shape: [usize; 4],
    phases: Vec<Phase>,
}

/// The pixels of one remainder.
#[derive(Debug)]
struct Phase {
    runs: Runs,
    kernels: Panels,
    /// Pixels of the first picture.
    pixels: Vec<Row>,
}

impl Spread {
    /// # Shapes
    /// - of: of `count` pictures in their window
    /// - kernels: `[out, k, k, in]`
    pub(super) fn new(of: Patches, window: Window, kernels: &[f32], count: usize) -> Self {
        let Patches { height, width, channels, kernel, stride } = of;
        let (reach, outputs) = (kernel.div_ceil(stride), kernels.len() / of.patch());
        let [rows, columns] = of.grid();
        let beyond = |side: usize, maps: usize| [reach - 1, (side - 1) / stride + 1 - maps];
        let around =
            Window { kernel, stride, rows: beyond(height, rows), columns: beyond(width, columns) };
        let [tall, wide] = [height, width].map(|side| (side - 1) / stride + reach);
        let patches =
            Patches { height: tall, width: wide, channels: outputs, kernel: reach, stride: 1 };
        let [[above, below], [left, right]] = [window.rows, window.columns];
        let shape = [count, height - above - below, width - left - right, channels];
        let mut spread =
            Self { patches, of, before: [above, left], around, shape, phases: Vec::new() };
        let places = 0..stride.min(kernel);
        let places = places.clone().flat_map(|y| places.clone().map(move |x| [y, x]));
        spread.phases = threads::each(places.collect(), |place| spread.phase(kernels, place));
        spread
    }

    /// The pixels whose row and column, in pictures with their zeros, leave such remainders.
    fn phase(&self, kernels: &[f32], remainders: [usize; 2]) -> Phase {
        let Patches { channels, kernel, stride, .. } = self.of;
        let (outputs, patch) = (self.patches.channels, self.of.patch());
        let [tall, wide] = remainders.map(|first| (kernel - first).div_ceil(stride));
        let row = |place: usize| {
            let (at, output) = (place / outputs, place % outputs);
            // The gradient's patch is met backwards.
            let y = remainders[0] + stride * (tall - 1 - at / wide);
            let x = remainders[1] + stride * (wide - 1 - at % wide);
            &kernels[output * patch + (y * kernel + x) * channels..][..channels]
        };
        Phase {
            runs: Runs { count: tall, length: wide * outputs, step: self.patches.line() },
            kernels: Panels::of_rows([tall * wide * outputs, channels], row),
            pixels: self.pixels(remainders, [tall, wide]),
        }
    }

    /// Where the gradient's patches of those pixels start, and where the pixels are.
    fn pixels(&self, remainders: [usize; 2], sides: [usize; 2]) -> Vec<Row> {
        let (stride, before) = (self.of.stride, self.before);
        let [_, height, width, channels] = self.shape;
        let has = |axis: usize, at: usize| (at + before[axis]) % stride == remainders[axis];
        let start = |axis: usize, at: usize| {
            (at + before[axis]) / stride + self.patches.kernel - sides[axis]
        };
        let rows = (0..height).filter(|&y| has(0, y));
        let pixels = rows.flat_map(|y| (0..width).filter(|&x| has(1, x)).map(move |x| [y, x]));
        pixels
            .map(|[y, x]| Row {
                from: (start(0, y) * self.patches.width + start(1, x)) * self.patches.channels,
                to: (y * width + x) * channels,
            })
            .collect()
    }

    /// # Shapes
    /// - gradient: `[n, rows, columns, out]`
    /// - over: something of no more use, as large as the result: it is written there if nothing else holds it
    /// - result: `[n, h, w, in]`
    pub(super) fn of(&self, gradient: &Array, over: Array) -> Array {
        let [n, height, width, channels] = self.shape;
        let picture = height * width * channels;
        let gradient = padded(gradient.clone(), self.around);
        let numbers = gradient.storage::<f32>();
        let group = threads::share(n, [1, (PIXELS / (height * width).max(1)).max(1)]);
        let mut found = room(over, n * picture);
        let products: Vec<(Product<'_>, &[Row])> = self
            .phases
            .iter()
            .map(|phase| (Product::new(numbers, phase.runs, &phase.kernels), &*phase.pixels))
            .collect();
        // Kernels smaller than their stride leave pixels out.
        let reaches_all = self.of.kernel >= self.of.stride;
        threads::each_part(&mut found, (group * picture).max(1), |number, part| {
            if !reaches_all {
                part.fill(0.0);
            }
            for (product, pixels) in &products {
                let rows = self.rows(number * group, part.len() / picture, pixels);
                product.write(&rows, part);
            }
        });
        array(found, self.shape)
    }

    /// The pixels of some pictures, from the first on.
    fn rows(&self, first: usize, count: usize, pixels: &[Row]) -> Vec<Row> {
        let [_, height, width, channels] = self.shape;
        let (gradient, picture) = (self.patches.picture(), height * width * channels);
        let moved = |at: usize, row: &Row| Row {
            from: row.from + (first + at) * gradient,
            to: row.to + at * picture,
        };
        (0..count).flat_map(|at| pixels.iter().map(move |row| moved(at, row))).collect()
    }
}
