//! A policy: augmentations in order, as a recipe writes them.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::Augmentation;
use super::affine::Affine;
use super::blur::Blur;
use super::brightness::Brightness;
use super::color::ColorMatrix;
use super::crop::Crop;
use super::erase::{CutOut, Erase};
use super::flip::Flip;
use super::gamma::Gamma;
use super::grayscale::Grayscale;
use super::jitter::ColorJitter;
use super::morphology::Morphology;
use super::pad_crop::PadCrop;
use super::rand_augment::RandAugment;
use super::reflect::{Translate, Zoom};
use super::solarize::Solarize;
#[cfg(feature = "gpu")]
use crate::device::is_cpu;
use crate::error::Error;
use crate::rng::{Purpose, Stream, stream};
use crate::sampler::Visit;

/// One step of a policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
#[serde(tag = "op", rename_all = "snake_case")]
#[serde(expecting = "an operation's settings, `op` among them")]
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
    Gamma(Gamma),
    Blur(Blur),
    Morphology(Morphology),
    Solarize(Solarize),
    Affine(Affine),
    PadCrop(PadCrop),
    Erase(Erase),
    CutOut(CutOut),
    RandAugment(RandAugment),
}

/// Augmentations in the order in which they are applied.
///
/// In a recipe: a list of tables, or the name of a known policy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
#[serde(try_from = "Written", into = "Vec<Op>")]
pub struct Policy(pub Vec<Op>);

/// The two ways of writing a policy.
///
/// Operations pass through JSON, so that the code that reads them stands once in a program and not
/// once for every format, and so that a mistake in them is told.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Written {
    Name(String),
    Ops(Vec<serde_json::Value>),
}

impl TryFrom<Written> for Policy {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match written {
            Written::Ops(ops) => {
                let read = |op| serde_json::from_value(op).map_err(|e| format!("a policy: {e}"));
                ops.into_iter().map(read).collect::<Result<_, _>>().map(Self)
            }
            Written::Name(name) => Self::named(&name).ok_or_else(|| match Self::renamed(&name) {
                Some(now) => format!("the policy `{name}` is called `{now}` now"),
                None => {
                    let known = Self::NAMES.join(", ");
                    format!("no policy is called `{name}`: expected one of {known}")
                }
            }),
        }
    }
}

impl From<Policy> for Vec<Op> {
    fn from(policy: Policy) -> Self {
        policy.0
    }
}

/// Which images a batch holds: what names their random streams.
#[derive(Clone, Copy, Debug)]
pub struct Draw<'a> {
    /// The run's seed.
    pub seed: u64,
    /// Which view is drawn.
    pub purpose: Purpose,
    /// Each image of the batch, and which look at it this is.
    pub visits: &'a [Visit],
}

impl Draw<'_> {
    /// The stream from which a visit's view is drawn.
    fn stream(&self, visit: &Visit) -> Stream {
        stream(self.seed, self.purpose, visit.number, visit.image)
    }
}

/// Does the same to the augmentation of any variant.
macro_rules! each {
    ($op:expr, $inner:ident => $do:expr) => {
        match $op {
            Op::Flip($inner) => $do,
            Op::Crop($inner) => $do,
            Op::Translate($inner) => $do,
            Op::Zoom($inner) => $do,
            Op::Brightness($inner) => $do,
            Op::ColorMatrix($inner) => $do,
            Op::ColorJitter($inner) => $do,
            Op::Grayscale($inner) => $do,
            Op::Gamma($inner) => $do,
            Op::Blur($inner) => $do,
            Op::Morphology($inner) => $do,
            Op::Solarize($inner) => $do,
            Op::Affine($inner) => $do,
            Op::PadCrop($inner) => $do,
            Op::Erase($inner) => $do,
            Op::CutOut($inner) => $do,
            Op::RandAugment($inner) => $do,
        }
    };
}

#[cfg(feature = "cpu")]
mod pictures;
#[cfg(feature = "gpu")]
mod tensors;

