//! What methods share that make views agree, and what tells whether they have collapsed.

use burn::tensor::Tensor;

use super::contrast::Pair;
use super::{AccuracyOn, Reduction, Steps};
use crate::error::Error;
use crate::head::Head;
use crate::metrics::{self, Better, Metric, Shown, Unit};

/// The loss of methods without negatives.
pub const LOSS: Metric = Metric::loss("Loss", Unit::Loss);

/// How far projections fill the sphere: the first sign of collapse.
pub const PROJECTION_SPREAD: Metric = Metric {
    better: Better::Higher,
    ..Metric::number(
        "projection_spread",
        "Spread of the projections (1 fills the sphere, 0 is collapse)",
        Unit::None,
    )
    .shown(Shown::Report)
};

/// What [`measured`] gives, in its order.
pub const METRICS: [Metric; 5] = [
    LOSS,
    metrics::CONTRASTIVE_ACCURACY,
    PROJECTION_SPREAD,
    metrics::FEATURE_SPREAD,
    metrics::DEAD_UNITS,
];

/// Measures a step by the first two views.
pub fn measured(
    loss: &Tensor<1>,
    [features, projections]: [Pair; 2],
    accuracy_on: AccuracyOn,
) -> Vec<(Metric, Tensor<1>)> {
    let [left, right] = match accuracy_on {
        AccuracyOn::Features => features.clone(),
        AccuracyOn::Projections => projections.clone(),
    };
    let ([features, _], [projections, _]) = (features, projections);
    let values = [
        loss.clone(),
        metrics::contrastive_accuracy(left, right),
        metrics::feature_spread(projections),
        metrics::feature_spread(features.clone()),
        metrics::dead_units(features),
    ];
    METRICS.into_iter().zip(values).collect()
}

/// Refuses to sum a loss that is no sum over images.
///
/// # Errors
/// [`Error::Setting`] for a sum.
pub fn mean_alone(steps: &Steps) -> Result<(), Error> {
    match steps.reduction {
        Reduction::Mean => Ok(()),
        Reduction::Sum => {
            let expected = "mean: this method's loss is no sum over images";
            Err(Error::setting("pretraining.reduction", expected, "sum"))
        }
    }
}

/// The views' rows, `[n, dim]` each.
pub fn views_of(rows: &Tensor<2>, n: usize) -> Vec<Tensor<2>> {
    let views = rows.dims()[0] / n;
    (0..views).map(|view| rows.clone().narrow(0, view * n, n)).collect()
}

/// What a head makes of each view alone, the first one first: where it normalises by the batch, a
/// batch is one view.
pub fn each_alone(head: Option<&Head>, views: &[Tensor<2>]) -> Vec<Tensor<2>> {
    views.iter().map(|view| Head::maybe(head, view.clone())).collect()
}

/// The only two of two.
pub(super) fn pair(views: Vec<Tensor<2>>) -> Pair {
    views.try_into().expect("two views: the method's own number")
}

/// Mean cosine of rows, `[1]`; the second has no gradient.
pub fn mean_cosine(first: Tensor<2>, second: Tensor<2>) -> Tensor<1> {
    let (first, second) = (crate::unit::unit_rows(first), crate::unit::unit_rows(second.inner()));
    (first * second).sum_dim(1).mean()
}
