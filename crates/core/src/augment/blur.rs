//! Gaussian blur.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::axis::Axis;
#[cfg(feature = "cpu")]
use super::groups::each_group;
use super::{Augmentation, where_chosen};
#[cfg(feature = "cpu")]
use crate::device::is_cpu;
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

    /// All pictures, each by its standard deviation.
    fn blurred(&self, images: Tensor<4>, sigmas: &[f64]) -> Tensor<4> {
        let ([_, _, h, w], device) = (images.dims(), images.device());
        let axis = |size| Axis::gaussian(sigmas, self.radius(h.min(w)), size, &device);
        axis(h).resample(axis(w), images)
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
        // A GPU blurs all at once; to a CPU, each costs its time.
        #[cfg(feature = "cpu")]
        if is_cpu(&images.device()) {
            let chosen: Vec<Option<()>> = drawn.iter().map(|sigma| sigma.map(drop)).collect();
            return each_group(images, &chosen, |(), places, part| {
                let sigmas: Vec<f64> = places.iter().filter_map(|&place| drawn[place]).collect();
                self.blurred(part, &sigmas)
            });
        }
        let sigmas: Vec<f64> = drawn.iter().map(|sigma| sigma.unwrap_or(1.0)).collect();
        let blurred = self.blurred(images.clone(), &sigmas);
        where_chosen(images, blurred, drawn.iter().map(Option::is_some))
    }
}
