//! Policies on the CPU: one picture after another through all operations.

use burn::tensor::Tensor;

use super::{Draw, Op, Policy};
use crate::augment::Augmentation;
use crate::augment::picture::{Picture, each_picture};
use crate::resize::bilinear;
use crate::rng::Stream;

impl Op {
    /// Changes a picture on the CPU; crops resample it to a height and a width.
    fn change(&self, picture: &mut Picture, size: [usize; 2], stream: &mut Stream) {
        if let Self::Crop(crop) = self {
            return crop.resample(picture, &crop.draw(stream), size);
        }
        each!(self, op => op.change(picture, &op.draw(stream)));
    }
}

impl Policy {
    /// Changes each picture of a batch on the CPU.
    pub(super) fn change(&self, size: [usize; 2], images: Tensor<4>, draw: Draw<'_>) -> Tensor<4> {
        each_picture(images, size, |place, picture| {
            let mut stream = draw.stream(&draw.visits[place]);
            self.0.iter().for_each(|op| op.change(picture, size, &mut stream));
            picture.resize(size);
        })
    }
}

impl Picture {
    /// The whole picture at another height and width, with antialias.
    fn resize(&mut self, size: [usize; 2]) {
        let [h, w] = self.size();
        if [h, w] != size {
            self.resample(&bilinear(h, size[0]), &bilinear(w, size[1]));
        }
    }
}
