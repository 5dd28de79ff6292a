//! Both forms against the definition in f64, and what must hold for any objective of pairs.
#![expect(clippy::disallowed_methods, reason = "tests run natively and read what they computed")]

use burn::module::Module;
use burn::tensor::{Device, TensorData};

use super::oracle::{BATCH, Case, Collect, DIM, HIDDEN, VIEWS, naive, naive_pairs};
use super::*;
use crate::method::oracle::rows_of;
use crate::rng::{Purpose, stream};

const LOSSES: [PairLoss; 2] = [PairLoss::CrossEntropy, PairLoss::Focal { gamma: 2.0, alpha: 0.3 }];
const AGGREGATIONS: [Aggregation; 4] =
    [Aggregation::Concatenate, Aggregation::Sum, Aggregation::Mean, Aggregation::Max];

fn settings(aggregation: Aggregation, loss: PairLoss) -> RelationalSettings {
    RelationalSettings { views: VIEWS, aggregation, hidden: HIDDEN, loss }
}

fn all_settings() -> impl Iterator<Item = RelationalSettings> {
    AGGREGATIONS.into_iter().flat_map(|a| LOSSES.map(|loss| settings(a, loss)))
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

/// Central differences of the definition: by features, then by each parameter of the head.
fn gradients(case: &Case, settings: &RelationalSettings) -> Vec<Vec<f64>> {
    const STEP: f64 = 1e-5;
    let along = |numbers: usize, change: &dyn Fn(&mut Case, usize, f64)| -> Vec<f64> {
        let at = |number, step| {
            let mut case = case.clone();
            change(&mut case, number, step);
            naive(&case, settings)
        };
        (0..numbers).map(|k| (at(k, STEP) - at(k, -STEP)) / (2.0 * STEP)).collect()
    };
    let by_features = |case: &mut Case, k: usize, step| case.features[k / DIM][k % DIM] += step;
    let mut gradients = vec![along(VIEWS * BATCH * DIM, &by_features)];
    for (which, parameter) in case.parameters.iter().enumerate() {
        let change = |case: &mut Case, k: usize, step| case.parameters[which][k] += step;
        gradients.push(along(parameter.len(), &change));
    }
    gradients
}

#[test]
fn the_gradient_is_the_slope() {
    for settings in all_settings() {
        let case = Case::example(&settings);
        let expected = gradients(&case, &settings);
        for (name, form) in FORMS {
            let (_, got) = computed(&case, &settings, form);
            let sizes = |all: &[Vec<f64>]| all.iter().map(Vec::len).collect::<Vec<_>>();
            assert_eq!(sizes(&got), sizes(&expected), "{name}: a gradient each");
            let far =
                |(got, gradient): (&f64, &f64)| (got - gradient).abs() / (1.0 + gradient.abs());
            let pairs = got.iter().flatten().zip(expected.iter().flatten());
            let worst = pairs.map(far).fold(0.0, f64::max);
            assert!(worst < 1e-4, "{name} {settings:?}: off by {worst}");
        }
    }
}

/// At a size where blocks of pairs are cut: values, scores, running statistics and gradients.
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
    assert_eq!(relations.accuracies().map(value), [0.625, 0.75, 0.5]);
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
fn scores_beyond_all_doubt_cost_and_teach_in_numbers() {
    for loss in [PairLoss::CrossEntropy, PairLoss::Focal { gamma: 0.5, alpha: 0.5 }] {
        let device = Device::flex().autodiff();
        let scores = Tensor::<1>::from_data([500.0_f32, -500.0, 500.0, -500.0], &device);
        let scores = scores.require_grad();
        let costs = loss.of(scores.clone(), 2);
        let gradients = scores.grad(&costs.clone().sum().backward()).unwrap();
        let found = [values(costs), values(gradients)].concat();
        assert!(found.iter().all(|x| x.is_finite()), "{loss:?}: {found:?}");
    }
}

#[test]
fn what_cannot_be_is_refused() {
    let sound = settings(Aggregation::Concatenate, PairLoss::CrossEntropy);
    let steps = |unlabelled_batch| Steps {
        unlabelled_batch,
        labelled_batch: 0,
        reduction: Reduction::Mean,
    };
    sound.check(&steps(2)).unwrap();
    let focal = |gamma, alpha| PairLoss::Focal { gamma, alpha };
    for (wrong, batch) in [
        (RelationalSettings { views: 1, ..sound.clone() }, 4),
        (RelationalSettings { hidden: 0, ..sound.clone() }, 4),
        (sound.clone(), 1),
        (RelationalSettings { loss: focal(-1.0, 0.5), ..sound.clone() }, 4),
        (RelationalSettings { loss: focal(2.0, 1.5), ..sound.clone() }, 4),
    ] {
        assert_eq!(wrong.check(&steps(batch)).expect_err("wrong").code(), "SETTING", "{wrong:?}");
    }
}
