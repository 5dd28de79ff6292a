//! What was passed over on the way, counted by reason: nothing disappears without a word.

use std::collections::BTreeMap;

/// Counts by reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ignored(BTreeMap<String, usize>);

impl Ignored {
    /// One more for a reason: a word or two that follow a number, as in "3 hidden".
    pub(crate) fn add(&mut self, reason: impl Into<String>) {
        *self.0.entry(reason.into()).or_default() += 1;
    }

    /// One fewer: it was read after all.
    pub(crate) fn take_back(&mut self, reason: &str) {
        if let Some(count) = self.0.get_mut(reason) {
            *count -= 1;
        }
        self.0.retain(|_, count| *count > 0);
    }

    /// Whether nothing was passed over.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reasons with their counts, the most frequent first.
    pub fn counts(&self) -> Vec<(&str, usize)> {
        let mut counts: Vec<_> = self.0.iter().map(|(reason, &n)| (reason.as_str(), n)).collect();
        counts.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
        counts
    }

    /// As in "12 .txt, 3 hidden"; empty where nothing was passed over.
    pub fn words(&self) -> String {
        let one = |(reason, count): (&str, usize)| format!("{count} {reason}");
        self.counts().into_iter().map(one).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_counted_and_the_most_frequent_comes_first() {
        let mut ignored = Ignored::default();
        assert!(ignored.is_empty() && ignored.words().is_empty());
        for reason in [".txt", "hidden", "hidden"] {
            ignored.add(reason);
        }
        assert_eq!(ignored.words(), "2 hidden, 1 .txt");
        for reason in [".txt", ".txt", "hidden"] {
            ignored.take_back(reason);
        }
        assert_eq!(ignored.words(), "1 hidden");
    }
}
