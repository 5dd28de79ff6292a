//! Averages over squares of 2×2 pixels and over cells of a grid, and maxima over 3×3.

use burn::tensor::Tensor;
use burn::tensor::module::{avg_pool2d, max_pool2d};
use burn::tensor::ops::{AvgPoolOptions, MaxPoolOptions};
#[cfg(feature = "cpu")]
use burn::{
    backend::Flex,
    tensor::{Device, s},
};

use super::global_average;
#[cfg(feature = "cpu")]
use crate::{
    array::{array, plain},
    vectors::{Loop, widest},
};

/// Side of what becomes one pixel.
const SIDE: usize = 2;

/// # Shapes
/// - maps: `[n, c, h, w]`
/// - result: `[n, c, h / 2, w / 2]`, without an odd last row or column
pub(super) fn halve(maps: Tensor<4>) -> Tensor<4> {
    #[cfg(feature = "cpu")]
    if maps.device().inner() == Device::flex() {
        return by_rows(maps);
    }
    anywhere(maps)
}

/// Means over the cells of a grid, whose sides divide those of the maps.
///
/// # Shapes
/// - maps: `[n, c, h, w]`
/// - result: `[n, c · grid · grid]`: channel by channel, rows of cells from the top
pub(super) fn cells(maps: Tensor<4>, grid: usize) -> Tensor<2> {
    if grid == 1 {
        return global_average(maps);
    }
    let [n, channels, height, width] = maps.dims();
    let rows = maps.reshape([n * channels * grid, height / grid, width]).mean_dim(1);
    let means = rows.reshape([n * channels * grid * grid, width / grid]).mean_dim(1);
    means.reshape([n, channels * grid * grid])
}

/// The largest of each 3×3 pixels, with a stride of 2 and nothing beyond the edge.
///
/// # Shapes
/// - maps: `[n, c, h, w]`
/// - result: `[n, c, (h + 1) / 2, (w + 1) / 2]`
pub(super) fn maximum(maps: Tensor<4>) -> Tensor<4> {
    #[cfg(feature = "cpu")]
    if maps.device().inner() == Device::flex() && !maps.is_autodiff() {
        return largest_by_rows(maps);
    }
    largest(maps)
}

/// Burn's way, on any device.
fn largest(maps: Tensor<4>) -> Tensor<4> {
    const KERNEL: usize = 3;
    let stride = [SIDE; 2];
    let options =
        MaxPoolOptions { stride, padding: [(1, 1); 2], ..MaxPoolOptions::new([KERNEL; 2]) };
    max_pool2d(maps, options)
}

/// Pixels against pixels, with channels last as kith's convolutions leave them on the CPU.
#[cfg(feature = "cpu")]
fn largest_by_rows(maps: Tensor<4>) -> Tensor<4> {
    let [n, channels, height, width] = maps.dims();
    let grid = [height, width].map(|side| side.div_ceil(SIDE));
    let maps = plain(maps.permute([0, 2, 3, 1])).to_contiguous();
    let mut found = vec![f32::NEG_INFINITY; n * grid[0] * grid[1] * channels];
    let (maps, sides) = (maps.storage(), [height, width]);
    widest(Maxima { maps, found: &mut found, sides, grid, channels });
    let found = array(found, [n, grid[0], grid[1], channels]);
    Tensor::from_primitive::<Flex>(found).permute([0, 3, 1, 2])
}

/// The largest of each 3×3 pixels of maps.
#[cfg(feature = "cpu")]
struct Maxima<'a> {
    maps: &'a [f32],
    found: &'a mut [f32],
    /// Height and width of the maps.
    sides: [usize; 2],
    /// Rows and columns of what is found.
    grid: [usize; 2],
    channels: usize,
}

#[cfg(feature = "cpu")]
impl Loop for Maxima<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { maps, found, sides: [height, width], grid: [rows, columns], channels } = self;
        let maps = maps.chunks_exact(height * width * channels);
        for (map, found) in maps.zip(found.chunks_exact_mut(rows * columns * channels)) {
            for (place, most) in found.chunks_exact_mut(channels).enumerate() {
                let [y, x] = [SIDE * (place / columns), SIDE * (place % columns)];
                let columns = x.saturating_sub(1)..width.min(x + SIDE);
                let lines = y.saturating_sub(1)..height.min(y + SIDE);
                lines
                    .flat_map(|y| columns.clone().map(move |x| (y * width + x) * channels))
                    .for_each(|pixel| larger(most, &map[pixel..][..channels]));
            }
        }
    }
}

