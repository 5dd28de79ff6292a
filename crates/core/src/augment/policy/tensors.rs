//! Policies as tensors: one operation after another over the whole batch.

use burn::tensor::Tensor;

use super::{Draw, Op, Policy};
use crate::augment::Augmentation;
use crate::augment::axis::Axis;
use crate::rng::Stream;

impl Op {
    /// Transforms a batch; crops resample it to a height and a width.
    fn transform(&self, images: Tensor<4>, size: [usize; 2], streams: &mut [Stream]) -> Tensor<4> {
        if let Self::Crop(crop) = self {
            return crop.resampled(images, &drawn(crop, streams), size);
        }
        each!(self, op => op.transform(images, &drawn(op, streams)))
    }
}

/// What an augmentation draws for every image.
fn drawn<A: Augmentation>(op: &A, streams: &mut [Stream]) -> Vec<A::Drawn> {
    streams.iter_mut().map(|stream| op.draw(stream)).collect()
}

impl Policy {
    /// Transforms a batch on any device.
    pub(super) fn transform(
        &self,
        size: [usize; 2],
        images: Tensor<4>,
        draw: Draw<'_>,
    ) -> Tensor<4> {
        let mut streams: Vec<Stream> = draw.visits.iter().map(|visit| draw.stream(visit)).collect();
        let transformed = |images, op: &Op| op.transform(images, size, &mut streams);
        resized(self.0.iter().fold(images, transformed), size)
    }
}

/// Whole images at another height and width, with antialias.
pub(super) fn resized(images: Tensor<4>, [height, width]: [usize; 2]) -> Tensor<4> {
    let [n, _, h, w] = images.dims();
    if [h, w] == [height, width] {
        return images;
    }
    let device = images.device();
    let axis = |size: usize, out| Axis::antialiased(&vec![(0, size); n], size, out, &device);
    axis(h, height).resample(axis(w, width), images)
}
