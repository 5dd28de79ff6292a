//! Whether a difference of two methods could be chance, where both were measured on the same: the
//! paired t-test over seeds (Student 1908), the exact test of `McNemar` over images (1947).

use statrs::distribution::{Binomial, ContinuousCDF, DiscreteCDF, StudentsT};

use super::bootstrap::LEVEL;
use super::repetition::mean_and_deviation;

/// A mean difference over repetitions, and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TTest {
    /// Mean of the differences.
    pub difference: f64,
    /// Where [`LEVEL`] of such intervals hold the true difference.
    pub interval: [f64; 2],
    /// Two-sided: how often chance alone gives a difference as large, if there is none.
    pub p: f64,
    /// Number of differences.
    pub pairs: usize,
}

impl TTest {
    /// Of a difference a repetition. None of fewer than two, nor where all are equal: then nothing
    /// tells how far others would lie from them.
    pub fn of(differences: &[f64]) -> Option<Self> {
        let pairs = differences.len();
        let (difference, deviation) = mean_and_deviation(differences);
        let error = deviation? / (pairs as f64).sqrt();
        // Equal differences of shares have a spread too: that of rounding.
        let largest = differences.iter().fold(1.0_f64, |most, d| most.max(d.abs()));
        if error <= 8.0 * f64::EPSILON * largest {
            return None;
        }
        let law = StudentsT::new(0.0, 1.0, (pairs - 1) as f64).ok()?;
        let reach = error * law.inverse_cdf(f64::midpoint(1.0, LEVEL));
        let p = 2.0 * law.cdf(-(difference / error).abs());
        Some(Self { difference, interval: [difference - reach, difference + reach], p, pairs })
    }
}

/// Two-sided p of the exact test of `McNemar`: `first` images that the first method alone tells right,
/// `second` that the second alone does. Those that both or neither tell right say nothing.
pub fn mcnemar(first: u64, second: u64) -> f64 {
    // Half of an odd number's outcomes are as far from the middle: rounding would take a little off.
    if first.abs_diff(second) <= 1 {
        return 1.0;
    }
    let (fewer, both) = (first.min(second), first + second);
    let fair = Binomial::new(0.5, both).expect("a half is a probability");
    (2.0 * fair.cdf(fewer)).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(got: f64, expected: f64) {
        assert!((got - expected).abs() <= 1e-9 * (1.0 + expected.abs()), "{got}, not {expected}");
    }

    fn check(differences: &[f64], p: f64, interval: [f64; 2]) {
        let test = TTest::of(differences).expect("there is a test");
        near(test.p, p);
        near(test.interval[0], interval[0]);
        near(test.interval[1], interval[1]);
        assert_eq!(test.pairs, differences.len());
    }

    /// `scipy.stats.ttest_1samp(differences, 0)` and its `confidence_interval(0.95)`, scipy 1.17.1.
    #[test]
    fn t_tests_are_scipys() {
        check(
            &[0.012, 0.034, -0.005, 0.021, 0.018],
            0.065_765_060_155_911_2,
            [-0.001_669_188_453_298_012_2, 0.033_669_188_453_298_01],
        );
        check(
            &[0.02, 0.05],
            0.257_762_116_818_313_2,
            [-0.155_593_071_042_620_43, 0.225_593_071_042_620_44],
        );
        let many = [
            0.226, -0.032, 0.74, 0.205, -0.436, 0.462, 1.404, 1.047, -0.604, -1.165, -0.523, 0.141,
            -2.225, -0.119, -1.146, -0.632, -0.444, -0.216, 0.512, 1.143, -0.029, 1.466, -0.565,
            0.452, 1.003, 0.194, -0.643, -0.822, -0.358, 0.32,
        ];
        let interval = [-0.328_768_609_116_420_53, 0.285_835_275_783_088_1];
        check(&many, 0.887_380_826_880_577_2, interval);
    }

    /// `scipy.stats.ttest_rel(a, b)`, scipy 1.17.1.
    #[test]
    fn pairs_are_of_one_seed_each() {
        let (a, b) = ([0.71, 0.735, 0.72, 0.744], [0.70, 0.70, 0.725, 0.723]);
        let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
        let interval = [-0.011_703_115_823_803_636, 0.042_203_115_823_803_664];
        check(&differences, 0.169_574_704_956_788_47, interval);
    }

    #[test]
    fn what_does_not_vary_tells_nothing_of_chance() {
        assert_eq!(TTest::of(&[]), None);
        assert_eq!(TTest::of(&[0.3]), None);
        assert_eq!(TTest::of(&[0.0; 5]), None);
        assert_eq!(TTest::of(&[0.1, 0.3 - 0.2, 0.7 - 0.6]), None, "equal but for rounding");
        assert!(TTest::of(&[0.1, 0.1, 0.100_001]).is_some());
    }

    /// `scipy.stats.binomtest(min(b, c), b + c, 0.5).pvalue`, scipy 1.17.1.
    #[test]
    fn mcnemars_test_is_scipys_binomial_one() {
        near(mcnemar(10, 3), 0.092_285_156_25);
        near(mcnemar(3, 10), 0.092_285_156_25);
        near(mcnemar(0, 6), 0.031_25);
        near(mcnemar(700, 640), 0.106_979_925_244_909_42);
        near(mcnemar(100_000, 100_900), 0.044_886_148_461_475_976);
        let small = mcnemar(121, 59) / 4.434_449_263_754_765e-6;
        assert!((small - 1.0).abs() < 1e-8, "{small}");
        for (first, second) in [(0, 0), (1, 0), (5, 5), (41, 42)] {
            assert_eq!(mcnemar(first, second), 1.0, "{first} and {second}");
        }
    }

    #[test]
    fn one_of_twenty_tests_of_nothing_is_below_five_per_cent() {
        use crate::rng::{Purpose, stream};
        let mut draws = stream(3, Purpose::Test, 0, 0);
        let mut below = 0;
        for _ in 0..2_000 {
            let differences: Vec<f64> = (0..4).map(|_| draws.normal()).collect();
            below += i32::from(TTest::of(&differences).expect("they vary").p < 0.05);
        }
        assert!((70..=130).contains(&below), "expected about 100 of 2000, got {below}");
    }
}
