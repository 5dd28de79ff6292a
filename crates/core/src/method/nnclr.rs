//! NNCLR: "With a Little Help from My Friends" (Dwibedi et al. 2021).

use burn::module::Module;
use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};

use super::contrast::{self, Pair, Terms};
use super::simclr::{SimclrForm, SimclrSettings};
use super::{Build, Loss, Method, Network, Step, Steps};
use crate::augment::views::ViewCount;
use crate::error::Error;
use crate::head::{Head, HeadSettings};
use crate::loss::diagonal_cross_entropy;
use crate::matrix::Times;
use crate::metrics::{self, Metric, Shown, Unit};
use crate::range;
use crate::support::SupportSet;
use crate::unit::unit_rows;

/// Settings of NNCLR.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NnclrSettings {
    /// τ: lower looks harder at the most similar pictures.
    pub temperature: f64,
    /// Rows of the support set: more finds closer neighbours, but staler ones.
    pub queue: usize,
    /// Which way the gradient takes.
    pub form: NnclrForm,
}

/// Forms in use under one name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[serde(expecting = "a form's settings, `kind` among them")]
pub enum NnclrForm {
    /// The Keras example: four terms, and a neighbour that passes its gradient straight through to
    /// the projection it replaces.
    StraightThrough,
    /// The paper's equation 4: two terms, the neighbour is a constant, the other view goes through
    /// a predictor.
    StopGradient {
        /// Shape of the predictor.
        predictor: HeadSettings,
    },
    /// Lightly's: `SimCLR`'s loss of neighbours and predictions, in which neighbours repel each other
    /// too, and predictions each other.
    SameViewNegatives {
        /// Shape of the predictor.
        predictor: HeadSettings,
    },
}

/// Projection head and predictor, where there are such.
#[derive(Module, Debug)]
pub struct Heads {
    projection: Option<Head>,
    predictor: Option<Head>,
}

/// The support set.
#[derive(Module, Debug)]
pub struct Buffers {
    /// Recent projections.
    support: SupportSet,
}

/// The losses of a batch, and what it found in the support set.
#[derive(Clone, Debug)]
pub struct Found {
    /// One loss an anchor and direction.
    pub terms: Terms,
    /// Index of the neighbour of each first and of each second view, `[n]` each.
    pub indices: [Tensor<1, Int>; 2],
    /// Unit projections of the first views, to be pushed after the step, `[n, dim]`.
    pub newest: Tensor<2>,
}

/// Of the neighbours whose class and whose image's class are known: how many agree.
const AGREEING: Metric =
    Metric::number("neighbours_agreeing", "Neighbours of the same class", Unit::None);
/// Neighbours whose class and whose image's class are known.
const KNOWN: Metric =
    Metric::number("neighbours_known", "Neighbours whose class is known", Unit::None);
/// Steps since neighbours were pushed.
const AGE: Metric =
    Metric::number("queue_age", "Age of the neighbours", Unit::Steps).shown(Shown::Report);
/// The most rows of a support set: the paper's is 98,304.
const MOST_ROWS: u64 = 1 << 20;

impl Method for NnclrSettings {
    type Heads = Heads;
    type Buffers = Buffers;

    fn views(&self) -> ViewCount {
        ViewCount::Exactly(2)
    }

    fn metrics(&self) -> Vec<Metric> {
        contrast::METRICS.into_iter().chain([AGREEING, KNOWN, AGE]).collect()
    }

    fn check(&self, steps: &Steps) -> Result<(), Error> {
        range::count("objective.queue", self.queue as u64, 1..=MOST_ROWS)?;
        SupportSet::check(self.queue, steps.batch()).map_err(|e| e.below("objective"))?;
        if let Some(predictor) = self.predictor() {
            predictor.check().map_err(|e| e.below("objective.form.predictor"))?;
        }
        range::above_zero("objective.temperature", self.temperature)
    }

    fn heads(&self, build: &mut Build<'_>) -> Result<Heads, Error> {
        let projection = build.projection()?;
        let predictor = self.predictor().map(|head| build.predictor(head)).transpose();
        let predictor = predictor.map_err(|e| e.below("objective.form.predictor"))?;
        Ok(Heads { projection, predictor })
    }

    fn buffers(&self, _network: &Network<Heads>, build: &Build<'_>) -> Buffers {
        let (size, dim) = (self.queue, build.projected());
        Buffers { support: SupportSet::random(size, dim, build.seed, &build.plain_device()) }
    }

    fn loss(&self, step: Step<'_, Self>) -> Loss {
        let (n, heads) = (step.batch(), &step.network.heads);
        let projections = Head::maybe(heads.projection.as_ref(), step.features.clone());
        let predictions = heads.predictor.as_ref().map(|head| head.forward(projections.clone()));
        let pair = |rows| contrast::first_two(rows, n);
        let projections = pair(projections);
        let found = self.found(projections.clone(), predictions.map(pair), &step.buffers.support);
        let compared = [pair(step.features), projections];
        let mut metrics = contrast::measured(&found.terms.losses, compared, step.accuracy_on);
        let value = found.terms.reduced(step.reduction);
        metrics.extend(push(&mut step.buffers.support, found, step.labels));
        Loss { value, metrics }
    }
}

