//! A projection head and a predictor behind it: the predictor is what a student has and its target lacks.

use burn::module::Module;
use burn::tensor::Tensor;

use super::Build;
use super::agreement::each_alone;
use super::network::Projector;
use crate::error::Error;
use crate::head::{Head, HeadSettings};

/// Projection head and predictor.
#[derive(Module, Debug)]
pub struct Predictor {
    projection: Option<Head>,
    predictor: Head,
}

/// What is made of each view.
pub(super) struct Predicted {
    /// `[n, dim]` a view.
    pub(super) projections: Vec<Tensor<2>>,
    /// `[n, dim]` a view.
    pub(super) predictions: Vec<Tensor<2>>,
}

impl Predictor {
    /// With fresh weights.
    ///
    /// # Errors
    /// [`Error::Setting`] when a layer has no unit, or predictions are not as long as projections.
    pub fn new(predictor: &HeadSettings, build: &mut Build<'_>) -> Result<Self, Error> {
        let projection = build.projection()?;
        let predictor = build.predictor(predictor).map_err(|e| e.below("objective.predictor"))?;
        Ok(Self { projection, predictor })
    }

    /// The projection head alone.
    pub fn projector(&self) -> Projector {
        Projector::of(self.projection.clone())
    }

    /// Projections and predictions of views, each view through the heads alone.
    pub(super) fn of_each(&self, features: &[Tensor<2>]) -> Predicted {
        let projections = each_alone(self.projection.as_ref(), features);
        let predictions = each_alone(Some(&self.predictor), &projections);
        Predicted { projections, predictions }
    }
}
