//! Gaussian blur.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::axis::{Axis, gaussian};
use super::picture::Picture;
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
    /// Pixels on each side of the centre: the kernel is odd and at least 3 wide, but where the picture
    /// has no second pixel to mirror.
    fn radius(&self, side: usize) -> usize {
        ((self.kernel * side as f64 / 2.0) as usize).max(1).min(side - 1)
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

    fn change(&self, picture: &mut Picture, sigma: &Option<f64>) {
        let ([h, w], Some(sigma)) = (picture.size(), *sigma) else { return };
        let radius = self.radius(h.min(w));
        picture.resample(&gaussian(sigma, radius, h), &gaussian(sigma, radius, w));
    }

    fn transform(&self, images: Tensor<4>, drawn: &[Option<f64>]) -> Tensor<4> {
        let sigmas: Vec<f64> = drawn.iter().map(|sigma| sigma.unwrap_or(1.0)).collect();
        let blurred = self.blurred(images.clone(), &sigmas);
        where_chosen(images, blurred, drawn.iter().map(Option::is_some))
    }
}

#[cfg(test)]
mod tests {
    use super::super::warp::tests::{close, noise, values};
    use super::*;

    #[test]
    fn what_has_no_neighbours_stays_as_it_is() {
        let op = Blur { probability: 1.0, kernel: 0.1, sigma: [0.1, 2.0] };
        let images = noise([2, 1, 1]);
        let own = values(images.clone());
        close(&values(op.apply(images.clone(), &[Some(0.5), None])), &own, "a picture");
        close(&values(op.transform(images, &[Some(0.5), Some(2.0)])), &own, "tensors");
    }
}
