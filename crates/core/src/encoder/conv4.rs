//! The encoder of the Keras examples: four strided convolutions and a dense layer.

use burn::module::Module;
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};

use super::conv::{Conv, side_after};
use crate::activation::Activation;
use crate::error::Error;
use crate::image::CHANNELS;
use crate::linear::Linear;
use crate::rng::Stream;

/// Convolution (3×3, stride 2, valid, bias, `ReLU`) four times, then dense with `ReLU`: features are
/// not negative and some may be dead.
#[derive(Module, Debug)]
pub struct Conv4 {
    convs: Vec<Conv>,
    dense: Linear,
}

/// Convolutions.
pub(crate) const DEPTH: usize = 4;
/// Of each.
pub(crate) const STRIDE: usize = 2;
/// The least side of which four convolutions leave one pixel.
const LEAST_SIDE: usize = 31;

/// Side of the maps that the convolutions leave of an image, if they leave any.
pub(super) fn last_side(side: usize) -> Option<usize> {
    let shrunk = (0..DEPTH).try_fold(side, |side, _| side_after(side, STRIDE));
    shrunk.filter(|_| side >= LEAST_SIDE)
}

impl Conv4 {
    /// Fresh weights for pictures of `side` pixels, `width` channels and features.
    ///
    /// # Errors
    /// [`Error::Setting`] for a width of 0 or a side below 31.
    pub fn new(
        width: usize,
        side: usize,
        stream: &mut Stream,
        device: &Device,
    ) -> Result<Self, Error> {
        if width == 0 {
            return Err(Error::setting("encoder.width", "at least 1", width));
        }
        let Some(last) = last_side(side) else {
            return Err(Error::setting("side", "at least 31 pixels for four convolutions", side));
        };
        let convs = (0..DEPTH)
            .map(|depth| {
                let inputs = if depth == 0 { CHANNELS } else { width };
                Conv::new([inputs, width], STRIDE, stream, device)
            })
            .collect();
        let dense = Linear::new(width * last * last, width, stream, device);
        Ok(Self { convs, dense })
    }

    /// For inference: see [`Conv::packed`].
    pub(super) fn folded(&self) -> Self {
        Self { convs: self.convs.iter().map(Conv::packed).collect(), dense: self.dense.packed() }
    }

    /// # Shapes
    /// - images: `[n, 3, side, side]` in [0, 1]
    /// - result: `[n, width]`, none negative
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let maps =
            self.convs.iter().fold(images, |maps, conv| conv.forward_with(maps, Activation::Relu));
        relu(self.dense.forward(maps.flatten::<2>(1, 3)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, stream};

    fn conv4(width: usize, side: usize) -> Result<Conv4, Error> {
        Conv4::new(width, side, &mut stream(0, Purpose::Test, 0, 0), &Device::flex())
    }

    #[test]
    fn the_seeds_encoder_has_their_number_of_parameters() {
        assert_eq!(conv4(128, 96).unwrap().num_params(), 856_064);
    }

    #[test]
    fn the_least_side_gives_features_and_one_less_is_refused() {
        let images = Tensor::zeros([2, 3, LEAST_SIDE, LEAST_SIDE], &Device::flex());
        assert_eq!(conv4(5, LEAST_SIDE).unwrap().forward(images).dims(), [2, 5]);
        let error = conv4(5, LEAST_SIDE - 1).expect_err("30 pixels are too few");
        assert_eq!(error.code(), "SETTING");
    }
}
