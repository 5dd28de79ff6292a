//! Pictures cut into patches, each of which becomes a token.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use crate::image::CHANNELS;
use crate::initial;
use crate::matrix::Times;
use crate::rng::Stream;

/// A convolution whose stride is the side of its kernel, computed as one product of matrices.
#[derive(Module, Debug)]
pub(super) struct PatchEmbed {
    proj: Projection,
}

/// Weight `[dim, 3, patch, patch]`, bias `[dim]`.
#[derive(Module, Debug)]
struct Projection {
    weight: Param<Tensor<4>>,
    bias: Param<Tensor<1>>,
}

impl PatchEmbed {
    /// Weights and biases uniform in ±1/√(3·patch²), as in timm and DINO: `PyTorch`'s default.
    pub(super) fn new(dim: usize, patch: usize, stream: &mut Stream, device: &Device) -> Self {
        let limit = 1.0 / ((CHANNELS * patch * patch) as f64).sqrt();
        let weight = initial::uniform([dim, CHANNELS, patch, patch], limit, stream, device);
        Self { proj: Projection { weight, bias: initial::uniform([dim], limit, stream, device) } }
    }

    /// Side of a patch, in pixels.
    pub(super) fn patch(&self) -> usize {
        self.proj.weight.dims()[3]
    }

    /// # Shapes
    /// - images: `[n, 3, h, w]`, both sides multiples of the patch
    /// - result: `[n, h · w / patch², dim]`, row by row
    pub(super) fn forward(&self, images: Tensor<4>) -> Tensor<3> {
        let weight = self.proj.weight.val();
        let ([n, channels, height, width], [dim, _, _, patch]) = (images.dims(), weight.dims());
        let [rows, columns] = [height / patch, width / patch];
        let (count, pixels) = (rows * columns, channels * patch * patch);
        let cut = images.reshape([n, channels, rows, patch, columns, patch]);
        let cut = cut.permute([0, 2, 4, 1, 3, 5]).reshape([n * count, pixels]);
        let sums = cut.times(weight.reshape([dim, pixels]).transpose());
        (sums + self.proj.bias.val().unsqueeze()).reshape([n, count, dim])
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests run natively and read what they computed")]
mod tests {
    use burn::tensor::Distribution;
    use burn::tensor::module::conv2d;
    use burn::tensor::ops::ConvOptions;

    use super::*;
    use crate::rng::{Purpose, stream};

    #[test]
    fn the_product_is_burns_convolution() {
        let (device, patch) = (Device::flex(), 3);
        let embed = PatchEmbed::new(5, patch, &mut stream(1, Purpose::Test, 0, 0), &device);
        let images = Tensor::<4>::random([2, 3, 6, 9], Distribution::Default, &device);
        let options = ConvOptions::new([patch; 2], [0; 2], [1; 2], 1);
        let Projection { weight, bias } = &embed.proj;
        let maps = conv2d(images.clone(), weight.val(), Some(bias.val()), options);
        let expected = maps.reshape([2, 5, 6]).swap_dims(1, 2).into_data();
        let expected: Vec<f32> = expected.try_to_vec().unwrap();
        let found: Vec<f32> = embed.forward(images).into_data().try_to_vec().unwrap();
        assert_eq!(found.len(), 2 * 6 * 5);
        assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-5));
    }
}
