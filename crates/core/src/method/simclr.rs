//! `SimCLR` (Chen et al. 2020).

use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};

use super::{Build, Loss, Method, Network, NoBuffers, Projector, Step, Steps, Terms, contrast};
use crate::augment::views::ViewCount;
use crate::error::Error;
use crate::loss::diagonal_cross_entropy;
use crate::matrix::Times;
use crate::metrics::Metric;
use crate::range;
use crate::unit::unit_rows;

/// Settings of `SimCLR`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimclrSettings {
    /// τ: lower looks harder at the most similar pictures.
    pub temperature: f64,
    /// Which pictures are negatives.
    pub form: SimclrForm,
}

/// Two forms in use under one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SimclrForm {
    /// Other pictures' other view only: N − 1 negatives (the Keras example; N-pairs, CLIP).
    CrossView,
    /// Both views of the other pictures: 2N − 2 negatives (the paper's equation 1).
    BothViews,
}

impl Method for SimclrSettings {
    type Heads = Projector;
    type Buffers = NoBuffers;

    fn views(&self) -> ViewCount {
        ViewCount::Exactly(2)
    }

    fn metrics(&self) -> Vec<Metric> {
        contrast::METRICS.to_vec()
    }

    fn check(&self, _steps: &Steps) -> Result<(), Error> {
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
        let terms = self.terms(first, second);
        let metrics = contrast::measured(&terms.losses, [features, projections], step.accuracy_on);
        Loss { value: terms.reduced(step.reduction), metrics }
    }
}

/// Stands for "never" among similarities: its exponential is 0.
const NEVER: f64 = -1e9;

impl SimclrSettings {
    /// The losses of a batch; `[2n]` in the both-views form, `[n]` in the cross-view form, where
    /// the two directions of a pair are averaged as in the Keras example.
    ///
    /// # Shapes
    /// - first, second: `[n, dim]`, projections of two views of the same pictures
    pub fn terms(&self, first: Tensor<2>, second: Tensor<2>) -> Terms {
        let (first, second) = (unit_rows(first), unit_rows(second));
        let across = first.clone().times(second.clone().transpose()).div_scalar(self.temperature);
        let back = across.clone().transpose();
        let losses = match self.form {
            SimclrForm::CrossView => {
                (diagonal_cross_entropy(across) + diagonal_cross_entropy(back)).div_scalar(2.0)
            }
            SimclrForm::BothViews => {
                let with =
                    |across, view| Tensor::cat(vec![across, same_view(view, self.temperature)], 1);
                let both = [with(across, first), with(back, second)];
                Tensor::cat(both.map(diagonal_cross_entropy).to_vec(), 0)
            }
        };
        Terms { losses }
    }
}

/// Similarities within one view, each picture's to itself removed, `[n, n]`.
fn same_view(view: Tensor<2>, temperature: f64) -> Tensor<2> {
    let [n, _] = view.dims();
    let numbers = Tensor::<1, Int>::arange(0..n as i64, &view.device());
    let own = numbers.clone().reshape([n, 1]).equal(numbers.reshape([1, n]));
    view.clone().times(view.transpose()).div_scalar(temperature).mask_fill(own, NEVER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::oracle::{Case, Rows, check_gradient, constant_costs_most, matches_oracle};

    fn settings(form: SimclrForm) -> SimclrSettings {
        SimclrSettings { temperature: 0.2, form }
    }

    const FORMS: [SimclrForm; 2] = [SimclrForm::CrossView, SimclrForm::BothViews];

    /// exp(cosine / τ) of two unit rows.
    fn similar(a: &[f64], b: &[f64]) -> f64 {
        let dot: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
        (dot / 0.2).exp()
    }

    /// −log of the positive's share among all candidates of anchor `i` of `view`.
    fn anchor(view: &Rows, other: &Rows, i: usize, form: SimclrForm) -> f64 {
        let across = other.iter().map(|row| similar(&view[i], row)).sum::<f64>();
        let within = view.iter().map(|row| similar(&view[i], row)).sum::<f64>();
        let all = match form {
            SimclrForm::CrossView => across,
            SimclrForm::BothViews => across + within - similar(&view[i], &view[i]),
        };
        -(similar(&view[i], &other[i]) / all).ln()
    }

    /// The definition, word for word, in f64.
    fn naive(case: &Case, form: SimclrForm) -> f64 {
        let [first, second] = case.unit_views();
        let n = first.len();
        let both = |i| anchor(&first, &second, i, form) + anchor(&second, &first, i, form);
        (0..n).map(both).sum::<f64>() / (2 * n) as f64
    }

    #[test]
    fn the_loss_is_the_definition() {
        for form in FORMS {
            let terms = |a, b| settings(form).terms(a, b);
            matches_oracle(terms, |case| naive(case, form));
        }
    }

    #[test]
    fn the_gradient_is_the_slope() {
        for form in FORMS {
            check_gradient(|a, b| settings(form).terms(a, b), |case| naive(case, form));
        }
    }

    #[test]
    fn collapse_costs() {
        for form in FORMS {
            constant_costs_most(|a, b| settings(form).terms(a, b));
        }
    }
}
