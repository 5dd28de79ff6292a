//! Adam (Kingma and Ba 2015), in the two forms that libraries call by that name.

#[cfg(feature = "cpu")]
mod cpu;
#[cfg(feature = "gpu")]
mod gpu;

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::parameter::{At, Parameter};
use crate::error::Error;
use crate::range;

/// Settings of Adam.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdamSettings {
    /// Decay of the mean gradient.
    pub beta1: f64,
    /// Decay of the mean squared gradient.
    pub beta2: f64,
    /// Bound on the divisor: higher damps parameters with small gradients.
    pub epsilon: f64,
    /// Where epsilon stands.
    pub epsilon_form: EpsilonForm,
    /// Where weight decay acts.
    pub decay: Decay,
}

/// Where weight decay acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decay {
    /// It joins the gradient: Adam's own, called L2.
    Gradient,
    /// It is taken off the weight at the learning rate, apart from the gradient: `AdamW` (Loshchilov
    /// and Hutter 2019).
    Weight,
}

/// Where Adam's epsilon stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EpsilonForm {
    /// θ −= lr·√(1−β₂ᵗ)/(1−β₁ᵗ) · m/(√v + ε): Keras, and the end of the paper's section 2.
    Keras,
    /// θ −= lr/(1−β₁ᵗ) · m/(√(v/(1−β₂ᵗ)) + ε): `PyTorch`, and the paper's algorithm 1.
    Pytorch,
}

impl Default for AdamSettings {
    fn default() -> Self {
        Self {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-7,
            epsilon_form: EpsilonForm::Keras,
            decay: Decay::Gradient,
        }
    }
}

/// Running means of a parameter's gradient and squared gradient, flattened.
#[derive(Clone, Debug)]
pub(crate) struct Moments {
    mean: Tensor<1>,
    square: Tensor<1>,
}

impl Moments {
    /// Of what is remembered; `None` if nothing is yet.
    fn of(memory: Vec<Tensor<1>>) -> Option<Self> {
        let [mean, square] = <[Tensor<1>; 2]>::try_from(memory).ok()?;
        Some(Self { mean, square })
    }
}

/// The numbers of a step: every form of Adam is
/// `w ← keep · w − pull · m / (widen · √v + epsilon)`, after `m` and `v` took `g + decay · w` in.
#[derive(Clone, Copy, Debug)]
struct Numbers {
    beta1: f64,
    beta2: f64,
    epsilon: f64,
    decay: f64,
    keep: f64,
    pull: f64,
    widen: f64,
}

/// The weight after a step, and its moments; `None` are those of no gradient yet.
fn moved(
    weight: Tensor<1>,
    gradient: Tensor<1>,
    old: Option<Moments>,
    numbers: Numbers,
) -> (Tensor<1>, Moments) {
    #[cfg(feature = "gpu")]
    if crate::buffers::is_gpu(weight.device()) {
        return gpu::moved(weight, gradient, old, numbers);
    }
    #[cfg(feature = "cpu")]
    return cpu::moved(weight, gradient, old, numbers);
    #[cfg(not(feature = "cpu"))]
    unreachable!("this build computes on GPUs alone")
}

impl AdamSettings {
    /// What `adamw` is where nothing else is said: `PyTorch`'s.
    pub fn w() -> Self {
        const EPSILON: f64 = 1e-8;
        let epsilon_form = EpsilonForm::Pytorch;
        Self { epsilon: EPSILON, epsilon_form, decay: Decay::Weight, ..Self::default() }
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        range::within("beta1", self.beta1, 0.0..=0.9999, "0 to 0.9999")?;
        range::within("beta2", self.beta2, 0.0..=0.999_999, "0 to 0.999999")?;
        range::above_zero("epsilon", self.epsilon)
    }

    /// The weight after a step, and its moments.
    pub(super) fn moved(
        &self,
        parameter: Parameter,
        memory: Vec<Tensor<1>>,
        At { step, rate }: At,
    ) -> (Tensor<1>, Vec<Tensor<1>>) {
        let numbers = self.numbers(parameter.decay, At { step, rate });
        let old = Moments::of(memory);
        let (weight, moments) = moved(parameter.weight, parameter.gradient, old, numbers);
        (weight, vec![moments.mean, moments.square])
    }

