//! A fully connected layer in `PyTorch`'s layout.

#[cfg(feature = "cpu")]
mod cpu;
#[cfg(feature = "gpu")]
mod gpu;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use crate::initial;
use crate::matrix::Times;
use crate::packed::Packed;
use crate::precision;
use crate::rng::Stream;
use crate::rows::products;

/// y = x·Wᵀ + b, with W `[out, in]` and b `[out]`, as a checkpoint stores them; some have no b.
#[derive(Module, Debug)]
pub struct Linear {
    weight: Param<Tensor<2>>,
    bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    packed: Packed,
}

impl Linear {
    /// Glorot-uniform weights, zero bias.
    pub fn new(inputs: usize, outputs: usize, stream: &mut Stream, device: &Device) -> Self {
        let weight = initial::glorot([outputs, inputs], inputs, outputs, stream, device);
        Self::of(weight, initial::zeros([outputs], device))
    }

    fn of(weight: Param<Tensor<2>>, bias: Param<Tensor<1>>) -> Self {
        Self { weight, bias: Some(bias), packed: Packed::None }
    }

    /// The same for inference: weights that change are of no more effect.
    pub(crate) fn packed(&self) -> Self {
        Self { packed: Packed::of(self.weight.val()), ..self.clone() }
    }

    /// The same weights, without a bias: before a normalisation, which would take it away again.
    pub fn without_bias(self) -> Self {
        Self { bias: None, ..self }
    }

    /// Weights and biases uniform in ±1/√in: `PyTorch`'s own default.
    pub fn torch(inputs: usize, outputs: usize, stream: &mut Stream, device: &Device) -> Self {
        let limit = 1.0 / (inputs.max(1) as f64).sqrt();
        let weight = initial::uniform([outputs, inputs], limit, stream, device);
        Self::of(weight, initial::uniform([outputs], limit, stream, device))
    }

    /// Normal weights of deviation 0.02, zero bias: those of vision transformers.
    pub fn transformer(
        inputs: usize,
        outputs: usize,
        stream: &mut Stream,
        device: &Device,
    ) -> Self {
        let weight = initial::transformer([outputs, inputs], stream, device);
        Self::of(weight, initial::zeros([outputs], device))
    }

    /// # Shapes
    /// - x: `[n, in]`
    /// - result: `[n, out]`
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        #[cfg(feature = "cpu")]
        if let Some(weight) = self.packed.product()
            && !x.is_autodiff()
        {
            return cpu::forward(x, weight, self.bias.as_ref().map(Param::val));
        }
        let weight = self.weight.val();
        #[cfg(feature = "cpu")]
        if x.device().inner() == Device::flex() {
            return precision::on_cpu(x, weight, |x, weight| self.by(x, weight));
        }
        #[cfg(feature = "gpu")]
        if gpu::suits(&x, &weight) {
            return gpu::forward(x, weight, self.bias.as_ref().map(Param::val));
        }
        self.by(x, precision::widened(weight))
    }

    /// By weights of four bytes.
    fn by(&self, x: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
        #[cfg(feature = "cpu")]
        if cpu::suits(&x, &weight) {
            return cpu::learn(x, weight, self.bias.as_ref().map(Param::val));
        }
        let sums = if x.is_autodiff() || weight.is_autodiff() {
            x.times(weight.transpose())
        } else {
            products(x, weight)
        };
        match &self.bias {
            Some(bias) => sums + bias.val().unsqueeze(),
            None => sums,
        }
    }

    /// Weights, `[out, in]`.
    pub fn weight(&self) -> Tensor<2> {
        self.weight.val()
    }

    /// Biases, `[out]`; zeros where there are none.
    pub fn bias(&self) -> Tensor<1> {
        let none = || Tensor::zeros([self.outputs()], &self.weight.val().device());
        self.bias.as_ref().map_or_else(none, Param::val)
    }

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        self.weight.dims()[0]
    }
}
