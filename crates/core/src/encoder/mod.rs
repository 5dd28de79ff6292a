//! Encoders: pictures to features.

mod block;
pub mod conv;
pub mod conv4;
pub mod conv4_pool;
pub mod mobilenet;
mod pool;
pub mod resnet;
pub mod vit;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::norm::Constants;
use crate::range;
use crate::rng::{Purpose, stream};
use conv4::Conv4;
use conv4_pool::Conv4Pool;
use mobilenet::MobileNet;
use resnet::{Depth, ResNet, Stem};
use vit::{Pool, Size, VisionTransformer};

/// Which encoder, and how large.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum EncoderSettings {
    /// Four 3×3 convolutions of stride 2 and a dense layer, without normalisation: that of the Keras
    /// examples.
    Conv4 {
        /// Channels of every convolution and number of features.
        width: usize,
    },
    /// Four convolutions of 8, 16, 32 and 64 channels with batch normalisation and average pooling:
    /// the paper of relational reasoning.
    Conv4Pool {
        /// What pixels become first.
        #[serde(default)]
        pixels: Pixels,
    },
    /// A residual network: of basic blocks, or of bottlenecks where its depth is 50.
    Resnet {
        /// 18, 34 or 50.
        depth: Depth,
        /// How it begins.
        #[serde(default)]
        stem: Stem,
        /// Channels of the first blocks; features are eight times as many, with bottlenecks 32 times.
        #[serde(default = "paper_width")]
        width: usize,
        /// What pixels become first.
        #[serde(default)]
        pixels: Pixels,
    },
    /// `MobileNet` v1.
    Mobilenet {
        /// The paper's α: a quarter makes it ten times as fast.
        width_multiplier: f64,
        /// What pixels become first.
        #[serde(default)]
        pixels: Pixels,
        /// How soon batch statistics are those of inference.
        #[serde(default)]
        statistics: Statistics,
        /// Whose initial weights and padding.
        #[serde(default)]
        form: Form,
    },
    /// A vision transformer: timm's `vit_tiny_patch16` is `size = "tiny", patch = 16`.
    Vit {
        /// `"tiny"`, `"small"`, or a table of `dim`, `depth` and `heads`.
        size: Size,
        /// Side of a patch, in pixels; that of images must be a multiple. Half of it makes four times
        /// as many tokens.
        patch: usize,
        /// Which tokens become features.
        #[serde(default)]
        pool: Pool,
        /// What pixels become first.
        #[serde(default)]
        pixels: Pixels,
    },
}

/// Whose network of this name. Weights of one form are of no use to the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// He-normal initial weights, padding all around.
    #[default]
    Pytorch,
    /// Glorot-uniform initial weights; where the stride is 2, padding below and to the right alone
    /// (`keras.applications`).
    Keras,
}

/// What an encoder turns pixels into before its first layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pixels {
    /// Nothing else: [0, 1].
    #[default]
    Unit,
    /// [-1, 1].
    Signed,
}

/// Constants of batch normalisation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Statistics {
    /// `PyTorch`'s: momentum 0.1, epsilon 1e-5.
    #[default]
    Pytorch,
    /// Keras 2's: momentum 0.01 in `PyTorch`'s terms, epsilon 1e-3. Inference lags a hundred steps
    /// behind training.
    Keras,
    /// Keras 3's: the same, but its running variance is over n and not over n - 1.
    Keras3,
}

/// Channels of the first blocks of a residual network in its paper.
fn paper_width() -> usize {
    const WIDTH: usize = 64;
    WIDTH
}

/// An encoder with its weights.
#[derive(Module, Debug)]
#[non_exhaustive]
pub enum Encoder {
    /// Four convolutions and a dense layer.
    Conv4(Conv4),
    /// Four convolutions with normalisation and pooling.
    Conv4Pool(Conv4Pool),
    /// A residual network.
    Resnet(ResNet),
    /// Depthwise separable convolutions.
    Mobilenet(MobileNet),
    /// A vision transformer.
    Vit(VisionTransformer),
}

impl EncoderSettings {
    /// The kinds that there are, for people.
    pub const KINDS: [&str; 5] = ["conv4", "conv4_pool", "resnet", "mobilenet", "vit"];

