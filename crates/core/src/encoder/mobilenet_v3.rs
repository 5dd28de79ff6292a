//! `MobileNetV3`-small (Howard et al. 2019), with torchvision's names.

use burn::module::Module;
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};

use super::block::{folded, normalized};
use super::conv::{Conv, Geometry, KERNEL};
use super::divisible::scaled;
use super::{Pixels, global_average};
use crate::activation::Activation;
use crate::error::Error;
use crate::image::CHANNELS;
use crate::norm::{BatchNorm, Constants};
use crate::range;
use crate::rng::Stream;

/// A convolution, eleven inverted bottlenecks, a 1×1 convolution, an average over the map.
#[derive(Module, Debug)]
pub struct MobileNetV3 {
    features: Vec<Part>,
    #[module(skip)]
    pixels: Pixels,
}

/// What torchvision numbers through.
#[derive(Module, Debug)]
#[expect(clippy::large_enum_variant, reason = "there are two of the large ones in a network")]
enum Part {
    /// The first and the last.
    Layer(Layer),
    /// All others.
    Bottleneck(Bottleneck),
}

/// A convolution and its normalisation.
type Layer = (Conv, BatchNorm);

/// Layers beside a shortcut.
#[derive(Module, Debug)]
struct Bottleneck {
    block: Vec<Step>,
    #[module(skip)]
    nonlinearity: Nonlinearity,
    #[module(skip)]
    has_shortcut: bool,
}

/// A part of a bottleneck.
#[derive(Module, Debug)]
enum Step {
    Layer(Layer),
    Squeeze(Squeeze),
}

/// A factor for each channel, by what all channels are on average (Hu et al. 2018).
#[derive(Module, Debug)]
struct Squeeze {
    fc1: Conv,
    fc2: Conv,
}

/// What follows the layers of a bottleneck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nonlinearity {
    Relu,
    HardSwish,
}

/// A row of table 2: kernel, channels inside, outputs, whether channels get factors, what follows the
/// layers, stride.
pub(crate) type Row = (usize, usize, usize, bool, Nonlinearity, usize);

pub(crate) const ROWS: [Row; 11] = [
    (3, 16, 16, true, Nonlinearity::Relu, 2),
    (3, 72, 24, false, Nonlinearity::Relu, 2),
    (3, 88, 24, false, Nonlinearity::Relu, 1),
    (5, 96, 40, true, Nonlinearity::HardSwish, 2),
    (5, 240, 40, true, Nonlinearity::HardSwish, 1),
    (5, 240, 40, true, Nonlinearity::HardSwish, 1),
    (5, 120, 48, true, Nonlinearity::HardSwish, 1),
    (5, 144, 48, true, Nonlinearity::HardSwish, 1),
    (5, 288, 96, true, Nonlinearity::HardSwish, 2),
    (5, 576, 96, true, Nonlinearity::HardSwish, 1),
    (5, 576, 96, true, Nonlinearity::HardSwish, 1),
];
/// Channels of the first convolution.
const STEM: usize = 16;
/// Features for each channel of the last bottleneck.
const GROWTH: usize = 6;
/// What the channels inside a bottleneck are squeezed by.
const SQUEEZE: usize = 4;
/// The largest width multiplier.
const MOST_MULTIPLIER: f64 = 4.0;

/// Refuses a multiplier that is not above 0 and at most 4.
pub(super) fn check_multiplier(multiplier: f64) -> Result<(), Error> {
    let (name, range) = ("encoder.width_multiplier", f64::MIN_POSITIVE..=MOST_MULTIPLIER);
    range::within(name, multiplier, range, "above 0 and at most 4")
}

/// Number of features.
pub(super) fn features(multiplier: f64) -> usize {
    let (_, _, outputs, ..) = ROWS[ROWS.len() - 1];
    GROWTH * scaled(outputs, multiplier)
}

/// Strides of the parts, in order.
pub(crate) fn strides() -> impl Iterator<Item = usize> {
    [2].into_iter().chain(ROWS.map(|(.., stride)| stride)).chain([1])
}

/// Makes layers.
struct Layers<'a> {
    stream: &'a mut Stream,
    device: &'a Device,
}

