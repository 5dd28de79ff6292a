//! `RankMe`: how many dimensions features really use (Garrido et al. 2023, equation 1).

use super::Features;
use super::spectrum::singular_values;

/// Added to each share of the spectrum, as the paper does in float32.
pub const EPSILON: f64 = 1e-7;

/// The exponential of the entropy of the singular values' shares.
///
/// From 1, where all rows are multiples of one, to min(n, dim), where all directions are as strong;
/// [`EPSILON`] may add a little. 0 where all features are 0, or there are none. It cannot be larger
/// than the number of rows: take more of them than there are dimensions, and compare only numbers of
/// as many rows.
pub fn rank_me(features: &Features) -> f64 {
    let values = singular_values(features);
    let sum: f64 = values.iter().sum();
    if sum == 0.0 {
        return 0.0;
    }
    let shares = values.iter().map(|value| value / sum + EPSILON);
    shares.map(|share| -share * share.ln()).sum::<f64>().exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features<const DIM: usize>(rows: &[[f32; DIM]]) -> Features {
        Features { values: rows.as_flattened().to_vec(), dim: DIM }
    }

    #[test]
    fn directions_that_are_as_strong_count_one_each() {
        let axes = features(&[[3.0, 0.0, 0.0], [0.0, -3.0, 0.0], [0.0, 0.0, 3.0]]);
        assert!((rank_me(&axes) - 3.0).abs() < 1e-5);
        let line = features(&[[1.0, 2.0], [-2.0, -4.0], [0.5, 1.0]]);
        assert!((rank_me(&line) - 1.0).abs() < 1e-5);
        // Shares of 3/4 and 1/4: 4 / 3^(3/4).
        let uneven = features(&[[3.0, 0.0], [0.0, 1.0]]);
        assert!((rank_me(&uneven) - 4.0 / 3.0_f64.powf(0.75)).abs() < 1e-5);
    }

    #[test]
    fn nothing_has_no_rank() {
        assert_eq!(rank_me(&features(&[[0.0, 0.0], [0.0, 0.0]])), 0.0);
        assert_eq!(rank_me(&Features::default()), 0.0);
    }
}
