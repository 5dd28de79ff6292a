//! Retrieval: whether what one looks for is among the nearest.

use std::collections::BTreeMap;

use burn::tensor::Device;

use super::Features;
use super::knn::nearest;
use crate::error::Error;

/// How many of the nearest count, as the literature reports it.
pub const KS: [usize; 3] = [1, 5, 10];

/// The nearest others of each picture in one set, nearest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Others(Vec<Vec<usize>>);

impl Others {
    /// Looks each picture up among all others, by cosine; exact.
    ///
    /// # Errors
    /// [`Error::TooFew`] for fewer than two pictures, [`Error::Device`] when the device fails.
    pub async fn find(features: &Features, device: &Device) -> Result<Self, Error> {
        if features.len() < 2 {
            let (what, got) = ("pictures to look up among each other", features.len());
            return Err(Error::TooFew { what, expected: 2, got });
        }
        let most = KS[KS.len() - 1];
        // One more than asked for: a picture is nearest to itself.
        let found = nearest(features, features, most + 1, device).await?;
        let others = |query: usize| {
            found.of(query).iter().copied().filter(|&place| place != query).take(most).collect()
        };
        Ok(Self((0..features.len()).map(others).collect()))
    }

    /// Recall at each of [`KS`]: the share of pictures with a relevant one among their k nearest
    /// others (Jégou et al. 2011, section V).
    ///
    /// `relevant` says of a picture and another whether that is what one looks for; `asked` whether
    /// there is a relevant one at all: without, a picture does not count. None where none counts.
    pub fn recall(
        &self,
        asked: impl Fn(usize) -> bool,
        relevant: impl Fn(usize, usize) -> bool,
    ) -> Option<[f64; KS.len()]> {
        let queries: Vec<usize> = (0..self.0.len()).filter(|&query| asked(query)).collect();
        if queries.is_empty() {
            return None;
        }
        Some(KS.map(|k| {
            let hit = |&&query: &&usize| {
                self.0[query].iter().take(k).any(|&place| relevant(query, place))
            };
            queries.iter().filter(hit).count() as f64 / queries.len() as f64
        }))
    }

    /// Recall of others with the same label; pictures that are alone in theirs do not count.
    pub fn recall_of_labels(&self, labels: &[u16]) -> Option<[f64; KS.len()]> {
        let mut counts = BTreeMap::new();
        labels.iter().for_each(|label| *counts.entry(label).or_insert(0) += 1);
        self.recall(
            |query| counts[&labels[query]] > 1,
            |query, place| labels[query] == labels[place],
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, stream};

    fn others(rows: &[[f32; 2]]) -> Others {
        let features = Features { values: rows.as_flattened().to_vec(), dim: 2 };
        pollster::block_on(Others::find(&features, &Device::flex())).unwrap()
    }

    #[test]
    fn a_picture_never_finds_itself() {
        let found = others(&[[1.0, 0.0], [1.0, 0.0], [1.0, 0.1], [0.0, 1.0]]);
        assert_eq!(found.0, [[1, 2, 3], [0, 2, 3], [0, 1, 3], [2, 0, 1]]);
    }

    #[test]
    fn who_has_nobody_to_find_is_not_asked() {
        let found = others(&[[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]]);
        assert_eq!(found.recall_of_labels(&[0, 0, 1]), Some([1.0; 3]));
        assert_eq!(found.recall_of_labels(&[0, 1, 2]), None);
        let counterpart = [1, 0, 9];
        let recall = found.recall(|query| query < 2, |query, place| place == counterpart[query]);
        assert_eq!(recall, Some([1.0; 3]));
    }

    #[test]
    fn features_of_chance_recall_what_chance_does() {
        let mut stream = stream(1, Purpose::Test, 0, 0);
        let rows: Vec<[f32; 2]> =
            (0..400).map(|_| [stream.normal() as f32, stream.normal() as f32]).collect();
        let labels: Vec<u16> = (0..400).map(|place| place % 4).collect();
        let recall = others(&rows).recall_of_labels(&labels).unwrap();
        for (k, recall) in KS.into_iter().zip(recall) {
            let chance = 1.0 - 0.75_f64.powi(k as i32);
            assert!((recall - chance).abs() < 0.08, "at {k}: expected {chance}, got {recall}");
        }
    }

    #[test]
    fn one_picture_is_refused() {
        let alone = Features { values: vec![1.0, 2.0], dim: 2 };
        let error = pollster::block_on(Others::find(&alone, &Device::flex()));
        assert_eq!(error.expect_err("nobody to find").code(), "TOO_FEW");
    }
}
