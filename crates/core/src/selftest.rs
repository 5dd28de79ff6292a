//! Whether a device computes what it should, by a tiny pass forward, and one backward for training.
//!
//! Browsers skip a shader that they refuse and leave stale numbers behind; nothing but numbers
//! known beforehand tells.

use burn::tensor::{Device, Tensor};

use crate::activation::Activation;
use crate::encoder::conv::Conv;
use crate::error::Error;
use crate::image::{CHANNELS, Images};
use crate::linear::Linear;
use crate::matrix::Times;
use crate::method::simclr::{SimclrForm, SimclrSettings};
use crate::precision::TrainingPrecision;
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
/// Numbers of a kind that are compared.
const COMPARED: usize = 12;

/// The first means of maps, as the CPU computes them natively.
const MEANS: [f32; COMPARED] = [
    0.494_088_7,
    0.003_050_666,
    0.473_336_46,
    0.305_714_9,
    0.030_628_866,
    0.046_713_83,
    0.603_673,
    0.313_619_67,
    0.484_918_98,
    0.007_671_950_4,
    0.495_302_35,
    0.285_390_38,
];
/// The first projections, likewise.
const PROJECTIONS: [f32; COMPARED] = [
    -0.153_854_37,
    -0.785_155_9,
    -0.404_085_3,
    0.894_536_6,
    -0.434_040_2,
    0.155_179_11,
    -1.026_470_7,
    -0.022_785_32,
    -0.344_478_34,
    -1.518_428_9,
    0.048_838_004,
    1.268_361_2,
];
/// The loss, likewise.
const LOSS: [f32; 1] = [1.488_516_3];
/// The first gradients of the convolution, likewise.
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

/// The same in mixed precision, which differs from these numbers by some 1e-3 where all is right.
const MIXED_TOLERANCE: f64 = 1e-2;

/// How far a device is off without gradients: the largest difference from the numbers expected, relative to
/// the largest of their kind, infinite for what is not a number.
///
/// Computes a convolution of a few pictures, the means of its maps, projections of them and the
/// projections' products. It has a GPU compile little beyond what every encoder has it compile. The device
/// is one without autodiff.
///
/// # Errors
/// [`Error::Device`] when the device fails outright.
pub async fn inference(device: &Device) -> Result<f64, Error> {
    inference_in(TrainingPrecision::Full, device).await
}

async fn inference_in(precision: TrainingPrecision, device: &Device) -> Result<f64, Error> {
    let Network { maps, projections, .. } = Network::new(precision, device)?;
    let means = maps.reshape([2 * PICTURES, WIDTH, LEFT * LEFT]).mean_dim(2);
    let means = means.flatten::<1>(0, 2).narrow(0, 0, COMPARED);
    let similarities =
        projections.clone().times(projections.clone().transpose()).flatten::<1>(0, 1);
    let all = Tensor::cat(vec![means, projections.flatten::<1>(0, 1), similarities], 0);
    let got = read(all).await?;
    let (means, got) = got.split_at(COMPARED);
    let (projections, similarities) = got.split_at(2 * PICTURES * DIM);
    let far = difference(means, &MEANS).max(difference(&projections[..COMPARED], &PROJECTIONS));
    Ok(far.max(difference(similarities, &products_of_rows(projections))))
}

/// The product of every row of projections with every row.
fn products_of_rows(projections: &[f32]) -> Vec<f32> {
    let rows = || projections.chunks_exact(DIM);
    let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum();
    rows().flat_map(|a| rows().map(move |b| product(a, b))).collect()
}

/// The same of what training computes as well: the loss of two views and its gradient at the
/// convolution's weights.
///
/// # Errors
/// [`Error::Device`] when the device fails outright.
pub async fn training(device: &Device) -> Result<f64, Error> {
    training_in(TrainingPrecision::Full, device).await
}

