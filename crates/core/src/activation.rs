//! What comes after the sums of a layer.

#[cfg(feature = "cpu")]
pub(crate) mod cpu;
#[cfg(feature = "gpu")]
pub(crate) mod gpu;
#[cfg(feature = "cpu")]
pub(crate) mod sum;

#[cfg(feature = "cpu")]
use core::iter;

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

    /// Notes which results follow their sums: what [`stop`] needs of them, in a quarter of the memory.
    #[cfg(feature = "cpu")]
    pub(crate) fn note(self, followed: &mut [bool], results: &[f32]) {
        widest(Noted { followed, results, follows: self.follows() });
    }

    /// Between which sums, both excluded, the result follows them.
    #[cfg(feature = "cpu")]
    pub(crate) fn follows(self) -> Follows {
        // Nothing is less or more than NaN.
        let [least, most] = match self {
            Self::Linear => [f32::NAN; 2],
            Self::Relu => [0.0, f32::NAN],
            Self::Relu6 => [0.0, SIX],
        };
        Follows { least, most }
    }
}

/// Between which sums a result follows them.
#[cfg(feature = "cpu")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Follows {
    least: f32,
    most: f32,
}

#[cfg(feature = "cpu")]
impl Follows {
    /// The gradient of a sum from that of the result; in place of the sum, the result does as well. A NaN is
    /// followed.
    #[inline(always)]
    pub(crate) fn back(self, gradient: f32, sum: f32) -> f32 {
        if self.has(sum) { gradient } else { 0.0 }
    }

    /// Whether the result follows such a sum.
    #[inline(always)]
    fn has(self, sum: f32) -> bool {
        // Without a branch between both, which vectors would not have.
        !((sum <= self.least) | (sum >= self.most))
    }
}

/// Room for notes on each part of some results, so many at a time; none where nothing is to be noted.
#[cfg(feature = "cpu")]
pub(crate) fn parts(
    followed: &mut [bool],
    size: usize,
) -> impl Iterator<Item = Option<&mut [bool]>> {
    followed.chunks_mut(size).map(Some).chain(iter::repeat_with(|| None))
}

/// Takes gradients away of results that do not follow their sums.
#[cfg(feature = "cpu")]
pub(crate) fn stop(gradients: &mut [f32], followed: &[bool]) {
    widest(Stopped { gradients, followed });
}

/// Notes which results follow.
#[cfg(feature = "cpu")]
struct Noted<'a> {
    followed: &'a mut [bool],
    results: &'a [f32],
    follows: Follows,
}

#[cfg(feature = "cpu")]
impl Loop for Noted<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (followed, result) in self.followed.iter_mut().zip(self.results) {
            *followed = self.follows.has(*result);
        }
    }
}

/// Takes gradients away where it was noted.
#[cfg(feature = "cpu")]
struct Stopped<'a> {
    gradients: &'a mut [f32],
    followed: &'a [bool],
}

#[cfg(feature = "cpu")]
impl Loop for Stopped<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (gradient, followed) in self.gradients.iter_mut().zip(self.followed) {
            *gradient = if *followed { *gradient } else { 0.0 };
        }
    }
}

#[cfg(all(test, feature = "cpu"))]
mod tests {
    use super::*;

    #[test]
    fn gradients_are_stopped_where_results_do_not_follow() {
        let results = [-1.0, -0.0, 0.0, 1e-30, 0.5, 5.999, 6.0, 7.0, f32::NAN].repeat(9);
        for (activation, follow) in [
            (Activation::Linear, [true; 9]),
            (Activation::Relu, [false, false, false, true, true, true, true, true, true]),
            (Activation::Relu6, [false, false, false, true, true, true, false, false, true]),
        ] {
            let mut followed = vec![false; results.len()];
            activation.note(&mut followed, &results);
            assert_eq!(followed, follow.repeat(9), "{activation:?}");
            let mut gradients = vec![2.0; results.len()];
            stop(&mut gradients, &followed);
            let expected = followed.iter().map(|follows| if *follows { 2.0 } else { 0.0 });
            assert_eq!(gradients, expected.collect::<Vec<f32>>(), "{activation:?}");
            let known = results.iter().map(|x| activation.follows().back(2.0, *x));
            assert_eq!(gradients, known.collect::<Vec<f32>>(), "{activation:?}");
        }
    }
}
