//! What a method's optimizer moves: the encoder, and heads behind it.

use burn::module::{Module, ModuleDisplay};
use burn::tensor::Tensor;

use super::Build;
use crate::encoder::Encoder;
use crate::error::Error;
use crate::head::Head;

/// An encoder and a method's heads.
#[derive(Module, Debug)]
pub struct Network<H: Module + ModuleDisplay> {
    /// The network that becomes useful.
    pub encoder: Encoder,
    /// What is thrown away after pre-training.
    pub heads: H,
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

    /// Projections of features, `[n, projected]`; the features themselves without a head.
    pub fn forward(&self, features: Tensor<2>) -> Tensor<2> {
        Head::maybe(self.projection.as_ref(), features)
    }
}

/// Nothing goes on from step to step.
#[derive(Module, Debug)]
pub struct NoBuffers {}