impl Layers<'_> {
    fn layer(&mut self, shape: [usize; 3], geometry: Geometry) -> Layer {
        let conv = Conv::without_bias(shape, geometry, self.stream, self.device);
        (conv, BatchNorm::new(shape[1], self.device).with(Constants::KERAS))
    }

    fn squeeze(&mut self, channels: usize) -> Squeeze {
        let few = scaled(channels / SQUEEZE, 1.0);
        let mut dense = |inputs: usize, outputs: usize| {
            let geometry = Geometry::same(1, 1);
            Conv::without_bias([inputs, outputs, 1], geometry, self.stream, self.device)
                .with_bias(self.device)
        };
        Squeeze { fc1: dense(channels, few), fc2: dense(few, channels) }
    }

    fn bottleneck(&mut self, inputs: usize, row: Row, multiplier: f64) -> Bottleneck {
        let (kernel, wide, outputs, has_squeeze, nonlinearity, stride) = row;
        let [wide, outputs] = [wide, outputs].map(|channels| scaled(channels, multiplier));
        let mut block = Vec::new();
        if wide != inputs {
            block.push(Step::Layer(self.layer([inputs, wide, 1], Geometry::same(1, 1))));
        }
        let each = Geometry::same(kernel, stride).of_channels(wide);
        block.push(Step::Layer(self.layer([wide, wide, kernel], each)));
        if has_squeeze {
            block.push(Step::Squeeze(self.squeeze(wide)));
        }
        block.push(Step::Layer(self.layer([wide, outputs, 1], Geometry::same(1, 1))));
        Bottleneck { block, nonlinearity, has_shortcut: stride == 1 && inputs == outputs }
    }
}

impl MobileNetV3 {
    /// Fresh weights.
    ///
    /// # Errors
    /// [`Error::Setting`] for a multiplier that is not above 0 and at most 4.
    pub fn new(
        multiplier: f64,
        pixels: Pixels,
        stream: &mut Stream,
        device: &Device,
    ) -> Result<Self, Error> {
        check_multiplier(multiplier)?;
        let layers = &mut Layers { stream, device };
        let mut inputs = scaled(STEM, multiplier);
        let stem = layers.layer([CHANNELS, inputs, KERNEL], Geometry::same(KERNEL, 2));
        let mut parts = vec![Part::Layer(stem)];
        for row in ROWS {
            parts.push(Part::Bottleneck(layers.bottleneck(inputs, row, multiplier)));
            inputs = scaled(row.2, multiplier);
        }
        let last = layers.layer([inputs, GROWTH * inputs, 1], Geometry::same(1, 1));
        parts.push(Part::Layer(last));
        Ok(Self { features: parts, pixels })
    }

    /// For inference.
    pub(super) fn folded(&self) -> Self {
        Self { features: self.features.iter().map(Part::folded).collect(), pixels: self.pixels }
    }

    /// # Shapes
    /// - images: `[n, 3, side, side]`
    /// - result: `[n, 6 · last]`, 576 of a multiplier of 1
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let maps = self.features.iter().fold(self.pixels.of(images), |maps, part| match part {
            Part::Layer((conv, norm)) => {
                hard_swish(normalized((conv, norm), maps, Activation::Linear))
            }
            Part::Bottleneck(bottleneck) => bottleneck.forward(maps),
        });
        global_average(maps)
    }
}

impl Part {
    fn folded(&self) -> Self {
        match self {
            Self::Layer((conv, norm)) => Self::Layer(folded(conv, norm)),
            Self::Bottleneck(bottleneck) => Self::Bottleneck(bottleneck.folded()),
        }
    }
}

impl Bottleneck {
    fn folded(&self) -> Self {
        let step = |step: &Step| match step {
            Step::Layer((conv, norm)) => Step::Layer(folded(conv, norm)),
            Step::Squeeze(squeeze) => Step::Squeeze(squeeze.clone()),
        };
        Self { block: self.block.iter().map(step).collect(), ..self.clone() }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let last = self.block.len() - 1;
        let maps =
            self.block.iter().enumerate().fold(x.clone(), |maps, (place, step)| match step {
                Step::Squeeze(squeeze) => squeeze.forward(maps),
                Step::Layer((conv, norm)) if place == last => {
                    normalized((conv, norm), maps, Activation::Linear)
                }
                Step::Layer((conv, norm)) => self.nonlinearity.after((conv, norm), maps),
            });
        if self.has_shortcut { maps + x } else { maps }
    }
}

impl Squeeze {
    /// # Shapes
    /// - maps, result: `[n, c, h, w]`
    fn forward(&self, maps: Tensor<4>) -> Tensor<4> {
        let [n, channels, ..] = maps.dims();
        let means = global_average(maps.clone()).reshape([n, channels, 1, 1]);
        let factors = self.fc2.forward(relu(self.fc1.forward(means)));
        maps * hard_sigmoid(factors)
    }
}

impl Nonlinearity {
    /// Of a layer that begins with these maps.
    fn after(self, layer: (&Conv, &BatchNorm), maps: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Relu => normalized(layer, maps, Activation::Relu),
            Self::HardSwish => hard_swish(normalized(layer, maps, Activation::Linear)),
        }
    }
}

/// min(max(x / 6 + ½, 0), 1).
fn hard_sigmoid(x: Tensor<4>) -> Tensor<4> {
    const WIDTH: f64 = 6.0;
    const CENTRE: f64 = 0.5;
    x.div_scalar(WIDTH).add_scalar(CENTRE).clamp(0.0, 1.0)
}

/// x times its hard sigmoid.
fn hard_swish(x: Tensor<4>) -> Tensor<4> {
    x.clone() * hard_sigmoid(x)
}
