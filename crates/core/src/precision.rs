//! Mixed precision (Micikevicius et al. 2018): an encoder that learns multiplies numbers of two bytes, and
//! everything else stays as it is.
//!
//! Weights of convolutions and fully connected layers are seen as IEEE's binary16, and so are what these
//! layers are given and the gradient that comes back to them. Sums are in four bytes (on a GPU those of
//! sixteen products are in two), and so are biases, normalisation, losses, the weights themselves and the
//! optimizer. Binary16 has nothing below 6e-8: what a layer is given, and each gradient, is scaled for a
//! product by a power of two that brings the largest of its numbers to between 16 and 32, so that there
//! is no loss to scale and no step to leave out.

#[cfg(feature = "cpu")]
mod cpu;

use std::borrow::Cow;

#[cfg(feature = "gpu")]
use burn::backend::Cube;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind, unary};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend};
use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{DType, Device, FloatDType, Tensor};
use serde::{Deserialize, Serialize};

#[cfg(feature = "gpu")]
use crate::buffers;
use crate::error::Error;

/// How finely an encoder's products are computed while it learns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrainingPrecision {
    /// In single precision, as everything else.
    #[default]
    Full,
    /// Of numbers of two bytes.
    Mixed,
}

impl TrainingPrecision {
    /// Whether it is what every device has: for serde.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
    pub(crate) fn is_full(&self) -> bool {
        *self == Self::Full
    }

    /// Whether a device can: a CPU computes the same numbers as a GPU, without its speed.
    ///
    /// # Errors
    /// [`Error::Setting`] for a GPU without numbers of two bytes.
    pub fn check(self, device: &Device) -> Result<(), Error> {
        if self == Self::Full || device.supports_dtype(DType::F16) {
            return Ok(());
        }
        let expected =
            "\"full\": this GPU does not compute with numbers of two bytes (WebGPU's shader-f16)";
        Err(Error::setting("precision", expected, "mixed"))
    }

    /// A network whose layers compute so: this one, or another that learns its weights and moves its
    /// running statistics.
    pub(crate) fn of<M: Module>(self, network: &M) -> Cow<'_, M> {
        match self {
            Self::Full => Cow::Borrowed(network),
            Self::Mixed => Cow::Owned(network.clone().map(&mut Narrowed::default())),
        }
    }
}

/// Makes weights of layers that multiply numbers of two bytes: by their type layers know what to do.
#[derive(Default)]
struct Narrowed {
    /// Whether each step on the way down leads to the weight of such a layer.
    way: Vec<bool>,
}

/// The layers whose products are so, as burn names them.
const LAYERS: [&str; 2] = ["Struct:Conv", "Struct:Linear"];

impl ModuleMapper for Narrowed {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.way.push(name == "weight" && LAYERS.contains(&container));
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.way.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.way.last() {
            Some(true) => param.map(|weight| weight.cast(FloatDType::F16)),
            _ => param,
        }
    }
}

/// Whether a layer with such weights multiplies numbers of two bytes.
pub(crate) fn is_narrow<const D: usize>(weight: &Tensor<D>) -> bool {
    weight.dtype() == DType::F16
}

/// Weights of four bytes with the values of those of two. Their gradient stays as it is: burn's own way back
/// would round it.
pub(crate) fn widened<const D: usize>(weight: Tensor<D>) -> Tensor<D> {
    if !is_narrow(&weight) {
        return weight;
    }
    #[cfg(feature = "gpu")]
    if buffers::is_gpu(weight.device()) {
        return recorded(weight, |weight| {
            let wide = passing::<Cube>(buffers::tracked(weight), wide::<Cube>);
            Tensor::from_primitive::<Autodiff<Cube>>(wide)
        });
    }
    #[cfg(feature = "cpu")]
    return cpu::widened(weight);
    #[cfg(not(feature = "cpu"))]
    unreachable!("this build computes on GPUs alone")
}

fn wide<B: Backend>(numbers: FloatTensor<B>) -> FloatTensor<B> {
    B::float_cast(numbers, FloatDType::F32)
}

