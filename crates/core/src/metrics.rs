//! What training shows besides its loss. Everything stays on the device, without autodiff.

mod described;
mod average;
mod itself;

use burn::tensor::{Int, Tensor};

use crate::matrix::Times;
use crate::unit::unit_rows;
use itself::{Counts, finds_itself};

pub use average::{AverageMeter, Metrics};
pub use described::{Better, Metric, Shown, Unit};

/// [`contrastive_accuracy`].
pub const CONTRASTIVE_ACCURACY: Metric =
    Metric::share("contrastive_accuracy", "Contrastive accuracy", "contrast");
/// [`Correlations::accuracy`].
pub const CORRELATION_ACCURACY: Metric =
    Metric::share("correlation_accuracy", "Correlation accuracy", "correlation");
/// [`Correlations::accuracy_by_keras`].
pub const KERAS_CORRELATION_ACCURACY: Metric = Metric::share(
    "keras_correlation_accuracy",
    "Correlation accuracy by Keras's formula (dead units are wrong)",
    "by Keras's formula",
)
.shown(Shown::Line);
/// [`dead_units`], [`Correlations::dead_units`].
pub const DEAD_UNITS: Metric = Metric {
    better: Better::Lower,
    ..Metric::share("dead_units", "Dead units", "dead units").shown(Shown::File)
};
/// [`feature_spread`].
pub const FEATURE_SPREAD: Metric = Metric {
    better: Better::Higher,
    ..Metric::number(
        "feature_spread",
        "Spread of the features (1 fills the sphere, 0 is collapse)",
        Unit::None,
    )
    .shown(Shown::Report)
};
/// [`accuracy`] of a classifier on the images that it learns from.
pub const ACCURACY: Metric = Metric::share("accuracy", "Training accuracy", "training");
/// Cross-entropy of a classifier on the images that it learns from.
pub const CLASSIFIER_LOSS: Metric =
    Metric::loss("Training loss of the classifier", Unit::CrossEntropy);

/// A unit whose standard deviation over a batch is below this says nothing: it is dead.
pub const DEAD: f64 = 1e-6;

/// Share of views that find their other view as the most similar of the batch, both directions.
///
/// # Shapes
/// - first, second: `[n, d]`, features or projections of two views of the same pictures
/// - result: `[1]`
pub fn contrastive_accuracy(first: Tensor<2>, second: Tensor<2>) -> Tensor<1> {
    let similarities = unit_rows(first.inner()).times(unit_rows(second.inner()).transpose());
    let back = similarities.clone().transpose();
    (own_share(similarities) + own_share(back)).div_scalar(2.0)
}

/// Share of rows whose largest column is the row's own number, `[1]`.
fn own_share(similarities: Tensor<2>) -> Tensor<1> {
    let [n, _] = similarities.dims();
    let own = Tensor::<1, Int>::arange(0..n as i64, &similarities.device()).reshape([n, 1]);
    similarities.argmax(1).equal(own).float().mean()
}

/// Mean and standard deviation (over n) of each unit over the batch, `[1, d]` each.
fn moments(x: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
    let mean = x.clone().mean_dim(0);
    let deviation = (x - mean.clone()).square().mean_dim(0).sqrt();
    (mean, deviation)
}

/// Correlations of units across two views, and which units vary.
#[derive(Debug)]
pub struct Correlations {
    /// Units of the first view against units of the second, `[d, d]`.
    table: Tensor<2>,
    /// Units that vary in the first view and in the second, 1 or 0, `[1, d]` each.
    living: [Tensor<2>; 2],
    /// Of the units of the first view, `[1, d]`.
    deviation: Tensor<2>,
}

impl Correlations {
    /// # Shapes
    /// - first, second: `[n, d]`
    pub fn of(first: Tensor<2>, second: Tensor<2>) -> Self {
        let views = [first.inner(), second.inner()];
        let [n, _] = views[0].dims();
        let standardised = |view: Tensor<2>| {
            let (mean, deviation) = moments(view.clone());
            let living = deviation.clone().greater_elem(DEAD).float();
            ((view - mean) / deviation.clone().clamp_min(DEAD), living, deviation)
        };
        let [(first, living1, deviation), (second, living2, _)] = views.map(standardised);
        let table = first.transpose().times(second).div_scalar(n as f64);
        Self { table, living: [living1, living2], deviation }
    }

    /// Share of units that correlate most with themselves across the views, both directions, over the
    /// units that vary in both views, `[1]`.
    ///
    /// Dead units, which standardisation would turn into NaN, neither count nor compete; 0 if all are
    /// dead. [`Self::accuracy_by_keras`] is what the Keras NNCLR examples print.
    pub fn accuracy(&self) -> Tensor<1> {
        let [first, second] = self.living.clone();
        let [d, _] = self.table.dims();
        let living = first * second;
        let counts = Counts { rows: None, columns: living.clone() };
        let rows = living.clone().reshape([d, 1]);
        let right = |table| (finds_itself(table, counts.clone()) * rows.clone()).sum();
        let found = right(self.table.clone()) + right(self.table.clone().transpose());
        found.div_scalar(2.0) / living.sum().clamp_min(1.0)
    }

    /// The correlation accuracy of the Keras NNCLR examples, over all units, both directions, `[1]`.
    ///
    /// There a dead unit's correlations are NaN, TensorFlow's argmax passes over NaN, and of NaN alone
    /// it finds 0: a dead unit is never right, but for unit 0, which always is.
    pub fn accuracy_by_keras(&self) -> Tensor<1> {
        let [first, second] = self.living.clone();
        let [d, _] = self.table.dims();
        let counts = |rows: Tensor<2>, columns| {
            let rows = rows.reshape([d, 1]);
            Counts { rows: Some(rows), columns }
        };
        let there = finds_itself(self.table.clone(), counts(first.clone(), second.clone()));
        let back = finds_itself(self.table.clone().transpose(), counts(second, first));
        let found = there.sum() + back.sum();
        found.div_scalar(2.0 * d as f64)
    }

