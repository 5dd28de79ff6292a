//! A comparison over seeds: named shares, a number a seed, for scripts and for people.

mod difference;

use std::fmt::{self, Display, Formatter};

use kith_core::probe::repetition::mean_and_deviation;
use serde::{Serialize, Serializer};

use crate::format::{OverSeeds, words_of_seeds};
use crate::report::chart::{Bar, Bars};
use crate::report::table::Table;

pub(crate) use difference::{Difference, note, p_words};

/// Test accuracies and what follows from them, in the order in which they are told.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Comparison {
    /// A number a seed, by name.
    pub(crate) shares: Vec<(String, Vec<f64>)>,
    /// Which of them are held against which: method and baseline by name.
    pub(crate) pairs: Vec<(String, String)>,
}

impl Comparison {
    /// The differences that more than one seed tells of.
    pub(crate) fn differences(&self) -> Vec<Difference> {
        let find = |name: &str| self.shares.iter().find(|(known, _)| known == name);
        let pairs = self.pairs.iter();
        pairs.filter_map(|(own, other)| Difference::of(find(own)?, find(other)?)).collect()
    }

    /// Accuracies, a row a name, and their differences where there are some.
    pub(crate) fn tables(&self) -> impl Iterator<Item = Table> {
        [self.table()].into_iter().chain(difference::table(&self.differences()))
    }

    /// A row a name.
    fn table(&self) -> Table {
        let most = self.shares.iter().map(|(_, shares)| shares.len()).max().unwrap_or_default();
        let heading = if most > 1 { "mean ± sd over seeds" } else { "one seed" };
        Table {
            title: "Test accuracy".into(),
            header: vec![String::new(), heading.into()],
            rows: self
                .shares
                .iter()
                .map(|(name, n)| vec![name.clone(), words_of_seeds(n)])
                .collect(),
        }
    }

    /// A bar a name, of those that are asked for and have a number.
    pub(crate) fn bars(&self, shown: impl Fn(&str) -> bool) -> Bars {
        let bar = |(name, shares): &(String, Vec<f64>)| {
            let (mean, deviation) = mean_and_deviation(shares);
            let deviation = deviation.map(|d| 100.0 * d);
            Bar { name: name.clone(), mean: 100.0 * mean, deviation }
        };
        let shown = |(name, shares): &&(String, Vec<f64>)| !shares.is_empty() && shown(name);
        Bars {
            title: "Test accuracy after the last epoch".into(),
            value_label: "%".into(),
            bars: self.shares.iter().filter(shown).map(bar).collect(),
        }
    }
}

/// A line a name, and what the differences are worth.
impl Display for Comparison {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let width = self.shares.iter().map(|(name, _)| name.chars().count()).max();
        let width = width.unwrap_or_default();
        for (name, shares) in &self.shares {
            writeln!(f, "{name:<width$}  {}", words_of_seeds(shares))?;
        }
        match difference::table(&self.differences()) {
            Some(table) => writeln!(f, "{}\n{}", table.title, table.plain()),
            None => Ok(()),
        }
    }
}

/// Shares by name; what has no number is left out.
impl Serialize for Comparison {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let known = self.shares.iter().filter(|(_, shares)| !shares.is_empty());
        to.collect_map(known.map(|(name, shares)| (name, OverSeeds::of(shares))))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn comparison() -> Comparison {
        let shares = [("baseline", vec![0.5, 0.7]), ("a student", vec![0.75]), ("unknown", vec![])];
        let shares = shares.map(|(name, shares)| (name.to_owned(), shares)).into();
        Comparison { shares, pairs: vec![] }
    }

    #[test]
    fn people_see_what_is_missing_and_scripts_do_not() {
        let words = comparison().to_string();
        let lines: Vec<&str> = words.lines().collect();
        assert_eq!(lines[0], "baseline   60.00 ± 14.14 %");
        assert_eq!(lines[1..], ["a student  75.00 %", "unknown    -"]);
        let object = json!(comparison());
        assert_eq!(
            object["a student"],
            json!({ "mean": 0.75, "deviation": null, "seeds": [0.75] })
        );
        assert!(object.get("unknown").is_none());
    }

    #[test]
    fn differences_are_told_where_there_are_seeds_to_tell_them() {
        let shares = [("old", vec![0.5, 0.55, 0.6]), ("new", vec![0.6, 0.7, 0.65])];
        let shares: Vec<_> = shares.map(|(name, shares)| (name.to_owned(), shares)).into();
        let pairs = vec![("new".to_owned(), "old".to_owned()), ("gone".into(), "old".into())];
        let several = Comparison { shares: shares.clone(), pairs: pairs.clone() };
        assert_eq!(several.differences().len(), 1);
        assert_eq!(several.tables().count(), 2);
        let words = several.to_string();
        // scipy.stats.ttest_rel([.6, .7, .65], [.5, .55, .6]).pvalue is 0.0742 (scipy 1.17.1).
        assert!(words.contains("new less old") && words.contains("0.074"), "{words}");
        let first = shares.into_iter().map(|(name, shares)| (name, shares[..1].to_vec()));
        let single = Comparison { shares: first.collect(), pairs };
        assert_eq!(single.differences(), []);
        assert!(!single.to_string().contains(" less "));
    }

    #[test]
    fn the_heading_says_how_many_seeds_there_are() {
        assert_eq!(comparison().table().header[1], "mean ± sd over seeds");
        let shares = vec![("baseline".into(), vec![0.5])];
        let single = Comparison { shares, pairs: vec![] };
        assert_eq!(single.table().header[1], "one seed");
    }

    #[test]
    fn bars_are_those_asked_for_with_their_deviation() {
        let bars = comparison().bars(|name| name != "a student").bars;
        assert_eq!(bars.len(), 1, "what has no number has no bar");
        assert_eq!((bars[0].name.as_str(), bars[0].mean.round()), ("baseline", 60.0));
        assert!((bars[0].deviation.unwrap() - 14.142).abs() < 0.001);
    }
}
