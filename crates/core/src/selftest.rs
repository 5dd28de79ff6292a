//! Whether a device computes what it should, by a tiny forward and backward pass.
//!
//! Browsers skip a shader that they refuse and leave stale numbers behind; nothing but numbers
//! known beforehand tells.

use burn::tensor::{Device, Tensor};

use crate::activation::Activation;
use crate::encoder::conv::Conv;
use crate::error::Error;
use crate::image::{CHANNELS, Images};
use crate::linear::Linear;
use crate::method::simclr::{SimclrForm, SimclrSettings};
use crate::read::read;
use crate::rng::{Purpose, stream};

/// Pictures, and pixels of their side.
const PICTURES: usize = 4;
const SIDE: usize = 15;
/// Channels of the convolution, and its stride.
const WIDTH: usize = 8;
const STRIDE: usize = 2;
/// Rows and columns that the convolution leaves.
const LEFT: usize = 7;
const DIM: usize = 8;
/// Gradients of the first convolution that are compared.
const COMPARED: usize = 12;

/// The loss, as the CPU computes it natively.
const LOSS: [f32; 1] = [1.488_516_3];
/// The first gradients, likewise.
const GRADIENTS: [f32; COMPARED] = [
    0.007_074_488,
    0.039_176_673,
    0.051_433_437,
    -0.066_663_09,
    -0.022_928_216,
    -0.044_522_326,
    0.028_102_476,
    -0.112_991_45,
    0.003_527_47,
    0.009_289_026,
    0.056_374_066,
    -0.074_339_87,
];

/// A deviation above this means that the device is not to be trusted; devices that are to be
/// trusted differ by rounding, a hundred times less.
pub const TOLERANCE: f64 = 1e-3;

/// How far a device is off: the largest difference from the numbers expected, relative to the
/// largest of their kind, infinite for what is not a number.
///
/// Computes the loss of two views and its gradient at the convolution's weights.
///
/// # Errors
/// [`Error::Device`] when the device fails outright.
pub async fn deviation(device: &Device) -> Result<f64, Error> {
    let got = numbers(device).await?;
    let (loss, gradients) = got.split_at(LOSS.len());
    Ok(difference(loss, &LOSS).max(difference(gradients, &GRADIENTS)))
}

/// The largest difference, relative to the largest number expected.
fn difference(got: &[f32], expected: &[f32]) -> f64 {
    let size = expected.iter().fold(0.0, |size: f32, x| size.max(x.abs()));
    let far = got.iter().zip(expected).map(|(got, expected)| f64::from((got - expected).abs()));
    let far = far.fold(0.0, |worst: f64, x| if x.is_nan() { f64::INFINITY } else { worst.max(x) });
    far / f64::from(size)
}

/// The loss, then gradients.
async fn numbers(device: &Device) -> Result<Vec<f32>, Error> {
    let device = device.clone().autodiff();
    let mut weights = stream(0, Purpose::Test, 0, 0);
    let conv = Conv::new([CHANNELS, WIDTH], STRIDE, &mut weights, &device);
    let dense = Linear::new(WIDTH * LEFT * LEFT, DIM, &mut weights, &device);
    let pixels = (0..2 * PICTURES * CHANNELS * SIDE * SIDE).map(|_| weights.below(256) as u8);
    let images = Images::new(pixels.collect(), [2 * PICTURES, SIDE, SIDE])?;
    let maps = conv.forward_with(images.to_device(&device), Activation::Relu);
    let projections = dense.forward(maps.flatten::<2>(1, 3));
    let view = |start| projections.clone().narrow(0, start, PICTURES);
    let settings = SimclrSettings { temperature: 0.5, form: SimclrForm::CrossView };
    let loss = settings.terms(view(0), view(PICTURES)).losses.mean();
    let gradients = loss.backward();
    let gradient = conv.weight().grad(&gradients).expect("the loss depends on the convolution");
    let compared = gradient.flatten::<1>(0, 3).narrow(0, 0, COMPARED);
    read(Tensor::cat(vec![loss.inner(), compared], 0)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_gives_the_numbers_expected() {
        let got = pollster::block_on(numbers(&Device::flex())).unwrap();
        let far = pollster::block_on(deviation(&Device::flex())).unwrap();
        assert!(far < 1e-5, "off by {far}: {got:?}");
    }

    #[test]
    fn stale_zeros_and_nan_are_far_off() {
        assert!(difference(&[0.0; COMPARED], &GRADIENTS) >= 1.0);
        assert_eq!(difference(&[f32::NAN], &LOSS), f64::INFINITY);
    }
}
