//! An encoder with a linear classifier on top: what learns from labels.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::Plan;
use crate::encoder::Encoder;
use crate::error::Error;
use crate::linear::Linear;
use crate::precision::TrainingPrecision;
use crate::recipe::Recipe;
use crate::rng::{Purpose, stream};

/// The network, under the names of a checkpoint.
#[derive(Module, Debug)]
pub(super) struct Classifier {
    pub(super) encoder: Encoder,
    pub(super) probe: Linear,
}

impl Classifier {
    /// Fresh weights.
    ///
    /// # Errors
    /// [`Error::Setting`] when the plan does not suit the recipe, [`Error::TooFew`] for fewer than
    /// two classes.
    pub(super) fn new(recipe: &Recipe, plan: &Plan, device: &Device) -> Result<Self, Error> {
        if plan.classes < 2 {
            let (what, got) = ("classes to tell apart", plan.classes);
            return Err(Error::TooFew { what, expected: 2, got });
        }
        recipe.precision.check(device)?;
        let encoder = recipe.encoder.init(plan.side, plan.seed, device)?;
        let mut weights = stream(plan.seed, Purpose::Weights, 0, 2);
        let probe = Linear::new(recipe.encoder.features(), plan.classes, &mut weights, device);
        Ok(Self { encoder, probe })
    }

    /// # Shapes
    /// - images: `[n, 3, side, side]` in [0, 1]
    /// - result: logits, `[n, classes]`
    pub(super) fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        self.forward_at(images, TrainingPrecision::Full)
    }

    /// The same by an encoder that computes in such a precision.
    pub(super) fn forward_at(&self, images: Tensor<4>, precision: TrainingPrecision) -> Tensor<2> {
        self.probe.forward(precision.of(&self.encoder).forward(images))
    }
}
