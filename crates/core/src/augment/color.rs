//! A random 3×3 colour matrix a picture.

use burn::tensor::{Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::Augmentation;
use super::picture::Picture;
use crate::matrix::Times;
use crate::rng::Stream;

/// Brightness and colour shift in one matrix (the Keras `SimCLR` example's `RandomColorAffine`):
/// M = I·(1 + U(-brightness, brightness)) + U(-jitter, jitter)³ˣ³, out = clip(rgb · M, 0, 1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
#[serde(deny_unknown_fields)]
pub struct ColorMatrix {
    /// Largest change of brightness, one number a picture.
    pub brightness: f64,
    /// Largest change of each of the nine entries.
    pub jitter: f64,
}

/// Colours in rows, colours out columns.
pub type Matrix = [[f64; 3]; 3];

impl Augmentation for ColorMatrix {
    type Drawn = Matrix;

    fn draw(&self, stream: &mut Stream) -> Matrix {
        let brightness = 1.0 + stream.uniform(-self.brightness, self.brightness);
        let mut matrix = [[0.0; 3]; 3];
        for entry in matrix.as_flattened_mut() {
            *entry = stream.uniform(-self.jitter, self.jitter);
        }
        for (color, row) in matrix.iter_mut().enumerate() {
            row[color] += brightness;
        }
        matrix
    }

    fn change(&self, picture: &mut Picture, matrix: &Matrix) {
        let [from_red, from_green, from_blue] = matrix.map(|row| row.map(|x| x as f32));
        picture.each_pixel(|[red, green, blue]| {
            let mixed = |to: usize| {
                let sum = red * from_red[to] + green * from_green[to] + blue * from_blue[to];
                sum.clamp(0.0, 1.0)
            };
            [mixed(0), mixed(1), mixed(2)]
        });
    }

    fn transform(&self, images: Tensor<4>, drawn: &[Matrix]) -> Tensor<4> {
        let device = images.device();
        mix(images, Tensor::from_data(upload(drawn), &device)).clamp(0.0, 1.0)
    }
}

/// Matrices as data, `[n, 3, 3]`.
pub(super) fn upload(matrices: &[Matrix]) -> TensorData {
    let numbers: Vec<f32> =
        matrices.as_flattened().as_flattened().iter().map(|&x| x as f32).collect();
    TensorData::new(numbers, [matrices.len(), 3, 3])
}

/// Each pixel's colour times its picture's matrix `[n, 3 in, 3 out]`, not clipped.
pub(super) fn mix(images: Tensor<4>, matrices: Tensor<3>) -> Tensor<4> {
    let [n, c, h, w] = images.dims();
    matrices.transpose().times(images.reshape([n, c, h * w])).reshape([n, c, h, w])
}
