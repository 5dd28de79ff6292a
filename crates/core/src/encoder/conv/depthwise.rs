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

use super::correlated::{Around, Correlated};
use super::inverted::Inverted;
use super::patches::{channels_first, channels_last};
use super::strip::{Depthwise as Layer, by_vectors};
use crate::activation::Activation;
use crate::array::{Array, array, bias_or_zeros, plain, room, tracked};
use crate::threads;
use crate::vectors::{Loop, processor, widest};
use crate::window::Window;

/// Pictures whose gradients of kernels are added up before the others': sums do not depend on the number of
/// threads.
const PICTURES: usize = 4;

/// # Shapes
/// - x: `[n, c, h, w]`, weight: `[c, 1, k, k]`
/// - result: `[n, c, …]`, of the window's sides
pub(super) fn convolve(x: Tensor<4>, weight: Tensor<4>, window: Window) -> Tensor<4> {
    if !(x.is_autodiff() || weight.is_autodiff()) {
        return infer((x, weight, None), window, Activation::Linear);
    }
    let (x, picture_node) = tracked(x).into_parts();
    let (weight, weight_node) = tracked(weight).into_parts();
    let convolution = Depthwise::new(x, weight, window);
    let none = vec![0.0; convolution.shape()[3]];
    let kernels = by_vectors(&convolution.kernels, none.len());
    let layer = Layer {
        kernels: &kernels,
        bias: &none,
        kernel: window.kernel,
        activation: Activation::Linear,
    };
    let maps = channels_first(Inverted::alone(layer, window).of(&convolution.pictures));
    let prepared = Convolve.prepare::<NoCheckpointing>([picture_node, weight_node]);
    let tracked = match prepared.compute_bound().stateful() {
        OpsKind::Tracked(prepared) => prepared.finish(convolution, maps),
        OpsKind::UnTracked(prepared) => prepared.finish(maps),
    };
    Tensor::from_primitive::<Autodiff<Flex>>(tracked)
}

/// The same with a bias and an activation, without a gradient.
pub(super) fn infer(
    (x, weight, bias): (Tensor<4>, Tensor<4>, Option<Tensor<1>>),
    window: Window,
    activation: Activation,
) -> Tensor<4> {
    let weight = plain(weight).to_contiguous();
    let kernels = packed(weight.storage(), weight.layout().shape().dims());
    infer_packed((x, &kernels, bias), window, activation)
}

/// The same with kernels as [`packed`] makes them.
pub(super) fn infer_packed(
    (x, kernels, bias): (Tensor<4>, &[f32], Option<Tensor<1>>),
    window: Window,
    activation: Activation,
) -> Tensor<4> {
    let pictures = channels_last(plain(x));
    let bias = bias_or_zeros(bias, pictures.layout().shape()[3]);
    let layer = Layer { kernels, bias: &bias, kernel: window.kernel, activation };
    let maps = Inverted::alone(layer, window).of(&pictures);
    Tensor::from_primitive::<Flex>(channels_first(maps))
}

/// Kernels `[c, 1, k, k]` as `[k · k, c]`.
fn by_places(weight: &[f32], [channels, _, kernel, _]: [usize; 4]) -> Vec<f32> {
    let field = kernel * kernel;
    (0..field)
        .flat_map(|place| (0..channels).map(move |channel| weight[channel * field + place]))
        .collect()
}

/// Kernels `[c, 1, k, k]` in the order in which they are used.
pub(super) fn packed(weight: &[f32], shape: [usize; 4]) -> Vec<f32> {
    by_vectors(&by_places(weight, shape), shape[0])
}

/// The step back.
#[derive(Debug)]
struct Convolve;

impl Backward<Flex, 2> for Convolve {
    type State = Depthwise;

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = channels_last(grads.consume::<Flex>(&ops.node));
        let [pictures, kernels] = ops.parents;
        if let Some(node) = kernels {
            grads.register::<Flex>(node.id, ops.state.gradient_of_kernels(&gradient));
        }
        if let Some(node) = pictures {
            grads.register::<Flex>(node.id, ops.state.gradient_of_pictures(&gradient));
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
    window: Window,
}

/// A row of numbers, one a channel, that meets another at one place of the kernel: where each
/// starts, and the place.
struct Meeting {
    map: usize,
    picture: usize,
    place: usize,
}

impl Depthwise {
    fn new(x: Array, weight: Array, window: Window) -> Self {
        let weight = weight.to_contiguous();
        let shape: [usize; 4] = weight.layout().shape().dims();
        let kernels = by_places(weight.storage(), shape);
        Self { pictures: channels_last(x), kernels, kernel: shape[3], window }
    }

    fn shape(&self) -> [usize; 4] {
        self.pictures.layout().shape().dims()
    }

