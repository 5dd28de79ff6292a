//! `SupCon`: "Supervised Contrastive Learning" (Khosla et al. 2020), which labels are told to: what
//! methods without labels can be held against.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};

use super::units::own;
use super::{Build, Loss, Method, Network, NoBuffers, Projector, Step, Steps, Terms, contrast};
use crate::augment::views::ViewCount;
use crate::error::Error;
use crate::matrix::Times;
use crate::metrics::Metric;
use crate::range;
use crate::unit::unit_rows;

/// Settings of `SupCon`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SupconSettings {
    /// τ: lower looks harder at the most similar images.
    pub temperature: f64,
}

impl Method for SupconSettings {
    type Heads = Projector;
    type Buffers = NoBuffers;

    fn views(&self) -> ViewCount {
        ViewCount::Exactly(2)
    }

    fn metrics(&self) -> Vec<Metric> {
        contrast::METRICS.to_vec()
    }

    fn check(&self, steps: &Steps) -> Result<(), Error> {
        if steps.labelled_batch == 0 {
            let expected = "at least 1, of images with classes: this method learns from labels";
            return Err(Error::setting("pretraining.labelled_batch", expected, 0));
        }
        range::above_zero("objective.temperature", self.temperature)
    }

    fn heads(&self, build: &mut Build<'_>) -> Result<Projector, Error> {
        Projector::new(build)
    }

    fn buffers(&self, _network: &Network<Projector>, _build: &Build<'_>) -> NoBuffers {
        NoBuffers {}
    }

    fn loss(&self, step: Step<'_, Self>) -> Loss {
        let n = step.batch();
        let projections = step.network.heads.forward(step.features.clone());
        let [features, projections] =
            [step.features, projections].map(|rows| contrast::first_two(rows, n));
        let [first, second] = projections.clone();
        let terms = self.terms([first, second], step.labels);
        let metrics = contrast::measured(&terms.losses, [features, projections], step.accuracy_on);
        Loss { value: terms.reduced(step.reduction), metrics }
    }
}

/// Stands for "never" among similarities: its exponential is 0.
const NEVER: f64 = -1e9;

impl SupconSettings {
    /// One loss an anchor, `[2n]`: −log softmax of its similarities to all others, averaged over those of
    /// its class (the paper's equation 2). An image without a label (below 0) is of a class of
    /// its own, as in `SimCLR`.
    ///
    /// # Shapes
    /// - projections: two views, `[n, dim]` each; labels: `[n]`
    pub fn terms(&self, [first, second]: contrast::Pair, labels: Tensor<1, Int>) -> Terms {
        let [n] = labels.dims();
        let rows = unit_rows(Tensor::cat(vec![first, second], 0));
        let labels = labels.inner();
        let images = Tensor::<1, Int>::arange(0..n as i64, &labels.device());
        // Classes from 0; an image without one is its own, below 0.
        let alone = images.neg().sub_scalar(1);
        let classes = labels.clone().mask_where(labels.lower_elem(0), alone);
        let classes = Tensor::cat(vec![classes.clone(), classes], 0);
        let similarities = rows.clone().times(rows.transpose()).div_scalar(self.temperature);
        let own = own(&similarities);
        let chances = log_softmax(similarities.mask_fill(own.clone(), NEVER), 1);
        let same = classes.clone().reshape([2 * n, 1]).equal(classes.reshape([1, 2 * n]));
        let positives = same.float().mask_fill(own.clone(), 0.0);
        let count = positives.clone().sum_dim(1);
        let sums = (chances.mask_fill(own, 0.0) * positives).sum_dim(1);
        Terms { losses: (sums / count).neg().reshape([2 * n]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::oracle::{Case, check_gradient, matches_oracle};

    const TEMPERATURE: f64 = 0.2;
    /// Classes of five images; the last two have none.
    const LABELS: [i32; 5] = [3, 0, 3, -1, -1];

    fn terms(a: Tensor<2>, b: Tensor<2>) -> Terms {
        let labels = Tensor::from_data(LABELS, &a.device());
        SupconSettings { temperature: TEMPERATURE }.terms([a, b], labels)
    }

    /// The definition, word for word, in f64.
    fn naive(case: &Case) -> f64 {
        let [first, second] = case.unit_views();
        let n = first.len();
        let rows = [first, second].concat();
        let dot = |i: usize, j: usize| -> f64 {
            rows[i].iter().zip(&rows[j]).map(|(a, b)| a * b).sum::<f64>() / TEMPERATURE
        };
        let same = |i: usize, j: usize| {
            let label = LABELS[i % n];
            i % n == j % n || (label >= 0 && label == LABELS[j % n])
        };
        let anchor = |i: usize| {
            let others = || (0..2 * n).filter(move |&j| j != i);
            let all: f64 = others().map(|j| dot(i, j).exp()).sum();
            let positives: Vec<usize> = others().filter(|&j| same(i, j)).collect();
            let sum: f64 = positives.iter().map(|&j| dot(i, j) - all.ln()).sum();
            -sum / positives.len() as f64
        };
        (0..2 * n).map(anchor).sum::<f64>() / (2 * n) as f64
    }

    #[test]
    fn the_loss_is_the_definition() {
        matches_oracle(terms, naive);
    }

    #[test]
    fn the_gradient_is_the_slope() {
        check_gradient(terms, naive);
    }

    /// Without labels it is `SimCLR`.
    #[test]
    fn images_without_labels_are_contrasted_as_in_simclr() {
        use crate::method::simclr::{SimclrForm, SimclrSettings};
        let [a, b] = Case::example().tensors(&burn::tensor::Device::flex());
        let unknown = Tensor::from_data([-1; 5], &a.device());
        let supcon = SupconSettings { temperature: TEMPERATURE };
        let own = supcon.terms([a.clone(), b.clone()], unknown).losses;
        let form = SimclrForm::BothViews;
        let other = SimclrSettings { temperature: TEMPERATURE, form }.terms(a, b).losses;
        let read = |x| pollster::block_on(crate::read::read(x)).unwrap();
        for (own, other) in read(own).into_iter().zip(read(other)) {
            assert!((own - other).abs() < 1e-5, "expected {other}, got {own}");
        }
    }
}
