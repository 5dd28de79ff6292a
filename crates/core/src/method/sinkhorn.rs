//! Sinkhorn's iterations: scores as assignments that use all prototypes alike (Cuturi 2013; Caron et al.
//! 2020, section 3.1).

use burn::tensor::Tensor;

/// Keeps the sums of rows that count for nothing above 0.
const LEAST: f64 = 1e-30;

/// Shares of each row in each prototype, rows of sum 1, without gradient.
///
/// # Shapes
/// - scores: `[n, prototypes]`; counts: `[n, 1]`, 0 for rows that count for nothing, 1 for the others
/// - result: `[n, prototypes]`
pub fn assignments(
    scores: Tensor<2>,
    counts: Tensor<2>,
    epsilon: f64,
    iterations: usize,
) -> Tensor<2> {
    let scores = scores.inner().div_scalar(epsilon);
    // The largest is taken off all alike, which cancels, so that no exponential is too large.
    let largest = scores.clone().max().reshape([1, 1]);
    let start = (scores - largest).exp() * counts;
    (0..iterations).fold(start, |shares, _| {
        let of_prototypes = shares.clone().sum_dim(0).clamp_min(LEAST);
        let shares = shares / of_prototypes;
        let of_rows = shares.clone().sum_dim(1).clamp_min(LEAST);
        shares / of_rows
    })
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    fn values(x: Tensor<2>) -> Vec<f32> {
        pollster::block_on(crate::read::read(x)).unwrap()
    }

    fn scores() -> Tensor<2> {
        let rows = [[0.9_f32, 0.1], [0.8, 0.3], [0.7, -0.2], [0.2, 0.4]];
        Tensor::from_data(rows, &Device::flex())
    }

    #[test]
    fn rows_sum_to_one_and_prototypes_are_used_alike() {
        let shares = values(assignments(scores(), Tensor::ones([4, 1], &Device::flex()), 0.5, 50));
        for row in shares.chunks(2) {
            assert!((row[0] + row[1] - 1.0).abs() < 1e-5, "{row:?}");
        }
        let used: f32 = shares.iter().step_by(2).sum();
        assert!((used - 2.0).abs() < 1e-3, "four rows, two prototypes: {used}");
    }

    #[test]
    fn rows_that_do_not_count_are_as_if_not_there() {
        let device = Device::flex();
        let without = assignments(scores().narrow(0, 0, 3), Tensor::ones([3, 1], &device), 0.05, 3);
        let counts = Tensor::from_data([[1.0_f32], [1.0], [1.0], [0.0]], &device);
        let with = assignments(scores(), counts, 0.05, 3).narrow(0, 0, 3);
        for (a, b) in values(with).into_iter().zip(values(without)) {
            assert!((a - b).abs() < 1e-6, "expected {b}, got {a}");
        }
    }
}