impl Op {
    fn check(&self) -> Result<(), Error> {
        each!(self, op => op.check())
    }
}

impl Policy {
    /// Transforms a batch `[n, 3, h, w]` in [0, 1]; image `i` is drawn from the stream that `draw`
    /// names for it.
    pub fn apply(&self, images: Tensor<4>, draw: Draw<'_>) -> Tensor<4> {
        let [_, _, height, width] = images.dims();
        self.apply_at([height, width], images, draw)
    }

    /// [`apply`](Self::apply) with views of another height and width, `[n, 3, height, width]`: the
    /// first crop resamples to it, as torchvision's `RandomResizedCrop` does; without a crop the whole
    /// image is resized at the end.
    pub fn apply_at(&self, size: [usize; 2], images: Tensor<4>, draw: Draw<'_>) -> Tensor<4> {
        #[cfg(feature = "gpu")]
        if !is_cpu(&images.device()) {
            return self.transform(size, images, draw);
        }
        #[cfg(feature = "cpu")]
        let images = self.change(size, images, draw);
        images
    }

    /// Whether every number of the policy is in its range.
    ///
    /// # Errors
    /// [`Error::Setting`] naming the first that is not.
    pub fn check(&self) -> Result<(), Error> {
        self.0.iter().try_for_each(Op::check)
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests run natively and read what they computed")]
mod tests {
    use burn::tensor::{Device, TensorData};
    use serde_json::json;

    use super::tensors::resized;
    use super::*;
    use crate::augment::warp::Interpolation;

    fn batch(count: usize) -> Tensor<4> {
        let mut stream = stream(1, Purpose::Test, 0, 0);
        let pixels: Vec<f32> = (0..count * 3 * 12 * 12).map(|_| stream.unit() as f32).collect();
        Tensor::from_data(TensorData::new(pixels, [count, 3, 12, 12]), &Device::flex())
    }

    fn views(policy: &Policy, images: Tensor<4>, numbers: &[u64]) -> Vec<f32> {
        let visits: Vec<Visit> = numbers.iter().map(|&image| Visit { image, number: 2 }).collect();
        let draw = Draw { seed: 9, purpose: Purpose::FirstView, visits: &visits };
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

    /// Operations that no known policy has.
    fn unnamed() -> Policy {
        Policy(vec![
            Op::Affine(Affine {
                probability: 0.7,
                degrees: 40.0,
                translate_x: 0.2,
                translate_y: 0.1,
                scale: [0.7, 1.4],
                shear_x: 20.0,
                shear_y: 10.0,
                fill: 0.25,
                interpolation: Interpolation::Bilinear,
            }),
            Op::Gamma(Gamma { strength: 0.5 }),
            Op::Morphology(Morphology { probability: 0.6, strength: 1.0 }),
        ])
    }

    #[test]
    fn a_picture_alone_becomes_what_it_does_as_a_tensor() {
        let mut noise = stream(1, Purpose::Test, 0, 0);
        let (n, h, w) = (40, 26, 21);
        let pixels: Vec<f32> =
            (0..n * 3 * h * w).map(|_| noise.below(256) as f32 / 255.0).collect();
        let images = Tensor::<4>::from_data(TensorData::new(pixels, [n, 3, h, w]), &Device::flex());
        let visits = Visit::at(3, 0..n as u64);
        let draw = Draw { seed: 9, purpose: Purpose::FirstView, visits: &visits };
        let values = |views: Tensor<4>| -> Vec<f32> { views.into_data().try_to_vec().unwrap() };
        let named = Policy::NAMES.map(|name| (name, Policy::named(name).unwrap()));
        let policies = named.into_iter().chain([("unnamed", unnamed())]);
        let sizes = [[h, w], [13, 30]];
        for ((name, policy), size) in
            policies.flat_map(|named| sizes.map(|size| (named.clone(), size)))
        {
            let expected = values(policy.transform(size, images.clone(), draw));
            let got = values(policy.apply_at(size, images.clone(), draw));
            assert_eq!([expected.len(), got.len()], [n * 3 * size[0] * size[1]; 2]);
            let far = expected.iter().zip(&got).filter(|(e, g)| (*e - *g).abs() > 1e-5).count();
            // Rounding decides for samples on an edge between two levels.
            assert!(far <= expected.len() / 2_000, "{name}, {size:?}: {far} samples differ");
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
    fn a_smaller_view_shows_what_a_view_of_full_size_shows() {
        // A ramp keeps its shape when it is resized, so both ways end close to each other.
        let ramp: Vec<f32> = (0..3 * 12 * 12).map(|i| (i % 12) as f32 / 11.0).collect();
        let image = Tensor::from_data(TensorData::new(ramp, [1, 3, 12, 12]), &Device::flex());
        let visits = [Visit { image: 5, number: 0 }];
        let draw = Draw { seed: 9, purpose: Purpose::FirstView, visits: &visits };
        for name in ["flip", "relational", "simclr-small"] {
            let policy = Policy::named(name).unwrap();
            let large = resized(policy.apply(image.clone(), draw), [6, 6]);
            let small = policy.apply_at([6, 6], image.clone(), draw);
            assert_eq!(small.dims(), [1, 3, 6, 6]);
            let far: Vec<f32> = (large - small).abs().max().into_data().try_to_vec().unwrap();
            assert!(far[0] < 0.1, "{name}: {far:?}");
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
    fn a_mistake_in_a_policy_is_told() {
        for (text, told) in [
            (r#"[{"op": "flip", "probability": 1, "how": 2}]"#, "unknown field `how`"),
            (r#"[{"op": "flap"}]"#, "unknown variant `flap`"),
            (r#"[{"op": "blur", "probability": 1, "kernel": 0.1}]"#, "missing field `sigma`"),
            (r#""simclear""#, "expected one of none, "),
        ] {
            let error = serde_json::from_str::<Policy>(text).expect_err(text).to_string();
            assert!(error.contains(told), "{error}");
        }
    }

    #[test]
    fn a_number_out_of_range_is_named() {
        let strong = Policy::named("fixmatch-strong").unwrap();
        let finetune = Policy::named("relational-finetune").unwrap();
        for (policy, op, key, value) in [
            (&strong, "flip", "probability", json!(1.5)),
            (&strong, "pad_crop", "pad", json!(-0.1)),
            (&strong, "rand_augment", "count", json!(0)),
            (&strong, "rand_augment", "count", json!(17)),
            (&strong, "cut_out", "probability", json!(2.0)),
            (&strong, "cut_out", "side", json!(1.1)),
            (&strong, "cut_out", "value", json!(-1.0)),
            (&finetune, "affine", "probability", json!(-0.5)),
            (&finetune, "affine", "degrees", json!(181.0)),
            (&finetune, "affine", "translate_x", json!(1.2)),
            (&finetune, "affine", "translate_y", json!(-0.2)),
            (&finetune, "affine", "scale", json!([0.0, 1.0])),
            (&finetune, "affine", "scale", json!([1.2, 1.1])),
            (&finetune, "affine", "shear_x", json!(90.0)),
            (&finetune, "affine", "shear_y", json!(-1.0)),
            (&finetune, "affine", "fill", json!(1.5)),
            (&finetune, "erase", "probability", json!(7.0)),
            (&finetune, "erase", "scale", json!([0.1, 1.1])),
            (&finetune, "erase", "scale", json!([0.3, 0.2])),
            (&finetune, "erase", "ratio", json!([0.0, 1.0])),
            (&finetune, "erase", "value", json!(255.0)),
        ] {
            let mut written = serde_json::to_value(policy).unwrap();
            let entries = written.as_array_mut().unwrap();
            entries.iter_mut().find(|entry| entry["op"] == op).unwrap()[key] = value.clone();
            let policy: Policy = serde_json::from_value(written).unwrap();
            let error = policy.check().expect_err("out of range").to_string();
            assert!(error.contains(&format!("{op}.{key} = ")), "{op}.{key} = {value}: {error}");
        }
    }
}
