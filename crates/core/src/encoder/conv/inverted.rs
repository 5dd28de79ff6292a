//! Convolutions with a kernel for each channel on the CPU, and the products of channels around them, a few
//! rows at a time.
//!
//! An inverted bottleneck makes channels many, sees them one by one and makes them few again. Its maps of many
//! channels are larger than any cache. Here only those lines exist that the next rows need: they are
//! multiplied into place between zeros, seen, and overwritten.

use core::ops::Range;

use super::strip::{Depthwise, Laid, Strip};
use crate::activation::Activation;
use crate::array::{Array, array};
use crate::gemm::{Panels, Product, Row, Runs, lanes};
use crate::threads;
use crate::vectors::processor;
use crate::window::Window;

/// Numbers of the lines and rows that exist at a time, about: half of a second cache.
const NUMBERS: usize = 1 << 16;
/// Pixels of a map that are computed at a time, at least, where it has as many: the weights are read once
/// for all of them.
const PIXELS: usize = 64;

/// A product of channels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pointwise<'a> {
    /// `[in, out]`.
    pub(super) weights: &'a Panels,
    /// `[out]`.
    pub(super) bias: &'a [f32],
    pub(super) activation: Activation,
}

impl Pointwise<'_> {
    fn product<'a>(&'a self, numbers: &'a [f32]) -> Product<'a> {
        let depth = self.weights.depth();
        let runs = Runs { count: 1, length: depth, step: depth };
        Product::new(numbers, runs, self.weights).ending(self.bias, self.activation)
    }
}

/// Layers that follow each other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inverted<'a> {
    pub(super) expansion: Option<Pointwise<'a>>,
    pub(super) depthwise: Depthwise<'a>,
    pub(super) projection: Option<Pointwise<'a>>,
    /// Of the depthwise layer.
    pub(super) window: Window,
}

/// Some rows of a map.
struct Part<'a> {
    picture: usize,
    rows: Range<usize>,
    /// `[rows, columns, out]`.
    maps: &'a mut [f32],
}

/// Pictures, and how their maps come about.
struct Work<'a> {
    layers: Inverted<'a>,
    /// `[n, height, width, in]`.
    pictures: &'a [f32],
    sides: [usize; 2],
    inputs: usize,
    /// Columns of a map.
    columns: usize,
    /// Pixels of a line with the zeros beside it.
    width: usize,
    /// Numbers in a vector.
    lanes: usize,
}

/// Lines of a picture and what became of them, which the next ones overwrite.
struct Room {
    /// `[lines, c / lanes, left + width + right, lanes]`.
    lines: Vec<f32>,
    /// The lines that are there, counted from the first zeros above the picture.
    held: Range<usize>,
    /// `[rows, columns, c]`, if a product follows.
    seen: Vec<f32>,
}

impl<'a> Inverted<'a> {
    /// A depthwise layer with nothing around it.
    pub(super) fn alone(depthwise: Depthwise<'a>, window: Window) -> Self {
        Self { expansion: None, depthwise, projection: None, window }
    }

    /// # Shapes
    /// - pictures: `[n, h, w, in]`
    /// - result: `[n, rows, columns, out]`
    pub(super) fn of(&self, pictures: &Array) -> Array {
        let room = threads::zeros(self.shape(pictures).iter().product());
        self.written(pictures, room)
    }

    /// Of the result.
    fn shape(&self, pictures: &Array) -> [usize; 4] {
        let [count, height, width, _] = pictures.layout().shape().dims();
        let [rows, columns] = self.window.grid([height, width]);
        let outputs = self
            .projection
            .map_or_else(|| self.depthwise.channels(), |layer| layer.weights.columns());
        [count, rows, columns, outputs]
    }

    /// The same, written into room of its size.
    pub(super) fn written(&self, pictures: &Array, mut maps: Vec<f32>) -> Array {
        let [_, height, width, inputs] = pictures.layout().shape().dims();
        let [count, rows, columns, outputs] = self.shape(pictures);
        let [left, right] = self.window.columns;
        let work = Work {
            layers: *self,
            pictures: pictures.storage(),
            sides: [height, width],
            inputs,
            columns,
            width: left + width + right,
            lanes: lanes(),
        };
        // Pictures are divided where there are fewer of them than threads.
        let parts = threads::count().div_ceil(count.max(1));
        let together = rows.div_ceil(parts).max(1);
        let parts = maps.chunks_mut((rows * columns * outputs).max(1)).enumerate();
        let parts = parts.flat_map(|(picture, maps)| {
            let parts = maps.chunks_mut(together * columns * outputs).enumerate();
            parts.map(move |(part, maps)| {
                let first = part * together;
                Part { picture, rows: first..rows.min(first + together), maps }
            })
        });
        threads::each(parts.collect(), |part| work.compute(part));
        array(maps, [count, rows, columns, outputs])
    }
}

