//! How far a mean over test pictures could lie from what other test pictures would give: the
//! percentile bootstrap (Efron 1979; Efron and Tibshirani 1993, chapter 13).

use crate::rng::{Purpose, stream};

/// Times that the pictures are drawn anew, with replacement.
pub const RESAMPLES: u64 = 1_000;

/// Share of the resampled means that an interval holds.
pub const LEVEL: f64 = 0.95;

/// The interval that holds [`LEVEL`] of the means of [`RESAMPLES`] resamples: `[low, high]`, or
/// none without pictures.
///
/// A number a picture: 1 or 0 for told right or not, or the difference of two networks on the same
/// picture, whose interval is then the paired one. The same seed draws the same pictures, so that
/// numbers of many networks are resampled alike.
pub fn interval(numbers: &[f64], seed: u64) -> Option<[f64; 2]> {
    if numbers.is_empty() {
        return None;
    }
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|round| {
            let mut stream = stream(seed, Purpose::Resample, 0, round);
            let sum: f64 = (0..numbers.len()).map(|_| numbers[stream.below(numbers.len())]).sum();
            sum / numbers.len() as f64
        })
        .collect();
    means.sort_unstable_by(f64::total_cmp);
    let tail = (1.0 - LEVEL) / 2.0;
    Some([quantile(&means, tail), quantile(&means, 1.0 - tail)])
}

/// The quantile of numbers in rising order, linear between two of them.
fn quantile(rising: &[f64], share: f64) -> f64 {
    let place = share * (rising.len() - 1) as f64;
    let (below, within) = (place as usize, place.fract());
    let above = (below + 1).min(rising.len() - 1);
    rising[below] + within * (rising[above] - rising[below])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The quantiles of all resamples that there are, each as likely.
    fn exact(numbers: &[f64]) -> [f64; 2] {
        let n = numbers.len();
        let mut means: Vec<f64> = (0..n.pow(n as u32))
            .map(|mut code| {
                let mut sum = 0.0;
                for _ in 0..n {
                    sum += numbers[code % n];
                    code /= n;
                }
                sum / n as f64
            })
            .collect();
        means.sort_unstable_by(f64::total_cmp);
        [quantile(&means, 0.025), quantile(&means, 0.975)]
    }

    #[test]
    fn quantiles_are_numpys() {
        let rising = [0.0, 1.0, 4.0, 9.0];
        assert_eq!([0.0, 0.5, 0.75, 1.0].map(|q| quantile(&rising, q)), [0.0, 2.5, 5.25, 9.0]);
    }

    #[test]
    fn it_is_near_the_interval_of_all_resamples() {
        let numbers = [0.1, 0.4, -0.3, 0.9, 0.2, 0.0];
        let (drawn, all) = (interval(&numbers, 3).unwrap(), exact(&numbers));
        for (drawn, all) in drawn.iter().zip(all) {
            assert!((drawn - all).abs() < 0.05, "expected about {all}, got {drawn}");
        }
    }

    #[test]
    fn it_is_as_wide_as_the_normal_law_says() {
        let right: Vec<f64> = (0..2_000).map(|i| f64::from(i % 10 < 7)).collect();
        let [low, high] = interval(&right, 1).unwrap();
        let half = 1.96 * (0.7_f64 * 0.3 / 2_000.0).sqrt();
        assert!((low - (0.7 - half)).abs() < 0.003 && (high - (0.7 + half)).abs() < 0.003);
    }

    #[test]
    fn nineteen_of_twenty_intervals_hold_the_truth() {
        let mut held = 0;
        for seed in 0..200 {
            let mut drawn = stream(seed, Purpose::Test, 0, 0);
            let right: Vec<f64> =
                (0..100).map(|_| f64::from(u8::from(drawn.chance(0.6)))).collect();
            let [low, high] = interval(&right, seed).unwrap();
            held += i32::from(low <= 0.6 && 0.6 <= high);
        }
        assert!((180..=198).contains(&held), "expected about 190 of 200, got {held}");
    }

    #[test]
    fn no_difference_has_no_width() {
        assert_eq!(interval(&[0.0; 9], 1), Some([0.0, 0.0]));
        assert_eq!(interval(&[], 1), None);
    }
}