    /// The numbers of a step for a parameter that decays so.
    fn numbers(&self, decay: f64, At { step, rate }: At) -> Numbers {
        let Self { beta1, beta2, epsilon, epsilon_form, .. } = *self;
        let t = step as i32;
        let (correction1, correction2) = (1.0 - beta1.powi(t), (1.0 - beta2.powi(t)).sqrt());
        let (pull, widen) = match epsilon_form {
            EpsilonForm::Keras => (rate * correction2 / correction1, 1.0),
            EpsilonForm::Pytorch => (rate / correction1, 1.0 / correction2),
        };
        let (decay, keep) = match self.decay {
            Decay::Gradient => (decay, 1.0),
            Decay::Weight => (0.0, 1.0 - rate * decay),
        };
        Numbers { beta1, beta2, epsilon, decay, keep, pull, widen }
    }

    /// The moments with a gradient more; `None` are those of no gradient yet.
    pub(crate) fn remembered(&self, old: Option<Moments>, gradient: Tensor<1>) -> Moments {
        let fresh = |decay: f64, x: Tensor<1>| x.mul_scalar(1.0 - decay);
        let mean = fresh(self.beta1, gradient.clone());
        let square = fresh(self.beta2, gradient.square());
        match old {
            Some(old) => Moments {
                mean: old.mean.mul_scalar(self.beta1) + mean,
                square: old.square.mul_scalar(self.beta2) + square,
            },
            None => Moments { mean, square },
        }
    }

    /// What to subtract from a parameter in step `step` (from 1), given the moments after it.
    pub(crate) fn change(&self, moments: &Moments, step: u64, rate: f64) -> Tensor<1> {
        let Self { beta1, beta2, epsilon, epsilon_form, .. } = *self;
        let Moments { mean, square } = moments.clone();
        let t = step as i32;
        let (correction1, correction2) = (1.0 - beta1.powi(t), (1.0 - beta2.powi(t)).sqrt());
        let root = square.sqrt();
        match epsilon_form {
            EpsilonForm::Keras => {
                mean.mul_scalar(rate * correction2 / correction1) / root.add_scalar(epsilon)
            }
            EpsilonForm::Pytorch => {
                let divisor = root.div_scalar(correction2).add_scalar(epsilon);
                mean.mul_scalar(rate / correction1) / divisor
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests run natively and read what they computed")]
mod tests {
    use burn::module::{Module, Param};
    use burn::tensor::Device;

    use super::*;
    use crate::initial::parameter;
    use crate::optimizer::{Optimizer, OptimizerSettings, Rule, Slopes};

    #[derive(Module, Debug)]
    struct One {
        weight: Param<Tensor<1>>,
    }

    /// Three steps on the gradient 2 of 2w: both forms against their formula in f64.
    #[test]
    fn both_forms_follow_their_formula() {
        for form in [EpsilonForm::Keras, EpsilonForm::Pytorch] {
            let (epsilon, gradient) = (0.5, 2.0);
            let adam = AdamSettings { epsilon, epsilon_form: form, ..Default::default() };
            let mut adam = Optimizer::new(OptimizerSettings::of(Rule::Adam(adam)));
            let start = Tensor::<1>::from_data([1.0_f32], &Device::flex().autodiff());
            let mut module = One { weight: parameter(start) };
            let (mut weight, mut mean, mut square) = (1.0_f64, 0.0, 0.0);
            for t in 1..=3 {
                let gradients = module.weight.val().mul_scalar(gradient).sum().backward();
                let slopes = Slopes::of(&module, &gradients);
                module = adam.step(module, slopes, 3);
                mean = 0.9 * mean + 0.1 * gradient;
                square = 0.999 * square + 0.001 * gradient * gradient;
                let (c1, c2) = (1.0 - 0.9_f64.powi(t), 1.0 - 0.999_f64.powi(t));
                weight -= match form {
                    EpsilonForm::Keras => 1e-3 * c2.sqrt() / c1 * mean / (square.sqrt() + epsilon),
                    EpsilonForm::Pytorch => 1e-3 * mean / c1 / ((square / c2).sqrt() + epsilon),
                };
            }
            let got = module.weight.val().inner().into_data().try_to_vec::<f32>().unwrap()[0];
            assert!((f64::from(got) - weight).abs() < 1e-7, "expected {weight}, got {got}");
        }
    }
}
