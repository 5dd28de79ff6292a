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
    pub(crate) shares: Vec<Shares>,
    /// Which of them are held against which.
    pub(crate) pairs: Vec<Pair>,
}

/// A number a seed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Shares {
    pub(crate) name: String,
    pub(crate) numbers: Vec<f64>,
}

/// A method and what it is held against, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Pair {
    pub(crate) method: String,
    pub(crate) baseline: String,
}

impl Comparison {
    /// The differences that more than one seed tells of.
    pub(crate) fn differences(&self) -> Vec<Difference> {
        let find = |name: &str| self.shares.iter().find(|shares| shares.name == name);
        let pairs = self.pairs.iter();
        let known = pairs.filter_map(|pair| Some((find(&pair.method)?, find(&pair.baseline)?)));
        known.filter_map(|(method, baseline)| Difference::of(method, baseline)).collect()
    }

    /// Accuracies, a row a name, and their differences where there are some.
    pub(crate) fn tables(&self) -> impl Iterator<Item = Table> {
        [self.table()].into_iter().chain(difference::table(&self.differences()))
    }

    /// A row a name.
    fn table(&self) -> Table {
        let most = self.shares.iter().map(|shares| shares.numbers.len()).max().unwrap_or_default();
        let heading = if most > 1 { "mean ± sd over seeds" } else { "one seed" };
        Table {
            title: "Test accuracy".into(),
            header: vec![String::new(), heading.into()],
            rows: self
                .shares
                .iter()
                .map(|shares| vec![shares.name.clone(), words_of_seeds(&shares.numbers)])
                .collect(),
        }
    }

    /// A bar a name, of those that are asked for and have a number.
    pub(crate) fn bars(&self, shown: impl Fn(&str) -> bool) -> Bars {
        let bar = |Shares { name, numbers }: &Shares| {
            let (mean, deviation) = mean_and_deviation(numbers);
            let deviation = deviation.map(|d| 100.0 * d);
            Bar { name: name.clone(), mean: 100.0 * mean, deviation }
        };
        let shown = |shares: &&Shares| !shares.numbers.is_empty() && shown(&shares.name);
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
        let width = self.shares.iter().map(|shares| shares.name.chars().count()).max();
        let width = width.unwrap_or_default();
        for Shares { name, numbers } in &self.shares {
            writeln!(f, "{name:<width$}  {}", words_of_seeds(numbers))?;
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
        let known = self.shares.iter().filter(|shares| !shares.numbers.is_empty());
        to.collect_map(known.map(|shares| (&shares.name, OverSeeds::of(&shares.numbers))))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shares(name: &str, numbers: &[f64]) -> Shares {
        Shares { name: name.to_owned(), numbers: numbers.to_vec() }
    }

    fn comparison() -> Comparison {
        let known = [shares("baseline", &[0.5, 0.7]), shares("a student", &[0.75])];
        let shares = known.into_iter().chain([shares("unknown", &[])]).collect();
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
        let (old, new) = ([0.5, 0.55, 0.6], [0.6, 0.7, 0.65]);
        let pair = |method: &str| Pair { method: method.into(), baseline: "old".into() };
        let pairs = vec![pair("new"), pair("gone")];
        let both = vec![shares("old", &old), shares("new", &new)];
        let several = Comparison { shares: both, pairs: pairs.clone() };
        assert_eq!(several.differences().len(), 1);
        assert_eq!(several.tables().count(), 2);
        let words = several.to_string();
        // scipy.stats.ttest_rel([.6, .7, .65], [.5, .55, .6]).pvalue is 0.0742 (scipy 1.17.1).
        assert!(words.contains("new less old") && words.contains("0.074"), "{words}");
        let first = vec![shares("old", &old[..1]), shares("new", &new[..1])];
        let single = Comparison { shares: first, pairs };
        assert_eq!(single.differences(), []);
        assert!(!single.to_string().contains(" less "));
    }

    #[test]
    fn the_heading_says_how_many_seeds_there_are() {
        assert_eq!(comparison().table().header[1], "mean ± sd over seeds");
        let single = Comparison { shares: vec![shares("baseline", &[0.5])], pairs: vec![] };
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
