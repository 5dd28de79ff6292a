//! The gradients of a step by the name of their parameter, added up and clipped.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::archive::{Archive, Stored};
use crate::error::Error;
use crate::path::{Described, Path, described};
use crate::range;
use crate::read::read;
use crate::transfer::moved;

/// The longest that gradients may be; a longer one keeps its direction.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clip {
    /// All gradients together, as one vector (`PyTorch`'s `clip_grad_norm_`).
    All(f64),
    /// Each parameter's gradient alone (DINO's own code).
    Each(f64),
}

impl Clip {
    /// Keeps the divisor above 0.
    const EPSILON: f64 = 1e-6;

    /// Whether the limit can be one.
    ///
    /// # Errors
    /// [`Error::Setting`] when it is not above 0.
    pub fn check(&self) -> Result<(), Error> {
        match *self {
            Self::All(limit) => range::above_zero("all", limit),
            Self::Each(limit) => range::above_zero("each", limit),
        }
    }

    fn limit(self) -> f64 {
        let (Self::All(limit) | Self::Each(limit)) = self;
        limit
    }

    /// What a vector of that squared length is multiplied by, `[1]`.
    fn factor(self, square: Tensor<1>) -> Tensor<1> {
        let length = square.sqrt().add_scalar(Self::EPSILON);
        length.recip().mul_scalar(self.limit()).clamp_max(1.0)
    }
}

/// A parameter's gradient, flattened, without autodiff.
#[derive(Clone, Debug)]
pub(super) struct Slope {
    pub(super) gradient: Tensor<1>,
    /// Dimensions of the parameter.
    pub(super) dimensions: usize,
}

/// The gradients of a module's parameters by name; those without one are not there.
#[derive(Clone, Debug, Default)]
pub struct Slopes(BTreeMap<String, Slope>);

impl Slopes {
    /// Of a module, out of what a backward pass found.
    pub fn of<M: Module>(module: &M, gradients: &Gradients) -> Self {
        let mut found = Collect { gradients, path: Path::default(), slopes: Self::default() };
        module.visit(&mut found);
        found.slopes
    }

    /// The sums of both: the gradients of the sum of two losses.
    #[must_use]
    pub fn plus(mut self, other: Self) -> Self {
        for (name, slope) in other.0 {
            let sum = match self.0.remove(&name) {
                Some(own) => Slope { gradient: own.gradient + slope.gradient, ..slope },
                None => slope,
            };
            self.0.insert(name, sum);
        }
        self
    }

    /// The same on another device.
    #[must_use]
    pub fn to_device(self, device: &Device) -> Self {
        let vectors = self.0.values().map(|slope| slope.gradient.clone()).collect();
        let there = self.0.into_iter().zip(moved(vectors, device));
        Self(there.map(|((name, slope), gradient)| (name, Slope { gradient, ..slope })).collect())
    }

    /// Adds them to an archive, by the names and in the shapes of a module's parameters.
    ///
    /// # Errors
    /// [`Error::Device`] when reading fails.
    pub(crate) async fn store<M: Module>(
        &self,
        of: &M,
        archive: &mut Archive,
    ) -> Result<(), Error> {
        for Described { name, shape, .. } in described(of) {
            let Some(slope) = self.0.get(&name) else { continue };
            let values = read(slope.gradient.clone()).await?;
            archive.tensors.insert(name, Stored { shape, values });
        }
        Ok(())
    }

    /// Those of a module's parameters that an archive holds, on a device.
    ///
    /// # Errors
    /// [`Error::TensorShape`] for one of another shape than its parameter.
    pub(crate) fn restored<M: Module>(
        of: &M,
        archive: &Archive,
        device: &Device,
    ) -> Result<Self, Error> {
        let mut found = Self::default();
        for Described { name, shape, .. } in described(of).into_iter().filter(|of| of.learns) {
            let Some(there) = archive.shape(&name) else { continue };
            if there != shape {
                return Err(Error::TensorShape { name, expected: shape, got: there.to_vec() });
            }
            let stored = archive.get(&name)?;
            let count = stored.values.len();
            let data = TensorData::new(stored.values.clone(), [count]);
            let slope =
                Slope { gradient: Tensor::from_data(data, device), dimensions: shape.len() };
            found.0.insert(name, slope);
        }
        Ok(found)
    }

    /// None longer than the limit.
    #[must_use]
    pub fn clipped(mut self, clip: Clip) -> Self {
        let square = |slope: &Slope| slope.gradient.clone().square().sum();
        let together = match clip {
            Clip::Each(_) => None,
            Clip::All(_) => self.0.values().map(square).reduce(|a, b| a + b),
        };
        for slope in self.0.values_mut() {
            let square = together.clone().unwrap_or_else(|| square(slope));
            slope.gradient = slope.gradient.clone() * clip.factor(square);
        }
        self
    }

    /// The gradient of a parameter, flattened.
    pub fn gradient(&self, name: &str) -> Option<Tensor<1>> {
        self.0.get(name).map(|slope| slope.gradient.clone())
    }

    pub(super) fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.0.retain(|name, _| keep(name));
    }

    pub(super) fn take(&mut self, name: &str) -> Option<Slope> {
        self.0.remove(name)
    }
}

/// Collects the gradients of a module.
struct Collect<'a> {
    gradients: &'a Gradients,
    path: Path,
    slopes: Slopes,
}

impl ModuleVisitor for Collect<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, name: &str, container: &str) {
        self.path.exit(name, container);
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(gradient) = param.val().grad(self.gradients) else { return };
        let count = gradient.dims().iter().product::<usize>();
        let gradient = gradient.inner().reshape([count]);
        self.slopes.0.insert(self.path.name(), Slope { gradient, dimensions: D });
    }
}
