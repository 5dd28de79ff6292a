//! The definition of relational reasoning in f64, and a small case of it.
#![expect(clippy::disallowed_methods, reason = "tests run natively and read what they computed")]

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Gradients, Tensor, TensorData};

use super::{Aggregation, PairLoss, RelationHead, RelationalSettings};
use crate::method::oracle::Rows;
use crate::rng::{Purpose, stream};

pub(super) const DIM: usize = 3;
pub(super) const HIDDEN: usize = 5;
pub(super) const VIEWS: usize = 3;
pub(super) const BATCH: usize = 4;
const EPSILON: f64 = 1e-5;
const LEAK: f64 = 0.01;

/// Features and parameters of the head in f64; parameters in the order in which a module visits
/// them: hidden weight and bias, norm's scale and shift, score's weight and bias.
#[derive(Clone)]
pub(super) struct Case {
    pub(super) features: Rows,
    pub(super) parameters: Vec<Vec<f64>>,
}

impl Case {
    pub(super) fn example(settings: &RelationalSettings) -> Self {
        let mut stream = stream(3, Purpose::Test, 0, 0);
        let mut numbers = |count| -> Vec<f64> { (0..count).map(|_| stream.normal()).collect() };
        let features = (0..VIEWS * BATCH).map(|_| numbers(DIM)).collect();
        let sizes = [HIDDEN * settings.inputs(DIM), HIDDEN, HIDDEN, HIDDEN, HIDDEN, 1];
        Self { features, parameters: sizes.map(numbers).to_vec() }
    }

    pub(super) fn features(&self, device: &Device) -> Tensor<2> {
        let numbers: Vec<f32> = self.features.iter().flatten().map(|&x| x as f32).collect();
        Tensor::from_data(TensorData::new(numbers, [VIEWS * BATCH, DIM]), device)
    }

    pub(super) fn head(&self, settings: &RelationalSettings, device: &Device) -> RelationHead {
        let mut weights = stream(0, Purpose::Test, 0, 0);
        let head = RelationHead::new([settings.inputs(DIM), HIDDEN], &mut weights, device);
        head.map(&mut Fill(self.parameters.clone().into_iter()))
    }
}

struct Fill(std::vec::IntoIter<Vec<f64>>);

impl ModuleMapper for Fill {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if !param.val().is_require_grad() {
            return param;
        }
        let numbers: Vec<f32> = self.0.next().unwrap().into_iter().map(|x| x as f32).collect();
        param.map(|old| {
            let data = TensorData::new(numbers, old.dims());
            Tensor::from_data(data, &old.device()).require_grad()
        })
    }
}

/// Gradients of a head's parameters, in their order.
pub(super) struct Collect<'a>(pub(super) &'a Gradients, pub(super) Vec<Vec<f64>>);

impl ModuleMapper for Collect<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if let Some(gradient) = param.val().grad(self.0) {
            let numbers = gradient.into_data().try_to_vec::<f32>().unwrap();
            self.1.push(numbers.into_iter().map(f64::from).collect());
        }
        param
    }
}

/// The rows of pairs and whether they show the same picture, as the paper's script makes them.
pub(super) fn naive_pairs(case: &Case, aggregation: Aggregation) -> Vec<(Vec<f64>, bool)> {
    let join = |a: &[f64], b: &[f64]| -> Vec<f64> {
        let each = |of: fn(f64, f64) -> f64| a.iter().zip(b).map(|(&a, &b)| of(a, b)).collect();
        match aggregation {
            Aggregation::Concatenate => [a, b].concat(),
            Aggregation::Sum => each(|a, b| a + b),
            Aggregation::Mean => each(|a, b| (a + b) / 2.0),
            Aggregation::Max => each(f64::max),
        }
    };
    let row = |view: usize, picture: usize| &case.features[view * BATCH + picture];
    let (mut rows, mut shift) = (vec![], 1);
    for k in 0..VIEWS {
        for l in k + 1..VIEWS {
            for i in 0..BATCH {
                rows.push((join(row(k, i), row(l, i)), true));
            }
            for i in 0..BATCH {
                rows.push((join(row(k, i), row(l, (i + BATCH - shift) % BATCH)), false));
            }
            shift += 1;
            if shift >= BATCH {
                shift = 1;
            }
        }
    }
    rows
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The definition, word for word, in f64.
pub(super) fn naive(case: &Case, settings: &RelationalSettings) -> f64 {
    let pairs = naive_pairs(case, settings.aggregation);
    let n = pairs.len() as f64;
    let [weight, bias, scale, shift, score, score_bias] = &case.parameters[..] else {
        panic!("six parameters")
    };
    let units: Vec<Vec<f64>> = weight
        .chunks(settings.inputs(DIM))
        .zip(bias)
        .map(|(weight, bias)| pairs.iter().map(|(row, _)| dot(row, weight) + bias).collect())
        .collect();
    let mut scores = vec![score_bias[0]; pairs.len()];
    for (unit, hidden) in units.iter().enumerate() {
        let mean = hidden.iter().sum::<f64>() / n;
        let variance = hidden.iter().map(|h| (h - mean).powi(2)).sum::<f64>() / n;
        for (place, h) in hidden.iter().enumerate() {
            let x = scale[unit] * (h - mean) / (variance + EPSILON).sqrt() + shift[unit];
            scores[place] += score[unit] * if x > 0.0 { x } else { LEAK * x };
        }
    }
    let cost = |(score, (_, same)): (&f64, &(Vec<f64>, bool))| {
        let right = 1.0 / (1.0 + (if *same { -score } else { *score }).exp());
        match settings.loss {
            PairLoss::CrossEntropy => -right.ln(),
            PairLoss::Focal { gamma, alpha } => {
                let weight = if *same { alpha } else { 1.0 - alpha };
                -weight * (1.0 - right).powf(gamma) * right.ln()
            }
        }
    };
    scores.iter().zip(&pairs).map(cost).sum::<f64>() / n
}
