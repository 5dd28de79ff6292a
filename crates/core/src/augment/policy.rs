//! A policy: augmentations in order, and the ones that the seeds and the papers use.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::Augmentation;
use super::blur::Blur;
use super::brightness::{Brightness, BrightnessForm};
use super::color::ColorMatrix;
use super::crop::{Convention, Crop};
use super::flip::Flip;
use super::grayscale::Grayscale;
use super::jitter::ColorJitter;
use super::reflect::{Translate, Zoom};
use super::solarize::Solarize;
use crate::error::Error;
use crate::rng::{Purpose, Stream, stream};

/// One step of a policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
#[expect(missing_docs, reason = "each variant is documented by the type it holds")]
pub enum Op {
    Flip(Flip),
    Crop(Crop),
    Translate(Translate),
    Zoom(Zoom),
    Brightness(Brightness),
    ColorMatrix(ColorMatrix),
    ColorJitter(ColorJitter),
    Grayscale(Grayscale),
    Blur(Blur),
    Solarize(Solarize),
}

/// Augmentations in the order in which they are applied.
///
/// In a recipe: a list of tables, or the name of a known policy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Vec<Op>")]
pub struct Policy(pub Vec<Op>);

/// The two ways of writing a policy.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Name(String),
    Ops(Vec<Op>),
}

impl TryFrom<Written> for Policy {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match written {
            Written::Ops(ops) => Ok(Self(ops)),
            Written::Name(name) => Self::named(&name).ok_or_else(|| {
                format!("no policy is called `{name}`: expected one of {}", Self::NAMES.join(", "))
            }),
        }
    }
}

impl From<Policy> for Vec<Op> {
    fn from(policy: Policy) -> Self {
        policy.0
    }
}

/// Which pictures a batch holds: what names their random streams.
#[derive(Clone, Copy, Debug)]
pub struct Draw<'a> {
    /// The run's seed.
    pub seed: u64,
    /// Which view is drawn.
    pub purpose: Purpose,
    /// Epoch, counted from 0.
    pub epoch: u64,
    /// Number of each picture of the batch in its data set.
    pub images: &'a [u64],
}

impl Op {
    fn apply(&self, images: Tensor<4>, streams: &mut [Stream]) -> Tensor<4> {
        match self {
            Self::Flip(op) => run(op, images, streams),
            Self::Crop(op) => run(op, images, streams),
            Self::Translate(op) => run(op, images, streams),
            Self::Zoom(op) => run(op, images, streams),
            Self::Brightness(op) => run(op, images, streams),
            Self::ColorMatrix(op) => run(op, images, streams),
            Self::ColorJitter(op) => run(op, images, streams),
            Self::Grayscale(op) => run(op, images, streams),
            Self::Blur(op) => run(op, images, streams),
            Self::Solarize(op) => run(op, images, streams),
        }
    }

    /// The numbers that are probabilities or shares, with their names.
    fn shares(&self) -> Vec<(&'static str, f64)> {
        match self {
            Self::Flip(op) => vec![("flip.probability", op.probability)],
            Self::Crop(op) => vec![("crop.scale", op.scale[0]), ("crop.scale", op.scale[1])],
            Self::Translate(op) => {
                vec![("translate.height", op.height), ("translate.width", op.width)]
            }
            Self::ColorJitter(op) => vec![("color_jitter.probability", op.probability)],
            Self::Grayscale(op) => vec![("grayscale.probability", op.probability)],
            Self::Blur(op) => {
                vec![("blur.probability", op.probability), ("blur.kernel", op.kernel)]
            }
            Self::Solarize(op) => {
                vec![("solarize.probability", op.probability), ("solarize.threshold", op.threshold)]
            }
            Self::Zoom(_) | Self::Brightness(_) | Self::ColorMatrix(_) => Vec::new(),
        }
    }

