//! Optimizers: how a step's gradients move a network, and what is remembered for the next.

mod gradients;
mod parameter;
mod adam;
mod sgd;
mod lars;
mod rule;
mod settings;

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor};

use crate::archive::{Archive, Stored};
use crate::encoder::EncoderSettings;
use crate::error::Error;
use crate::path::Path;

pub(crate) use adam::Moments;
pub use adam::{AdamSettings, Decay, EpsilonForm};
pub use gradients::{Clip, Slopes};
pub use lars::{LarsSettings, TrustForm};
use parameter::{At, Parameter};
pub use rule::Rule;
pub use settings::{Exclude, OptimizerSettings};
pub use sgd::SgdSettings;

/// How fast a parameter moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// At the schedule's rate.
    Scheduled,
    /// At the peak rate, whatever the schedule says.
    Constant,
    /// Not at all, as if it had no gradient: no decay either.
    Frozen,
}

/// An optimizer with what it remembers of each parameter.
#[derive(Clone, Debug)]
pub struct Optimizer {
    settings: OptimizerSettings,
    steps: u64,
    memory: BTreeMap<String, Memory>,
    layers: Option<Layers>,
}

/// An encoder whose layers may have rates of their own.
#[derive(Clone, Debug)]
struct Layers {
    encoder: EncoderSettings,
    /// What comes before the names of its parameters.
    prefix: &'static str,
}

/// What is remembered of a parameter.
#[derive(Clone, Debug, Default)]
struct Memory {
    /// Steps in which it did not move.
    skipped: u64,
    /// The rule's, in the order of [`Rule::slots`].
    slots: Vec<Tensor<1>>,
}

/// Ends the name of the number of steps in which a parameter did not move.
const SKIPPED: &str = "skipped";

impl Optimizer {
    /// An optimizer that has seen nothing yet.
    pub fn new(settings: OptimizerSettings) -> Self {
        Self { settings, steps: 0, memory: BTreeMap::new(), layers: None }
    }

    /// The same for a network with an encoder whose parameters' names begin so: what
    /// [`OptimizerSettings::layer_decay`] speaks of.
    #[must_use]
    pub fn of_encoder(self, encoder: &EncoderSettings, prefix: &'static str) -> Self {
        Self { layers: Some(Layers { encoder: encoder.clone(), prefix }), ..self }
    }

    /// Steps done.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Adds what is remembered to an archive, under `prefix`.
    ///
    /// # Errors
    /// [`Error::Device`] when reading fails.
    pub async fn store(&self, archive: &mut Archive, prefix: &str) -> Result<(), Error> {
        for (path, memory) in &self.memory {
            for (slot, tensor) in self.settings.rule.slots().iter().zip(&memory.slots) {
                let stored = Stored::read(tensor.clone()).await?;
                archive.tensors.insert(format!("{prefix}.{path}.{slot}"), stored);
            }
            if memory.skipped > 0 {
                let stored = Stored { shape: vec![1], values: vec![memory.skipped as f32] };
                archive.tensors.insert(format!("{prefix}.{path}.{SKIPPED}"), stored);
            }
        }
        Ok(())
    }

    /// The optimizer after `steps` steps, with what [`store`](Self::store) added.
    ///
    /// # Errors
    /// [`Error::MissingTensor`] or [`Error::TensorShape`] when the archive is not of such a one.
    pub fn resumed(
        &self,
        steps: u64,
        (archive, prefix): (&Archive, &str),
        device: &Device,
    ) -> Result<Self, Error> {
        let mut memory = BTreeMap::new();
        let below = format!("{prefix}.");
        let slots = self.settings.rule.slots();
        for name in archive.names_below(&below) {
            let Some(path) = name.strip_prefix(&below) else { continue };
            let Some(path) = path.strip_suffix(slots[0]).and_then(|path| path.strip_suffix('.'))
            else {
                continue;
            };
            let size = [archive.get(name)?.values.len()];
            let read = |slot: &&str| {
                let name = format!("{below}{path}.{slot}");
                archive.get(&name)?.to_device(&name, size, device)
            };
            let slots = slots.iter().map(read).collect::<Result<_, _>>()?;
            let skipped = format!("{below}{path}.{SKIPPED}");
            let skipped = match archive.shape(&skipped) {
                Some(_) => archive.get(&skipped)?.values.first().map_or(0, |&steps| steps as u64),
                None => 0,
            };
            memory.insert(path.to_owned(), Memory { skipped, slots });
        }
        let (settings, layers) = (self.settings.clone(), self.layers.clone());
        Ok(Self { settings, steps, memory, layers })
    }