    /// Whether every setting is in its range.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the first that is not.
    pub fn check(&self) -> Result<(), Error> {
        match *self {
            Self::Conv4 { width } | Self::Resnet { width, .. } => {
                range::count("encoder.width", width as u64, 1..=range::MOST_WIDTH)
            }
            Self::Conv4Pool { .. } => Ok(()),
            Self::Mobilenet { width_multiplier, .. } => {
                mobilenet::check_multiplier(width_multiplier)
            }
            Self::Vit { size, patch, .. } => {
                size.shape().check()?;
                vit::check_patch(patch)
            }
        }
    }

    /// Whether an encoder that is made for images of one side takes images of another.
    ///
    /// # Errors
    /// [`Error::Setting`] where it does not.
    pub fn takes(&self, side: usize, made_for: usize) -> Result<(), Error> {
        match *self {
            Self::Conv4 { .. } if conv4::last_side(side) != conv4::last_side(made_for) => {
                let expected = format!(
                    "{made_for}, or a side that leaves conv4's dense layer as many numbers"
                );
                Err(Error::setting("pretraining.views.side", expected, side))
            }
            Self::Conv4Pool { .. } => conv4_pool::check_side(side),
            Self::Mobilenet { form: Form::Keras, .. } => mobilenet::check_keras_side(side),
            Self::Vit { patch, .. } => {
                let name = if side == made_for { "side" } else { "pretraining.views.side" };
                vit::check_side(name, side, patch)
            }
            Self::Conv4 { .. } | Self::Resnet { .. } | Self::Mobilenet { .. } => Ok(()),
        }
    }

    /// An encoder with fresh weights for pictures of `side` pixels.
    ///
    /// # Errors
    /// [`Error::Setting`] for a width out of range or a side too small for the encoder.
    pub fn init(&self, side: usize, seed: u64, device: &Device) -> Result<Encoder, Error> {
        let stream = &mut stream(seed, Purpose::Weights, 0, 0);
        Ok(match *self {
            Self::Conv4 { width } => Encoder::Conv4(Conv4::new(width, side, stream, device)?),
            Self::Conv4Pool { pixels } => {
                Encoder::Conv4Pool(Conv4Pool::new(pixels, side, stream, device)?)
            }
            Self::Resnet { depth, stem, width, pixels } => {
                let shape = resnet::Shape { depth, stem, width };
                Encoder::Resnet(ResNet::new(shape, pixels, stream, device)?)
            }
            Self::Mobilenet { width_multiplier, pixels, statistics, form } => {
                if form == Form::Keras {
                    mobilenet::check_keras_side(side)?;
                }
                let kind = (form, statistics.constants());
                let network = MobileNet::new(width_multiplier, kind, stream, device)?;
                Encoder::Mobilenet(network.with_pixels(pixels))
            }
            Self::Vit { size, patch, pool, pixels } => {
                let network = VisionTransformer::new(size.shape(), [side, patch], stream, device)?;
                Encoder::Vit(network.with(pool, pixels))
            }
        })
    }

    /// Number of features.
    pub fn features(&self) -> usize {
        match *self {
            Self::Conv4 { width } => width,
            Self::Conv4Pool { .. } => conv4_pool::FEATURES,
            Self::Resnet { depth, width, .. } => resnet::features(depth, width),
            Self::Mobilenet { width_multiplier, .. } => mobilenet::features(width_multiplier),
            Self::Vit { size, .. } => size.shape().dim,
        }
    }

    /// Whether layers normalise by batches, and so have running statistics.
    pub fn normalises(&self) -> bool {
        !matches!(self, Self::Conv4 { .. } | Self::Vit { .. })
    }

    /// What pixels become before the first layer.
    pub fn pixels(&self) -> Pixels {
        match *self {
            Self::Conv4 { .. } => Pixels::Unit,
            Self::Conv4Pool { pixels }
            | Self::Resnet { pixels, .. }
            | Self::Mobilenet { pixels, .. }
            | Self::Vit { pixels, .. } => pixels,
        }
    }
}

impl Encoder {
    /// # Shapes
    /// - images: `[n, 3, side, side]` in [0, 1]
    /// - result: `[n, features]`, not normalised
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        match self {
            Self::Conv4(encoder) => encoder.forward(images),
            Self::Conv4Pool(encoder) => encoder.forward(images),
            Self::Resnet(encoder) => encoder.forward(images),
            Self::Mobilenet(encoder) => encoder.forward(images),
            Self::Vit(encoder) => encoder.forward(images),
        }
    }
}

impl Pixels {
    fn of(self, images: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Unit => images,
            Self::Signed => images.mul_scalar(2.0).sub_scalar(1.0),
        }
    }
}

