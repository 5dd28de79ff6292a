//! What is measured of every run of a benchmark, and how it is written.

use kith_core::probe::repetition::mean_and_deviation;

use crate::format::words_of_seeds;

/// Bytes of a mebibyte.
const MEBIBYTE: f64 = 1_048_576.0;
/// The measure of frozen features that figures and the order of rows go by.
pub(super) const LINEAR: &str = "linear";
/// The epoch whose encoder is measured.
pub(super) const BEST_EPOCH: &str = "best_epoch";
/// Training alone, without measuring.
pub(super) const SECONDS: &str = "training_seconds";
/// Views that went through the encoder in a second of training.
pub(super) const VIEWS_PER_SECOND: &str = "views_per_second";
/// The most memory of the process while it pre-trained and evaluated, without a GPU's own.
pub(super) const MEMORY: &str = "peak_memory_bytes";

/// How a number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Of test images told right: what methods are held against each other by.
    Accuracy,
    /// With so many digits after the point.
    Number(usize),
    /// In mebibytes.
    Bytes,
}

/// A number of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Measure {
    /// Its name in files.
    pub(super) name: String,
    /// Its column.
    pub(super) words: String,
    pub(super) kind: Kind,
}

impl Measure {
    fn new(name: &str, words: &str, kind: Kind) -> Self {
        Self { name: name.to_owned(), words: words.to_owned(), kind }
    }

    /// Numbers over seeds, as people read them.
    pub(super) fn over_seeds(&self, values: &[f64]) -> String {
        let digits = match self.kind {
            Kind::Accuracy => return words_of_seeds(values),
            Kind::Number(digits) => digits,
            Kind::Bytes => 0,
        };
        let unit = if self.kind == Kind::Bytes { MEBIBYTE } else { 1.0 };
        let values: Vec<f64> = values.iter().map(|value| value / unit).collect();
        match mean_and_deviation(&values) {
            _ if values.is_empty() => "-".into(),
            (mean, Some(deviation)) => format!("{mean:.digits$} ± {deviation:.digits$}"),
            (mean, None) => format!("{mean:.digits$}"),
        }
    }
}

/// The name of accuracy after fine-tuning with so many labels a class.
pub(super) fn finetuned(labels: usize) -> String {
    format!("finetuned_{labels}")
}

/// All, in the order of tables.
pub(super) fn all(few_label: &[usize]) -> Vec<Measure> {
    let frozen = [(LINEAR, "linear"), ("knn_20_0.07", "kNN 20"), ("knn_200_0.1", "kNN 200")];
    let frozen = frozen.map(|(name, words)| Measure::new(name, words, Kind::Accuracy));
    let tuned = few_label.iter().map(|&labels| {
        Measure::new(&finetuned(labels), &format!("{labels} labels"), Kind::Accuracy)
    });
    let others = [
        ("rankme", "RankMe", Kind::Number(1)),
        ("spread", "spread", Kind::Number(3)),
        (BEST_EPOCH, "epoch", Kind::Number(0)),
        (SECONDS, "seconds", Kind::Number(0)),
        (VIEWS_PER_SECOND, "views/s", Kind::Number(0)),
        (MEMORY, "MiB", Kind::Bytes),
    ];
    let others = others.map(|(name, words, kind)| Measure::new(name, words, kind));
    frozen.into_iter().chain(tuned).chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_by_their_kind() {
        let measures = all(&[10]);
        let words = |name: &str, values: &[f64]| {
            let measure = measures.iter().find(|measure| measure.name == name).expect("a measure");
            measure.over_seeds(values)
        };
        assert_eq!(words("finetuned_10", &[0.4, 0.6]), "50.00 ± 14.14 %");
        assert_eq!(words("rankme", &[12.34]), "12.3");
        assert_eq!(words(MEMORY, &[3.0 * MEBIBYTE, 5.0 * MEBIBYTE]), "4 ± 1");
        assert_eq!(words(SECONDS, &[]), "-");
    }
}
