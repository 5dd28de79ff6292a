//! Learning rates over time.

use serde::{Deserialize, Serialize};

/// How the learning rate goes over a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Schedule {
    /// Share of the run over which the rate rises linearly from nothing, in [0, 1).
    pub warm_up: f64,
    /// What comes after the warm-up.
    pub shape: Shape,
}

/// The rate after the warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// It stays.
    #[default]
    Constant,
    /// It falls to nothing along half a cosine (Loshchilov and Hutter 2017, without restarts).
    Cosine,
    /// It falls to a tenth after half of the run, and again after three quarters.
    Steps,
}

/// Where the rate falls, as shares of the run.
const FALLS: [f64; 2] = [0.5, 0.75];
/// What remains of it.
const FALL: f64 = 0.1;

impl Schedule {
    /// What the peak rate is multiplied by at `step` (from 0) of `total` steps, in (0, 1].
    pub fn factor(&self, step: u64, total: u64) -> f64 {
        let (step, total) = (step as f64, total.max(1) as f64);
        let warm = self.warm_up * total;
        if step < warm {
            return (step + 1.0).min(warm) / warm;
        }
        match self.shape {
            Shape::Constant => 1.0,
            Shape::Cosine => {
                let done = (step - warm) / (total - warm);
                f64::midpoint(1.0, (core::f64::consts::PI * done.min(1.0)).cos())
            }
            Shape::Steps => {
                let fallen = FALLS.into_iter().filter(|share| step >= share * total).count();
                FALL.powi(fallen as i32)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_rises_then_falls() {
        let schedule = Schedule { warm_up: 0.1, shape: Shape::Cosine };
        let rates: Vec<f64> = (0..100).map(|step| schedule.factor(step, 100)).collect();
        assert!((rates[0] - 0.1).abs() < 1e-12 && (rates[9] - 1.0).abs() < 1e-12);
        assert!(rates[10..].windows(2).all(|pair| pair[1] < pair[0]));
        assert!((rates[55] - 0.5).abs() < 1e-12 && rates[99] > 0.0);
    }

    #[test]
    fn steps_fall_at_half_and_at_three_quarters() {
        let schedule = Schedule { warm_up: 0.0, shape: Shape::Steps };
        let rates = [0, 49, 50, 74, 75, 99].map(|step| schedule.factor(step, 100));
        let expected = [1.0, 1.0, 0.1, 0.1, 0.01, 0.01];
        assert!(rates.iter().zip(expected).all(|(got, rate)| (got - rate).abs() < 1e-12));
    }

    #[test]
    fn constant_is_constant() {
        assert!((0..9).all(|step| Schedule::default().factor(step, 9) == 1.0));
    }
}