/// Whether a device computes in a precision what it should: [`training`] in it, for other than full.
///
/// # Errors
/// [`Error::Setting`] where it cannot or computes something else, [`Error::Device`] when it fails outright.
pub async fn precision(precision: TrainingPrecision, device: &Device) -> Result<(), Error> {
    precision.check(device)?;
    if precision == TrainingPrecision::Full {
        return Ok(());
    }
    let far = training_in(precision, device).await?;
    if far <= MIXED_TOLERANCE {
        return Ok(());
    }
    let expected = format!(
        "\"full\": this device multiplies numbers of two bytes wrongly, a test with known values is off \
         by {far:.1e}"
    );
    Err(Error::setting("precision", expected, "mixed"))
}

async fn training_in(precision: TrainingPrecision, device: &Device) -> Result<f64, Error> {
    let tracked = device.clone().autodiff();
    let Network { conv, projections, .. } = Network::new(precision, &tracked)?;
    let view = |start| projections.clone().narrow(0, start, PICTURES);
    let settings = SimclrSettings { temperature: 0.5, form: SimclrForm::CrossView };
    let loss = settings.terms(view(0), view(PICTURES)).losses.mean();
    let gradients = loss.backward();
    let gradient = conv.weight().grad(&gradients).expect("the loss depends on the convolution");
    let gradient = gradient.flatten::<1>(0, 3).narrow(0, 0, COMPARED);
    let got = read(Tensor::cat(vec![loss.inner(), gradient], 0)).await?;
    let (loss, gradient) = got.split_at(LOSS.len());
    let far = difference(loss, &LOSS).max(difference(gradient, &GRADIENTS));
    Ok(far.max(inference_in(precision, device).await?))
}

/// A tiny network, and what becomes of a few pictures in it.
struct Network {
    conv: Conv,
    maps: Tensor<4>,
    projections: Tensor<2>,
}

impl Network {
    fn new(precision: TrainingPrecision, device: &Device) -> Result<Self, Error> {
        let mut weights = stream(0, Purpose::Test, 0, 0);
        let conv = Conv::new([CHANNELS, WIDTH], STRIDE, &mut weights, device);
        let dense = Linear::new(WIDTH * LEFT * LEFT, DIM, &mut weights, device);
        let pixels = (0..2 * PICTURES * CHANNELS * SIDE * SIDE).map(|_| weights.below(256) as u8);
        let images = Images::new(pixels.collect(), [2 * PICTURES, SIDE, SIDE])?;
        let maps = precision.of(&conv).forward_with(images.to_device(device), Activation::Relu);
        let projections = precision.of(&dense).forward(maps.clone().flatten::<2>(1, 3));
        Ok(Self { conv, maps, projections })
    }
}

/// The largest difference, relative to the largest number expected.
fn difference(got: &[f32], expected: &[f32]) -> f64 {
    let size = expected.iter().fold(0.0, |size: f32, x| size.max(x.abs()));
    let far = got.iter().zip(expected).map(|(got, expected)| f64::from((got - expected).abs()));
    let far = far.fold(0.0, |worst: f64, x| if x.is_nan() { f64::INFINITY } else { worst.max(x) });
    far / f64::from(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_gives_the_numbers_expected() {
        let device = Device::flex();
        let far = [
            pollster::block_on(inference(&device)).unwrap(),
            pollster::block_on(training(&device)).unwrap(),
        ];
        assert!(far.iter().all(|&far| far < 1e-5), "off by {far:?}");
    }

    #[test]
    fn mixed_precision_is_near_them_on_cpu_and_wgpu() {
        let gpu = Device::wgpu(burn::tensor::DeviceKind::DefaultDevice);
        for device in [Device::flex(), gpu] {
            let far = pollster::block_on(training_in(TrainingPrecision::Mixed, &device)).unwrap();
            assert!((1e-5..MIXED_TOLERANCE / 2.0).contains(&far), "{device:?}: off by {far}");
            pollster::block_on(precision(TrainingPrecision::Mixed, &device)).unwrap();
        }
    }

    #[test]
    fn stale_zeros_and_nan_are_far_off() {
        assert!(difference(&[0.0; COMPARED], &GRADIENTS) >= 1.0);
        assert_eq!(difference(&[f32::NAN], &LOSS), f64::INFINITY);
    }
}
