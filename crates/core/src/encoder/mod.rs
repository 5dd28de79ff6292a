//! Encoders: pictures to features.

mod block;
pub mod conv;
pub mod conv4;
pub mod conv4_pool;
mod divisible;
pub mod efficientnet_lite;
pub mod mobilenet;
pub mod mobilenet_v3;
mod pixels;
mod pool;
pub mod resnet;
mod settings;
mod bounds;
mod layers;
mod statistics;
pub mod vit;

use burn::module::Module;
use burn::tensor::Tensor;

use crate::error::Error;
use conv4::Conv4;
use conv4_pool::Conv4Pool;
use efficientnet_lite::EfficientNetLite;
pub use mobilenet::Form;
use mobilenet::MobileNet;
use mobilenet_v3::MobileNetV3;
pub use pixels::{Normalization, Pixels};
use resnet::ResNet;
pub use settings::EncoderSettings;
pub use statistics::Statistics;
use vit::VisionTransformer;

/// An encoder with its weights.
#[derive(Module, Debug)]
#[non_exhaustive]
#[cfg_attr(
    any(target_pointer_width = "64", feature = "cpu"),
    expect(
        clippy::large_enum_variant,
        reason = "a model has one or two, and their weights lie elsewhere"
    )
)]
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
    /// Inverted bottlenecks, without squeeze-and-excitation.
    EfficientnetLite(EfficientNetLite),
    /// Inverted bottlenecks with squeeze-and-excitation and hard swish.
    MobilenetV3(MobileNetV3),
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
            Self::EfficientnetLite(encoder) => encoder.forward(images),
            Self::MobilenetV3(encoder) => encoder.forward(images),
        }
    }
}

