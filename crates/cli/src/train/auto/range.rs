//! A range test: the rate rises from step to step, and the loss says which rates a network bears
//! (Smith 2017, section 3.3).

use kith_core::optimizer::OptimizerSettings;
use kith_core::schedule::{Schedule, Shape};

/// Steps of a range test.
pub(super) const STEPS: u64 = 100;
/// The highest rate that a range test tries; it starts a million times lower.
const HIGHEST_RATE: f64 = 1.0;
/// Share of the old in the smoothed loss of a range test.
const SMOOTHING: f64 = 0.9;
/// A loss so many times the lowest one has blown up.
const BLOWN_UP: f64 = 4.0;
/// The rate is taken so much lower than that of the lowest smoothed loss, which is near blowing up.
pub(super) const MARGIN: f64 = 10.0;

/// How the rate rises.
fn rising() -> Schedule {
    Schedule { shape: Shape::Rise, ..Schedule::default() }
}

/// The rate at a step of a range test.
pub(super) fn rate_at(step: u64) -> f64 {
    HIGHEST_RATE * rising().factor(step, STEPS)
}

/// Makes an optimizer one of a range test.
pub(super) fn rise(optimizer: &mut OptimizerSettings) {
    (optimizer.learning_rate, optimizer.schedule) = (HIGHEST_RATE, rising());
}

/// Exponentially smoothed losses, without the pull of the start towards 0; up to the first that is no
/// number.
pub(super) fn smoothed(losses: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut mean = 0.0;
    let finite = losses.iter().take_while(|(_, loss)| loss.is_finite());
    finite
        .enumerate()
        .map(|(step, &(rate, loss))| {
            mean = SMOOTHING * mean + (1.0 - SMOOTHING) * loss;
            (rate, mean / (1.0 - SMOOTHING.powi(step as i32 + 1)))
        })
        .collect()
}

/// Whether the last loss is far above the lowest.
pub(super) fn blown_up(curve: &[(f64, f64)]) -> bool {
    let lowest = curve.iter().map(|(_, loss)| *loss).fold(f64::INFINITY, f64::min);
    curve.last().is_none_or(|(_, loss)| *loss > BLOWN_UP * lowest)
}

/// The rate to take, and that of the lowest loss.
pub(super) fn good_rate(curve: &[(f64, f64)]) -> (f64, f64) {
    let lowest = curve.iter().copied().reduce(|a, b| if b.1 < a.1 { b } else { a });
    let (rate, _) = lowest.unwrap_or((HIGHEST_RATE, 0.0));
    // Two digits: no more can be told.
    let digits = format!("{:.1e}", rate / MARGIN);
    (digits.parse().expect("a number that was just written"), rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A bowl over the logarithm of the rate, lowest at 1e-2, that blows up at the end.
    fn bowl() -> Vec<(f64, f64)> {
        (0..60)
            .map(|k| 10_f64.powf(-6.0 + f64::from(k) / 10.0))
            .map(|rate| (rate, 0.1 + (rate.log10() + 2.0).powi(2)))
            .collect()
    }

    #[test]
    fn the_rate_is_a_tenth_of_where_the_loss_is_lowest() {
        let (rate, lowest) = good_rate(&bowl());
        assert!((lowest - 1e-2).abs() < 1e-9 && (rate - 1e-3).abs() < 1e-9, "{rate} of {lowest}");
    }

    #[test]
    fn a_rate_has_two_digits() {
        let (rate, _) = good_rate(&[(1e-3, 2.0), (1.8197e-2, 1.0), (0.1, 3.0)]);
        assert_eq!(format!("{rate:e}"), "1.8e-3");
    }

    #[test]
    fn smoothing_starts_at_the_first_loss_and_ends_before_what_is_no_number() {
        let curve = smoothed(&[(1.0, 3.0), (2.0, 3.0), (3.0, f64::NAN), (4.0, 1.0)]);
        assert_eq!(curve.len(), 2);
        assert!(curve.iter().all(|(_, loss)| (loss - 3.0).abs() < 1e-12));
    }

    #[test]
    fn a_loss_far_above_the_lowest_has_blown_up() {
        assert!(!blown_up(&[(1.0, 2.0), (2.0, 1.0), (3.0, 3.9)]));
        assert!(blown_up(&[(1.0, 2.0), (2.0, 1.0), (3.0, 4.1)]));
        assert!(blown_up(&[]), "the very first loss was no number");
    }
}
