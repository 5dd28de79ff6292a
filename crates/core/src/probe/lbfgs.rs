//! Limited-memory BFGS (Liu and Nocedal 1989), as Nocedal and Wright 2006 state it in algorithms 7.4 and
//! 7.5, with backtracking: for smooth convex functions whose values arrive asynchronously.

use crate::error::Error;

/// Steps whose curvature is remembered.
const MEMORY: usize = 10;
/// Share of the predicted decrease that is enough (Armijo).
const ENOUGH: f64 = 1e-4;
/// Times that a step is halved before the value counts as lowest.
const HALVINGS: usize = 30;
/// Values in single precision differ by so much, relatively, from rounding alone.
const ROUNDING: f64 = 1e-7;

/// A value and its gradient.
#[derive(Clone, Debug)]
pub(crate) struct Point {
    pub(crate) value: f64,
    pub(crate) gradient: Vec<f64>,
}

/// When a search ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Until {
    /// The largest number of the gradient is at most this.
    pub(crate) gradient: f64,
    /// Or after so many iterations.
    pub(crate) iterations: usize,
}

/// A change of place and of gradient.
struct Pair {
    step: Vec<f64>,
    change: Vec<f64>,
    /// One over their product.
    scale: f64,
}

/// Where the function is lowest, starting at `place`.
///
/// # Errors
/// Those of the function.
pub(crate) async fn minimise(
    mut place: Vec<f64>,
    until: Until,
    function: impl AsyncFn(&[f64]) -> Result<Point, Error>,
) -> Result<Vec<f64>, Error> {
    let mut here = function(&place).await?;
    let mut pairs: Vec<Pair> = Vec::new();
    for _ in 0..until.iterations {
        if here.gradient.iter().all(|slope| slope.abs() <= until.gradient) {
            break;
        }
        let direction = direction(&pairs, &here.gradient);
        let predicted = dot(&direction, &here.gradient);
        let mut length =
            if pairs.is_empty() { 1.0 / dot(&direction, &direction).sqrt().max(1.0) } else { 1.0 };
        let mut found = None;
        for _ in 0..HALVINGS {
            let there = moved(&place, &direction, length);
            let point = function(&there).await?;
            let allowed = ROUNDING * here.value.abs();
            if point.value <= here.value + ENOUGH * length * predicted + allowed {
                found = Some((there, point));
                break;
            }
            length /= 2.0;
        }
        let Some((there, point)) = found else { break };
        let step = moved(&there, &place, -1.0);
        let change = moved(&point.gradient, &here.gradient, -1.0);
        let product = dot(&step, &change);
        if product > 0.0 {
            pairs.push(Pair { step, change, scale: 1.0 / product });
            if pairs.len() > MEMORY {
                pairs.remove(0);
            }
        }
        (place, here) = (there, point);
    }
    Ok(place)
}

/// Against the gradient, as the remembered curvature scales it: the two-loop recursion.
fn direction(pairs: &[Pair], gradient: &[f64]) -> Vec<f64> {
    let mut direction: Vec<f64> = gradient.iter().map(|slope| -slope).collect();
    let mut shares = Vec::with_capacity(pairs.len());
    for Pair { step, change, scale } in pairs.iter().rev() {
        let share = scale * dot(step, &direction);
        direction = moved(&direction, change, -share);
        shares.push(share);
    }
    if let Some(Pair { change, scale, .. }) = pairs.last() {
        let curvature = 1.0 / (scale * dot(change, change));
        direction.iter_mut().for_each(|x| *x *= curvature);
    }
    for (Pair { step, change, scale }, share) in pairs.iter().zip(shares.into_iter().rev()) {
        let back = scale * dot(change, &direction);
        direction = moved(&direction, step, share - back);
    }
    direction
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// a + length · b.
fn moved(a: &[f64], b: &[f64], length: f64) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + length * b).collect()
}

#[cfg(test)]
mod tests {
    use core::cell::Cell;

    use super::*;

    /// A quadratic whose axes are some hundred times unlike: its minimum is known.
    #[test]
    fn a_stretched_bowl_is_left_at_its_bottom() {
        let bowl = async |x: &[f64]| {
            let scales = (0..12).map(|k| 10_f64.powf(f64::from(k) / 4.0));
            let (mut value, mut gradient) = (0.0, vec![0.0; 12]);
            for ((k, scale), &x) in scales.enumerate().zip(x) {
                let off = x - k as f64;
                value += 0.5 * scale * off * off;
                gradient[k] = scale * off;
            }
            Ok(Point { value, gradient })
        };
        let until = Until { gradient: 1e-7, iterations: 300 };
        let place = pollster::block_on(minimise(vec![5.0; 12], until, bowl)).unwrap();
        for (k, x) in place.into_iter().enumerate() {
            assert!((x - k as f64).abs() < 1e-6, "axis {k} ends at {x}");
        }
    }

    /// Rosenbrock's valley is not convex, and takes about forty iterations.
    #[test]
    fn a_bent_valley_is_followed() {
        let calls = Cell::new(0);
        let valley = async |x: &[f64]| {
            calls.set(calls.get() + 1);
            let (off, bend) = (1.0 - x[0], x[1] - x[0] * x[0]);
            let value = off * off + 100.0 * bend * bend;
            let gradient = vec![-2.0 * off - 400.0 * x[0] * bend, 200.0 * bend];
            Ok(Point { value, gradient })
        };
        let until = Until { gradient: 1e-8, iterations: 200 };
        let place = pollster::block_on(minimise(vec![-1.2, 1.0], until, valley)).unwrap();
        assert!((place[0] - 1.0).abs() < 1e-6 && (place[1] - 1.0).abs() < 1e-6, "{place:?}");
        assert!(calls.get() < 100, "expected fewer than 100 calls, got {}", calls.get());
    }

    #[test]
    fn an_error_ends_the_search() {
        let broken = async |_: &[f64]| Err(Error::Device { reason: "lost".into() });
        let until = Until { gradient: 0.0, iterations: 5 };
        let error = pollster::block_on(minimise(vec![0.0], until, broken));
        assert_eq!(error.expect_err("a lost device").code(), "DEVICE");
    }
}
