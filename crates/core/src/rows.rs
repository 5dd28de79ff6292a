//! Products of rows with rows, a·bᵀ, of which one side has few.
//!
//! On a GPU, kernels for matrix products cut their operands into tiles that many threads share. Where
//! a side is narrower than a tile, most of that is for nothing: a search with one query, or a probe of
//! ten classes. There a convolution with 1×1 kernels computes the same sums, a thread for each.

mod largest;
#[cfg(feature = "cpu")]
mod cpu;
#[cfg(feature = "cpu")]
mod whole;
#[cfg(feature = "cpu")]
mod coarse;

#[cfg(feature = "cpu")]
use std::sync::Arc;

use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Tensor};

#[cfg(feature = "cpu")]
use crate::array::plain;
use crate::error::Error;
use crate::matrix::Times;
use crate::read::read;

pub(crate) use largest::largest;

/// Fewer rows than this are few.
const FEW: usize = 16;

const NCHW_FROM_NHWC: [isize; 4] = [0, 3, 1, 2];
const NHWC_FROM_NCHW: [isize; 4] = [0, 2, 3, 1];

/// a·bᵀ. Not for autodiff, whose gradients of convolutions cost more than this saves.
///
/// # Shapes
/// - a: `[n, dim]`, b: `[m, dim]`
/// - result: `[n, m]`
pub fn products(a: Tensor<2>, b: Tensor<2>) -> Tensor<2> {
    let few = a.dims()[0].min(b.dims()[0]) < FEW;
    if few && !on_cpu(&a.device()) { convolved(a, b) } else { a.times(b.transpose()) }
}

/// Rows among which others look for their nearest.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    full: Tensor<2>,
    /// The same in bytes, where they are searched again and again by few at a time on the CPU.
    #[cfg(feature = "cpu")]
    coarse: Option<Arc<coarse::Coarse>>,
}

impl Rows {
    /// Rows that are searched once.
    ///
    /// # Shapes
    /// - full: `[m, dim]`, without gradients
    pub(crate) fn once(full: Tensor<2>) -> Self {
        Self {
            full,
            #[cfg(feature = "cpu")]
            coarse: None,
        }
    }

    /// Rows that are searched again and again: on the CPU they take a quarter more memory, and a search less time.
    ///
    /// # Shapes
    /// - full: `[m, dim]`, without gradients
    pub(crate) fn often(full: Tensor<2>) -> Self {
        Self {
            #[cfg(feature = "cpu")]
            coarse: on_cpu(&full.device())
                .then(|| {
                    let rows = plain(full.clone()).to_contiguous();
                    coarse::Coarse::new(rows.storage::<f32>(), full.dims()[1]).map(Arc::new)
                })
                .flatten(),
            full,
        }
    }

    /// Their number and their length.
    pub(crate) fn dims(&self) -> [usize; 2] {
        self.full.dims()
    }

    pub(crate) fn device(&self) -> Device {
        self.full.device()
    }

    /// The places and products of the `k` that have the largest with each of rows `a`: largest first, the first
    /// on ties. Without gradients.
    ///
    /// # Shapes
    /// - a: `[n, dim]`
    /// - result: `n` lists of `k`, of all `m` where these are fewer
    ///
    /// # Errors
    /// [`Error::Device`] when reading fails.
    pub(crate) async fn nearest(
        &self,
        a: Tensor<2>,
        k: usize,
    ) -> Result<Vec<Vec<(usize, f32)>>, Error> {
        let [m, _] = self.dims();
        // A product of matrices would pack all rows first, which takes longer than a few products.
        #[cfg(feature = "cpu")]
        if a.dims()[0] < FEW && largest::are_few(k, m) && on_cpu(&a.device()) {
            let full = self.full.clone();
            let found = match &self.coarse {
                Some(coarse) => coarse.nearest(a, full, k),
                None => cpu::nearest(a, full, k),
            };
            return Ok(found.into_iter().map(|largest| largest.into_pairs().collect()).collect());
        }
        let products = read(products(a, self.full.clone())).await?;
        Ok(products.chunks(m).map(|row| with_places(row, k)).collect())
    }
}

/// The `k` largest of a row with their places.
fn with_places(row: &[f32], k: usize) -> Vec<(usize, f32)> {
    largest(row, k).into_iter().map(|place| (place, row[place])).collect()
}

/// Columns as rows, in memory as [`products`] on their device wants them.
///
/// # Shapes
/// - x: `[n, dim]`
/// - result: `[dim, n]`
pub fn columns(x: Tensor<2>) -> Tensor<2> {
    let ([n, dim], device) = (x.dims(), x.device());
    let columns = x.transpose();
    if on_cpu(&device) { columns } else { columns.reshape([n * dim]).reshape([dim, n]) }
}

fn on_cpu(device: &Device) -> bool {
    #[cfg(feature = "cpu")]
    return *device == Device::flex();
    #[cfg(not(feature = "cpu"))]
    {
        let _ = device;
        false
    }
}

/// The rows of `a` are pixels, those of `b` kernels.
fn convolved(a: Tensor<2>, b: Tensor<2>) -> Tensor<2> {
    let ([n, dim], [m, _]) = (a.dims(), b.dims());
    let pixels = a.reshape([1, n, 1, dim]).permute(NCHW_FROM_NHWC);
    let kernels = b.reshape([m, dim, 1, 1]);
    let options = ConvOptions::new([1, 1], [0, 0], [1, 1], 1);
    conv2d(pixels, kernels, None, options).permute(NHWC_FROM_NCHW).reshape([n, m])
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests run natively and read what they computed")]
mod tests {
    use burn::tensor::TensorData;

    use super::*;

    fn numbers(shape: [usize; 2]) -> Tensor<2> {
        let values = (0..shape[0] * shape[1]).map(|k| (k * k % 11) as f32 - 5.0).collect();
        Tensor::from_data(TensorData::new::<f32, _>(values, shape), &Device::flex())
    }

    fn values(x: Tensor<2>) -> Vec<f32> {
        x.into_data().try_to_vec().unwrap()
    }

    #[test]
    fn a_convolution_gives_the_products() {
        for (n, m, dim) in [(1, 9, 8), (7, 2, 5), (3, 3, 1), (2, 5000, 75), (1, 5, 64)] {
            let (a, b) = (numbers([n, dim]), numbers([m, dim]));
            let expected = values(products(a.clone(), b.clone()));
            assert_eq!(values(convolved(a, b)), expected, "{n} by {m}");
        }
    }

    #[test]
    fn the_nearest_are_found_in_one_pass_and_by_products() {
        for (n, m, dim) in [(1, 9, 8), (7, 2, 5), (3, 700, 1), (2, 5000, 75), (1, 1025, 64)] {
            let (a, b) = (numbers([n, dim]), numbers([m, dim]));
            let products = values(products(a.clone(), b.clone()));
            for k in [1, 2, 30, 400] {
                let expected: Vec<_> = products.chunks(m).map(|row| with_places(row, k)).collect();
                let found = [Rows::once(b.clone()), Rows::often(b.clone())]
                    .map(|rows| pollster::block_on(rows.nearest(a.clone(), k)).unwrap());
                assert_eq!(found, [expected.clone(), expected], "{k} of {n} by {m}");
            }
        }
    }

    #[test]
    fn columns_are_the_transpose() {
        let x = Tensor::<2>::from_data([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], &Device::flex());
        assert_eq!(columns(x).into_data().try_to_vec::<f32>().unwrap(), [1., 4., 2., 5., 3., 6.]);
    }
}
