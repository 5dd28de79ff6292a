//! The policies of the Keras examples and of the papers, by name.

use super::affine::Affine;
use super::blur::Blur;
use super::brightness::{Brightness, BrightnessForm};
use super::color::ColorMatrix;
use super::crop::{Convention, Crop, RatioDraw};
use super::erase::{CutOut, Erase};
use super::flip::Flip;
use super::grayscale::Grayscale;
use super::jitter::ColorJitter;
use super::pad_crop::PadCrop;
use super::policy::{Op, Policy};
use super::rand_augment::RandAugment;
use super::reflect::{Translate, Zoom};
use super::solarize::Solarize;
use super::warp::Interpolation;

impl Policy {
    const HALF_FLIPPED: Op = Op::Flip(Flip { probability: 0.5 });

    /// The policies known by name, in the order in which help lists them.
    pub const NAMES: [&'static str; 23] = [
        "none",
        "keras-simclr-contrastive",
        "keras-simclr-classification",
        "keras-nnclr-contrastive",
        "keras-nnclr-classification",
        "keras-nnclr-evaluation",
        "keras3-nnclr-contrastive",
        "keras3-nnclr-classification",
        "keras3-nnclr-evaluation",
        "simclr",
        "simclr-small",
        "byol",
        "byol-first",
        "byol-second",
        "multicrop-global",
        "multicrop-local",
        "byol-small-first",
        "byol-small-second",
        "relational",
        "relational-finetune",
        "fixmatch-weak",
        "fixmatch-strong",
        "flip",
    ];

