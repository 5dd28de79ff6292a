//! 3×3 convolutions of stride 1 by fewer products.
//!
//! Four pixels of a map see a square of 4×4 pixels. Square and kernel are transformed so that the 16 numbers
//! of one, times those of the other, give the four pixels: 16 multiplications a channel in place of 36
//! (F(2×2, 3×3) of Lavin and Gray 2016, section 4.1). Each of the 16 is a product of matrices, of squares by
//! kernels. Larger squares would save more and round worse.

mod squares;
mod kernels;
mod slopes;

pub(super) use kernels::Transformed;
pub(super) use slopes::gradient_of_kernels;

use squares::{Put, Seen, Squares};

use super::patches::{channels_last, padded};
use crate::activation::Activation;
use crate::array::{Array, array};
use crate::gemm::{Panels, Product, Row, Runs};
use crate::threads;
use crate::vectors::processor;
use crate::window::Window;

/// Side of a square, and of what comes of it.
const SIDE: usize = 4;
const PIXELS: usize = 2;
/// Products of a layer.
const PRODUCTS: usize = SIDE * SIDE;

/// Squares that go through the products together, about: with what comes of them they stay in the second
/// cache.
const SQUARES: usize = 64;
/// Numbers between the squares of two products, so that not all 16 fall on the same lines of a cache.
const GAP: usize = 16;

/// Channels with which it pays: with fewer, transforming takes longer than it saves; with more, kernels
/// (which become 16/9 times as large) no longer stay in a cache.
const CHANNELS: core::ops::RangeInclusive<usize> = 32..=256;
/// They fill whole vectors of every processor.
const LANES: usize = 16;

/// Whether a layer is computed so.
pub(super) fn suits([kernel, stride]: [usize; 2], channels: [usize; 2]) -> bool {
    let filled = |count: &usize| CHANNELS.contains(count) && count.is_multiple_of(LANES);
    [kernel, stride] == [3, 1] && channels.iter().all(filled)
}

/// Whether a layer that learns is computed so, on maps of such sides: kernels change with every step, so
/// their transformation must be worth it. With the many squares of a batch, kernels that do not stay in a
/// cache are no loss.
pub(super) fn suits_learning(
    [kernel, stride]: [usize; 2],
    channels: [usize; 2],
    [count, rows, columns]: [usize; 3],
) -> bool {
    let squares = count * rows.div_ceil(PIXELS) * columns.div_ceil(PIXELS);
    let filled = |count: &usize| CHANNELS.start() <= count && count.is_multiple_of(LANES);
    [kernel, stride] == [3, 1] && channels.iter().all(filled) && squares >= SQUARES
}

/// # Shapes
/// - x: `[n, in, h, w]`, kernels: see [`Transformed::forward`], bias: `[out]`
/// - result: `[n, h, w, out]`, of the window's sides
pub(super) fn infer(
    x: Array,
    window: Window,
    kernels: &[Panels],
    end: (&[f32], Activation),
) -> Array {
    let pictures = channels_last(x);
    let [_, height, width, _] = pictures.layout().shape().dims();
    let grid = window.grid([height, width]);
    let [rows, columns] = [(window.rows, grid[0]), (window.columns, grid[1])]
        .map(|([before, after], side)| [before, after + side % PIXELS]);
    maps(&padded(pictures, Window { rows, columns, ..window }), grid, kernels, end)
}

/// Arrays of such sides with zeros behind them, so that squares of the last row and column do not reach
/// beyond.
pub(super) fn evened(arrays: Array, grid: [usize; 2]) -> Array {
    let [rows, columns] = grid.map(|side| [0, side % PIXELS]);
    padded(arrays, Window { kernel: 1, stride: 1, rows, columns })
}

