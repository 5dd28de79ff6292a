//! What comes after the sums of a layer.

#[cfg(feature = "cpu")]
pub(crate) mod cpu;
#[cfg(feature = "gpu")]
pub(crate) mod gpu;
#[cfg(feature = "cpu")]
pub(crate) mod sum;

use burn::tensor::Tensor;
use burn::tensor::activation::relu;

#[cfg(feature = "cpu")]
use crate::vectors::{Loop, widest};

/// An activation that costs least where the layer before it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Activation {
    /// The sums as they are.
    Linear,
    /// max(x, 0).
    Relu,
    /// min(max(x, 0), 6) (`MobileNet`).
    Relu6,
}

/// Where `ReLU6` ends.
pub(crate) const SIX: f32 = 6.0;

impl Activation {
    /// On any device.
    pub fn apply<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Linear => x,
            Self::Relu => relu(x),
            Self::Relu6 => relu(x).clamp_max(SIX),
        }
    }

    /// Of one number. Unlike a maximum with 0, lets a NaN pass: divergence must show.
    #[cfg(feature = "cpu")]
    #[inline(always)]
    pub(crate) fn of(self, x: f32) -> f32 {
        match self {
            Self::Relu | Self::Relu6 if x < 0.0 => 0.0,
            Self::Relu6 if x > SIX => SIX,
            Self::Linear | Self::Relu | Self::Relu6 => x,
        }
    }

    /// Takes the gradient away where the result does not follow the sum.
    #[cfg(feature = "cpu")]
    pub(crate) fn stop(self, gradients: &mut [f32], results: &[f32]) {
        let most = match self {
            Self::Linear => return,
            // Nothing is more.
            Self::Relu => f32::NAN,
            Self::Relu6 => SIX,
        };
        widest(Stopped { gradients, results, most });
    }
}

/// Sets gradients to 0 where results are not above 0 or not below `most`.
#[cfg(feature = "cpu")]
struct Stopped<'a> {
    gradients: &'a mut [f32],
    results: &'a [f32],
    most: f32,
}

#[cfg(feature = "cpu")]
impl Loop for Stopped<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (gradient, &y) in self.gradients.iter_mut().zip(self.results) {
            *gradient = if y <= 0.0 || y >= self.most { 0.0 } else { *gradient };
        }
    }
}