    /// Rows and columns of a map.
    fn grid(&self) -> [usize; 2] {
        let [_, height, width, _] = self.shape();
        self.window.grid([height, width])
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
        let Window { stride, rows: [above, _], columns: [left, _], .. } = self.window;
        let inside =
            |at: usize, before: usize, size: usize| at.checked_sub(before).filter(|&at| at < size);
        let y = inside(map / columns * stride + place / self.kernel, above, height)?;
        let x = inside(map % columns * stride + place % self.kernel, left, width)?;
        let picture = (y * width + x) * channels;
        Some(Meeting { map: map * channels, picture, place: place * channels })
    }

    /// Written over the pictures, where nothing else holds them.
    ///
    /// # Shapes
    /// - gradient: `[n, rows, columns, c]`
    /// - result: `[n, c, h, w]`
    fn gradient_of_pictures(self, gradient: &Array) -> Array {
        let ([n, height, width, channels], [rows, columns]) = (self.shape(), self.grid());
        if let Some(window) = self.window.turned() {
            let found = room(self.pictures, n * height * width * channels);
            return channels_first(turned(&self.kernels, window, gradient, found));
        }
        let meetings = self.meetings();
        let mut found = room(self.pictures, n * height * width * channels);
        let gradients = gradient.storage::<f32>();
        let size = rows * columns * channels;
        threads::each_part(&mut found, (height * width * channels).max(1), |picture, found| {
            found.fill(0.0);
            let inputs = [&gradients[picture * size..][..size], self.kernels.as_slice()];
            widest(Scattered { found, meetings: &meetings, inputs, channels });
        });
        channels_first(array(found, [n, height, width, channels]))
    }

    /// # Shapes
    /// - gradient: `[n, rows, columns, c]`
    /// - result: `[c, 1, k, k]`
    fn gradient_of_kernels(&self, gradient: &Array) -> Array {
        let ([_, height, width, channels], [rows, columns]) = (self.shape(), self.grid());
        let sizes = [[height, width], [rows, columns]].map(|[tall, wide]| tall * wide * channels);
        let gradients = gradient.storage::<f32>().chunks(PICTURES * sizes[1]);
        let pictures = self.pictures.storage::<f32>().chunks(PICTURES * sizes[0]);
        let parts = threads::each(pictures.zip(gradients).collect(), |(pictures, gradients)| {
            let mut sums = vec![0.0; self.kernel * self.kernel * channels];
            let mut around = Around::new([height, width, channels], self.window);
            let pairs = pictures.chunks_exact(sizes[0]).zip(gradients.chunks_exact(sizes[1]));
            for (picture, gradient) in pairs {
                let wide = around.columns();
                processor().dispatch(Correlated {
                    sums: &mut sums,
                    inputs: [around.put(picture), gradient],
                    columns: [wide, columns],
                    kernel: [self.kernel, self.window.stride],
                    channels,
                });
            }
            sums
        });
        let mut found = vec![0.0; self.kernel * self.kernel * channels];
        for part in parts {
            found.iter_mut().zip(part).for_each(|(sum, number)| *sum += number);
        }
        let found = channels_first(array(found, [1, self.kernel, self.kernel, channels]));
        Flex::float_swap_dims(found, 0, 1)
    }
}

/// The gradient of pictures `[n, h, w, c]` where every pixel is met by all places: a convolution by the kernels
/// `[k · k, c]`, turned. It is written into room of that size.
fn turned(kernels: &[f32], window: Window, gradient: &Array, room: Vec<f32>) -> Array {
    let channels = gradient.layout().shape()[3];
    let turned: Vec<f32> = kernels.chunks_exact(channels).rev().flatten().copied().collect();
    let kernels = by_vectors(&turned, channels);
    let none = vec![0.0; channels];
    let layer = Layer {
        kernels: &kernels,
        bias: &none,
        kernel: window.kernel,
        activation: Activation::Linear,
    };
    Inverted::alone(layer, window).written(gradient, room)
}

/// Adds the gradient of maps times kernels to that of a picture.
struct Scattered<'a> {
    found: &'a mut [f32],
    meetings: &'a [Meeting],
    /// Gradient and kernels.
    inputs: [&'a [f32]; 2],
    channels: usize,
}

impl Loop for Scattered<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { found, meetings, inputs: [gradient, kernels], channels } = self;
        for meeting in meetings {
            let kernel = &kernels[meeting.place..][..channels];
            let gradient = &gradient[meeting.map..][..channels];
            add_products(&mut found[meeting.picture..][..channels], gradient, kernel);
        }
    }
}

/// Adds the products of two rows to a third.
#[inline(always)]
fn add_products(sums: &mut [f32], left: &[f32], right: &[f32]) {
    for ((sum, left), right) in sums.iter_mut().zip(left).zip(right) {
        *sum += left * right;
    }
}