    /// [`dead_units`] of the first view.
    pub fn dead_units(&self) -> Tensor<1> {
        dead(self.deviation.clone())
    }
}

/// Share of units that do not vary over the batch, `[1]`.
pub fn dead_units(features: Tensor<2>) -> Tensor<1> {
    let (_, deviation) = moments(features.inner());
    dead(deviation)
}

fn dead(deviation: Tensor<2>) -> Tensor<1> {
    deviation.lower_equal_elem(DEAD).float().mean()
}

/// Standard deviation (over n) of each dimension of unit features, averaged over dimensions, `[1]`.
fn unit_moment(features: Tensor<2>) -> Tensor<1> {
    let (_, deviation) = moments(unit_rows(features.inner()));
    deviation.mean()
}

/// Standard deviation of unit features, averaged over dimensions, against the 1/√d of features
/// that fill the sphere: 1 is healthy, 0 is collapse (Chen and He 2021, section 4.1). `[1]`
pub fn feature_spread(features: Tensor<2>) -> Tensor<1> {
    let [_, d] = features.dims();
    unit_moment(features).mul_scalar((d as f64).sqrt())
}

/// The same deviation as papers and lightly report it: over n - 1 and not scaled, so that features
/// that fill the sphere have 1/√d. It is [`feature_spread`] / √d · √(n / (n - 1)). `[1]`
///
/// # Shapes
/// - features: `[n, d]`, n at least 2
pub fn unit_deviation(features: Tensor<2>) -> Tensor<1> {
    let n = features.dims()[0] as f64;
    unit_moment(features).mul_scalar((n / (n - 1.0)).sqrt())
}

/// Share of rows whose largest logit is their label, `[1]`.
pub fn accuracy(logits: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<1> {
    let [n, _] = logits.dims();
    logits.inner().argmax(1).reshape([n]).equal(labels.inner()).float().mean()
}

/// Of the neighbours whose label and whose query's label are known (not negative): how many agree,
/// and how many there are, `[1]` each.
pub fn label_agreement(queries: Tensor<1, Int>, neighbours: Tensor<1, Int>) -> [Tensor<1>; 2] {
    let known = queries.clone().greater_equal_elem(0).float()
        * neighbours.clone().greater_equal_elem(0).float();
    let agree = queries.equal(neighbours).float() * known.clone();
    [agree.sum(), known.sum()]
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests run natively and read what they computed")]
mod tests {
    use burn::tensor::Device;

    use super::*;

    fn value(x: Tensor<1>) -> f32 {
        x.into_data().try_to_vec::<f32>().unwrap()[0]
    }

    fn features(rows: [[f32; 3]; 4]) -> Tensor<2> {
        Tensor::from_data(rows, &Device::flex())
    }

    const FIRST: [[f32; 3]; 4] =
        [[1.0, 0.0, 5.0], [0.0, 0.0, 1.0], [3.0, 0.0, 2.0], [1.0, 0.0, 9.0]];

    #[test]
    fn a_dead_unit_does_not_count() {
        assert_eq!(value(Correlations::of(features(FIRST), features(FIRST)).accuracy()), 1.0);
        let both = Correlations::of(features(FIRST), features([[1.0; 3]; 4]));
        for share in [dead_units(features(FIRST)), both.dead_units()] {
            assert!((value(share) - 1.0 / 3.0).abs() < 1e-6);
        }
        let dead = Tensor::zeros([4, 3], &Device::flex());
        assert_eq!(value(Correlations::of(dead.clone(), dead).accuracy()), 0.0);
    }

    #[test]
    fn to_keras_a_dead_unit_is_wrong_unless_it_is_the_first() {
        let share =
            |rows| value(Correlations::of(features(rows), features(rows)).accuracy_by_keras());
        assert!((share(FIRST) - 2.0 / 3.0).abs() < 1e-6);
        assert_eq!(share(FIRST.map(|[a, b, c]| [b, a, c])), 1.0);
        assert!((share([[0.0; 3]; 4]) - 1.0 / 3.0).abs() < 1e-6);
    }

    #[test]
    fn swapped_units_are_not_found() {
        let swapped = FIRST.map(|[a, b, c]| [c, b, a]);
        assert_eq!(value(Correlations::of(features(FIRST), features(swapped)).accuracy()), 0.0);
    }

    #[test]
    fn of_twins_the_first_is_found() {
        let twins = features([[1.0, 2.0, 0.0], [0.0, 0.0, 1.0], [3.0, 6.0, 1.0], [1.0, 2.0, 0.5]]);
        let share = value(Correlations::of(twins.clone(), twins).accuracy());
        assert!((share - 2.0 / 3.0).abs() < 1e-6, "two of three units are the same: {share}");
    }

    #[test]
    fn collapse_has_no_spread() {
        assert!(value(feature_spread(Tensor::ones([4, 3], &Device::flex()))) < 1e-3);
    }

    #[test]
    fn unknown_labels_do_not_count() {
        let device = Device::flex();
        let labels = |l: [i32; 4]| Tensor::<1, Int>::from_data(l, &device);
        let [agree, known] = label_agreement(labels([1, 2, -1, 3]), labels([1, 3, -1, -1]));
        assert_eq!((value(agree), value(known)), (1.0, 2.0));
    }
}
