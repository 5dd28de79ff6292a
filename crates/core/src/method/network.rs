//! What a method's optimizer moves: the encoder, and heads behind it.

use burn::module::{Module, ModuleDisplay};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::Build;
use crate::encoder::Encoder;
use crate::error::Error;
use crate::head::Head;
use crate::precision::TrainingPrecision;

/// An encoder and a method's heads.
#[derive(Module, Debug)]
pub struct Network<H: Module + ModuleDisplay> {
    /// The network that becomes useful.
    pub encoder: Encoder,
    /// What is thrown away after pre-training.
    pub heads: H,
}

/// How the views go through the encoder: it matters where that normalises by the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Passes {
    /// Views of one size together, as `SimCLR`, `SwAV` and DINO do.
    BySize,
    /// Each view alone, as methods of two branches do.
    Each,
    /// The first view alone: the others are a teacher's.
    First,
}

impl Passes {
    /// How many of some views go through the encoder.
    pub(super) fn of(self, views: usize) -> usize {
        match self {
            Self::First => views.min(1),
            Self::BySize | Self::Each => views,
        }
    }

    /// The same in such a precision.
    pub fn at(self, precision: TrainingPrecision) -> Pass {
        Pass { passes: self, precision }
    }
}

/// How views go through the encoder, and how finely it computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    /// Which views together.
    pub passes: Passes,
    /// How finely.
    pub precision: TrainingPrecision,
}

impl<H: Module + ModuleDisplay> Network<H> {
    /// The encoder's features of all views that go through it, in their order, `[views · n, features]`.
    ///
    /// # Shapes
    /// - views: `[n, 3, h, w]` each
    pub fn features(&self, views: &[Tensor<4>], pass: Pass) -> Tensor<2> {
        let encoder = pass.precision.of(&self.encoder);
        let forward = |views: &[Tensor<4>]| encoder.forward(Tensor::cat(views.to_vec(), 0));
        match pass.passes {
            Passes::First => forward(&views[..1]),
            Passes::Each => Tensor::cat(views.chunks(1).map(forward).collect(), 0),
            Passes::BySize => {
                let same_size = views.chunk_by(|one, other| one.dims() == other.dims());
                Tensor::cat(same_size.map(forward).collect(), 0)
            }
        }
    }
}

/// The projection head of a recipe, if it has one.
#[derive(Module, Debug)]
pub struct Projector {
    projection: Option<Head>,
}

impl Projector {
    /// With fresh weights.
    ///
    /// # Errors
    /// [`Error::Setting`] when a layer has no unit.
    pub fn new(build: &mut Build<'_>) -> Result<Self, Error> {
        Ok(Self { projection: build.projection()? })
    }

    /// Around a head that there is.
    pub fn of(projection: Option<Head>) -> Self {
        Self { projection }
    }

    /// The head, if there is one.
    pub fn projection(&self) -> Option<&Head> {
        self.projection.as_ref()
    }

    /// Projections of features, `[n, projected]`; the features themselves without a head.
    pub fn forward(&self, features: Tensor<2>) -> Tensor<2> {
        Head::maybe(self.projection.as_ref(), features)
    }
}

/// Nothing goes on from step to step.
#[derive(Module, Debug)]
pub struct NoBuffers {}