/// Number by number; a NaN stays.
#[cfg(feature = "cpu")]
#[inline(always)]
fn larger(most: &mut [f32], numbers: &[f32]) {
    for (most, &x) in most.iter_mut().zip(numbers) {
        *most = if x > *most || x.is_nan() { x } else { *most };
    }
}

/// Burn's way, on any device.
fn anywhere(maps: Tensor<4>) -> Tensor<4> {
    avg_pool2d(maps, AvgPoolOptions::new([SIDE; 2]))
}

/// Rows added to rows and pixels to pixels, with channels last as kith's convolutions leave them on
/// the CPU.
#[cfg(feature = "cpu")]
fn by_rows(maps: Tensor<4>) -> Tensor<4> {
    let [n, channels, height, width] = maps.dims();
    let [rows, columns] = [height / SIDE, width / SIDE];
    let even = s![.., ..(SIDE * rows) as isize, ..(SIDE * columns) as isize, ..];
    let maps = maps.permute([0, 2, 3, 1]);
    let maps = if height % SIDE + width % SIDE == 0 { maps } else { maps.slice(even) };
    let pairs = maps.reshape([n * rows, SIDE, SIDE * columns * channels]).sum_dim(1);
    let sums = pairs.reshape([n * rows * columns, SIDE, channels]).sum_dim(1);
    let means = sums.div_scalar((SIDE * SIDE) as f64);
    means.reshape([n, rows, columns, channels]).permute([0, 3, 1, 2])
}

#[cfg(all(test, feature = "cpu"))]
#[expect(clippy::disallowed_methods, reason = "tests run natively and read what they computed")]
mod tests {
    use burn::tensor::Distribution;

    use super::*;

    #[test]
    fn cells_are_burns_average_pooling_flattened() {
        for (shape, grid) in [([2, 3, 6, 6], 3), ([1, 4, 8, 8], 2), ([3, 2, 4, 4], 4)] {
            let device = Device::flex().autodiff();
            let maps = Tensor::<4>::random(shape, Distribution::Default, &device).require_grad();
            let cell = AvgPoolOptions::new([shape[2] / grid; 2]);
            let expected = avg_pool2d(maps.clone(), cell).flatten::<2>(1, 3);
            let read = |found: Tensor<2>| {
                let gradients = found.clone().square().sum().backward();
                let gradient = maps.grad(&gradients).expect("maps have a gradient");
                let gradient = Tensor::<4>::from_inner(gradient).into_data();
                let values = found.into_data().try_to_vec::<f32>().unwrap();
                [values, gradient.try_to_vec::<f32>().unwrap()].concat()
            };
            let (found, expected) = (read(cells(maps.clone(), grid)), read(expected));
            assert_eq!(found.len(), expected.len());
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{shape:?}");
        }
    }

    #[test]
    fn the_cpus_own_maxima_are_burns() {
        for shape in [[2, 20, 6, 8], [1, 3, 7, 5], [1, 2, 1, 2]] {
            let device = Device::flex();
            let maps = Tensor::<4>::random(shape, Distribution::Normal(0.0, 1.0), &device);
            let read = |x: Tensor<4>| (x.dims(), x.into_data().try_to_vec::<f32>().unwrap());
            assert_eq!(read(maximum(maps.clone())), read(largest(maps)), "{shape:?}");
        }
        let nan = Tensor::<4>::from_data([[[[1.0_f32, f32::NAN, 3.0]]]], &Device::flex());
        let found = maximum(nan).into_data().try_to_vec::<f32>().unwrap();
        assert!(found.iter().all(|x| x.is_nan()), "divergence must show: {found:?}");
    }

    #[test]
    fn the_cpus_own_way_computes_what_burn_does() {
        for shape in [[3, 4, 6, 8], [2, 3, 7, 5]] {
            let device = Device::flex().autodiff();
            let maps = Tensor::<4>::random(shape, Distribution::Default, &device).require_grad();
            let all = |way: fn(Tensor<4>) -> Tensor<4>| {
                let found = way(maps.clone());
                let gradients = found.clone().square().sum().backward();
                let gradient = maps.grad(&gradients).expect("maps have a gradient");
                let read = |x: Tensor<4>| x.into_data().try_to_vec::<f32>().unwrap();
                [read(found), read(Tensor::from_inner(gradient))].concat()
            };
            let (own, expected) = (all(by_rows), all(anywhere));
            assert_eq!(own.len(), expected.len());
            assert!(own.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{shape:?}");
        }
    }
}
