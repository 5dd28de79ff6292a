//! Averages over squares of 2×2 pixels.

use burn::tensor::Tensor;
use burn::tensor::module::avg_pool2d;
use burn::tensor::ops::AvgPoolOptions;
#[cfg(feature = "cpu")]
use burn::tensor::{Device, s};

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
