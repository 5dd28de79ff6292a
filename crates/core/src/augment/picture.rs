//! One picture in the memory of the CPU, on which augmentations work there.

#[cfg(feature = "cpu")]
use burn::backend::Flex;
#[cfg(feature = "cpu")]
use burn::tensor::Tensor;

use super::LUMA;
#[cfg(feature = "cpu")]
use crate::array::{array, plain};
use crate::image::CHANNELS;
use crate::resize::{Tap, resample};
#[cfg(feature = "cpu")]
use crate::threads;
use crate::vectors::{Loop, widest};

/// Samples in [0, 1] of three planes, `[3, h, w]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    samples: Vec<f32>,
    size: [usize; 2],
}

impl Picture {
    /// A picture of samples `[3, h, w]`.
    ///
    /// # Panics
    /// With another number of samples.
    pub fn new(samples: Vec<f32>, size: [usize; 2]) -> Self {
        assert_eq!(samples.len(), CHANNELS * size[0] * size[1], "three planes of {size:?} pixels");
        Self { samples, size }
    }

    /// Its samples, `[3, h, w]`.
    pub fn samples(&self) -> &[f32] {
        &self.samples
    }

    /// Its height and width in pixels.
    pub fn size(&self) -> [usize; 2] {
        self.size
    }

    /// Pixels of each of its planes.
    pub(super) fn area(&self) -> usize {
        self.size[0] * self.size[1]
    }

    /// Its colours, each `[h, w]`.
    pub(super) fn planes_mut(&mut self) -> impl Iterator<Item = &mut [f32]> {
        let area = self.area().max(1);
        self.samples.chunks_exact_mut(area)
    }

    /// The rows of all planes.
    pub(super) fn rows_mut(&mut self) -> impl Iterator<Item = &mut [f32]> {
        self.samples.chunks_exact_mut(self.size[1].max(1))
    }

    /// Changes each sample.
    pub(super) fn each_sample(&mut self, change: impl Fn(f32) -> f32) {
        widest(Samples { samples: &mut self.samples, change });
    }

    /// Changes the colour of each pixel.
    pub(super) fn each_pixel(&mut self, change: impl Fn([f32; 3]) -> [f32; 3]) {
        let area = self.area();
        let (red, others) = self.samples.split_at_mut(area);
        let (green, blue) = others.split_at_mut(area);
        widest(Pixels { red, green, blue, change });
    }

    /// The mean of its pixels' lumas.
    pub(super) fn mean_luma(&self) -> f64 {
        let (red, others) = self.samples.split_at(self.area());
        let (green, blue) = others.split_at(self.area());
        let pixels = red.iter().zip(green).zip(blue);
        let sum: f64 = pixels.map(|((&r, &g), &b)| f64::from(luma([r, g, b]))).sum();
        sum / self.area() as f64
    }

    /// As many rows and columns as there are taps for them.
    pub(super) fn resample(&mut self, rows: &[Tap], columns: &[Tap]) {
        self.samples = resample(&self.samples, self.size, (rows, columns));
        self.size = [rows.len(), columns.len()];
    }
}

/// Samples and what is done with each, in wide vectors.
struct Samples<'a, F> {
    samples: &'a mut [f32],
    change: F,
}

impl<F: Fn(f32) -> f32> Loop for Samples<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        self.samples.iter_mut().for_each(|sample| *sample = (self.change)(*sample));
    }
}

/// Colours and what is done with those of each pixel, in wide vectors.
struct Pixels<'a, F> {
    red: &'a mut [f32],
    green: &'a mut [f32],
    blue: &'a mut [f32],
    change: F,
}

impl<F: Fn([f32; 3]) -> [f32; 3]> Loop for Pixels<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { red, green, blue, change } = self;
        for ((red, green), blue) in red.iter_mut().zip(green).zip(blue) {
            [*red, *green, *blue] = change([*red, *green, *blue]);
        }
    }
}

/// The luma of a colour.
#[inline(always)]
pub(super) fn luma([red, green, blue]: [f32; 3]) -> f32 {
    LUMA[0] as f32 * red + LUMA[1] as f32 * green + LUMA[2] as f32 * blue
}

/// Changes each picture of a batch on the CPU, `[n, 3, h, w]`, to one of `size` = [height, width];
/// `change` gets its place in the batch, too. All threads share the work.
///
/// # Panics
/// When a picture gets another size.
#[cfg(feature = "cpu")]
pub(super) fn each_picture(
    images: Tensor<4>,
    size: [usize; 2],
    change: impl Fn(usize, &mut Picture) + Send + Sync,
) -> Tensor<4> {
    let [n, _, height, width] = images.dims();
    let images = plain(images).to_contiguous();
    let (own, area) = (CHANNELS * height * width, CHANNELS * size[0] * size[1]);
    let mut views = threads::zeros(n * area);
    if own * area > 0 {
        threads::each_part(&mut views, area, |place, view| {
            let samples = images.storage()[place * own..][..own].to_vec();
            let mut picture = Picture::new(samples, [height, width]);
            change(place, &mut picture);
            view.copy_from_slice(picture.samples());
        });
    }
    Tensor::from_primitive::<Flex>(array(views, [n, CHANNELS, size[0], size[1]]))
}
