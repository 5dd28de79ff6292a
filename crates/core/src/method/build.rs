//! What a method's parts are made of.

use burn::tensor::Device;

use crate::error::Error;
use crate::head::{Head, HeadSettings};
use crate::rng::Stream;

/// What heads and buffers are made of.
#[derive(Debug)]
pub struct Build<'a> {
    /// The recipe's projection head, if it has one.
    pub projection: Option<&'a HeadSettings>,
    /// Features of an image.
    pub features: usize,
    /// The seed of the run.
    pub seed: u64,
    /// Where weights are drawn from.
    pub weights: &'a mut Stream,
    /// Where networks are that learn.
    pub device: &'a Device,
}

impl Build<'_> {
    /// The recipe's projection head with fresh weights, if it has one.
    ///
    /// # Errors
    /// [`Error::Setting`] when a layer has no unit.
    pub fn projection(&mut self) -> Result<Option<Head>, Error> {
        self.projection.map(|head| head.init(self.features, self.weights, self.device)).transpose()
    }

    /// A predictor with fresh weights, behind the projection head.
    ///
    /// # Errors
    /// [`Error::Setting`] when a layer has no unit, or predictions are not as long as projections.
    pub fn predictor(&mut self, predictor: &HeadSettings) -> Result<Head, Error> {
        let projected = self.projected();
        if predictor.output != projected {
            let expected = format!(
                "{projected}, as long as the projections that predictions are compared with"
            );
            return Err(Error::setting("output", expected, predictor.output));
        }
        predictor.init(projected, self.weights, self.device)
    }

    /// Numbers of an image behind the projection head; its features where there is none.
    pub fn projected(&self) -> usize {
        self.projection.map_or(self.features, |head| head.output)
    }

    /// Where buffers are: the device without autodiff.
    pub fn plain_device(&self) -> Device {
        self.device.clone().inner()
    }
}
