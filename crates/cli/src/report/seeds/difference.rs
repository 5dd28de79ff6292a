//! What one method is better by than another, over the seeds of both.

use kith_core::probe::bootstrap::LEVEL;
use kith_core::probe::paired::TTest;
use serde::Serialize;

use super::Shares;
use crate::report::table::Table;

/// With so few seeds a test sees nothing but large differences.
const FEW: usize = 2;
/// What tells differences from chance.
const TEST: &str = "paired t-test, two-sided";

/// Two methods on the same seeds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Difference {
    method: String,
    baseline: String,
    difference: f64,
    /// Where [`LEVEL`] of such intervals hold the true difference.
    interval: [f64; 2],
    level: f64,
    p: f64,
    /// What the p-value is of.
    test: &'static str,
    seeds: usize,
}

impl Difference {
    /// Of a share a seed each; none where chance cannot be judged.
    pub(crate) fn of(method: &Shares, baseline: &Shares) -> Option<Self> {
        let pairs = method.numbers.iter().zip(&baseline.numbers);
        let differences: Vec<f64> = pairs.map(|(own, other)| own - other).collect();
        // A seed without a number leaves nobody knows which pairs.
        let paired = method.numbers.len() == baseline.numbers.len();
        let TTest { difference, interval, p, pairs } =
            TTest::of(&differences).filter(|_| paired)?;
        Some(Self {
            method: method.name.clone(),
            baseline: baseline.name.clone(),
            difference,
            interval,
            level: LEVEL,
            p,
            test: TEST,
            seeds: pairs,
        })
    }

    fn cells(&self) -> Vec<String> {
        let name = format!("{} less {}", self.method, self.baseline);
        [name].into_iter().chain(self.words()).collect()
    }

    /// The difference and its interval in points, and the p-value.
    pub(crate) fn words(&self) -> [String; 3] {
        let Self { difference, interval: [low, high], p, .. } = *self;
        let points = |share: f64| format!("{:+.2}", 100.0 * share);
        let interval = format!("[{}, {}]", points(low), points(high));
        [points(difference), interval, p_words(p)]
    }
}

/// A row a difference; none where there is none.
pub(crate) fn table(differences: &[Difference]) -> Option<Table> {
    let seeds = differences.first()?.seeds;
    let weak = if seeds <= FEW { ": weak evidence" } else { "" };
    let level = format!("{:.0} % interval", 100.0 * LEVEL);
    Some(Table {
        title: format!("Differences in points of test accuracy: {TEST}, {seeds} seeds{weak}"),
        header: ["", "mean", &level, "p"].map(Into::into).to_vec(),
        rows: differences.iter().map(Difference::cells).collect(),
    })
}

/// What to know before quoting a p-value of a table of several.
pub(crate) fn note(differences: &[Difference]) -> Option<String> {
    (!differences.is_empty()).then(|| {
        "A p-value says how often chance alone, with other seeds, would give a difference as large. \
         Each is for one comparison; they are not corrected for there being several."
            .into()
    })
}

/// A p-value as people read it.
pub(crate) fn p_words(p: f64) -> String {
    const LEAST: f64 = 0.001;
    if p < LEAST { format!("< {LEAST}") } else { format!("{p:.3}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shares(name: &str, numbers: &[f64]) -> Shares {
        Shares { name: name.to_owned(), numbers: numbers.to_vec() }
    }

    /// `scipy.stats.ttest_rel(a, b)`: p 0.16957, interval [-0.011703, 0.042203] (scipy 1.17.1).
    #[test]
    fn it_is_the_methods_number_less_the_baselines_seed_by_seed() {
        let (a, b) = ([0.71, 0.735, 0.72, 0.744], [0.70, 0.70, 0.725, 0.723]);
        let found = Difference::of(&shares("a", &a), &shares("b", &b)).expect("four seeds");
        assert_eq!(found.cells(), ["a less b", "+1.53", "[-1.17, +4.22]", "0.170"]);
        let object = json!(found);
        assert_eq!((&object["method"], &object["seeds"]), (&json!("a"), &json!(4)));
        let p = object["p"].as_f64().expect("a number");
        assert!((p - 0.169_574_704_956_788_47).abs() < 1e-9, "{p}");
        let table = table(&[found]).expect("a row");
        assert!(
            table.title.contains("4 seeds") && !table.title.contains("weak"),
            "{}",
            table.title
        );
    }

    #[test]
    fn two_seeds_are_said_to_be_weak_and_one_says_nothing() {
        let two = Difference::of(&shares("a", &[0.7, 0.8]), &shares("b", &[0.6, 0.65]));
        let table = table(&[two.expect("two seeds")]).expect("a row");
        assert!(table.title.contains("2 seeds: weak evidence"), "{}", table.title);
        assert_eq!(Difference::of(&shares("a", &[0.7]), &shares("b", &[0.6])), None);
        assert_eq!(Difference::of(&shares("a", &[0.7, 0.8]), &shares("b", &[0.6])), None);
        assert!(super::table(&[]).is_none());
    }

    #[test]
    fn tiny_p_values_are_not_zero() {
        assert_eq!([0.2, 0.0012, 1e-9].map(p_words), ["0.200", "0.001", "< 0.001"]);
    }
}
