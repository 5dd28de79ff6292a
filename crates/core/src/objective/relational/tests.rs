//! Both forms against the definition in f64, and what must hold for any objective of pairs.
#![expect(clippy::disallowed_methods, reason = "tests run natively and read what they computed")]

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Gradients, TensorData};

use super::*;
use crate::objective::oracle::{Rows, rows_of};
use crate::rng::{Purpose, stream};

const DIM: usize = 3;
const HIDDEN: usize = 5;
const VIEWS: usize = 3;
const BATCH: usize = 4;
const EPSILON: f64 = 1e-5;

const LOSSES: [PairLoss; 2] = [PairLoss::CrossEntropy, PairLoss::Focal { gamma: 2.0, alpha: 0.3 }];
const AGGREGATIONS: [Aggregation; 4] =
    [Aggregation::Concatenate, Aggregation::Sum, Aggregation::Mean, Aggregation::Max];

fn settings(aggregation: Aggregation, loss: PairLoss) -> RelationalSettings {
    RelationalSettings { views: VIEWS, aggregation, hidden: HIDDEN, loss }
}

fn all_settings() -> impl Iterator<Item = RelationalSettings> {
    AGGREGATIONS.into_iter().flat_map(|a| LOSSES.map(|loss| settings(a, loss)))
}

/// Features and parameters of the head in f64; parameters in the order in which a module visits
/// them: hidden weight and bias, norm's scale and shift, score's weight and bias.
#[derive(Clone)]
struct Case {
    features: Rows,
    parameters: Vec<Vec<f64>>,
}

impl Case {
    fn example(settings: &RelationalSettings) -> Self {
        let mut stream = stream(3, Purpose::Test, 0, 0);
        let mut numbers = |count| -> Vec<f64> { (0..count).map(|_| stream.normal()).collect() };
        let features = (0..VIEWS * BATCH).map(|_| numbers(DIM)).collect();
        let sizes = [HIDDEN * settings.inputs(DIM), HIDDEN, HIDDEN, HIDDEN, HIDDEN, 1];
        Self { features, parameters: sizes.map(numbers).to_vec() }
    }

    fn features(&self, device: &Device) -> Tensor<2> {
        let numbers: Vec<f32> = self.features.iter().flatten().map(|&x| x as f32).collect();
        Tensor::from_data(TensorData::new(numbers, [VIEWS * BATCH, DIM]), device)
    }

    fn head(&self, settings: &RelationalSettings, device: &Device) -> RelationHead {
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
struct Collect<'a>(&'a Gradients, Vec<Vec<f64>>);

impl ModuleMapper for Collect<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if let Some(gradient) = param.val().grad(self.0) {
            let numbers = gradient.into_data().try_to_vec::<f32>().unwrap();
            self.1.push(numbers.into_iter().map(f64::from).collect());
        }
        param
    }
}

type Form = fn(&RelationalSettings, Tensor<2>, &RelationHead) -> Relations;
const FORMS: [(&str, Form); 2] =
    [("split", RelationalSettings::compare), ("plain", RelationalSettings::plainly)];

/// Loss, then gradients of the features and of each parameter.
fn computed(case: &Case, settings: &RelationalSettings, form: Form) -> (f64, Vec<Vec<f64>>) {
    let device = Device::flex().autodiff();
    let features = case.features(&device).require_grad();
    let head = case.head(settings, &device);
    let relations = form(settings, features.clone(), &head);
    let gradients = relations.loss.backward();
    let of_features = rows_of(features.grad(&gradients).unwrap()).concat();
    let mut collect = Collect(&gradients, vec![of_features]);
    let _same = head.map(&mut collect);
    (value(relations.loss), collect.1)
}

fn value(x: Tensor<1>) -> f64 {
    f64::from(x.inner().into_data().try_to_vec::<f32>().unwrap()[0])
}

fn values(x: Tensor<1>) -> Vec<f32> {
    x.inner().into_data().try_to_vec().unwrap()
}