/// What is made of a tensor with its node in the graph of gradients; it has one only where the tensor had.
fn recorded<const D: usize>(x: Tensor<D>, of: impl FnOnce(Tensor<D>) -> Tensor<D>) -> Tensor<D> {
    let records = x.is_autodiff();
    let made = of(x);
    if records { made } else { made.inner() }
}

/// Other numbers in place of these, which get the gradient of the others as it is.
fn passing<B: Backend>(
    x: FloatTensor<Autodiff<B>>,
    of: impl FnOnce(FloatTensor<B>) -> FloatTensor<B>,
) -> FloatTensor<Autodiff<B>> {
    let (x, node) = x.into_parts();
    let others = of(x);
    match Backward::<B, 1>::prepare::<NoCheckpointing>(Pass, [node]).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => prepared.finish((), others),
        OpsKind::UnTracked(prepared) => prepared.finish(others),
    }
}

/// The way back of [`passing`].
#[derive(Debug)]
struct Pass;

impl<B: Backend> Backward<B, 1> for Pass {
    type State = ();

    fn backward(self, ops: Ops<(), 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        unary::<B, _>(ops.parents, ops.node, grads, |gradient| gradient);
    }
}

/// A layer on the CPU: where its weights are of two bytes, its products are of numbers that are rounded so.
///
/// # Shapes
/// As the layer's.
#[cfg(feature = "cpu")]
pub(crate) fn on_cpu<const D: usize, const W: usize>(
    x: Tensor<D>,
    weight: Tensor<W>,
    layer: impl FnOnce(Tensor<D>, Tensor<W>) -> Tensor<D>,
) -> Tensor<D> {
    if !is_narrow(&weight) {
        return layer(x, weight);
    }
    cpu::with_rounded_gradient(layer(cpu::rounded(x), widened(weight)))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests run natively and read what they computed")]
mod tests {
    use burn::module::ModuleVisitor;
    use burn::tensor::TensorData;

    use super::*;
    use crate::archive::Archive;
    use crate::encoder::{Encoder, EncoderSettings};
    use crate::linear::Linear;
    use crate::rng::{Purpose, stream};

    fn values<const D: usize>(x: Tensor<D>) -> Vec<f32> {
        x.into_data().try_to_vec().unwrap()
    }

    /// x, and the gradients at it and at the weights of a layer whose result is seen with such slopes.
    fn learnt(precision: TrainingPrecision, slope: f32) -> [Vec<f32>; 3] {
        let device = Device::flex().autodiff();
        let mut weights = stream(3, Purpose::Test, 0, 0);
        let layer = Linear::torch(40, 24, &mut weights, &device);
        let numbers = (0..50 * 40).map(|k| (k as f32 * 0.7).sin()).collect();
        let x = Tensor::<2>::from_data(TensorData::new::<f32, _>(numbers, [50, 40]), &device);
        let x = x.require_grad();
        let result = precision.of(&layer).forward(x.clone());
        let slopes = Tensor::<2>::ones([50, 24], &device.inner());
        let along = result.clone() * Tensor::from_inner(slopes.mul_scalar(slope));
        let gradients = along.square().sum().backward();
        let of_weights = layer.weight().grad(&gradients).expect("the leaf itself has it");
        [values(result), values(x.grad(&gradients).unwrap()), values(of_weights)]
    }

    /// Products of numbers that are rounded one by one, in double precision.
    #[test]
    fn a_layer_multiplies_what_two_bytes_keep() {
        let layer = || {
            let mut weights = stream(3, Purpose::Test, 0, 0);
            Linear::torch(40, 24, &mut weights, &Device::flex())
        };
        let (weight, bias) = (values(layer().weight()), values(layer().bias()));
        // The largest is below 1: seen times 32, without loss.
        let round = |x: f32| f64::from(half::f16::from_f32(x * 32.0).to_f32()) / 32.0;
        let [found, of_x, of_weights] = learnt(TrainingPrecision::Mixed, 1.0);
        let x = |row: usize, k: usize| round(((row * 40 + k) as f32 * 0.7).sin());
        let w =
            |out: usize, k: usize| f64::from(half::f16::from_f32(weight[out * 40 + k]).to_f32());
        let expected: Vec<f32> = (0..50 * 24)
            .map(|at| {
                let (row, out) = (at / 24, at % 24);
                let sum: f64 = (0..40).map(|k| x(row, k) * w(out, k)).sum();
                (sum + f64::from(bias[out])) as f32
            })
            .collect();
        assert!(apart(&found, &expected) < 1e-6, "{}", apart(&found, &expected));
        let largest = found.iter().fold(0.0, |size: f32, x| size.max(x.abs())) * 2.0;
        let scale = 2.0f32.powi(4 - largest.log2().floor() as i32);
        let gradient = |row: usize, out: usize| {
            let own = found[row * 24 + out] * 2.0;
            f64::from(half::f16::from_f32(own * scale).to_f32() / scale)
        };
        let expected: Vec<f32> = (0..50 * 40)
            .map(|at| {
                (0..24).map(|out| gradient(at / 40, out) * w(out, at % 40)).sum::<f64>() as f32
            })
            .collect();
        assert!(apart(&of_x, &expected) < 1e-6, "{}", apart(&of_x, &expected));
        let expected: Vec<f32> = (0..24 * 40)
            .map(|at| {
                (0..50).map(|row| gradient(row, at / 40) * x(row, at % 40)).sum::<f64>() as f32
            })
            .collect();
        assert!(apart(&of_weights, &expected) < 1e-6, "{}", apart(&of_weights, &expected));
    }

    #[test]
    fn gradients_of_any_size_keep_their_digits() {
        let [large, small] =
            [1.0, 2.0f32.powi(-24)].map(|slope| learnt(TrainingPrecision::Mixed, slope));
        let full = learnt(TrainingPrecision::Full, 1.0);
        assert!(large[0] == small[0]);
        for of in 1..3 {
            let scaled: Vec<f32> = large[of].iter().map(|x| x * 2.0f32.powi(-48)).collect();
            assert!(small[of] == scaled, "the digits of {of} differ");
            let off = apart(&large[of], &full[of]);
            assert!((1e-6..1e-3).contains(&off), "{off}");
        }
    }

    fn encoder(text: &str, device: &Device) -> Encoder {
        toml::from_str::<EncoderSettings>(text).unwrap().init(32, 1, device).unwrap()
    }

    #[derive(Default)]
    struct Types(Vec<(Vec<usize>, DType)>);

    impl ModuleVisitor for Types {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.push((param.dims().to_vec(), param.val().dtype()));
        }
    }

    #[test]
    fn weights_of_products_are_narrowed_and_nothing_else() {
        for text in [
            "kind = 'conv4'\nwidth = 4",
            "kind = 'resnet'\ndepth = 18\nwidth = 2",
            "kind = 'vit'\npatch = 16\nsize = {dim = 8, depth = 1, heads = 2}",
        ] {
            let encoder = encoder(text, &Device::flex());
            let network = TrainingPrecision::Mixed.of(&encoder);
            let mut types = Types::default();
            network.visit(&mut types);
            let narrow = types.0.iter().filter(|(_, of)| *of == DType::F16).count();
            assert!(narrow > 3, "{text}");
            for (shape, of) in types.0 {
                // A transformer's first projection is no layer of these kinds.
                let is_product = matches!(shape.len(), 2 | 4) && shape[1..] != [3, 16, 16];
                assert_eq!(of == DType::F16, is_product, "{text}: {shape:?}");
            }
        }
    }

    #[test]
    fn running_statistics_are_those_of_the_network_itself() {
        let device = Device::flex().autodiff();
        let encoder = encoder("kind = 'conv4_pool'\nwidth = 8", &device);
        let read = |encoder: &Encoder| {
            let mut archive = Archive::default();
            pollster::block_on(archive.add("", encoder)).unwrap();
            archive.get("layers.0.norm.running_mean").unwrap().values.clone()
        };
        let before = read(&encoder);
        let images = Tensor::<4>::ones([2, 3, 32, 32], &device);
        let _features = TrainingPrecision::Mixed.of(&encoder).forward(images);
        assert_ne!(read(&encoder), before);
    }

    fn apart(one: &[f32], other: &[f32]) -> f32 {
        let size = other.iter().fold(0.0, |size: f32, x| size.max(x.abs()));
        let far = one.iter().zip(other).map(|(a, b)| (a - b).abs());
        far.fold(0.0, f32::max) / size
    }
}
