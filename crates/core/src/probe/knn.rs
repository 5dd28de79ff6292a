//! Weighted nearest neighbours (Wu et al. 2018, section 3.4).

use burn::tensor::{Device, Tensor, TensorData};

use super::Features;
use crate::error::Error;
use crate::rows::Rows;
use crate::unit::unit_rows;

/// Settings of the weighted vote.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Vote {
    /// Neighbours that vote; more than the bank holds means the whole bank.
    pub k: usize,
    /// A neighbour's vote weighs exp(cosine / temperature).
    pub temperature: f64,
}

impl Vote {
    /// Wu et al.'s own, as `MoCo`'s and lightly's scripts have it.
    pub const WIDE: Self = Self { k: 200, temperature: 0.1 };
    /// solo-learn's.
    pub const NARROW: Self = Self { k: 20, temperature: 0.07 };
}

/// The nearest of a bank for each query, nearest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Nearest {
    /// Neighbours a query.
    pub k: usize,
    /// Places in the bank, `[queries, k]`.
    pub indices: Vec<usize>,
    /// Cosines, `[queries, k]`, falling.
    pub cosines: Vec<f32>,
}

/// Pictures on a device, to be searched again and again.
#[derive(Clone, Debug)]
pub struct Bank {
    /// Of length one, `[len, dim]`.
    rows: Rows,
}

/// Similarities that are read at a time: bounds memory, and a browser's transfers.
const MOST: usize = 1 << 22;

impl Bank {
    /// Uploads features; they are compared by cosine.
    ///
    /// # Errors
    /// [`Error::TooFew`] for an empty bank.
    pub fn new(features: &Features, device: &Device) -> Result<Self, Error> {
        Ok(Self { rows: Rows::often(unit_features(features, device)?) })
    }

    /// The same for pictures that are searched once.
    fn once(features: &Features, device: &Device) -> Result<Self, Error> {
        Ok(Self { rows: Rows::once(unit_features(features, device)?) })
    }

    /// Pictures in it.
    pub fn len(&self) -> usize {
        self.rows.dims()[0]
    }

    /// Whether there is none; never.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Numbers a picture.
    pub fn dim(&self) -> usize {
        self.rows.dims()[1]
    }

    /// The `k` nearest for each of `queries`, by cosine; exact. More than there are means all.
    ///
    /// # Errors
    /// [`Error::Dimension`] for queries of another length, [`Error::TooFew`] for a `k` of 0,
    /// [`Error::Device`] when the device fails.
    pub async fn nearest(&self, queries: &Features, k: usize) -> Result<Nearest, Error> {
        if queries.dim != self.dim() {
            return Err(Error::Dimension { expected: self.dim(), got: queries.dim });
        }
        if k == 0 {
            return Err(Error::TooFew { what: "neighbours to look for", expected: 1, got: 0 });
        }
        let k = k.min(self.len());
        let mut found = Nearest { k, indices: Vec::new(), cosines: Vec::new() };
        let at_a_time = (MOST / self.len()).max(1);
        for chunk in queries.values.chunks(at_a_time * queries.dim) {
            let shape = [chunk.len() / queries.dim, queries.dim];
            let data = TensorData::new(chunk.to_vec(), shape);
            let queries = unit_rows(Tensor::<2>::from_data(data, &self.rows.device()));
            for nearest in self.rows.nearest(queries, k).await? {
                let (indices, cosines): (Vec<_>, Vec<_>) = nearest.into_iter().unzip();
                found.indices.extend(indices);
                found.cosines.extend(cosines);
            }
        }
        Ok(found)
    }
}

/// Features of length one on a device, if there are any.
fn unit_features(features: &Features, device: &Device) -> Result<Tensor<2>, Error> {
    if features.is_empty() {
        return Err(Error::TooFew { what: "pictures to search", expected: 1, got: 0 });
    }
    let data = TensorData::new(features.values.clone(), [features.len(), features.dim]);
    Ok(unit_rows(Tensor::from_data(data, device)))
}

/// The `k` nearest of `bank` for each of `queries`, by cosine; exact.
///
/// # Errors
/// Those of [`Bank::new`] and [`Bank::nearest`].
pub async fn nearest(
    queries: &Features,
    bank: &Features,
    k: usize,
    device: &Device,
) -> Result<Nearest, Error> {
    Bank::once(bank, device)?.nearest(queries, k).await
}

impl Nearest {
    /// Neighbours of one query, nearest first.
    pub fn of(&self, query: usize) -> &[usize] {
        &self.indices[query * self.k..(query + 1) * self.k]
    }

    /// Summed weights by class of the first `vote.k` neighbours of each query, `[queries][classes]`.
    pub fn scores(&self, labels: &[u16], classes: usize, vote: Vote) -> Vec<Vec<f64>> {
        let voters = vote.k.min(self.k);
        let rows = self.indices.chunks(self.k).zip(self.cosines.chunks(self.k));
        rows.map(|(indices, cosines)| {
            let mut scores = vec![0.0; classes];
            for (&index, &cosine) in indices.iter().zip(cosines).take(voters) {
                scores[usize::from(labels[index])] += (f64::from(cosine) / vote.temperature).exp();
            }
            scores
        })
        .collect()
    }

    /// The class with the highest score for each query; the lowest class on ties.
    pub fn predictions(&self, labels: &[u16], classes: usize, vote: Vote) -> Vec<u16> {
        self.scores(labels, classes, vote).iter().map(|scores| best(scores)).collect()
    }
}

/// The place of the largest number, the first on ties.
pub(crate) fn best<T: PartialOrd + Copy>(scores: &[T]) -> u16 {
    let mut best = 0;
    for (class, score) in scores.iter().enumerate() {
        if *score > scores[best] {
            best = class;
        }
    }
    best as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(rows: &[[f32; 2]]) -> Features {
        Features { values: rows.as_flattened().to_vec(), dim: 2 }
    }

    #[test]
    fn neighbours_come_nearest_first_and_vote_by_weight() {
        let bank = features(&[[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [-1.0, 0.0]]);
        let queries = features(&[[2.0, 0.1]]);
        let found = pollster::block_on(nearest(&queries, &bank, 9, &Device::flex())).unwrap();
        assert_eq!((found.k, found.of(0)), (4, &[0, 1, 2, 3][..]));
        let vote = Vote { k: 3, temperature: 0.1 };
        assert_eq!(found.predictions(&[1, 0, 0, 1], 2, vote), [1]);
    }

    #[test]
    fn a_tie_goes_to_the_lowest_class() {
        assert_eq!(best(&[0.5, 2.0, 2.0]), 1);
    }

    #[test]
    fn an_empty_bank_is_refused() {
        let empty = Features { values: vec![], dim: 2 };
        let queries = features(&[[1.0, 0.0]]);
        let error = pollster::block_on(nearest(&queries, &empty, 3, &Device::flex()));
        assert_eq!(error.expect_err("nothing to search").code(), "TOO_FEW");
    }
}