    /// The module after one step of a run of `total` steps; parameters without a gradient stay.
    pub fn step<M: Module>(&mut self, module: M, slopes: Slopes, total: u64) -> M {
        self.step_at(module, slopes, total, |_| Pace::Scheduled)
    }

    /// [`step`](Self::step) with parameters that move at a pace of their own, by name.
    pub fn step_at<M: Module>(
        &mut self,
        module: M,
        mut slopes: Slopes,
        total: u64,
        pace: impl Fn(&str) -> Pace,
    ) -> M {
        slopes.retain(|name| pace(name) != Pace::Frozen);
        if let Some(clip) = self.settings.clip {
            slopes = slopes.clipped(clip);
        }
        let step = self.steps;
        self.steps += 1;
        let factor = self.settings.schedule.factor(step, total);
        let decay = self.settings.layer_decay;
        let layers = self.layers.as_ref().filter(|_| decay < 1.0);
        let layer_factor = |name: &str| layers.map_or(1.0, |layers| layers.factor(decay, name));
        let rate = |name: &str| {
            let factor = if pace(name) == Pace::Constant { 1.0 } else { factor };
            self.settings.learning_rate * factor * layer_factor(name)
        };
        let moves = Moves { settings: &self.settings, rate: &rate, step, total };
        let memory = &mut self.memory;
        module.map(&mut Update { moves, memory, slopes, path: Path::default() })
    }
}

impl Layers {
    /// What a parameter's rate is multiplied by; 1 for those of heads.
    fn factor(&self, decay: f64, name: &str) -> f64 {
        let Some(name) = name.strip_prefix(self.prefix) else { return 1.0 };
        let below = self.encoder.layers() - self.encoder.layer_of(name);
        decay.powi(below as i32)
    }
}

/// What a step does to all parameters.
struct Moves<'a> {
    settings: &'a OptimizerSettings,
    rate: &'a dyn Fn(&str) -> f64,
    step: u64,
    total: u64,
}

/// One step over all parameters of a module.
struct Update<'a> {
    moves: Moves<'a>,
    memory: &'a mut BTreeMap<String, Memory>,
    slopes: Slopes,
    path: Path,
}

impl Update<'_> {
    /// The weight after the step.
    fn moved(&mut self, name: String, weight: Tensor<1>, slope: gradients::Slope) -> Tensor<1> {
        let Moves { settings, rate, step, total } = &self.moves;
        // A parameter's own steps, as `PyTorch` counts them: one that was frozen begins later.
        let fresh = || Memory { skipped: *step, slots: Vec::new() };
        let Memory { skipped, slots } = self.memory.remove(&name).unwrap_or_else(fresh);
        let at = At { step: step + 1 - skipped.min(*step), rate: rate(&name) };
        let parameter = Parameter {
            gradient: slope.gradient,
            decay: settings.decay(slope.dimensions, *step, *total),
            excluded: settings.excluded(slope.dimensions),
            weight,
        };
        let (weight, slots) = settings.rule.moved(parameter, slots, at);
        self.memory.insert(name, Memory { skipped, slots });
        weight
    }
}

impl ModuleMapper for Update<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, name: &str, container: &str) {
        self.path.exit(name, container);
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.name();
        let Some(slope) = self.slopes.take(&name) else { return param };
        param.map(|weight| {
            let shape = weight.dims();
            let flat = weight.inner().reshape([shape.iter().product::<usize>()]);
            self.moved(name, flat, slope).reshape(shape).autodiff().require_grad()
        })
    }
}
