//! Noisy Student (Xie et al. 2020): labels of unlabelled images come once a round from a teacher.

use burn::tensor::{Int, Tensor};

use crate::loss::cross_entropy;

/// Equation 2 of the paper: the mean cross-entropy of all images, in which those that the teacher
/// labelled weigh `weight` and the others 1, `[1]`.
///
/// # Shapes
/// - logits: `[n, classes]`; labels: `[n]`, those of a teacher for the first `taught` images
pub fn loss(logits: Tensor<2>, labels: Tensor<1, Int>, taught: usize, weight: f64) -> Tensor<1> {
    let [n, _] = logits.dims();
    let teachers = vec![weight as f32; taught];
    let weights: Vec<f32> = teachers.into_iter().chain(vec![1.0; n - taught]).collect();
    let weights = Tensor::<1>::from_floats(weights.as_slice(), &labels.device());
    (cross_entropy(logits, labels) * weights).mean()
}