/// The maps of pictures that have all their zeros around them.
///
/// # Shapes
/// - pictures: `[n, h + 2, w + 2, in]`, where odd sides of maps have one row or column more
/// - result: `[n, h, w, out]`
pub(super) fn maps(
    pictures: &Array,
    grid: [usize; 2],
    kernels: &[Panels],
    end: (&[f32], Activation),
) -> Array {
    let [count, height, width, channels] = pictures.layout().shape().dims();
    let outputs = kernels[0].columns();
    let pictures = pictures.storage();
    let layer = Layer { pictures, sides: [height, width], channels, grid, kernels, end };
    let mut maps = threads::zeros(count * grid[0] * grid[1] * outputs);
    let mut bands = layer.bands(&mut maps);
    let share = bands.len().div_ceil(threads::count()).max(1);
    let shares: Vec<&mut [Band<'_>]> = bands.chunks_mut(share).collect();
    threads::each(shares, |bands| {
        let mut room = Room::default();
        bands.iter_mut().for_each(|band| layer.compute(band, &mut room));
    });
    array(maps, [count, grid[0], grid[1], outputs])
}

/// Pictures with their padding, and what is done to them.
#[derive(Clone, Copy)]
struct Layer<'a> {
    /// `[n, h, w, in]`.
    pictures: &'a [f32],
    /// Height and width.
    sides: [usize; 2],
    channels: usize,
    /// Rows and columns of a map.
    grid: [usize; 2],
    kernels: &'a [Panels],
    /// Bias and activation.
    end: (&'a [f32], Activation),
}

/// Some rows of a map, or the whole maps of some pictures.
struct Band<'a> {
    /// The first, or the only one.
    picture: usize,
    /// The first of its rows.
    row: usize,
    /// `[pictures, rows, columns, out]`.
    maps: &'a mut [f32],
}

/// Squares and their products, which the next band overwrites.
#[derive(Default)]
struct Room {
    /// 16 times `[squares, in]`, with gaps.
    squares: Vec<f32>,
    /// 16 times `[squares, out]`, with gaps.
    sums: Vec<f32>,
}

impl Layer<'_> {
    fn outputs(&self) -> usize {
        self.kernels[0].columns()
    }

    /// Numbers in a row of a map.
    fn line(&self) -> usize {
        self.grid[1] * self.outputs()
    }

    /// Rows of each picture in a band, and squares in these rows.
    fn rows(&self, band: &Band<'_>) -> [usize; 2] {
        let rows = (band.maps.len() / self.line()).min(self.grid[0]);
        [rows, rows.div_ceil(PIXELS) * self.across()]
    }

    /// Squares across a map.
    fn across(&self) -> usize {
        self.grid[1].div_ceil(PIXELS)
    }

    /// The maps of all pictures in parts that are computed at a time.
    fn bands<'a>(&self, maps: &'a mut [f32]) -> Vec<Band<'a>> {
        let (line, [rows, _]) = (self.line(), self.grid);
        let lines = (SQUARES / self.across().max(1)).max(1);
        let together = (lines / rows.div_ceil(PIXELS).max(1)).max(1);
        let rows_of_band = PIXELS * lines;
        let groups = maps.chunks_mut((together * rows * line).max(1)).enumerate();
        groups
            .flat_map(|(group, maps)| {
                let size = if together > 1 { maps.len() } else { rows_of_band * line };
                let parts = maps.chunks_mut(size.max(1)).enumerate();
                let picture = group * together;
                parts.map(move |(part, maps)| Band { picture, row: part * rows_of_band, maps })
            })
            .collect()
    }

    fn compute(&self, band: &mut Band<'_>, room: &mut Room) {
        let corners = self.corners(band);
        let (inputs, outputs) = (self.channels, self.outputs());
        let steps = [corners.len() * inputs + GAP, corners.len() * outputs + GAP];
        room.squares.resize(PRODUCTS * steps[0], 0.0);
        room.sums.resize(PRODUCTS * steps[1], 0.0);
        processor().dispatch(Squares {
            of: Seen,
            maps: self.pictures,
            width: self.sides[1],
            channels: inputs,
            corners: &corners,
            squares: &mut room.squares,
            step: steps[0],
        });
        let rows = (0..corners.len()).map(|k| Row { from: k * inputs, to: k * outputs });
        let rows: Vec<Row> = rows.collect();
        let runs = Runs { count: 1, length: inputs, step: inputs };
        let all = self.kernels.iter().zip(room.squares.chunks_exact(steps[0]));
        for ((kernels, squares), sums) in all.zip(room.sums.chunks_exact_mut(steps[1])) {
            Product::new(squares, runs, kernels).write(&rows, sums);
        }
        processor().dispatch(Put { layer: self, sums: &room.sums, step: steps[1], band });
    }

    /// Where the squares of a band begin.
    fn corners(&self, band: &Band<'_>) -> Vec<usize> {
        let [height, width] = self.sides;
        let [rows, _] = self.rows(band);
        let pictures = band.maps.len() / (rows * self.line());
        let firsts = (0..pictures).map(|picture| (band.picture + picture) * height + band.row);
        firsts
            .flat_map(|first| corners([rows, self.grid[1]], first, [width, self.channels]))
            .collect()
    }
}