/// Moves the support set on and measures what was found in it.
fn push(
    support: &mut SupportSet,
    found: Found,
    labels: Tensor<1, Int>,
) -> [(Metric, Tensor<1>); 3] {
    let [first, _] = found.indices;
    let [n] = labels.dims();
    let theirs = support.labels().select(0, first.clone());
    let [agree, known] = metrics::label_agreement(labels.clone(), theirs);
    let age = SupportSet::mean_age(first, n);
    support.push(found.newest, labels);
    [(AGREEING, agree), (KNOWN, known), (AGE, age)]
}

impl NnclrSettings {
    /// Shape of the predictor, if the form has one.
    fn predictor(&self) -> Option<&HeadSettings> {
        match &self.form {
            NnclrForm::StopGradient { predictor } | NnclrForm::SameViewNegatives { predictor } => {
                Some(predictor)
            }
            NnclrForm::StraightThrough => None,
        }
    }

    /// The losses of a batch: `[2n]` stop-gradient, `[4n]` the other forms.
    ///
    /// # Shapes
    /// - projections: two views, `[n, dim]` each
    /// - predictions: the predictor's view of them; the straight-through form has none
    pub fn found(
        &self,
        projections: Pair,
        predictions: Option<Pair>,
        support: &SupportSet,
    ) -> Found {
        let units = projections.map(unit_rows);
        let indices = units.clone().map(|unit| support.nearest(unit.inner()));
        let found = indices.clone().map(|indices| support.select(indices));
        let newest = units[0].clone().inner();
        let entropies = |logits: Vec<Tensor<2>>| {
            Tensor::cat(logits.into_iter().map(diagonal_cross_entropy).collect(), 0)
        };
        let losses = match (&self.form, predictions) {
            (NnclrForm::StopGradient { .. }, Some(predictions)) => {
                entropies(self.stop_gradient(found, predictions.map(unit_rows)))
            }
            (NnclrForm::SameViewNegatives { .. }, Some(predictions)) => {
                self.same_view_negatives(found, predictions)
            }
            _ => entropies(self.straight_through(found, units)),
        };
        Found { terms: Terms { losses }, indices, newest }
    }

    /// NN(p₁)·p₂ᵀ, p₂·NN(p₁)ᵀ, NN(p₂)·p₁ᵀ, p₁·NN(p₂)ᵀ over τ, with NN(p) = p + sg(q − p).
    fn straight_through(&self, found: [Tensor<2>; 2], units: [Tensor<2>; 2]) -> Vec<Tensor<2>> {
        let [friend1, friend2] = found;
        let [p1, p2] = units;
        let through = |friend: Tensor<2>, p: Tensor<2>| p.clone() + (friend - p.inner());
        let (n1, n2) = (through(friend1, p1.clone()), through(friend2, p2.clone()));
        let first = n1.times(p2.transpose()).div_scalar(self.temperature);
        let second = n2.times(p1.transpose()).div_scalar(self.temperature);
        vec![first.clone(), first.transpose(), second.clone(), second.transpose()]
    }

    /// `SimCLR`'s losses of NN(z₁) and q(z₂), and of NN(z₂) and q(z₁).
    fn same_view_negatives(
        &self,
        [friend1, friend2]: [Tensor<2>; 2],
        [first, second]: [Tensor<2>; 2],
    ) -> Tensor<1> {
        let form = SimclrForm::BothViews;
        let contrast = SimclrSettings { temperature: self.temperature, form };
        let pairs = [(friend1, second), (friend2, first)];
        let losses = pairs.map(|(friend, predicted)| contrast.terms(friend, predicted).losses);
        Tensor::cat(losses.to_vec(), 0)
    }

