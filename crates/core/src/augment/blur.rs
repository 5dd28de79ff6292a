//! Gaussian blur.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::axis::Axis;
use super::{Augmentation, where_chosen};
use crate::error::Error;
use crate::range;
use crate::rng::Stream;

/// Blurs with a random width (`SimCLR`, appendix A; torchvision's `GaussianBlur`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
#[serde(deny_unknown_fields)]
pub struct Blur {
    /// How often, in [0, 1].
    pub probability: f64,
    /// Width of the kernel as a share of the side; the papers use 0.1.
    pub kernel: f64,
    /// Standard deviation in pixels, lowest and highest.
    pub sigma: [f64; 2],
}

impl Blur {
    /// Pixels on each side of the centre: the kernel is odd and at least 3 wide.
    fn radius(&self, side: usize) -> usize {
        ((self.kernel * side as f64 / 2.0) as usize).clamp(1, side - 1)
    }
}

impl Augmentation for Blur {
    /// Standard deviation in pixels, where the picture is to be blurred.
    type Drawn = Option<f64>;

    fn check(&self) -> Result<(), Error> {
        range::share("blur.probability", self.probability)?;
        range::share("blur.kernel", self.kernel)?;
        range::interval("blur.sigma", self.sigma, 0.0)
    }

    fn draw(&self, stream: &mut Stream) -> Option<f64> {
        let chosen = stream.chance(self.probability);
        let sigma = stream.uniform(self.sigma[0], self.sigma[1]);
        chosen.then_some(sigma)
    }

    fn apply(&self, images: Tensor<4>, drawn: &[Option<f64>]) -> Tensor<4> {
        let [_, _, h, w] = images.dims();
        let device = images.device();
        let sigmas: Vec<f64> = drawn.iter().map(|d| d.unwrap_or(1.0)).collect();
        let axis = |size| Axis::gaussian(&sigmas, self.radius(h.min(w)), size, &device);
        let blurred = axis(h).resample(axis(w), images.clone());
        where_chosen(images, blurred, drawn.iter().map(Option::is_some))
    }
}
