//! What every objective must obey: its naive definition in f64, and finite differences of it.
#![expect(clippy::disallowed_methods, reason = "tests run natively and read what they computed")]

use burn::tensor::{Device, Tensor, TensorData};

use super::{Reduction, Terms};
use crate::rng::{Purpose, stream};

pub(crate) type Rows = Vec<Vec<f64>>;

/// Two views of a few pictures.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) views: [Rows; 2],
}

impl Case {
    pub(crate) const DIM: usize = 4;
    const COUNT: usize = 5;

    pub(crate) fn example() -> Self {
        let mut stream = stream(11, Purpose::Test, 0, 0);
        let mut rows = || -> Rows {
            let mut row = || (0..Self::DIM).map(|_| stream.normal()).collect();
            (0..Self::COUNT).map(|_| row()).collect()
        };
        Self { views: [rows(), rows()] }
    }

    pub(crate) fn unit_views(&self) -> [Rows; 2] {
        self.views.clone().map(|view| view.into_iter().map(unit).collect())
    }

    pub(crate) fn tensors(&self, device: &Device) -> [Tensor<2>; 2] {
        self.views.clone().map(|view| {
            let numbers: Vec<f32> = view.into_iter().flatten().map(|x| x as f32).collect();
            Tensor::from_data(TensorData::new(numbers, [Self::COUNT, Self::DIM]), device)
        })
    }
}

pub(crate) fn unit(row: Vec<f64>) -> Vec<f64> {
    let length = row.iter().map(|x| x * x).sum::<f64>().sqrt();
    row.into_iter().map(|x| x / length).collect()
}

pub(crate) fn rows_of(tensor: Tensor<2>) -> Rows {
    let [_, width] = tensor.dims();
    let numbers = tensor.inner().into_data().try_to_vec::<f32>().unwrap();
    numbers.chunks(width).map(|row| row.iter().map(|&x| f64::from(x)).collect()).collect()
}

fn value(tensor: Tensor<1>) -> f64 {
    f64::from(tensor.inner().into_data().try_to_vec::<f32>().unwrap()[0])
}

/// The mean loss equals the definition.
pub(crate) fn matches_oracle(
    terms: impl Fn(Tensor<2>, Tensor<2>) -> Terms,
    naive: impl Fn(&Case) -> f64,
) {
    let case = Case::example();
    let [a, b] = case.tensors(&Device::flex().autodiff());
    let got = value(terms(a, b).reduced(Reduction::Mean));
    let expected = naive(&case);
    assert!((got - expected).abs() < 1e-5, "expected {expected}, got {got}");
}

/// The gradient of the mean loss equals central differences of the definition, both views.
pub(crate) fn check_gradient(
    terms: impl Fn(Tensor<2>, Tensor<2>) -> Terms,
    naive: impl Fn(&Case) -> f64,
) {
    const STEP: f64 = 1e-5;
    let case = Case::example();
    let [a, b] = case.tensors(&Device::flex().autodiff()).map(Tensor::require_grad);
    let grads = terms(a.clone(), b.clone()).reduced(Reduction::Mean).backward();
    for (view, tensor) in [a, b].into_iter().enumerate() {
        let got = rows_of(tensor.grad(&grads).expect("a view has a gradient"));
        for (row, column) in (0..Case::COUNT).flat_map(|r| (0..Case::DIM).map(move |c| (r, c))) {
            let at = |step: f64| {
                let mut case = case.clone();
                case.views[view][row][column] += step;
                naive(&case)
            };
            let slope = (at(STEP) - at(-STEP)) / (2.0 * STEP);
            let got = got[row][column];
            assert!(
                (got - slope).abs() < 1e-4 * (1.0 + slope.abs()),
                "view {view} row {row} column {column}: slope {slope}, gradient {got}"
            );
        }
    }
}

/// Features that are the same for every picture cost what guessing costs, more than the example.
pub(crate) fn constant_costs_most(terms: impl Fn(Tensor<2>, Tensor<2>) -> Terms) {
    let case = Case::example();
    let device = Device::flex().autodiff();
    let same = Tensor::ones([Case::COUNT, Case::DIM], &device);
    let collapsed = value(terms(same.clone(), same).reduced(Reduction::Mean));
    let [a, _] = case.tensors(&device);
    let apart = value(terms(a.clone(), a).reduced(Reduction::Mean));
    assert!(collapsed > apart, "collapse costs {collapsed}, distinct features {apart}");
}