    /// NN(z₁)·q(z₂)ᵀ and NN(z₂)·q(z₁)ᵀ over τ.
    fn stop_gradient(&self, found: [Tensor<2>; 2], predictions: [Tensor<2>; 2]) -> Vec<Tensor<2>> {
        let [friend1, friend2] = found;
        let [q1, q2] = predictions;
        [(friend1, q2), (friend2, q1)]
            .map(|(friend, q)| q.times(friend.transpose()).transpose().div_scalar(self.temperature))
            .to_vec()
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::method::oracle::{Case, Rows, check_gradient, matches_oracle, rows_of, unit};

    const TEMPERATURE: f64 = 0.2;

    fn support() -> SupportSet {
        SupportSet::random(9, Case::DIM, 4, &Device::flex())
    }

    fn straight(a: Tensor<2>, b: Tensor<2>) -> Terms {
        let form = NnclrForm::StraightThrough;
        let settings = NnclrSettings { temperature: TEMPERATURE, queue: 9, form };
        settings.found([a, b], None, &support()).terms
    }

    fn stopped(a: Tensor<2>, b: Tensor<2>) -> Terms {
        let predictor = HeadSettings::new(vec![], Case::DIM);
        let form = NnclrForm::StopGradient { predictor };
        // The predictor of this test doubles the first coordinate, so that projections, which
        // choose the neighbours, and predictions, which are trained, are told apart.
        let predict = |x: Tensor<2>| {
            let device = x.device();
            let scale: [[f32; Case::DIM]; 1] =
                [core::array::from_fn(|i| if i == 0 { 2.0 } else { 1.0 })];
            x * Tensor::<2>::from_data(scale, &device)
        };
        let predictions = Some([predict(a.clone()), predict(b.clone())]);
        let settings = NnclrSettings { temperature: TEMPERATURE, queue: 9, form };
        settings.found([a, b], predictions, &support()).terms
    }

    fn friends(views: &[Rows; 2]) -> [Rows; 2] {
        let support = rows_of(support().rows());
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        [0, 1].map(|view| {
            let friend = |row: &Vec<f64>| {
                let best = support.iter().max_by(|a, b| dot(row, a).total_cmp(&dot(row, b)));
                best.expect("the support set is not empty").clone()
            };
            views[view].iter().map(friend).collect()
        })
    }

    /// Mean of −log softmax over each row of `left`·`right`ᵀ, right column = row number.
    fn entropy(left: &Rows, right: &Rows) -> f64 {
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let row = |(i, l): (usize, &Vec<f64>)| {
            let e: Vec<f64> = right.iter().map(|r| (dot(l, r) / TEMPERATURE).exp()).collect();
            -(e[i] / e.iter().sum::<f64>()).ln()
        };
        left.iter().enumerate().map(row).sum::<f64>() / left.len() as f64
    }

    fn naive_straight(case: &Case) -> f64 {
        let [a, b] = case.unit_views();
        let [fa, fb] = friends(&[a.clone(), b.clone()]);
        (entropy(&fa, &b) + entropy(&b, &fa) + entropy(&fb, &a) + entropy(&a, &fb)) / 4.0
    }

    fn naive_stopped(case: &Case) -> f64 {
        let [fa, fb] = friends(&case.unit_views());
        let predicted = case.views.clone().map(|view| {
            view.into_iter()
                .map(|mut row| {
                    row[0] *= 2.0;
                    unit(row)
                })
                .collect()
        });
        let [qa, qb]: [Rows; 2] = predicted;
        f64::midpoint(entropy(&fa, &qb), entropy(&fb, &qa))
    }

    #[test]
    fn the_losses_are_the_definitions() {
        matches_oracle(straight, naive_straight);
        matches_oracle(stopped, naive_stopped);
    }

    #[test]
    fn the_papers_gradient_is_the_slope() {
        check_gradient(stopped, naive_stopped);
    }

    /// Each row of `now` plus what stood between its neighbour and itself at the start.
    fn moved(now: &Rows, found: &Rows, fixed: &Rows) -> Rows {
        let shift = |((now, found), fixed): ((&Vec<f64>, &Vec<f64>), &Vec<f64>)| -> Vec<f64> {
            (0..Case::DIM).map(|k| now[k] + found[k] - fixed[k]).collect()
        };
        now.iter().zip(found).zip(fixed).map(shift).collect()
    }

    /// Straight-through is no slope of its own value: it is the slope of the loss in which each
    /// neighbour moves along with its projection, NN(p) = p + (q₀ − p₀) with q₀ − p₀ fixed.
    #[test]
    fn the_straight_gradient_is_the_slope_of_moving_neighbours() {
        let start = Case::example();
        let fixed = start.unit_views();
        let found = friends(&fixed);
        let moving = |case: &Case| {
            let [a, b] = case.unit_views();
            let (fa, fb) = (moved(&a, &found[0], &fixed[0]), moved(&b, &found[1], &fixed[1]));
            (entropy(&fa, &b) + entropy(&b, &fa) + entropy(&fb, &a) + entropy(&a, &fb)) / 4.0
        };
        check_gradient(straight, moving);
    }

    #[test]
    fn the_first_view_is_what_gets_pushed() {
        let case = Case::example();
        let [a, b] = case.tensors(&Device::flex().autodiff());
        let form = NnclrForm::StraightThrough;
        let settings = NnclrSettings { temperature: TEMPERATURE, queue: 9, form };
        let newest = settings.found([a, b], None, &support()).newest;
        for (got, expected) in
            rows_of(newest).iter().flatten().zip(case.unit_views()[0].iter().flatten())
        {
            assert!((got - expected).abs() < 1e-6, "expected {expected}, got {got}");
        }
    }
}