impl Encoder {
    /// The same for inference alone: convolutions do what the normalisations behind them did by their
    /// running statistics, so that there is less to compute. Its weights are no checkpoint's any more.
    #[must_use]
    pub fn folded(&self) -> Self {
        match self {
            Self::Conv4(encoder) => Self::Conv4(encoder.folded()),
            Self::Vit(encoder) => Self::Vit(encoder.folded()),
            Self::Conv4Pool(encoder) => Self::Conv4Pool(encoder.folded()),
            Self::Resnet(encoder) => Self::Resnet(encoder.folded()),
            Self::Mobilenet(encoder) => Self::Mobilenet(encoder.folded()),
            Self::EfficientnetLite(encoder) => Self::EfficientnetLite(encoder.folded()),
            Self::MobilenetV3(encoder) => Self::MobilenetV3(encoder.folded()),
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
    use burn::tensor::Device;

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
        assert_eq!(parameters("kind = 'conv4_pool'\ngrid = 2\nfeatures = 10", 32), 27_208);
        let imagenet = |depth| format!("kind = 'resnet'\ndepth = {depth}\nstem = 'imagenet'");
        assert_eq!(parameters(&imagenet(18), 64), 11_176_512);
        assert_eq!(parameters(&imagenet(34), 64), 21_284_672);
        assert_eq!(parameters(&imagenet(50), 64), 23_508_032);
        let vit = |size| format!("kind = 'vit'\nsize = '{size}'\npatch = 16");
        assert_eq!(parameters(&vit("tiny"), 224), 5_524_416);
        assert_eq!(parameters(&vit("small"), 224), 21_665_664);
        let registers = "registers = 4\nlayer_scale = true\nclass_position = false";
        let small = "kind = 'vit'\nsize = 'small'\npatch = 14";
        assert_eq!(parameters(&format!("{small}\n{registers}"), 518), 22_057_344);
        assert_eq!(parameters(&format!("{small}\nlayer_scale = true"), 518), 22_056_192);
        let lite = |size| format!("kind = 'efficientnet_lite'\nsize = '{size}'");
        assert_eq!(parameters(&lite("lite0"), 32), 3_371_008);
        assert_eq!(parameters(&lite("lite4"), 32), 11_725_568);
        assert_eq!(parameters("kind = 'mobilenet_v3'", 32), 927_008);
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

    const SMALL: [&str; 15] = [
        "kind = 'conv4'\nwidth = 5",
        "kind = 'conv4_pool'\npixels = 'signed'",
        "kind = 'conv4_pool'\nwidth = 3\ngrid = 4",
        "kind = 'conv4_pool'\nwidth = 4\ngrid = 2\nfeatures = 7",
        "kind = 'resnet'\ndepth = 18\nwidth = 3",
        "kind = 'resnet'\ndepth = 34\nstem = 'imagenet'\nwidth = 2",
        "kind = 'mobilenet'\nwidth_multiplier = 0.1",
        "kind = 'mobilenet'\nwidth_multiplier = 0.1\nform = 'keras'\nstatistics = 'keras3'",
        "kind = 'resnet'\ndepth = 50\nwidth = 2",
        "kind = 'vit'\npatch = 11\nsize = {dim = 6, depth = 2, heads = 3}",
        "kind = 'vit'\npatch = 3\npool = 'mean'\nsize = {dim = 8, depth = 1, heads = 2}",
        "kind = 'vit'\npatch = 11\npool = 'cls_mean'\nsize = {dim = 8, depth = 1, heads = 2}
         registers = 2\nlayer_scale = true\nclass_position = false\npositions = 'hub'",
        "kind = 'efficientnet_lite'\nsize = {stem = 4, head = 5, stages = [{kernel = 5, stride = 2,
         expansion = 2, outputs = 4, repeats = 2}]}",
        "kind = 'efficientnet_lite'\npadding = 'around'\npixels = 'imagenet'\nsize = {stem = 4, head = 5,
         stages = [{kernel = 3, stride = 1, expansion = 1, outputs = 4, repeats = 2}]}",
        "kind = 'mobilenet_v3'\nwidth_multiplier = 0.1\npixels = 'imagenet'",
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
    fn inference_is_the_same_when_normalisations_are_folded() {
        for text in SMALL {
            let device = Device::flex().autodiff();
            let encoder = settings(text).init(33, 1, &device).unwrap();
            let random = burn::tensor::Distribution::Default;
            let images = Tensor::<4>::random([5, 3, 33, 33], random, &Device::flex());
            // Statistics that are not those of the start.
            for _ in 0..3 {
                let _trained = encoder.forward(images.clone().mul_scalar(3.0));
            }
            let encoder = encoder.valid();
            let read = |x: Tensor<2>| x.into_data().try_to_vec::<f32>().unwrap();
            let expected = read(encoder.forward(images.clone()));
            let found = read(encoder.folded().forward(images));
            let largest = expected.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
            let far = expected.iter().zip(&found).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(far < 2e-5 * largest, "{text}: off by {far} of {largest}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (text, side) in [
            ("kind = 'conv4'\nwidth = 0", 33),
            ("kind = 'conv4'\nwidth = 4", 30),
            ("kind = 'conv4_pool'", 7),
            ("kind = 'conv4_pool'\ngrid = 3", 33),
            ("kind = 'conv4_pool'\ngrid = 0", 33),
            ("kind = 'conv4_pool'\nfeatures = 0", 33),
            ("kind = 'resnet'\ndepth = 18\nwidth = 0", 32),
            ("kind = 'mobilenet'\nwidth_multiplier = 0.0", 32),
            ("kind = 'vit'\nsize = 'tiny'\npatch = 5", 32),
            ("kind = 'vit'\nsize = 'tiny'\npatch = 64", 32),
            ("kind = 'vit'\nsize = 'tiny'\npatch = 0", 32),
            ("kind = 'vit'\nsize = {dim = 8, depth = 2, heads = 3}\npatch = 4", 32),
            ("kind = 'vit'\nsize = 'tiny'\npatch = 4\nregisters = 100", 32),
            ("kind = 'efficientnet_lite'\nsize = {stem = 0, stages = [], head = 4}", 32),
            ("kind = 'mobilenet_v3'\nwidth_multiplier = 9.0", 32),
        ] {
            let error = settings(text).init(side, 1, &Device::flex()).expect_err(text);
            assert_eq!(error.code(), "SETTING", "{text}");
        }
        let odd = toml::from_str::<EncoderSettings>("kind = 'resnet'\ndepth = 20");
        assert!(odd.expect_err("no such depth").to_string().contains("expected 18, 34 or 50"));
    }
}
