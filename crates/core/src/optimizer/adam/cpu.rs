//! Adam on the CPU: one pass over a parameter, by all threads.

use burn::backend::Flex;
use burn::tensor::Tensor;

use super::{Moments, Numbers};
use crate::array::{array, plain};
use crate::threads;
use crate::vectors::{Loop, widest};

/// Numbers that a thread takes at a time.
const PART: usize = 1 << 14;

/// The weight after a step, and its moments; `None` are those of no gradient yet.
pub(super) fn moved(
    weight: Tensor<1>,
    gradient: Tensor<1>,
    old: Option<Moments>,
    numbers: Numbers,
) -> (Tensor<1>, Moments) {
    let [count] = weight.dims();
    // Written over the gradient, which is of no more use: the weight is still the model's.
    let [weight, mut gradient] = [weight, gradient].map(|x| plain(x).to_contiguous());
    let [mut mean, mut square] = match old {
        Some(old) => [old.mean, old.square].map(|x| plain(x).to_contiguous()),
        None => [(); 2].map(|()| array(vec![0.0; count], [count])),
    };
    let kept =
        mean.storage_mut::<f32>().chunks_mut(PART).zip(square.storage_mut().chunks_mut(PART));
    let parts =
        weight.storage().chunks(PART).zip(gradient.storage_mut().chunks_mut(PART)).zip(kept);
    threads::each(parts.collect(), |((weights, gradients), (means, squares))| {
        widest(Step { weights, gradients, means, squares, numbers });
    });
    let [moved, mean, square] = [gradient, mean, square].map(Tensor::from_primitive::<Flex>);
    (moved, Moments { mean, square })
}

/// A part of a parameter.
struct Step<'a> {
    weights: &'a [f32],
    /// In whose place weights are written.
    gradients: &'a mut [f32],
    means: &'a mut [f32],
    squares: &'a mut [f32],
    numbers: Numbers,
}

impl Loop for Step<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Numbers { beta1, beta2, epsilon, decay, keep, pull, widen } = self.numbers;
        let [fresh1, fresh2] = [1.0 - beta1, 1.0 - beta2].map(|share| share as f32);
        let [beta1, beta2, epsilon] = [beta1, beta2, epsilon].map(|x| x as f32);
        let [decay, keep, pull, widen] = [decay, keep, pull, widen].map(|x| x as f32);
        let moments = self.means.iter_mut().zip(self.squares);
        for ((weight, gradient), (mean, square)) in
            self.weights.iter().zip(self.gradients).zip(moments)
        {
            let slope = *gradient + decay * *weight;
            *mean = beta1 * *mean + fresh1 * slope;
            *square = beta2 * *square + fresh2 * (slope * slope);
            *gradient = keep * *weight - pull * *mean / (square.sqrt() * widen + epsilon);
        }
    }
}