    /// Pairs of lowest and highest, with their names and the least that works.
    fn ranges(&self) -> Vec<(&'static str, [f64; 2], f64)> {
        match self {
            Self::Crop(op) => vec![("crop.scale", op.scale, 0.0), ("crop.ratio", op.ratio, 0.0)],
            Self::Zoom(op) => {
                vec![("zoom.height", op.height, -1.0), ("zoom.width", op.width, -1.0)]
            }
            Self::Blur(op) => vec![("blur.sigma", op.sigma, 0.0)],
            _ => Vec::new(),
        }
    }
}

/// Draws for every picture, then transforms the batch.
fn run<A: Augmentation>(op: &A, images: Tensor<4>, streams: &mut [Stream]) -> Tensor<4> {
    let drawn: Vec<A::Drawn> = streams.iter_mut().map(|stream| op.draw(stream)).collect();
    op.apply(images, &drawn)
}

impl Policy {
    /// Transforms a batch `[n, 3, h, w]` in [0, 1]; picture `i` is drawn from the stream that
    /// `draw` names for it.
    pub fn apply(&self, images: Tensor<4>, draw: Draw<'_>) -> Tensor<4> {
        let Draw { seed, purpose, epoch, images: numbers } = draw;
        let mut streams: Vec<Stream> =
            numbers.iter().map(|&number| stream(seed, purpose, epoch, number)).collect();
        self.0.iter().fold(images, |images, op| op.apply(images, &mut streams))
    }

    /// Whether every number of the policy is in its range.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the first that is not.
    pub fn check(&self) -> Result<(), Error> {
        for op in &self.0 {
            if let Some((name, got)) =
                op.shares().into_iter().find(|(_, s)| !(0.0..=1.0).contains(s))
            {
                return Err(Error::Setting { name, expected: "0 to 1", got: got.to_string() });
            }
            let wrong =
                |(_, [low, high], least): &(_, [f64; 2], f64)| !(low > least && low <= high);
            if let Some((name, got, _)) = op.ranges().into_iter().find(wrong) {
                let expected = "lowest above its bound and not above highest";
                return Err(Error::Setting { name, expected, got: format!("{got:?}") });
            }
        }
        Ok(())
    }

    /// The policies known by name, in the order in which help lists them.
    pub const NAMES: [&'static str; 8] = [
        "none",
        "seed-simclr-contrastive",
        "seed-simclr-classification",
        "seed-nnclr-contrastive",
        "seed-nnclr-classification",
        "simclr",
        "simclr-small",
        "byol",
    ];

