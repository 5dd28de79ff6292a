//! Pictures as bytes: u8, `[count, 3, height, width]`, until they reach the device.

#[cfg(feature = "gpu")]
mod gpu;

use burn::tensor::{DType, Device, Tensor, TensorData};

#[cfg(feature = "gpu")]
use crate::buffers;
use crate::error::Error;
use crate::read::read;

/// Colour planes of every picture: red, green, blue.
pub const CHANNELS: usize = 3;

/// A stack of pictures of one size, planar RGB, one byte a sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    pixels: Vec<u8>,
    count: usize,
    height: usize,
    width: usize,
}

impl Images {
    /// Pictures from planar bytes, `[count, 3, height, width]` in row-major order.
    ///
    /// # Errors
    /// [`Error::PixelCount`] when the bytes are not exactly that many.
    pub fn new(pixels: Vec<u8>, [count, height, width]: [usize; 3]) -> Result<Self, Error> {
        let expected = count * CHANNELS * height * width;
        if pixels.len() != expected {
            return Err(Error::PixelCount { expected, got: pixels.len(), count, height, width });
        }
        Ok(Self { pixels, count, height, width })
    }

    /// Number of pictures.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is no picture.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Height and width in pixels.
    pub fn size(&self) -> [usize; 2] {
        [self.height, self.width]
    }

    /// All samples, `[count, 3, height, width]`.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// One picture, `[3, height, width]`.
    pub fn picture(&self, index: usize) -> &[u8] {
        let size = CHANNELS * self.height * self.width;
        &self.pixels[index * size..(index + 1) * size]
    }

    /// The pictures at these places, in their order.
    pub fn select(&self, places: &[u32]) -> Self {
        let pixels = places.iter().flat_map(|&place| self.picture(place as usize)).copied();
        let (height, width) = (self.height, self.width);
        Self { pixels: pixels.collect(), count: places.len(), height, width }
    }

    /// These pictures followed by others of the same size.
    ///
    /// # Errors
    /// [`Error::PixelCount`] when the sizes differ.
    pub fn join(mut self, other: &Self) -> Result<Self, Error> {
        let count = self.count + other.count;
        self.pixels.extend_from_slice(&other.pixels);
        Self::new(self.pixels, [count, self.height, self.width])
    }

    /// Pictures from numbers on a device, `[count, 3, height, width]`; what lies outside [0, 1] is
    /// cut off.
    ///
    /// # Errors
    /// [`Error::Device`] when reading fails.
    pub async fn from_device(images: Tensor<4>) -> Result<Self, Error> {
        let [count, _, height, width] = images.dims();
        let numbers = read(images).await?;
        let byte = |x: f32| (x * f32::from(u8::MAX)).round().clamp(0.0, f32::from(u8::MAX)) as u8;
        Self::new(numbers.into_iter().map(byte).collect(), [count, height, width])
    }

    /// The pictures on a device as numbers in [0, 1], `[count, 3, height, width]`.
    pub fn to_device(&self, device: &Device) -> Tensor<4> {
        let shape = [self.count, CHANNELS, self.height, self.width];
        let numbers: [f32; 1 + u8::MAX as usize] =
            core::array::from_fn(|sample| sample as f32 / f32::from(u8::MAX));
        #[cfg(feature = "gpu")]
        if !self.pixels.is_empty() && buffers::is_gpu(device.clone()) {
            return gpu::uploaded(&self.pixels, &numbers, shape, device);
        }
        let floats: Vec<f32> = self.pixels.iter().map(|&p| numbers[usize::from(p)]).collect();
        Tensor::<4>::from_data(TensorData::new(floats, shape), (device, DType::F32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_byte_count_is_refused_with_both_numbers() {
        let error = Images::new(vec![0; 11], [1, 2, 2]).expect_err("11 bytes are not 12");
        assert!(matches!(error, Error::PixelCount { expected: 12, got: 11, .. }));
    }

    #[test]
    fn joined_pictures_keep_their_order() {
        let one = Images::new(vec![1; 12], [1, 2, 2]).unwrap();
        let two = Images::new(vec![2; 24], [2, 2, 2]).unwrap();
        let all = one.join(&two).unwrap();
        assert_eq!((all.len(), all.picture(0)[0], all.picture(2)[11]), (3, 1, 2));
    }
}
