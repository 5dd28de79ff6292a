//! The support set: recent projections among which nearest neighbours are looked up.

use burn::module::{Module, Param, ParamId};
use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::error::Error;
use crate::matrix::Times;
use crate::rng::{Purpose, Stream, stream};
use crate::unit::unit_rows;

/// A first-in-first-out queue of unit rows, newest first (Dwibedi et al. 2021, section 3.2).
#[derive(Module, Debug)]
pub struct SupportSet {
    rows: Param<Tensor<2>>,
    /// Class of each row's image, or [`UNKNOWN`].
    labels: Param<Tensor<1, Int>>,
}

/// The label of a picture without one.
pub const UNKNOWN: i32 = -1;

impl SupportSet {
    /// Random unit rows, `[size, dim]`, on a device without autodiff.
    pub fn random(size: usize, dim: usize, seed: u64, device: &Device) -> Self {
        let draw = |row| {
            let mut stream: Stream = stream(seed, Purpose::SupportSet, 0, row as u64);
            (0..dim).map(move |_| stream.normal() as f32)
        };
        let numbers: Vec<f32> = (0..size).flat_map(draw).collect();
        let rows = Tensor::from_data(TensorData::new(numbers, [size, dim]), device);
        Self::from_rows(unit_rows(rows), Tensor::full([size], UNKNOWN, device))
    }

    /// A support set with these rows and labels, newest first.
    pub fn from_rows(rows: Tensor<2>, labels: Tensor<1, Int>) -> Self {
        let rows = Param::initialized(ParamId::new(), rows);
        Self { rows, labels: Param::initialized(ParamId::new(), labels) }
    }

    /// The rows, newest first, `[size, dim]`.
    pub fn rows(&self) -> Tensor<2> {
        self.rows.val()
    }

    /// The labels of the rows, `[size]`; [`UNKNOWN`] where there is none.
    pub fn labels(&self) -> Tensor<1, Int> {
        self.labels.val()
    }

    /// Index of each query's nearest row by inner product; exact, the first on ties.
    ///
    /// # Shapes
    /// - queries: `[n, dim]`, unit rows, without autodiff
    /// - result: `[n]`
    pub fn nearest(&self, queries: Tensor<2>) -> Tensor<1, Int> {
        let [n, _] = queries.dims();
        queries.times(self.rows().transpose()).argmax(1).reshape([n])
    }

    /// The rows at these indices, `[n, dim]`.
    pub fn select(&self, indices: Tensor<1, Int>) -> Tensor<2> {
        self.rows().select(0, indices)
    }

    /// Puts new unit rows `[n, dim]` with their labels `[n]` in front, in their order, and drops
    /// as many from the back.
    pub fn push(&mut self, newest: Tensor<2>, labels: Tensor<1, Int>) {
        let [size, _] = self.rows().dims();
        let rows = Tensor::cat(vec![newest, self.rows()], 0).narrow(0, 0, size);
        let labels = Tensor::cat(vec![labels, self.labels()], 0).narrow(0, 0, size);
        *self = Self::from_rows(rows, labels);
    }

    /// Steps since each of these rows was pushed, for batches of `batch`; averaged, `[1]`.
    pub fn mean_age(indices: Tensor<1, Int>, batch: usize) -> Tensor<1> {
        indices.float().div_scalar(batch as f64).floor().mean()
    }
}

impl SupportSet {
    /// # Errors
    /// [`Error::Setting`] when a support set could not even hold one batch.
    pub fn check(size: usize, batch: usize) -> Result<(), Error> {
        if size < batch {
            let got = format!("{size} for {batch}");
            return Err(Error::setting("queue", "at least one batch", got));
        }
        Ok(())
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests run natively and read what they computed")]
mod tests {
    use super::*;

    fn rows(values: &[[f32; 2]]) -> Tensor<2> {
        let data = TensorData::new(values.as_flattened().to_vec(), [values.len(), 2]);
        Tensor::from_data(data, &Device::flex())
    }

    #[test]
    fn newest_come_first_and_oldest_go() {
        let labels = |l: &[i32]| Tensor::<1, Int>::from_data(l, &Device::flex());
        let start = rows(&[[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]]);
        let mut set = SupportSet::from_rows(start, labels(&[UNKNOWN; 3]));
        set.push(rows(&[[4.0, 0.0]]), labels(&[7]));
        set.push(rows(&[[5.0, 0.0], [6.0, 0.0]]), labels(&[8, UNKNOWN]));
        let got = set.rows().into_data().try_to_vec::<f32>().unwrap();
        assert_eq!(got, [5.0, 0.0, 6.0, 0.0, 4.0, 0.0]);
        assert_eq!(set.labels().into_data().try_to_vec::<i32>().unwrap(), [8, UNKNOWN, 7]);
    }

    #[test]
    fn the_nearest_row_is_found() {
        let set = SupportSet::random(50, 8, 3, &Device::flex());
        let found = set.nearest(set.select(Tensor::arange(10..14, &Device::flex())));
        assert_eq!(found.into_data().try_to_vec::<i32>().unwrap(), [10, 11, 12, 13]);
    }
}
