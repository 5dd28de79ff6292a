//! A convolution on the CPU whose every channel has a kernel of its own.
//!
//! There is nothing to multiply matrices of: with channels last, every pixel of the result is a sum of
//! products of rows, one a place of the kernel.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::ops::FloatTensorOps;
use burn::backend::{Autodiff, Flex};
use burn::tensor::Tensor;

use super::Geometry;
use super::product::{channels_first, channels_last};
use crate::array::{Array, array, plain, tracked};

/// # Shapes
/// - x: `[n, c, h, w]`, weight: `[c, 1, k, k]`
/// - result: `[n, c, (h + 2·padding - k) / stride + 1, (w + 2·padding - k) / stride + 1]`
pub(super) fn convolve(x: Tensor<4>, weight: Tensor<4>, geometry: Geometry) -> Tensor<4> {
    if !(x.is_autodiff() || weight.is_autodiff()) {
        let convolution = Depthwise::new(plain(x), plain(weight), geometry);
        return Tensor::from_primitive::<Flex>(channels_first(convolution.forward()));
    }
    let (x, picture_node) = tracked(x).into_parts();
    let (weight, weight_node) = tracked(weight).into_parts();
    let convolution = Depthwise::new(x, weight, geometry);
    let maps = channels_first(convolution.forward());
    let prepared = Convolve.prepare::<NoCheckpointing>([picture_node, weight_node]);
    let tracked = match prepared.compute_bound().stateful() {
        OpsKind::Tracked(prepared) => prepared.finish(convolution, maps),
        OpsKind::UnTracked(prepared) => prepared.finish(maps),
    };
    Tensor::from_primitive::<Autodiff<Flex>>(tracked)
}

/// The step back.
#[derive(Debug)]
struct Convolve;

impl Backward<Flex, 2> for Convolve {
    type State = Depthwise;

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = channels_last(grads.consume::<Flex>(&ops.node));
        let [pictures, kernels] = ops.parents;
        if let Some(node) = pictures {
            grads.register::<Flex>(node.id, ops.state.gradient_of_pictures(&gradient));
        }
        if let Some(node) = kernels {
            grads.register::<Flex>(node.id, ops.state.gradient_of_kernels(&gradient));
        }
    }
}

/// A convolution with its inputs.
#[derive(Clone, Debug)]
struct Depthwise {
    /// `[n, h, w, c]`.
    pictures: Array,
    /// `[k · k, c]`.
    kernels: Vec<f32>,
    /// Side of a kernel.
    kernel: usize,
    geometry: Geometry,
}

/// A row of numbers, one a channel, that meets another at one place of the kernel: where each
/// starts, and the place.
struct Meeting {
    map: usize,
    picture: usize,
    place: usize,
}

impl Depthwise {
    fn new(x: Array, weight: Array, geometry: Geometry) -> Self {
        let weight = weight.to_contiguous();
        let [channels, _, _, kernel] = weight.layout().shape().dims();
        let (field, weight) = (kernel * kernel, weight.storage::<f32>());
        let kernels = (0..field)
            .flat_map(|place| (0..channels).map(move |channel| weight[channel * field + place]))
            .collect();
        Self { pictures: channels_last(x), kernels, kernel, geometry }
    }

    fn shape(&self) -> [usize; 4] {
        self.pictures.layout().shape().dims()
    }

    /// Rows and columns of a map.
    fn grid(&self) -> [usize; 2] {
        let [_, height, width, _] = self.shape();
        let Geometry { stride, padding, .. } = self.geometry;
        [height, width].map(|side| (side + 2 * padding - self.kernel) / stride + 1)
    }

    /// All meetings of one picture with its map.
    fn meetings(&self) -> Vec<Meeting> {
        let maps = 0..self.grid().iter().product();
        let pairs =
            maps.flat_map(|map| (0..self.kernel * self.kernel).map(move |place| (map, place)));
        pairs.filter_map(|(map, place)| self.meeting(map, place)).collect()
    }

    /// What a place of the kernel meets for a pixel of the map; none in the padding, which is zero.
    fn meeting(&self, map: usize, place: usize) -> Option<Meeting> {
        let ([_, height, width, channels], [_, columns]) = (self.shape(), self.grid());
        let Geometry { stride, padding, .. } = self.geometry;
        let inside = |at: usize, size: usize| at.checked_sub(padding).filter(|&at| at < size);
        let y = inside(map / columns * stride + place / self.kernel, height)?;
        let x = inside(map % columns * stride + place % self.kernel, width)?;
        let picture = (y * width + x) * channels;
        Some(Meeting { map: map * channels, picture, place: place * channels })
    }

    /// # Shapes
    /// - result: `[n, rows, columns, c]`
    fn forward(&self) -> Array {
        let ([n, height, width, channels], [rows, columns]) = (self.shape(), self.grid());
        let mut maps = vec![0.0; n * rows * columns * channels];
        let meetings = self.meetings();
        let pictures = self.pictures.storage::<f32>().chunks_exact(height * width * channels);
        for (map, picture) in maps.chunks_exact_mut(rows * columns * channels).zip(pictures) {
            for meeting in &meetings {
                let kernel = &self.kernels[meeting.place..][..channels];
                let picture = &picture[meeting.picture..][..channels];
                add_products(&mut map[meeting.map..][..channels], picture, kernel);
            }
        }
        array(maps, [n, rows, columns, channels])
    }

    /// # Shapes
    /// - gradient: `[n, rows, columns, c]`
    /// - result: `[n, c, h, w]`
    fn gradient_of_pictures(&self, gradient: &Array) -> Array {
        let ([n, height, width, channels], [rows, columns]) = (self.shape(), self.grid());
        let mut found = vec![0.0; n * height * width * channels];
        let meetings = self.meetings();
        let gradients = gradient.storage::<f32>().chunks_exact(rows * columns * channels);
        for (found, gradient) in found.chunks_exact_mut(height * width * channels).zip(gradients) {
            for meeting in &meetings {
                let kernel = &self.kernels[meeting.place..][..channels];
                let gradient = &gradient[meeting.map..][..channels];
                add_products(&mut found[meeting.picture..][..channels], gradient, kernel);
            }
        }
        channels_first(array(found, [n, height, width, channels]))
    }

    /// # Shapes
    /// - gradient: `[n, rows, columns, c]`
    /// - result: `[c, 1, k, k]`
    fn gradient_of_kernels(&self, gradient: &Array) -> Array {
        let ([_, height, width, channels], [rows, columns]) = (self.shape(), self.grid());
        let mut found = vec![0.0; self.kernel * self.kernel * channels];
        let meetings = self.meetings();
        let pictures = self.pictures.storage::<f32>().chunks_exact(height * width * channels);
        let gradients = gradient.storage::<f32>().chunks_exact(rows * columns * channels);
        for (picture, gradient) in pictures.zip(gradients) {
            for meeting in &meetings {
                let picture = &picture[meeting.picture..][..channels];
                let gradient = &gradient[meeting.map..][..channels];
                add_products(&mut found[meeting.place..][..channels], picture, gradient);
            }
        }
        let found = channels_first(array(found, [1, self.kernel, self.kernel, channels]));
        Flex::float_swap_dims(found, 0, 1)
    }
}

/// Adds the products of two rows to a third.
fn add_products(sums: &mut [f32], left: &[f32], right: &[f32]) {
    for ((sum, left), right) in sums.iter_mut().zip(left).zip(right) {
        *sum += left * right;
    }
}
