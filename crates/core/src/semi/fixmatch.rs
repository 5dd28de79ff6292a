//! `FixMatch` (Sohn et al. 2020): what a weak view is taken for, a strong view must be taken for.

use burn::tensor::activation::softmax;
use burn::tensor::{Int, Tensor};

use crate::loss::cross_entropy;

/// What unlabelled pictures cost.
#[derive(Clone, Debug)]
pub struct Agreement {
    /// Cross-entropy of each strong view with its weak view's label; 0 where that is below its
    /// threshold. `[n]`.
    pub losses: Tensor<1>,
    /// 1 where the weak view's label passes its threshold, else 0. `[n]`, without autodiff.
    pub mask: Tensor<1>,
    /// The likeliest class of each weak view, `[n]`, without autodiff.
    pub labels: Tensor<1, Int>,
    /// Its probability, `[n]`, without autodiff.
    pub certainty: Tensor<1>,
}

/// Equation 4 of the paper, before its mean: 1(max q ≥ τ) · H(argmax q, p), with q of the weak view,
/// through which no gradient flows, and p of the strong one.
///
/// # Shapes
/// - weak, strong: logits, `[n, classes]`
/// - thresholds: τ of each class in [0, 1], `[classes]`, without autodiff
pub fn agreement(weak: Tensor<2>, strong: Tensor<2>, thresholds: Tensor<1>) -> Agreement {
    let [n, _] = weak.dims();
    let probabilities = softmax(weak.inner(), 1);
    let labels = probabilities.clone().argmax(1).reshape([n]);
    let certainty = probabilities.max_dim(1).reshape([n]);
    let enough = thresholds.select(0, labels.clone());
    let passes = certainty.clone().greater_equal(enough).float();
    let targets = if strong.is_autodiff() { labels.clone().autodiff() } else { labels.clone() };
    let mask = if strong.is_autodiff() { passes.clone().autodiff() } else { passes.clone() };
    Agreement { losses: cross_entropy(strong, targets) * mask, mask: passes, labels, certainty }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests run natively and read what they computed")]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;
    use crate::rng::{Purpose, stream};

    type Rows = Vec<Vec<f64>>;

    const CLASSES: usize = 3;

    fn logits(seed: u64, scale: f64) -> Rows {
        let mut stream = stream(seed, Purpose::Test, 0, 0);
        (0..7).map(|_| (0..CLASSES).map(|_| scale * stream.normal()).collect()).collect()
    }

    fn tensor(rows: &Rows, device: &Device) -> Tensor<2> {
        let numbers: Vec<f32> = rows.iter().flatten().map(|x| *x as f32).collect();
        Tensor::from_data(TensorData::new(numbers, [rows.len(), CLASSES]), device)
    }

    fn probabilities(row: &[f64]) -> Vec<f64> {
        let e: Vec<f64> = row.iter().map(|x| x.exp()).collect();
        let sum: f64 = e.iter().sum();
        e.iter().map(|x| x / sum).collect()
    }

    const THRESHOLDS: [f64; CLASSES] = [0.6, 0.8, 0.7];

    fn naive(weak: &Rows, strong: &Rows) -> Vec<f64> {
        let cost = |(weak, strong): (&Vec<f64>, &Vec<f64>)| {
            let q = probabilities(weak);
            let label = (0..CLASSES).max_by(|&a, &b| q[a].total_cmp(&q[b])).unwrap();
            if q[label] >= THRESHOLDS[label] { -probabilities(strong)[label].ln() } else { 0.0 }
        };
        weak.iter().zip(strong).map(cost).collect()
    }

    fn thresholds() -> Tensor<1> {
        Tensor::from_data(THRESHOLDS.map(|t| t as f32), &Device::flex())
    }

    #[test]
    fn the_losses_are_the_definition_and_some_are_masked() {
        let (weak, strong) = (logits(1, 2.0), logits(2, 1.0));
        let device = Device::flex();
        let found = agreement(tensor(&weak, &device), tensor(&strong, &device), thresholds());
        let expected = naive(&weak, &strong);
        assert!(expected.contains(&0.0) && expected.iter().any(|x| *x > 0.0));
        let got = found.losses.into_data().try_to_vec::<f32>().unwrap();
        for (got, expected) in got.iter().zip(expected) {
            assert!((f64::from(*got) - expected).abs() < 1e-5, "expected {expected}, got {got}");
        }
    }

    #[test]
    fn the_gradient_is_the_slope_in_strong_views_and_none_in_weak_ones() {
        const STEP: f64 = 1e-5;
        let (weak, strong) = (logits(1, 2.0), logits(2, 1.0));
        let device = Device::flex().autodiff();
        let tracked = [&weak, &strong].map(|rows| tensor(rows, &device).require_grad());
        let [w, s] = tracked.clone();
        let gradients = agreement(w, s, thresholds()).losses.sum().backward();
        assert!(tracked[0].grad(&gradients).is_none(), "labels must not learn");
        let got = tracked[1].grad(&gradients).unwrap().into_data().try_to_vec::<f32>().unwrap();
        for (place, got) in got.into_iter().enumerate() {
            let at = |step: f64| {
                let mut strong = strong.clone();
                strong[place / CLASSES][place % CLASSES] += step;
                naive(&weak, &strong).iter().sum::<f64>()
            };
            let slope = (at(STEP) - at(-STEP)) / (2.0 * STEP);
            assert!((f64::from(got) - slope).abs() < 1e-4, "slope {slope}, gradient {got}");
        }
    }

    #[test]
    fn the_order_of_pictures_does_not_matter() {
        let (mut weak, mut strong) = (logits(1, 2.0), logits(2, 1.0));
        let device = Device::flex();
        let total = |weak: &Rows, strong: &Rows| {
            let found = agreement(tensor(weak, &device), tensor(strong, &device), thresholds());
            found.losses.sum().into_data().try_to_vec::<f32>().unwrap()[0]
        };
        let before = total(&weak, &strong);
        weak.reverse();
        strong.reverse();
        assert!((total(&weak, &strong) - before).abs() < 1e-5);
    }
}
