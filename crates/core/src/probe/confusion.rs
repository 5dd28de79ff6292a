//! Which class is taken for which.

/// Counts by true class (row) and predicted class (column).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confusion {
    /// `counts[truth][prediction]`.
    pub counts: Vec<Vec<u32>>,
}

impl Confusion {
    /// Counts pairs of truth and prediction.
    pub fn count(classes: usize, truth: &[u16], predictions: &[u16]) -> Self {
        let mut counts = vec![vec![0; classes]; classes];
        for (&truth, &prediction) in truth.iter().zip(predictions) {
            counts[usize::from(truth)][usize::from(prediction)] += 1;
        }
        Self { counts }
    }

    /// Share on the diagonal, in [0, 1]; 0 when nothing was counted.
    pub fn accuracy(&self) -> f64 {
        let all: u32 = self.counts.iter().flatten().sum();
        let right: u32 = self.counts.iter().enumerate().map(|(class, row)| row[class]).sum();
        f64::from(right) / f64::from(all.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_diagonal_is_right() {
        let confusion = Confusion::count(3, &[0, 1, 2, 2], &[0, 2, 2, 2]);
        assert_eq!(confusion.counts, [[1, 0, 0], [0, 0, 1], [0, 0, 2]]);
        assert!((confusion.accuracy() - 0.75).abs() < 1e-12);
    }
}