    /// The policy of that name, if there is one.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "none" => Self::default(),
            "seed-simclr-contrastive" => Self::keras_simclr(0.25, 0.6, 0.2),
            "seed-simclr-classification" => Self::keras_simclr(0.75, 0.3, 0.1),
            "seed-nnclr-contrastive" => Self::keras_nnclr(0.2, 0.5),
            "seed-nnclr-classification" => Self::keras_nnclr(0.5, 0.2),
            "simclr" => Self::simclr(1.0, Some(Self::PAPER_BLUR)),
            "simclr-small" => Self::simclr(0.5, None),
            "byol" => Self::byol(),
            _ => return None,
        })
    }

    /// The Keras `SimCLR` example: flip, translation and zoom that keep at least `min_area` of the
    /// picture, one colour matrix.
    fn keras_simclr(min_area: f64, brightness: f64, jitter: f64) -> Self {
        let zoom = 1.0 - f64::sqrt(min_area);
        Self(vec![
            Op::Flip(Flip { probability: 0.5 }),
            Op::Translate(Translate { height: zoom / 2.0, width: zoom / 2.0 }),
            Op::Zoom(Zoom { height: [-zoom, 0.0], width: [-zoom, 0.0] }),
            Op::ColorMatrix(ColorMatrix { brightness, jitter }),
        ])
    }

    /// The Keras NNCLR example: flip, corner-aligned crop, multiplicative brightness.
    fn keras_nnclr(min_scale: f64, strength: f64) -> Self {
        let scale = [min_scale, 1.0];
        let convention = Convention::CornerAligned;
        Self(vec![
            Op::Flip(Flip { probability: 0.5 }),
            Op::Crop(Crop { scale, ratio: Crop::PHOTO_RATIO, convention }),
            Op::Brightness(Brightness { strength, form: BrightnessForm::Multiply }),
        ])
    }

    const PAPER_BLUR: Blur = Blur { probability: 0.5, kernel: 0.1, sigma: [0.1, 2.0] };

    /// `SimCLR`, appendix A, with colour strength `s`; without blur for small pictures (appendix B.9).
    fn simclr(s: f64, blur: Option<Blur>) -> Self {
        let (strong, hue, convention) = (0.8 * s, 0.2 * s, Convention::HalfPixel);
        let mut ops = vec![
            Op::Crop(Crop { scale: [0.08, 1.0], ratio: Crop::PHOTO_RATIO, convention }),
            Op::Flip(Flip { probability: 0.5 }),
            Op::ColorJitter(ColorJitter {
                probability: 0.8,
                brightness: strong,
                contrast: strong,
                saturation: strong,
                hue,
            }),
            Op::Grayscale(Grayscale { probability: 0.2 }),
        ];
        ops.extend(blur.map(Op::Blur));
        Self(ops)
    }

    /// BYOL, appendix B, which NNCLR takes over; the mean of its two views (both blurred half of
    /// the time, solarized one time in ten).
    fn byol() -> Self {
        let Self(mut ops) = Self::simclr(0.5, Some(Self::PAPER_BLUR));
        if let Some(Op::ColorJitter(jitter)) = ops.get_mut(2) {
            (jitter.saturation, jitter.hue) = (0.2, 0.1);
        }
        ops.push(Op::Solarize(Solarize { probability: 0.1, threshold: 0.5 }));
        Self(ops)
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests run natively and read what they computed")]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    fn batch(count: usize) -> Tensor<4> {
        let mut stream = stream(1, Purpose::Test, 0, 0);
        let pixels: Vec<f32> = (0..count * 3 * 12 * 12).map(|_| stream.unit() as f32).collect();
        Tensor::from_data(TensorData::new(pixels, [count, 3, 12, 12]), &Device::flex())
    }

    fn views(policy: &Policy, images: Tensor<4>, numbers: &[u64]) -> Vec<f32> {
        let draw = Draw { seed: 9, purpose: Purpose::FirstView, epoch: 2, images: numbers };
        policy.apply(images, draw).into_data().try_to_vec().unwrap()
    }

    #[test]
    fn a_view_does_not_depend_on_its_batch() {
        for name in Policy::NAMES {
            let policy = Policy::named(name).unwrap();
            let all = views(&policy, batch(5), &[10, 11, 12, 13, 14]);
            let alone = views(&policy, batch(5).narrow(0, 3, 1), &[13]);
            let size = alone.len();
            for (a, b) in alone.iter().zip(&all[3 * size..4 * size]) {
                assert!((a - b).abs() < 1e-6, "{name}: {a} alone, {b} in a batch");
            }
        }
    }

    #[test]
    fn views_stay_in_range_and_differ() {
        for name in &Policy::NAMES[1..] {
            let policy = Policy::named(name).unwrap();
            let once = views(&policy, batch(4), &[0, 1, 2, 3]);
            let other = views(&policy, batch(4), &[4, 5, 6, 7]);
            assert!(once.iter().all(|p| (-1e-5..=1.0 + 1e-5).contains(p)), "{name} leaves [0, 1]");
            assert_ne!(once, other, "{name} gives every picture the same view");
        }
    }

    #[test]
    fn every_policy_survives_toml_and_its_own_check() {
        #[derive(Serialize, Deserialize, PartialEq, Debug)]
        struct File {
            policy: Policy,
        }
        for name in Policy::NAMES {
            let file = File { policy: Policy::named(name).unwrap() };
            file.policy.check().unwrap();
            let text = toml::to_string(&file).unwrap();
            assert_eq!(toml::from_str::<File>(&text).unwrap(), file, "{text}");
        }
    }

    #[test]
    fn a_number_out_of_range_is_named() {
        let policy = Policy(vec![Op::Flip(Flip { probability: 1.5 })]);
        let error = policy.check().expect_err("1.5 is no probability");
        assert!(error.to_string().contains("flip.probability = 1.5"), "{error}");
    }
}
