//! Probes: what frozen features are worth.

pub mod agreement;
pub mod assignment;
pub mod bootstrap;
pub mod clustering;
pub mod confusion;
pub(crate) mod distance;
pub mod few_label;
pub mod geometry;
pub mod k_means;
pub mod knn;
pub(crate) mod lbfgs;
pub mod linear;
pub mod measure;
pub mod minibatch;
pub mod paired;
pub mod pca;
pub mod rank_me;
pub mod repetition;
pub mod retrieval;
pub mod spectrum;
pub mod sphere;
pub mod two_views;

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use crate::encoder::Encoder;
use crate::error::Error;
use crate::image::Images;
use crate::read::read;
use crate::threads;

/// How a linear classifier on frozen features is fitted: the two are not comparable with each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinearProtocol {
    /// With all pictures at once, to the end: kith's own, which every report has.
    #[default]
    FullBatch,
    /// Besides, in 100 epochs of small batches, as relational reasoning's paper does it.
    Minibatch,
}

/// Features of many pictures, on the host.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Features {
    /// Row-major, `[len, dim]`.
    pub values: Vec<f32>,
    /// Numbers a picture.
    pub dim: usize,
}

/// Images with labels.
#[derive(Clone, Copy, Debug)]
pub struct Labelled<'a> {
    /// Features, a row an image.
    pub features: &'a Features,
    /// The label of every image, below `classes`.
    pub labels: &'a [u16],
    /// Number of classes.
    pub classes: usize,
}

/// How many images go through an encoder at once: on the CPU few, whose maps stay in the cache, and whose
/// memory is soon used again.
fn at_once(images: &Images, device: &Device) -> usize {
    #[cfg(feature = "cpu")]
    if *device == Device::flex() {
        /// Two images of 224 pixels a side.
        const PIXELS: usize = 1 << 17;
        let [height, width] = images.size();
        return (PIXELS / (height * width).max(1)).max(1);
    }
    let _any = device;
    images.len().max(1)
}

impl Features {
    /// Number of pictures.
    pub fn len(&self) -> usize {
        self.values.len().checked_div(self.dim).unwrap_or(0)
    }

    /// Whether there is no picture.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The features of one picture.
    pub fn row(&self, index: usize) -> &[f32] {
        &self.values[index * self.dim..(index + 1) * self.dim]
    }

    /// Adds the clean features of a batch of pictures.
    ///
    /// # Errors
    /// [`Error::Device`] when the device fails, [`Error::NotFinite`] for features that are no numbers.
    pub async fn add(
        &mut self,
        encoder: &Encoder,
        images: &Images,
        device: &Device,
    ) -> Result<(), Error> {
        let at_once = at_once(images, device);
        let images = images.to_device(device);
        let count = images.dims()[0];
        let starts: Vec<usize> = (0..count).step_by(at_once).collect();
        let part = |start: usize| images.clone().narrow(0, start, at_once.min(count - start));
        for features in threads::each(starts, |start| encoder.forward(part(start))) {
            self.dim = features.dims()[1];
            let values = read(features).await?;
            if !values.iter().all(|value| value.is_finite()) {
                return Err(Error::NotFinite { name: "features".into() });
            }
            self.values.extend(values);
        }
        Ok(())
    }

    /// The same directions with length one, as cosines compare them; zeros stay zeros.
    pub fn unit(&self) -> Self {
        let mut values = self.values.clone();
        for row in values.chunks_exact_mut(self.dim.max(1)) {
            let length = row.iter().map(|x| x * x).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
            row.iter_mut().for_each(|x| *x /= length);
        }
        Self { values, dim: self.dim }
    }

    /// The features of the pictures at these places.
    pub fn select(&self, places: &[usize]) -> Self {
        let values = places.iter().flat_map(|&place| self.row(place)).copied().collect();
        Self { values, dim: self.dim }
    }
}
