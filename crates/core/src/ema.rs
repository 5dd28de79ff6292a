//! A running average of a network's weights, steadier than the network (Tarvainen and Valpola 2017).

use std::collections::{BTreeMap, BTreeSet};

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::freeze::without_gradients;
use crate::path::Path;
use crate::range;
use crate::schedule::half_cosine;

/// How much of the old stays, over a run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Momentum {
    /// At the start: higher moves the average more slowly.
    pub start: f64,
    /// At the end of the run, along half a cosine (Grill et al. 2020, section 3.2).
    pub end: f64,
}

impl Momentum {
    /// Whether both are shares.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the one that is not.
    pub fn check(&self) -> Result<(), Error> {
        range::share("start", self.start)?;
        range::share("end", self.end)
    }

    /// At `step` (from 0) of `total`.
    pub fn at(&self, step: u64, total: u64) -> f64 {
        self.end - (self.end - self.start) * half_cosine(step, total)
    }
}

/// How much of the old stays at `step` (from 0): `decay`, but less in the first steps, in which the
/// average is not yet one of many: (1 + step) / (10 + step), as TensorFlow's has it.
pub fn decay_at(decay: f64, step: u64) -> f64 {
    const START: f64 = 10.0;
    decay.min((1.0 + step as f64) / (START + step as f64))
}

/// The average, which has no autodiff, moved on: `decay` of it and the rest of the network, which has. What
/// the network does not learn, its frozen layers, the average keeps as it is.
///
/// Running statistics of normalisation stay those of the average: the network's are of other weights
/// and of other views, see [`warmed`].
pub fn follow<M: Module>(average: M, network: &impl Module, decay: f64) -> M {
    let mut weights = Weights::default();
    network.visit(&mut weights);
    average.map(&mut Follow { weights, decay })
}

/// The average with running statistics moved on by a forward pass over pictures: the statistics of
/// its own weights on views as they come when it is used ("precise" ones, Wu and Johnson 2021).
///
/// `like` is the network that learns, whose frozen layers keep their statistics.
pub fn warmed<M: Module>(average: M, like: &impl Module, forward: impl FnOnce(&M)) -> M {
    in_training(&average, like, forward).0
}

/// A forward pass through a copy that trains: the copy without autodiff, and the result.
///
/// It normalises by the batch and moves its running statistics, as the teachers of `MoCo`, `BYOL` and
/// `DINO` do; no weight moves. Layers that are frozen in `like`, the network that learns, are frozen in
/// the copy. Whoever wants no gradient takes [`Tensor::inner`] of the result.
pub fn in_training<M: Module, R>(
    network: &M,
    like: &impl Module,
    forward: impl FnOnce(&M) -> R,
) -> (M, R) {
    let mut frozen = Frozen::default();
    like.visit(&mut frozen);
    let training = network.clone().train();
    let training = without_gradients(training, |name| frozen.names.contains(name));
    let result = forward(&training);
    (training.valid(), result)
}

/// Names of the parameters that a network does not learn.
#[derive(Default)]
struct Frozen {
    path: Path,
    names: BTreeSet<String>,
}

impl ModuleVisitor for Frozen {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, name: &str, container: &str) {
        self.path.exit(name, container);
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if !param.val().is_autodiff() {
            self.names.insert(self.path.name());
        }
    }
}

/// The weights that a network learns by name, flattened.
#[derive(Default)]
struct Weights {
    path: Path,
    found: BTreeMap<String, Tensor<1>>,
}

impl ModuleVisitor for Weights {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, name: &str, container: &str) {
        self.path.exit(name, container);
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let weight = param.val();
        if !weight.is_autodiff() {
            return;
        }
        let weight = weight.inner();
        let count = weight.dims().iter().product::<usize>();
        self.found.insert(self.path.name(), weight.reshape([count]));
    }
}

struct Follow {
    weights: Weights,
    decay: f64,
}

impl ModuleMapper for Follow {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.weights.path.enter(name, container);
    }

    fn exit_module(&mut self, name: &str, container: &str) {
        self.weights.path.exit(name, container);
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.weights.path.name();
        let Some(now) = self.weights.found.remove(&name) else { return param };
        param.map(|old| {
            let now = now.reshape(old.dims());
            old.mul_scalar(self.decay) + now.mul_scalar(1.0 - self.decay)
        })
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::archive::Archive;
    use crate::norm::BatchNorm;

    fn values(norm: &BatchNorm) -> BTreeMap<String, f32> {
        let mut archive = Archive::default();
        pollster::block_on(archive.add("", norm)).unwrap();
        archive.tensors.into_iter().map(|(name, stored)| (name, stored.values[0])).collect()
    }

    #[test]
    fn weights_are_averaged_and_statistics_are_its_own() {
        let tracked = BatchNorm::new(1, &Device::flex().autodiff());
        let average = tracked.valid();
        let x = Tensor::<2>::from_data([[1.0_f32], [3.0]], &Device::flex());
        let _trained = tracked.clone().forward(x);
        let network = tracked.map(&mut Double);
        let moved = values(&follow(average.clone(), &network, 0.75));
        assert!((moved["weight"] - (0.75 + 0.25 * 2.0)).abs() < 1e-6);
        assert_ne!(values(&network)["running_mean"], 0.0);
        assert_eq!(moved["running_mean"], 0.0, "statistics of other weights were taken over");
        assert_eq!(values(&average)["weight"], 1.0, "the average itself was changed");
    }

    #[test]
    fn a_forward_pass_warms_the_statistics_and_no_weight() {
        let average = BatchNorm::new(1, &Device::flex());
        let x = Tensor::<2>::from_data([[1.0_f32], [3.0]], &Device::flex());
        let like = average.clone().train();
        let warm = warmed(average.clone(), &like, |norm| {
            let _normalised = norm.forward(x.clone());
        });
        let (before, after) = (values(&average), values(&warm));
        assert!((after["running_mean"] - 0.2).abs() < 1e-6, "a tenth of 2");
        assert_eq!((after["weight"], after["bias"]), (before["weight"], before["bias"]));
        assert_eq!(before["running_mean"], 0.0, "the average itself was changed");
        let frozen = warmed(average.clone(), &average, |norm| {
            let _normalised = norm.forward(x);
        });
        assert_eq!(values(&frozen), before, "what is frozen keeps its statistics");
        assert_eq!(values(&follow(frozen, &average.map(&mut Double), 0.5)), before);
    }

    /// Doubles every number.
    struct Double;

    impl ModuleMapper for Double {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            param.map(|x| x.mul_scalar(2.0))
        }
    }

    #[test]
    fn the_first_steps_forget_sooner() {
        assert!((decay_at(0.999, 0) - 0.1).abs() < 1e-12);
        assert!((decay_at(0.999, 1_000_000) - 0.999).abs() < 1e-12);
    }
}
