//! Learning rates over time.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::range;

/// How the learning rate goes over a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Schedule {
    /// Share of the run over which the rate rises linearly from nothing, in [0, 1).
    pub warm_up: f64,
    /// What comes after the warm-up.
    pub shape: Shape,
    /// What the cosine falls to, as a share of the peak, in [0, 1].
    pub end: f64,
}

/// The rate after the warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// It stays.
    #[default]
    Constant,
    /// It falls to `end` along half a cosine (Loshchilov and Hutter 2017, without restarts).
    Cosine,
    /// It falls to a tenth after half of the run, and again after three quarters.
    Steps,
    /// It falls along a flatter cosine, cos(7π/16 · t), to a fifth (Sohn et al. 2020, section 2.3).
    SlowCosine,
    /// It rises from a millionth to the peak, the same factor a step: a range test, which finds the
    /// rates that a network bears (Smith 2017, section 3.3).
    Rise,
}

/// What the flatter cosine leaves of half a turn.
const SLOW: f64 = 7.0 / 16.0;
/// Where a range test starts, as a share of the peak.
const START: f64 = 1e-6;
/// Where the rate falls, as shares of the run.
const FALLS: [f64; 2] = [0.5, 0.75];
/// What remains of it.
const FALL: f64 = 0.1;

/// From 1 to 0 along half a cosine, as `done` goes from 0 to 1.
fn fallen(done: f64) -> f64 {
    f64::midpoint(1.0, (core::f64::consts::PI * done).cos())
}

/// From 1 at step 0 to 0 at step `total`, along half a cosine: what momenta and weight decays follow.
pub fn half_cosine(step: u64, total: u64) -> f64 {
    fallen((step as f64 / total.max(1) as f64).min(1.0))
}

impl Schedule {
    /// Whether every setting is in its range.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the first that is not.
    pub fn check(&self) -> Result<(), Error> {
        range::within("warm_up", self.warm_up, 0.0..=0.99, "0 to 0.99")?;
        range::share("end", self.end)?;
        match self.end > 0.0 && self.shape != Shape::Cosine {
            true => Err(Error::setting("end", "0: only a cosine falls to `end`", self.end)),
            false => Ok(()),
        }
    }

    /// What the peak rate is multiplied by at `step` (from 0) of `total` steps, in (0, 1].
    pub fn factor(&self, step: u64, total: u64) -> f64 {
        let (step, total) = (step as f64, total.max(1) as f64);
        let warm = self.warm_up * total;
        if step < warm {
            return (step + 1.0).min(warm) / warm;
        }
        let done = ((step - warm) / (total - warm)).min(1.0);
        match self.shape {
            Shape::Constant => 1.0,
            Shape::Cosine => self.end + (1.0 - self.end) * fallen(done),
            Shape::SlowCosine => (SLOW * core::f64::consts::PI * done).cos(),
            Shape::Rise => START.powf(1.0 - done),
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
        let schedule = Schedule { warm_up: 0.1, shape: Shape::Cosine, end: 0.0 };
        let rates: Vec<f64> = (0..100).map(|step| schedule.factor(step, 100)).collect();
        assert!((rates[0] - 0.1).abs() < 1e-12 && (rates[9] - 1.0).abs() < 1e-12);
        assert!(rates[10..].windows(2).all(|pair| pair[1] < pair[0]));
        assert!((rates[55] - 0.5).abs() < 1e-12 && rates[99] > 0.0);
    }

    #[test]
    fn steps_fall_at_half_and_at_three_quarters() {
        let schedule = Schedule { shape: Shape::Steps, ..Schedule::default() };
        let rates = [0, 49, 50, 74, 75, 99].map(|step| schedule.factor(step, 100));
        let expected = [1.0, 1.0, 0.1, 0.1, 0.01, 0.01];
        assert!(rates.iter().zip(expected).all(|(got, rate)| (got - rate).abs() < 1e-12));
    }

    #[test]
    fn a_slow_cosine_ends_at_a_fifth_and_a_rise_at_the_peak() {
        let at = |shape, step| Schedule { shape, ..Schedule::default() }.factor(step, 1000);
        assert!((at(Shape::SlowCosine, 1000) - 0.195_090_322).abs() < 1e-9);
        assert!((at(Shape::Rise, 0) - 1e-6).abs() < 1e-18 && at(Shape::Rise, 1000) == 1.0);
        assert!((at(Shape::Rise, 500) - 1e-3).abs() < 1e-12);
    }

    #[test]
    fn a_cosine_ends_where_it_is_told() {
        let schedule = Schedule { shape: Shape::Cosine, end: 0.1, ..Schedule::default() };
        assert!((schedule.factor(1000, 1000) - 0.1).abs() < 1e-12);
        assert!((schedule.factor(500, 1000) - 0.55).abs() < 1e-12);
        let steps = Schedule { shape: Shape::Steps, ..schedule };
        assert!(schedule.check().is_ok() && steps.check().is_err());
    }

    #[test]
    fn constant_is_constant() {
        assert!((0..9).all(|step| Schedule::default().factor(step, 9) == 1.0));
    }
}
