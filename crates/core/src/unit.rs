//! Vectors of length one, which cosine similarity compares.

use burn::tensor::Tensor;

/// Rows divided by their length; a row of zeros stays zero (TensorFlow's `l2_normalize`).
pub fn unit_rows(x: Tensor<2>) -> Tensor<2> {
    /// TensorFlow's own bound on the squared length.
    const LEAST_SQUARE: f64 = 1e-12;
    let length = x.clone().square().sum_dim(1).clamp_min(LEAST_SQUARE).sqrt();
    x / length
}
