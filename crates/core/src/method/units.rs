//! Units of a batch against each other: their means, and a matrix's diagonal and its rest.

use burn::tensor::{Bool, Int, Tensor};

/// Each unit less its mean over the batch.
///
/// # Shapes
/// - x, result: `[n, units]`
pub(super) fn centred(x: Tensor<2>) -> Tensor<2> {
    let mean = x.clone().mean_dim(0);
    x - mean
}

/// The numbers of units with themselves, `[units]`.
pub(super) fn diagonal(matrix: Tensor<2>) -> Tensor<1> {
    let [units, _] = matrix.dims();
    let others = own(&matrix).bool_not();
    matrix.mask_fill(others, 0.0).sum_dim(1).reshape([units])
}

/// The matrix with 0 for units with themselves.
pub(super) fn off_diagonal(matrix: Tensor<2>) -> Tensor<2> {
    let own = own(&matrix);
    matrix.mask_fill(own, 0.0)
}

/// Where a unit meets itself.
pub(super) fn own(matrix: &Tensor<2>) -> Tensor<2, Bool> {
    let [units, _] = matrix.dims();
    let numbers = Tensor::<1, Int>::arange(0..units as i64, &matrix.device());
    numbers.clone().reshape([units, 1]).equal(numbers.reshape([1, units]))
}
