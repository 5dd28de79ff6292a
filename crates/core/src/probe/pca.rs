//! Principal components: the plane in which features vary most (Pearson 1901).

use super::Features;
use crate::rng::{Purpose, stream};

/// Components of the plane.
const AXES: usize = 2;

/// Products with the covariance. Each shrinks what is not of the plane by the ratio of variances.
const ROUNDS: usize = 300;

/// Features laid on a plane.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane {
    /// Coordinates of every picture, in the features' own units, around 0.
    pub points: Vec<[f64; AXES]>,
    /// Share of the features' variance along either axis, in [0, 1], the larger first.
    pub shares: [f64; AXES],
}

/// Lays features on the plane of their two largest principal components.
///
/// Orthogonal iteration (Golub and Van Loan, section 8.2.4) in f64. Of an axis' two directions that
/// one is taken which makes its largest weight positive.
pub fn plane(features: &Features) -> Plane {
    let rows = centred(features);
    let mut drawn = stream(0, Purpose::Show, 0, 1);
    let mut axes = [(); AXES].map(|()| (0..features.dim).map(|_| drawn.normal()).collect());
    orthonormal(&mut axes);
    for _ in 0..ROUNDS {
        axes = axes.map(|axis| covariance_times(&rows, &axis));
        orthonormal(&mut axes);
    }
    axes.iter_mut().for_each(|axis| turn(axis));
    let points: Vec<[f64; AXES]> =
        rows.iter().map(|row| [dot(row, &axes[0]), dot(row, &axes[1])]).collect();
    let whole: f64 = rows.iter().map(|row| dot(row, row)).sum();
    let share = |axis: usize| {
        let part: f64 = points.iter().map(|point| point[axis] * point[axis]).sum();
        if whole > 0.0 { part / whole } else { 0.0 }
    };
    let shares = [share(0), share(1)];
    Plane { points, shares }
}

fn centred(features: &Features) -> Vec<Vec<f64>> {
    let rows = || (0..features.len()).map(|place| features.row(place));
    let count = features.len().max(1) as f64;
    let mut mean = vec![0.0; features.dim];
    for row in rows() {
        mean.iter_mut().zip(row).for_each(|(mean, &x)| *mean += f64::from(x) / count);
    }
    rows()
        .map(|row| row.iter().zip(&mean).map(|(&x, mean)| f64::from(x) - mean).collect())
        .collect()
}

/// The covariance of the rows times a vector, but for a factor.
fn covariance_times(rows: &[Vec<f64>], vector: &[f64]) -> Vec<f64> {
    let mut product = vec![0.0; vector.len()];
    for row in rows {
        let along = dot(row, vector);
        product.iter_mut().zip(row).for_each(|(sum, x)| *sum += along * x);
    }
    product
}

/// Gram and Schmidt. An axis of length 0, where nothing varies, stays so.
fn orthonormal(axes: &mut [Vec<f64>; AXES]) {
    let [first, second] = axes;
    normalise(first);
    let along = dot(first, second);
    second.iter_mut().zip(&*first).for_each(|(x, y)| *x -= along * y);
    normalise(second);
}

fn normalise(axis: &mut [f64]) {
    let length = dot(axis, axis).sqrt();
    if length > f64::MIN_POSITIVE {
        axis.iter_mut().for_each(|x| *x /= length);
    }
}

fn turn(axis: &mut [f64]) {
    let largest = axis.iter().copied().reduce(|a, b| if b.abs() > a.abs() { b } else { a });
    if largest.is_some_and(|x| x < 0.0) {
        axis.iter_mut().for_each(|x| *x = -*x);
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cloud with deviations 3, 2 and 0.5 along turned axes of space, away from the origin.
    fn cloud() -> Features {
        let mut stream = stream(5, Purpose::Test, 0, 0);
        let axes = [[0.6, 0.8, 0.0], [-0.8, 0.6, 0.0], [0.0, 0.0, 1.0]];
        let mut values = Vec::new();
        for _ in 0..2_000 {
            let along = [3.0, 2.0, 0.5].map(|deviation| deviation * stream.normal());
            let at = |at: usize| axes.iter().zip(along).map(|(axis, x)| x * axis[at]).sum::<f64>();
            values.extend([0, 1, 2].map(|place| (10.0 + at(place)) as f32));
        }
        Features { values, dim: 3 }
    }

    #[test]
    fn the_plane_is_that_of_the_largest_variances() {
        let plane = plane(&cloud());
        let whole = 9.0 + 4.0 + 0.25;
        for (share, expected) in plane.shares.iter().zip([9.0 / whole, 4.0 / whole]) {
            assert!((share - expected).abs() < 0.02, "expected {expected}, got {share}");
        }
        let mean: f64 = plane.points.iter().map(|point| point[0]).sum::<f64>() / 2_000.0;
        assert!(mean.abs() < 1e-6, "the map is centred, not at {mean}");
        let crossed: f64 = plane.points.iter().map(|[x, y]| x * y).sum::<f64>() / 2_000.0;
        assert!(crossed.abs() < 1e-3, "its axes are uncorrelated, not {crossed}");
    }

    #[test]
    fn no_other_plane_holds_more() {
        let features = cloud();
        let rows = centred(&features);
        let best: f64 = plane(&features).shares.iter().sum();
        let whole: f64 = rows.iter().map(|row| dot(row, row)).sum();
        let mut stream = stream(6, Purpose::Test, 0, 0);
        for _ in 0..50 {
            let mut axes = [(); 2].map(|()| (0..3).map(|_| stream.normal()).collect());
            orthonormal(&mut axes);
            let held = |axis: &Vec<f64>| rows.iter().map(|row| dot(row, axis).powi(2)).sum::<f64>();
            assert!(axes.iter().map(held).sum::<f64>() / whole <= best + 1e-9);
        }
    }

    #[test]
    fn what_does_not_vary_lies_at_the_origin() {
        let still = Features { values: vec![2.0; 12], dim: 3 };
        let plane = plane(&still);
        assert_eq!((plane.points, plane.shares), (vec![[0.0; 2]; 4], [0.0; 2]));
        assert!(super::plane(&Features::default()).points.is_empty());
    }
}