impl Statistics {
    fn constants(self) -> Constants {
        match self {
            Self::Pytorch => Constants::PYTORCH,
            Self::Keras => Constants::KERAS,
            Self::Keras3 => Constants::KERAS3,
        }
    }
}

/// Refuses pictures of which an encoder's layers leave nothing.
fn large_enough(side: usize, least: usize, expected: &'static str) -> Result<(), Error> {
    match side < least {
        true => Err(Error::setting("side", expected, side)),
        false => Ok(()),
    }
}

/// Mean over all pixels: `[n, c, h, w]` to `[n, c]`.
fn global_average(maps: Tensor<4>) -> Tensor<2> {
    let [n, channels, height, width] = maps.dims();
    maps.reshape([n, channels, height * width]).mean_dim(2).reshape([n, channels])
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests run natively and read what they computed")]
mod tests {
    use super::*;
    use crate::archive::Archive;

    fn settings(text: &str) -> EncoderSettings {
        toml::from_str(text).unwrap()
    }

    fn parameters(text: &str, side: usize) -> usize {
        let encoder = settings(text).init(side, 1, &Device::flex()).unwrap();
        let mut archive = Archive::default();
        pollster::block_on(archive.add("", &encoder)).unwrap();
        archive.parameters("")
    }

    /// Numbers of torchvision's, timm's and Keras's networks without their classifiers, and of the paper's
    /// code.
    #[test]
    fn parameters_are_as_many_as_elsewhere() {
        assert_eq!(parameters("kind = 'conv4_pool'", 32), 24_648);
        let imagenet = |depth| format!("kind = 'resnet'\ndepth = {depth}\nstem = 'imagenet'");
        assert_eq!(parameters(&imagenet(18), 64), 11_176_512);
        assert_eq!(parameters(&imagenet(34), 64), 21_284_672);
        assert_eq!(parameters(&imagenet(50), 64), 23_508_032);
        let vit = |size| format!("kind = 'vit'\nsize = '{size}'\npatch = 16");
        assert_eq!(parameters(&vit("tiny"), 224), 5_524_416);
        assert_eq!(parameters(&vit("small"), 224), 21_665_664);
        assert_eq!(parameters("kind = 'mobilenet'\nwidth_multiplier = 1.0", 32), 3_206_976);
        assert_eq!(parameters("kind = 'mobilenet'\nwidth_multiplier = 0.25", 32), 213_072);
    }

    fn names(text: &str, side: usize) -> Vec<String> {
        let encoder = settings(text).init(side, 1, &Device::flex()).unwrap();
        let mut archive = Archive::default();
        pollster::block_on(archive.add("", &encoder)).unwrap();
        archive.tensors.into_keys().collect()
    }

    #[test]
    fn bottlenecks_have_torchvisions_names_and_transformers_timms() {
        let bottlenecks = names("kind = 'resnet'\ndepth = 50\nwidth = 1", 16);
        for name in ["layer1.0.conv3.weight", "layer1.0.downsample.0.weight", "layer3.5.bn3.bias"] {
            assert!(bottlenecks.contains(&name.to_owned()), "{name}: {bottlenecks:?}");
        }
        let block = ["norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2"];
        let layers = block.map(|layer| format!("blocks.0.{layer}")).into_iter();
        let layers = layers.chain(["norm", "patch_embed.proj"].map(String::from));
        let mut expected: Vec<String> = layers
            .flat_map(|layer| [format!("{layer}.weight"), format!("{layer}.bias")])
            .chain(["cls_token", "pos_embed"].map(String::from))
            .collect();
        expected.sort();
        let size = "{dim = 4, depth = 1, heads = 2}";
        assert_eq!(names(&format!("kind = 'vit'\npatch = 8\nsize = {size}"), 16), expected);
    }

    #[test]
    fn a_transformer_takes_any_side_of_whole_patches() {
        let vit = settings("kind = 'vit'\npatch = 4\nsize = {dim = 6, depth = 1, heads = 2}");
        for side in [4, 16, 24] {
            vit.takes(side, 16).expect("whole patches");
        }
        for side in [0, 2, 18] {
            let error = vit.takes(side, 16).expect_err("broken patches").to_string();
            assert!(error.contains("pretraining.views.side") && error.contains("4"), "{error}");
        }
        let device = Device::flex().autodiff();
        let Encoder::Vit(network) = vit.init(16, 1, &device).unwrap() else {
            panic!("a transformer")
        };
        let images = Tensor::random([2, 3, 24, 24], burn::tensor::Distribution::Default, &device);
        let tokens = network.tokens(images.clone());
        assert_eq!(tokens.dims(), [2, 1 + 6 * 6, 6]);
        let read = |x: Tensor<2>| x.into_data().try_to_vec::<f32>().unwrap();
        let cls = read(tokens.narrow(1, 0, 1).reshape([2, 6]));
        let features = read(network.forward(images));
        assert!(features.iter().zip(cls).all(|(a, b)| (a - b).abs() < 1e-5));
    }

    #[test]
    fn names_are_torchvisions() {
        let encoder = settings("kind = 'resnet'\ndepth = 18").init(16, 1, &Device::flex()).unwrap();
        let mut archive = Archive::default();
        pollster::block_on(archive.add("encoder", &encoder)).unwrap();
        for name in ["conv1.weight", "bn1.running_var", "layer2.0.downsample.0.weight"]
            .into_iter()
            .chain(["layer2.0.downsample.1.running_mean", "layer4.1.bn2.weight"])
        {
            assert!(archive.tensors.contains_key(&format!("encoder.{name}")), "{name}");
        }
    }

    const SMALL: [&str; 9] = [
        "kind = 'conv4'\nwidth = 5",
        "kind = 'conv4_pool'\npixels = 'signed'",
        "kind = 'resnet'\ndepth = 18\nwidth = 3",
        "kind = 'resnet'\ndepth = 34\nstem = 'imagenet'\nwidth = 2",
        "kind = 'mobilenet'\nwidth_multiplier = 0.1",
        "kind = 'mobilenet'\nwidth_multiplier = 0.1\nform = 'keras'\nstatistics = 'keras3'",
        "kind = 'resnet'\ndepth = 50\nwidth = 2",
        "kind = 'vit'\npatch = 11\nsize = {dim = 6, depth = 2, heads = 3}",
        "kind = 'vit'\npatch = 3\npool = 'mean'\nsize = {dim = 8, depth = 1, heads = 2}",
    ];

    #[test]
    fn every_encoder_gives_its_features_and_weights_to_all_its_parameters() {
        for text in SMALL {
            let device = Device::flex().autodiff();
            let encoder = settings(text).init(33, 1, &device).unwrap();
            let images =
                Tensor::random([4, 3, 33, 33], burn::tensor::Distribution::Default, &device);
            let features = encoder.forward(images);
            assert_eq!(features.dims(), [4, settings(text).features()], "{text}");
            let values = features.clone().into_data().try_to_vec::<f32>().unwrap();
            assert!(values.iter().all(|x| x.is_finite()), "{text}");
            assert!(values.iter().any(|x| *x != values[0]), "{text} gives one number");
        }
    }

    #[test]
    fn inference_of_a_picture_does_not_depend_on_its_batch() {
        for text in SMALL {
            let encoder = settings(text).init(33, 1, &Device::flex()).unwrap();
            let random = burn::tensor::Distribution::Default;
            let images = Tensor::<4>::random([3, 3, 33, 33], random, &Device::flex());
            let read = |x: Tensor<2>| x.into_data().try_to_vec::<f32>().unwrap();
            let all = read(encoder.forward(images.clone()));
            let alone = read(encoder.forward(images.narrow(0, 2, 1)));
            for (alone, together) in alone.iter().zip(&all[2 * alone.len()..]) {
                assert!((alone - together).abs() < 1e-5 * (1.0 + together.abs()), "{text}");
            }
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (text, side) in [
            ("kind = 'conv4'\nwidth = 0", 33),
            ("kind = 'conv4'\nwidth = 4", 30),
            ("kind = 'conv4_pool'", 7),
            ("kind = 'resnet'\ndepth = 18\nwidth = 0", 32),
            ("kind = 'mobilenet'\nwidth_multiplier = 0.0", 32),
            ("kind = 'vit'\nsize = 'tiny'\npatch = 5", 32),
            ("kind = 'vit'\nsize = 'tiny'\npatch = 64", 32),
            ("kind = 'vit'\nsize = 'tiny'\npatch = 0", 32),
            ("kind = 'vit'\nsize = {dim = 8, depth = 2, heads = 3}\npatch = 4", 32),
        ] {
            let error = settings(text).init(side, 1, &Device::flex()).expect_err(text);
            assert_eq!(error.code(), "SETTING", "{text}");
        }
        let odd = toml::from_str::<EncoderSettings>("kind = 'resnet'\ndepth = 20");
        assert!(odd.expect_err("no such depth").to_string().contains("expected 18, 34 or 50"));
    }
}