/// Where the squares of a picture begin, whose first row is such a one of all.
fn corners(
    [rows, columns]: [usize; 2],
    first: usize,
    [width, channels]: [usize; 2],
) -> impl Iterator<Item = usize> {
    let across = move |row| (0..columns).step_by(PIXELS).map(move |column| [row, column]);
    let places = (0..rows).step_by(PIXELS).flat_map(across);
    places.map(move |[row, column]| ((first + row) * width + column) * channels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoder::conv::product;

    fn numbers(count: usize, by: f32) -> Vec<f32> {
        (0..count).map(|k| (k as f32 * by).sin()).collect()
    }

    /// Of odd and even sides, with and without padding, in one band and in several, wider than a panel.
    #[test]
    fn squares_give_the_products_of_patches() {
        let around = [[1, 1], [1, 1]];
        for (count, sides, channels, [rows, columns]) in [
            (1, [8, 8], [32, 48], around),
            (2, [7, 9], [48, 32], around),
            (3, [31, 40], [32, 80], [[0, 0], [0, 0]]),
            (1, [3, 3], [32, 32], [[0, 0], [0, 0]]),
            (1, [5, 200], [32, 32], [[0, 1], [2, 0]]),
            // Several pictures in one band, and more than one band of them.
            (150, [4, 3], [32, 32], around),
        ] {
            let [inputs, outputs] = channels;
            assert!(suits([3, 1], channels));
            let window = Window { kernel: 3, stride: 1, rows, columns };
            let x = numbers(count * sides[0] * sides[1] * inputs, 0.7);
            let x = array(x, [count, inputs, sides[0], sides[1]]);
            let weight = numbers(outputs * 9 * inputs, 0.3);
            let bias = numbers(outputs, 0.9);
            for activation in [Activation::Linear, Activation::Relu] {
                let end = (bias.as_slice(), activation);
                let kernel = |output| &weight[output * 9 * inputs..][..9 * inputs];
                let panels = Panels::of_columns([9 * inputs, outputs], kernel);
                let expected = product::infer(x.clone(), window, &panels, end);
                let kernels = Transformed::new(&weight, channels).forward();
                let found = infer(x.clone(), window, &kernels, end);
                assert_eq!(found.layout().shape(), expected.layout().shape());
                let (found, expected) = (found.storage::<f32>(), expected.storage::<f32>());
                let size = expected.iter().fold(0.0, |size: f32, x| size.max(x.abs()));
                let far = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
                let far = far.fold(0.0, f32::max);
                assert!(far < 5e-6 * size, "{sides:?} {channels:?}: off by {far} of {size}");
            }
        }
    }

    #[test]
    fn few_many_and_odd_channels_go_another_way() {
        assert!(suits([3, 1], [64, 256]));
        for (kernel, channels) in [
            ([3, 2], [64, 64]),
            ([1, 1], [64, 64]),
            ([3, 1], [3, 64]),
            ([3, 1], [64, 512]),
            ([3, 1], [40, 64]),
        ] {
            assert!(!suits(kernel, channels), "{kernel:?} {channels:?}");
        }
    }
}
