//! How far two runs agree.

use serde::Serialize;

/// A run may differ by so many times what its repeats differ by.
const FACTOR: f64 = 4.0;
/// Relative difference that rounding alone makes of any loss.
const LEAST: f64 = 16.0 * f32::EPSILON as f64;

/// How far the losses of two runs agree, step by step.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
pub struct Agreement {
    /// Steps that both have.
    pub steps: usize,
    /// Of these, from the first on, so many have equal losses to the bit.
    pub equal: usize,
    /// The relative difference of the two losses of each step.
    pub differences: Vec<f64>,
    /// What rounding explains at each step.
    pub tolerances: Vec<f64>,
    /// Where the runs part, if they do.
    pub departs: Option<Departure>,
}

/// The first step whose losses differ by more than rounding explains.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
pub struct Departure {
    /// Counted from 1.
    pub step: usize,
    /// The recorded loss.
    pub recorded: f32,
    /// The loss of this run.
    pub here: f32,
    /// Relative difference that rounding would explain.
    pub tolerance: f64,
}

impl Agreement {
    /// The largest relative difference of two losses of one step.
    pub fn difference(&self) -> f64 {
        self.differences.iter().copied().fold(0.0, f64::max)
    }

    /// Whether all losses are equal to the bit.
    pub fn is_exact(&self) -> bool {
        self.steps > 0 && self.equal == self.steps
    }
}

/// Compares recorded losses with those of another run, and with repeats of that run which began a rounding
/// error away. Without repeats a difference of 2e-6 is what rounding explains.
///
/// What rounding explains at a step is four times the largest relative difference between the run and its
/// repeats up to that step.
pub fn compare(recorded: &[f32], here: &[f32], repeats: &[Vec<f32>]) -> Agreement {
    let steps = recorded.len().min(here.len());
    let pairs = || recorded.iter().zip(here);
    let equal = pairs().take_while(|(then, now)| then.to_bits() == now.to_bits()).count();
    let differences: Vec<f64> = pairs().map(|(&then, &now)| relative(then, now)).collect();
    let mut explained = LEAST;
    let tolerance = |(step, &now): (usize, &f32)| {
        let rounding = repeats.iter().filter_map(|repeat| repeat.get(step));
        let rounding = rounding.map(|&other| FACTOR * relative(now, other));
        explained = rounding.fold(explained, f64::max);
        explained
    };
    let tolerances: Vec<f64> = here[..steps].iter().enumerate().map(tolerance).collect();
    let departs = (0..steps).find(|&step| differences[step] > tolerances[step]).map(|step| {
        let (recorded, here, tolerance) = (recorded[step], here[step], tolerances[step]);
        Departure { step: step + 1, recorded, here, tolerance }
    });
    Agreement { steps, equal, differences, tolerances, departs }
}

/// The difference of two losses as a share of the larger; 0 of equal ones.
fn relative(a: f32, b: f32) -> f64 {
    if a == b {
        return 0.0;
    }
    let (a, b) = (f64::from(a), f64::from(b));
    (a - b).abs() / a.abs().max(b.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: [f32; 4] = [5.0, 4.0, 3.0, 2.0];

    /// Losses that are off by these shares.
    fn off(shares: [f32; 4]) -> Vec<f32> {
        HERE.iter().zip(shares).map(|(loss, share)| loss * (1.0 + share)).collect()
    }

    #[test]
    fn equal_losses_are_exact() {
        let agreement = compare(&HERE, &HERE, &[]);
        assert!(agreement.is_exact() && agreement.departs.is_none());
        assert_eq!((agreement.steps, agreement.equal, agreement.difference()), (4, 4, 0.0));
        assert!(!compare(&[], &HERE, &[]).is_exact(), "nothing was compared");
    }

    #[test]
    fn what_repeats_differ_by_is_rounding_and_more_is_not() {
        let repeats = [off([0.0, 1e-6, 1e-5, 1e-4]), off([1e-6, 0.0, 2e-5, 1e-4])];
        let near = compare(&off([1e-6, 3e-6, 6e-5, 3e-4]), &HERE, &repeats);
        assert_eq!((near.equal, near.departs), (0, None));
        assert!((near.difference() - 3e-4).abs() < 1e-6, "{near:?}");
        assert!((near.tolerances[3] - 4e-4).abs() < 1e-6, "{near:?}");
        let far = compare(&off([0.0, 0.0, 1e-3, 1e-3]), &HERE, &repeats);
        let departs = far.departs.expect("a thousandth is no rounding at step 3");
        assert_eq!((far.equal, departs.step, departs.here), (2, 3, 3.0));
        assert!((departs.tolerance - 8e-5).abs() < 1e-6, "{departs:?}");
    }

    #[test]
    fn another_run_departs_at_once() {
        assert_eq!(compare(&[5.1, 4.0], &HERE, &[]).departs.map(|d| d.step), Some(1));
        assert_eq!(compare(&off([1e-6; 4]), &HERE, &[]).departs, None, "the last bits");
    }
}