impl Work<'_> {
    /// Numbers in a line.
    fn line(&self) -> usize {
        self.channels().next_multiple_of(self.lanes) * self.width
    }

    fn channels(&self) -> usize {
        self.layers.depthwise.channels()
    }

    /// Lines that some rows need, counted from the first zeros above the picture.
    fn lines(&self, rows: &Range<usize>) -> Range<usize> {
        let Window { kernel, stride, .. } = self.layers.window;
        rows.start * stride..(rows.end - 1) * stride + kernel
    }

    /// Rows that are computed at a time, of so many.
    fn together(&self, rows: usize) -> usize {
        let Window { kernel, stride, .. } = self.layers.window;
        let row = stride * self.line() + self.columns * self.channels();
        let fit = NUMBERS.saturating_sub(kernel * self.line()) / row.max(1);
        fit.max(PIXELS.div_ceil(self.columns.max(1))).clamp(1, rows.max(1))
    }

    fn compute(&self, part: Part<'_>) {
        let rows = part.rows;
        let together = self.together(rows.len());
        let lines = self.lines(&(0..together)).len();
        let seen = match self.layers.projection {
            Some(_) => together * self.columns * self.channels(),
            None => 0,
        };
        let mut room =
            Room { lines: vec![0.0; lines * self.line()], held: 0..0, seen: vec![0.0; seen] };
        let size = part.maps.len() / rows.len().max(1);
        for (number, maps) in part.maps.chunks_mut((together * size).max(1)).enumerate() {
            let first = rows.start + number * together;
            let here = first..rows.end.min(first + together);
            self.take(part.picture, self.lines(&here), &mut room);
            self.see(&room.lines, &mut room.seen, here.len(), maps);
        }
    }

    /// Makes lines be there, of which some may be already.
    fn take(&self, picture: usize, lines: Range<usize>, room: &mut Room) {
        let kept = room.held.end.saturating_sub(lines.start);
        if kept > 0 {
            let from = (lines.start - room.held.start) * self.line();
            room.lines.copy_within(from..from + kept * self.line(), 0);
        }
        room.held = lines.clone();
        let missing = lines.start + kept..lines.end;
        let [height, width] = self.sides;
        let ([above, _], [left, _]) = (self.layers.window.rows, self.layers.window.columns);
        let (inputs, channels) = (self.inputs, self.channels());
        let mut pixels = Vec::new();
        for line in missing {
            let to = (line - lines.start) * self.line() + left * self.lanes;
            let Some(y) = line.checked_sub(above).filter(|&y| y < height) else {
                room.lines[(line - lines.start) * self.line()..][..self.line()].fill(0.0);
                continue;
            };
            let from = (picture * height + y) * width * inputs;
            if self.layers.expansion.is_none() {
                let pixels = &self.pictures[from..][..width * channels];
                let (line, width) = (&mut room.lines[to..], self.width);
                processor().dispatch(Laid { pixels, channels, line, width });
                continue;
            }
            let pixel = |x| Row { from: from + x * inputs, to: to + x * self.lanes };
            pixels.extend((0..width).map(pixel));
        }
        if let Some(layer) = self.layers.expansion {
            let product = layer.product(self.pictures).apart(self.width * self.lanes);
            product.write(&pixels, &mut room.lines);
        }
    }

    /// Rows of the maps from the lines that are there.
    fn see(&self, lines: &[f32], seen: &mut [f32], rows: usize, maps: &mut [f32]) {
        let channels = self.channels();
        let (size, layer) = (rows * self.columns * channels, self.layers.depthwise);
        let &Self { width, columns, .. } = self;
        let stride = self.layers.window.stride;
        let strip = |maps| Strip { lines, width, stride, layer, maps, columns };
        let Some(projection) = self.layers.projection else {
            return processor().dispatch(strip(maps));
        };
        processor().dispatch(strip(&mut seen[..size]));
        let outputs = projection.weights.columns();
        let pixel = |pixel| Row { from: pixel * channels, to: pixel * outputs };
        let pixels: Vec<Row> = (0..rows * self.columns).map(pixel).collect();
        projection.product(seen).write(&pixels, maps);
    }
}