    /// The present name of a policy that had another one before: `keras-` was `seed-`.
    pub fn renamed(name: &str) -> Option<&'static str> {
        let rest = name.strip_prefix("seed-")?;
        Self::NAMES.into_iter().find(|now| now.strip_prefix("keras-") == Some(rest))
    }

    /// The policy of that name, if there is one.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "none" => Self::default(),
            "keras-simclr-contrastive" => Self::keras_simclr(0.25, 0.6, 0.2),
            "keras-simclr-classification" => Self::keras_simclr(0.75, 0.3, 0.1),
            "keras-nnclr-contrastive" => Self::keras_nnclr(0.2, 0.5),
            "keras-nnclr-classification" => Self::keras_nnclr(0.5, 0.2),
            "keras-nnclr-evaluation" => Self::keras_nnclr(0.5, 0.2).without_flip(),
            "keras3-nnclr-contrastive" => Self::keras3_nnclr(0.2, 0.5),
            "keras3-nnclr-classification" => Self::keras3_nnclr(0.5, 0.2),
            "keras3-nnclr-evaluation" => Self::keras3_nnclr(0.5, 0.2).without_flip(),
            "simclr" => Self::simclr(1.0, Some(Self::PAPER_BLUR)),
            "simclr-small" => Self::simclr(0.5, None),
            "byol" => Self::byol(0.5, 0.1),
            "byol-first" => Self::byol(1.0, 0.0),
            "byol-second" => Self::byol(0.1, 0.2),
            "multicrop-global" => Self::byol(0.5, 0.1).cropped([0.25, 1.0]),
            "multicrop-local" => Self::byol(0.5, 0.0).cropped([0.05, 0.25]),
            "byol-small-first" => Self::byol_small(0.0),
            "byol-small-second" => Self::byol_small(0.2),
            "relational" => Self::relational(),
            "relational-finetune" => Self::relational_finetune(),
            "fixmatch-weak" => Self::fixmatch_weak(),
            "fixmatch-strong" => Self::fixmatch_strong(),
            "flip" => Self(vec![Self::HALF_FLIPPED]),
            _ => return None,
        })
    }

    /// The Keras `SimCLR` example: flip, translation and zoom that keep at least `min_area` of the
    /// picture, one colour matrix.
    fn keras_simclr(min_area: f64, brightness: f64, jitter: f64) -> Self {
        let zoom = 1.0 - f64::sqrt(min_area);
        Self(vec![
            Self::HALF_FLIPPED,
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
            Self::HALF_FLIPPED,
            Op::Crop(Crop {
                scale,
                ratio: Crop::PHOTO_RATIO,
                ratio_draw: RatioDraw::LogUniform,
                convention,
            }),
            Op::Brightness(Brightness { strength, form: BrightnessForm::Multiply }),
        ])
    }

    /// The same example for Keras 3, whose layers are `keras_cv`'s: ratios are drawn uniformly, and
    /// brightness is added.
    fn keras3_nnclr(min_scale: f64, strength: f64) -> Self {
        let Self(ops) = Self::keras_nnclr(min_scale, strength);
        let changed = |op| match op {
            Op::Crop(crop) => Op::Crop(Crop { ratio_draw: RatioDraw::Uniform, ..crop }),
            Op::Brightness(op) => Op::Brightness(Brightness { form: BrightnessForm::Add, ..op }),
            other => other,
        };
        Self(ops.into_iter().map(changed).collect())
    }

    /// What both NNCLR examples do to test images: Keras's flip is off at evaluation, crop and
    /// brightness, which know no such difference, are on.
    fn without_flip(mut self) -> Self {
        self.0.retain(|op| !matches!(op, Op::Flip(_)));
        self
    }

    const PAPER_BLUR: Blur = Blur { probability: 0.5, kernel: 0.1, sigma: [0.1, 2.0] };

    /// `SimCLR`, appendix A, with colour strength `s`; without blur for small pictures (appendix B.9).
    fn simclr(s: f64, blur: Option<Blur>) -> Self {
        let (strong, hue, convention) = (0.8 * s, 0.2 * s, Convention::HalfPixel);
        let mut ops = vec![
            Op::Crop(Crop {
                scale: [0.08, 1.0],
                ratio: Crop::PHOTO_RATIO,
                ratio_draw: RatioDraw::LogUniform,
                convention,
            }),
            Self::HALF_FLIPPED,
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

    /// BYOL, appendix B, which NNCLR, Barlow Twins, `VICReg`, DINO and `MoCo` v3 take over: its first view
    /// is always blurred, its second one time in ten, and solarized one time in five. `byol` is the mean
    /// of the two.
    fn byol(blurred: f64, solarized: f64) -> Self {
        let blur = Blur { probability: blurred, ..Self::PAPER_BLUR };
        let Self(mut ops) = Self::simclr(0.5, Some(blur));
        if let Some(Op::ColorJitter(jitter)) = ops.get_mut(2) {
            (jitter.saturation, jitter.hue) = (0.2, 0.1);
        }
        if solarized > 0.0 {
            ops.push(Op::Solarize(Solarize { probability: solarized, threshold: 0.5 }));
        }
        Self(ops)
    }

    /// BYOL's views without blur, as solo-learn has them for pictures of 32 pixels.
    fn byol_small(solarized: f64) -> Self {
        let Self(mut ops) = Self::byol(0.0, solarized);
        ops.retain(|op| !matches!(op, Op::Blur(_)));
        Self(ops)
    }

    /// The same with crops of other shares of the image.
    fn cropped(mut self, scale: [f64; 2]) -> Self {
        for op in &mut self.0 {
            if let Op::Crop(crop) = op {
                crop.scale = scale;
            }
        }
        self
    }

    /// Relational reasoning (Patacchiola and Storkey 2020): `SimCLR` at full strength without blur.
    fn relational() -> Self {
        Self::simclr(1.0, None)
    }

    /// Relational reasoning's fine-tuning on few labels, whose pictures are warped by nearest
    /// neighbour, as Pillow does unasked.
    fn relational_finetune() -> Self {
        let square = [1.0; 2];
        Self(vec![
            Self::HALF_FLIPPED,
            Op::Affine(Affine {
                probability: 0.5,
                degrees: 18.0,
                translate_x: 0.1,
                translate_y: 0.1,
                scale: [0.9, 1.1],
                shear_x: 10.0,
                shear_y: 0.0,
                fill: 0.0,
                interpolation: Interpolation::Nearest,
            }),
            Op::Erase(Erase { probability: 0.5, scale: [0.111; 2], ratio: square, value: 0.0 }),
        ])
    }

    /// `FixMatch`'s weak view: the flip, and 4 of 32 pixels padded and cropped back.
    fn fixmatch_weak() -> Self {
        Self(vec![Self::HALF_FLIPPED, Op::PadCrop(PadCrop { pad: 0.125 })])
    }

    /// `FixMatch`'s strong view: the weak one, three of `RandAugment`'s changes, a grey square.
    fn fixmatch_strong() -> Self {
        let Self(mut ops) = Self::fixmatch_weak();
        ops.push(Op::RandAugment(RandAugment { count: 3 }));
        ops.push(Op::CutOut(CutOut { probability: 1.0, side: 0.5, value: 0.5 }));
        Self(ops)
    }
}