/// The rows of pairs and whether they show the same picture, as the paper's script makes them.
fn naive_pairs(case: &Case, aggregation: Aggregation) -> Vec<(Vec<f64>, bool)> {
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
fn naive(case: &Case, settings: &RelationalSettings) -> f64 {
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
            scores[place] += score[unit] * if x > 0.0 { x } else { LEAK_BY_DEFINITION * x };
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

const LEAK_BY_DEFINITION: f64 = 0.01;

#[test]
fn the_loss_is_the_definition() {
    for settings in all_settings() {
        let case = Case::example(&settings);
        let expected = naive(&case, &settings);
        for (name, form) in FORMS {
            let (got, _) = computed(&case, &settings, form);
            assert!((got - expected).abs() < 1e-5, "{name} {settings:?}: {expected}, got {got}");
        }
    }
}

/// By features and by every parameter of the head.
#[test]
fn the_gradient_is_the_slope() {
    const STEP: f64 = 1e-5;
    for settings in all_settings() {
        let case = Case::example(&settings);
        let slopes = |numbers: usize, change: &dyn Fn(&mut Case, usize, f64)| -> Vec<f64> {
            let at = |number, step| {
                let mut case = case.clone();
                change(&mut case, number, step);
                naive(&case, &settings)
            };
            (0..numbers).map(|k| (at(k, STEP) - at(k, -STEP)) / (2.0 * STEP)).collect()
        };
        let by_features = |case: &mut Case, k: usize, step| case.features[k / DIM][k % DIM] += step;
        let mut expected = vec![slopes(VIEWS * BATCH * DIM, &by_features)];
        for (which, parameter) in case.parameters.iter().enumerate() {
            let change = |case: &mut Case, k: usize, step| case.parameters[which][k] += step;
            expected.push(slopes(parameter.len(), &change));
        }
        for (name, form) in FORMS {
            let (_, got) = computed(&case, &settings, form);
            assert_eq!(got.len(), expected.len(), "{name}: a gradient each");
            for (which, (got, expected)) in got.iter().zip(&expected).enumerate() {
                for (got, slope) in got.iter().zip(expected) {
                    let close = (got - slope).abs() < 1e-4 * (1.0 + slope.abs());
                    assert!(close, "{name} {settings:?}, {which}: slope {slope}, got {got}");
                }
            }
        }
    }
}

/// At a size where fans are cut: values, scores, running statistics and gradients.
#[test]
fn splitting_changes_nothing() {
    let (views, batch, dim, hidden) = (6, 96, 16, 256);
    let device = Device::flex().autodiff();
    let mut numbers = stream(8, Purpose::Test, 0, 0);
    let values_in: Vec<f32> = (0..views * batch * dim).map(|_| numbers.normal() as f32).collect();
    let data = TensorData::new(values_in, [views * batch, dim]);
    for aggregation in [Aggregation::Concatenate, Aggregation::Sum, Aggregation::Mean] {
        let settings = RelationalSettings { views, aggregation, hidden, loss: LOSSES[0] };
        let run = |form: Form| {
            let mut weights = stream(9, Purpose::Test, 0, 0);
            let head = RelationHead::new([settings.inputs(dim), hidden], &mut weights, &device);
            let features = Tensor::<2>::from_data(data.clone(), &device).require_grad();
            let relations = form(&settings, features.clone(), &head);
            let gradients = relations.loss.backward();
            let of_features = rows_of(features.grad(&gradients).unwrap()).concat();
            let mut collect = Collect(&gradients, vec![of_features]);
            let head = head.map(&mut collect);
            let rows = Tensor::<2>::ones([2, settings.inputs(dim)], &Device::flex());
            let later = values(head.valid().forward(rows));
            (values(relations.scores), later, collect.1)
        };
        let (split, plain) = (run(RelationalSettings::compare), run(RelationalSettings::plainly));
        let near = |a: f64, b: f64| (a - b).abs() < 1e-5;
        let floats =
            |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| near(f64::from(*a), f64::from(*b)));
        assert!(floats(&split.0, &plain.0), "{aggregation:?}: scores differ");
        assert!(floats(&split.1, &plain.1), "{aggregation:?}: running statistics differ");
        for (which, (a, b)) in split.2.iter().zip(&plain.2).enumerate() {
            assert!(
                a.iter().zip(b).all(|(a, b)| near(*a, *b)),
                "{aggregation:?}: gradient {which}"
            );
        }
    }
}

/// Before it has learnt anything, a head that sees no difference guesses.
#[test]
fn constant_features_cost_what_guessing_costs() {
    for (name, form) in FORMS {
        for aggregation in AGGREGATIONS {
            let settings = settings(aggregation, PairLoss::CrossEntropy);
            let device = Device::flex().autodiff();
            let inputs = [settings.inputs(DIM), HIDDEN];
            let head = RelationHead::new(inputs, &mut stream(1, Purpose::Test, 0, 0), &device);
            let same = Tensor::ones([VIEWS * BATCH, DIM], &device).require_grad();
            let relations = form(&settings, same, &head);
            // The score is the bias of the head's last layer alone, whatever the pair.
            let score = f64::from(values(relations.scores.clone())[0]);
            let guess = |s: f64| (1.0 + (-s).exp()).ln();
            let expected = f64::midpoint(guess(score), guess(-score));
            let got = value(relations.loss.clone());
            assert!((got - expected).abs() < 1e-6, "{name} {aggregation:?}: {got}");
            assert!(got >= 2.0_f64.ln() - 1e-6, "{name} {aggregation:?}: {got} is below ln 2");
            assert!(value(relations.accuracies()[0].clone()) == 0.5);
        }
    }
}

/// Moving all pictures round together changes who is whose neighbour in no pair.
#[test]
fn the_order_of_pictures_matters_only_up_to_a_turn() {
    let settings = settings(Aggregation::Concatenate, PairLoss::CrossEntropy);
    let case = Case::example(&settings);
    let turned = |by: &dyn Fn(usize) -> usize| {
        let mut turned = case.clone();
        for row in 0..VIEWS * BATCH {
            let (view, picture) = (row / BATCH, row % BATCH);
            turned.features[row].clone_from(&case.features[view * BATCH + by(picture)]);
        }
        computed(&turned, &settings, RelationalSettings::compare).0
    };
    let (own, moved) = (turned(&|p| p), turned(&|p| (p + 1) % BATCH));
    let swapped = turned(&|p| if p < 2 { 1 - p } else { p });
    assert!((own - moved).abs() < 1e-6, "a turn: {own}, {moved}");
    assert!((own - swapped).abs() > 1e-4, "a swap gives other pairs: {own}, {swapped}");
}

/// Same pictures and different ones take turns in blocks: halves of the list would be wrong.
#[test]
fn accuracies_count_each_kind_of_pair_by_itself() {
    // Two blocks of both kinds, two pictures: same 1/2 and 2/2 right, other 2/2 and 0/2.
    let scores = [1.0_f32, -1.0, -1.0, -1.0, 2.0, 2.0, 3.0, 3.0];
    let scores = Tensor::<1>::from_data(scores, &Device::flex());
    let relations = Relations { loss: Tensor::zeros([1], &Device::flex()), scores, batch: 2 };
    assert_eq!(relations.accuracies().map(|x| value(x)), [0.625, 0.75, 0.5]);
}

#[test]
fn three_views_of_four_pictures_are_twenty_four_rows() {
    let settings = settings(Aggregation::Concatenate, PairLoss::CrossEntropy);
    let case = Case::example(&settings);
    let rows = rows_of(settings.rows(case.features(&Device::flex())));
    assert_eq!(rows.len(), 24);
    for (row, (expected, _)) in rows.iter().zip(naive_pairs(&case, settings.aggregation)) {
        assert!(row.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-6));
    }
}

#[test]
fn what_cannot_be_is_refused() {
    let sound = settings(Aggregation::Concatenate, PairLoss::CrossEntropy);
    sound.check(2).unwrap();
    let focal = |gamma, alpha| PairLoss::Focal { gamma, alpha };
    for (wrong, batch) in [
        (RelationalSettings { views: 1, ..sound.clone() }, 4),
        (RelationalSettings { hidden: 0, ..sound.clone() }, 4),
        (sound.clone(), 1),
        (RelationalSettings { loss: focal(-1.0, 0.5), ..sound.clone() }, 4),
        (RelationalSettings { loss: focal(2.0, 1.5), ..sound.clone() }, 4),
    ] {
        assert_eq!(wrong.check(batch).expect_err("wrong").code(), "SETTING", "{wrong:?}");
    }
}
