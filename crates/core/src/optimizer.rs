//! Adam (Kingma and Ba 2015), in the two forms that libraries call by that name.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Gradients, Tensor};
use serde::{Deserialize, Serialize};

use crate::archive::{Archive, Stored};
use crate::error::Error;
use crate::path::Path;
use crate::range;
use crate::schedule::Schedule;

/// Settings of Adam.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdamSettings {
    /// Peak learning rate.
    pub learning_rate: f64,
    /// Decay of the mean gradient.
    pub beta1: f64,
    /// Decay of the mean squared gradient.
    pub beta2: f64,
    /// Bound on the divisor: higher damps parameters with small gradients.
    pub epsilon: f64,
    /// Where epsilon stands.
    pub epsilon_form: EpsilonForm,
    /// Share of each weight that is added to its gradient.
    pub weight_decay: f64,
    /// Learning rate over the run.
    pub schedule: Schedule,
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
            learning_rate: 1e-3,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-7,
            epsilon_form: EpsilonForm::Keras,
            weight_decay: 0.0,
            schedule: Schedule::default(),
        }
    }
}

/// Adam with what it remembers of each parameter.
#[derive(Clone, Debug)]
pub struct Adam {
    settings: AdamSettings,
    steps: u64,
    moments: BTreeMap<String, Moments>,
}

/// Ends the name of a mean gradient in an archive.
const MEAN: &str = ".mean";
/// Ends the name of a mean squared gradient in an archive.
const SQUARE: &str = ".square";

/// Running means of a parameter's gradient and squared gradient, flattened.
#[derive(Clone, Debug)]
pub(crate) struct Moments {
    mean: Tensor<1>,
    square: Tensor<1>,
}

impl AdamSettings {
    /// Whether every setting is in its range.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the first that is not.
    pub fn check(&self) -> Result<(), Error> {
        range::above_zero("learning_rate", self.learning_rate)?;
        range::within("schedule.warm_up", self.schedule.warm_up, 0.0..=0.99, "0 to 0.99")
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

impl Adam {
    /// An optimizer that has seen nothing yet.
    pub fn new(settings: AdamSettings) -> Self {
        Self { settings, steps: 0, moments: BTreeMap::new() }
    }

    /// Steps done.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Adds the moments to an archive, under `prefix`.
    ///
    /// # Errors
    /// [`Error::Device`] when reading fails.
    pub async fn store(&self, archive: &mut Archive, prefix: &str) -> Result<(), Error> {
        for (path, moments) in &self.moments {
            for (which, tensor) in [(MEAN, &moments.mean), (SQUARE, &moments.square)] {
                let stored = Stored::read(tensor.clone()).await?;
                archive.tensors.insert(format!("{prefix}.{path}{which}"), stored);
            }
        }
        Ok(())
    }

    /// The optimizer after `steps` steps, with the moments that [`store`](Self::store) added.
    ///
    /// # Errors
    /// [`Error::MissingTensor`] or [`Error::TensorShape`] when the archive is not of such a one.
    pub fn resumed(
        &self,
        steps: u64,
        (archive, prefix): (&Archive, &str),
        device: &Device,
    ) -> Result<Self, Error> {
        let mut moments = BTreeMap::new();
        let below = format!("{prefix}.");
        for name in archive.names_below(&below) {
            let path = name.strip_prefix(&below).and_then(|rest| rest.strip_suffix(MEAN));
            let Some(path) = path else { continue };
            let mean = archive.get(name)?;
            let size = [mean.values.len()];
            let square_name = format!("{below}{path}{SQUARE}");
            let square = archive.get(&square_name)?.to_device(&square_name, size, device)?;
            let mean = mean.to_device(name, size, device)?;
            moments.insert(path.to_owned(), Moments { mean, square });
        }
        Ok(Self { settings: self.settings.clone(), steps, moments })
    }

    /// The module after one step of a run of `total` steps; parameters without a gradient stay.
    pub fn step<M: Module>(&mut self, module: M, gradients: &Gradients, total: u64) -> M {
        let factor = self.settings.schedule.factor(self.steps, total);
        self.steps += 1;
        let rate = self.settings.learning_rate * factor;
        let mut update = Update { adam: self, gradients, rate, path: Path::default() };
        module.map(&mut update)
    }

    /// The change of the parameter at `path`, after its gradient has gone into the moments.
    fn change(&mut self, path: String, gradient: Tensor<1>, rate: f64) -> Tensor<1> {
        let moments = self.settings.remembered(self.moments.remove(&path), gradient);
        let change = self.settings.change(&moments, self.steps, rate);
        self.moments.insert(path, moments);
        change
    }
}

/// One step over all parameters of a module.
struct Update<'a> {
    adam: &'a mut Adam,
    gradients: &'a Gradients,
    rate: f64,
    path: Path,
}

impl ModuleMapper for Update<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, name: &str, container: &str) {
        self.path.exit(name, container);
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(gradient) = param.val().grad(self.gradients) else { return param };
        let shape = gradient.dims();
        let count = shape.iter().product::<usize>();
        param.map(|weight| {
            let weight = weight.inner().reshape([count]);
            let decay = self.adam.settings.weight_decay;
            let mut gradient = gradient.inner().reshape([count]);
            if decay > 0.0 {
                gradient = gradient + weight.clone().mul_scalar(decay);
            }
            let weight = weight - self.adam.change(self.path.name(), gradient, self.rate);
            weight.reshape(shape).autodiff().require_grad()
        })
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests run natively and read what they computed")]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::initial::parameter;

    #[derive(Module, Debug)]
    struct One {
        weight: Param<Tensor<1>>,
    }

    /// Three steps on the gradient 2 of 2w: both forms against their formula in f64.
    #[test]
    fn both_forms_follow_their_formula() {
        for form in [EpsilonForm::Keras, EpsilonForm::Pytorch] {
            let (epsilon, gradient) = (0.5, 2.0);
            let settings = AdamSettings { epsilon, epsilon_form: form, ..Default::default() };
            let mut adam = Adam::new(settings);
            let start = Tensor::<1>::from_data([1.0_f32], &Device::flex().autodiff());
            let mut module = One { weight: parameter(start) };
            let (mut weight, mut mean, mut square) = (1.0_f64, 0.0, 0.0);
            for t in 1..=3 {
                let gradients = module.weight.val().mul_scalar(gradient).sum().backward();
                module = adam.step(module, &gradients, 3);
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
