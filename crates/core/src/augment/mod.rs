//! Augmentation: what the network is asked to ignore.
//!
//! Parameters are drawn on the host, a stream a picture. A GPU transforms a batch at a time, as tensors
//! `[n, 3, h, w]` in [0, 1] on a device without autodiff; a CPU takes one picture after another through
//! the whole policy, while it has it at hand.

pub mod affine;
pub mod axis;
pub mod blur;
pub mod brightness;
pub mod color;
pub mod crop;
pub mod erase;
pub mod flip;
pub mod gamma;
pub mod grayscale;
mod groups;
pub mod jitter;
mod levels;
pub mod morphology;
mod named;
pub mod pad_crop;
pub mod picture;
pub mod policy;
pub mod rand_augment;
pub mod reflect;
mod sharpness;
pub mod solarize;
pub mod views;
pub mod warp;

use burn::tensor::{Device, Tensor, TensorData};

use self::picture::Picture;
#[cfg(feature = "gpu")]
use crate::device::is_cpu;
use crate::error::Error;
use crate::rng::Stream;

/// One augmentation: what it draws for a picture, and what it does to it.
pub trait Augmentation: Sync {
    /// What is drawn for one picture.
    type Drawn: Sync;

    /// Whether every number is in its range.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the first that is not.
    fn check(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Draws for one picture.
    fn draw(&self, stream: &mut Stream) -> Self::Drawn;

    /// Changes one picture on the CPU by what was drawn for it.
    fn change(&self, picture: &mut Picture, drawn: &Self::Drawn);

    /// Transforms a batch, `[n, 3, h, w]`, on any device by what was drawn for each of its pictures, to
    /// what [`change`](Self::change) makes of each but for rounding.
    fn transform(&self, images: Tensor<4>, drawn: &[Self::Drawn]) -> Tensor<4>;

    /// Does so in the way that suits the device.
    fn apply(&self, images: Tensor<4>, drawn: &[Self::Drawn]) -> Tensor<4> {
        #[cfg(feature = "gpu")]
        if !is_cpu(&images.device()) {
            return self.transform(images, drawn);
        }
        #[cfg(feature = "cpu")]
        let images = {
            let [_, _, h, w] = images.dims();
            picture::each_picture(images, [h, w], |place, picture| {
                self.change(picture, &drawn[place]);
            })
        };
        images
    }
}

/// One number a picture, shaped `[n, 1, 1, 1]` to meet images.
fn per_image(numbers: impl Iterator<Item = f64>, device: &Device) -> Tensor<4> {
    let numbers: Vec<f32> = numbers.map(|x| x as f32).collect();
    let shape = [numbers.len(), 1, 1, 1];
    Tensor::from_data(TensorData::new(numbers, shape), device)
}

/// Takes `changed` where the picture was `chosen`, else `images`.
fn where_chosen(
    images: Tensor<4>,
    changed: Tensor<4>,
    chosen: impl Iterator<Item = bool>,
) -> Tensor<4> {
    let shape = images.dims();
    let chosen = per_image(chosen.map(|c| f64::from(u8::from(c))), &images.device());
    images.mask_where(chosen.greater_elem(0.5).expand(shape), changed)
}

/// Weights of red, green and blue in the luma (ITU-R BT.601, as torchvision and Pillow have it).
const LUMA: [f64; 3] = [0.299, 0.587, 0.114];

/// Luma of RGB, `[n, 1, h, w]`.
fn gray(images: Tensor<4>) -> Tensor<4> {
    let [red, green, blue] = planes(images);
    red.mul_scalar(LUMA[0]) + green.mul_scalar(LUMA[1]) + blue.mul_scalar(LUMA[2])
}

/// The three colour planes, each `[n, 1, h, w]`.
fn planes(images: Tensor<4>) -> [Tensor<4>; 3] {
    [0, 1, 2].map(|plane| images.clone().narrow(1, plane, 1))
}
