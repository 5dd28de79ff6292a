//! `RandAugment`: a few changes a picture, drawn from a fixed list.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::Augmentation;
use super::groups::each_group;
use super::jitter::{Change, blend};
use super::levels::{autocontrast, equalize, posterize, solarize};
use super::picture::Picture;
use super::sharpness::{sharpen, sharpness};
use super::warp::{Interpolation, Warp, warp};
use crate::error::Error;
use crate::range;
use crate::rng::Stream;

/// `count` changes in turn, each drawn anew from the 14 of [`Step`] with a strength of its own.
///
/// Cubuk et al. 2019, in the form of `FixMatch` (Sohn et al. 2020, appendix D) and with `TorchSSL`'s
/// ranges; the square that `FixMatch` cuts out afterwards is an augmentation of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
#[serde(deny_unknown_fields)]
pub struct RandAugment {
    /// Changes a picture, at most [`RandAugment::MOST`]. More is harder.
    pub count: usize,
}

/// One change with its strength, as Pillow makes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// Each colour stretched to the whole range.
    Autocontrast,
    /// Share kept in a blend with black.
    Brightness(f64),
    /// Share kept in a blend with the luma.
    Color(f64),
    /// Share kept in a blend with the mean luma.
    Contrast(f64),
    /// Each colour's levels made equally frequent.
    Equalize,
    /// No change.
    Identity,
    /// Bits kept of each level's eight.
    Posterize(u32),
    /// Degrees against the clock.
    Rotate(f64),
    /// Share kept in a blend with the smoothed picture.
    Sharpness(f64),
    /// Pixels to the left a row, from the first row on.
    ShearX(f64),
    /// Pixels up a column, from the first column on.
    ShearY(f64),
    /// Levels from here up are inverted, in [0, 1].
    Solarize(f64),
    /// Share of the width by which it moves to the left.
    TranslateX(f64),
    /// Share of the height by which it moves up.
    TranslateY(f64),
}

/// Changes that are computed alike, whatever their strength.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Autocontrast,
    Blend,
    Equalize,
    Posterize,
    Sharpness,
    Solarize,
    Warp,
}

/// Lowest and highest share kept of a blend.
const KEPT: [f64; 2] = [0.05, 0.95];
/// Bits kept, lowest and above the highest.
const KEPT_BITS: [f64; 2] = [4.0, 8.0];
/// Largest rotation, in degrees.
const DEGREES: f64 = 30.0;
/// Largest shear, in pixels a pixel.
const SHEAR: f64 = 0.3;
/// Largest shift, as a share of the side.
const SHIFT: f64 = 0.3;
/// The range of solarize's threshold, in levels of which 255 is the brightest.
const THRESHOLD: f64 = 256.0 / 255.0;
/// What a picture moved by shows beyond its edges.
const BEYOND: f64 = 0.0;

impl Step {
    /// Number of changes to draw from.
    pub const COUNT: usize = 14;

    /// Change number `index` at a strength in [0, 1), lowest to highest of its range.
    fn new(index: usize, strength: f64) -> Self {
        let within = |[low, high]: [f64; 2]| low + (high - low) * strength;
        let about = |most: f64| within([-most, most]);
        match index {
            0 => Self::Autocontrast,
            1 => Self::Brightness(within(KEPT)),
            2 => Self::Color(within(KEPT)),
            3 => Self::Contrast(within(KEPT)),
            4 => Self::Equalize,
            5 => Self::Posterize(within(KEPT_BITS) as u32),
            6 => Self::Rotate(about(DEGREES)),
            7 => Self::Sharpness(within(KEPT)),
            8 => Self::ShearX(about(SHEAR)),
            9 => Self::ShearY(about(SHEAR)),
            10 => Self::Solarize(THRESHOLD * strength),
            11 => Self::TranslateX(about(SHIFT)),
            12 => Self::TranslateY(about(SHIFT)),
            _ => Self::Identity,
        }
    }

    /// Changes a picture.
    fn change(self, picture: &mut Picture) {
        match self {
            Self::Identity => {}
            Self::Autocontrast => picture.autocontrast(),
            Self::Brightness(kept) => Change::Brightness(kept).make(picture),
            Self::Color(kept) => Change::Saturation(kept).make(picture),
            Self::Contrast(kept) => Change::Contrast(kept).make(picture),
            Self::Equalize => picture.equalize(),
            Self::Posterize(bits) => picture.posterize(bits),
            Self::Sharpness(kept) => sharpen(picture, kept),
            Self::Solarize(threshold) => picture.solarize(threshold),
            Self::Rotate(_)
            | Self::ShearX(_)
            | Self::ShearY(_)
            | Self::TranslateX(_)
            | Self::TranslateY(_) => {
                self.warp(picture.size()).change(picture, Interpolation::Nearest, BEYOND);
            }
        }
    }

    /// How it is computed; nothing where nothing changes.
    fn kind(self) -> Option<Kind> {
        Some(match self {
            Self::Identity => return None,
            Self::Autocontrast => Kind::Autocontrast,
            Self::Brightness(_) | Self::Color(_) | Self::Contrast(_) => Kind::Blend,
            Self::Equalize => Kind::Equalize,
            Self::Posterize(_) => Kind::Posterize,
            Self::Sharpness(_) => Kind::Sharpness,
            Self::Solarize(_) => Kind::Solarize,
            Self::Rotate(_)
            | Self::ShearX(_)
            | Self::ShearY(_)
            | Self::TranslateX(_)
            | Self::TranslateY(_) => Kind::Warp,
        })
    }

    /// The change as colour jitter knows it.
    fn blend(self) -> Option<Change> {
        match self {
            Self::Brightness(kept) => Some(Change::Brightness(kept)),
            Self::Color(kept) => Some(Change::Saturation(kept)),
            Self::Contrast(kept) => Some(Change::Contrast(kept)),
            _ => None,
        }
    }

    /// The change as a map of a picture of `size` = [h, w].
    fn warp(self, size: [usize; 2]) -> Warp {
        let [h, w] = size.map(|pixels| pixels as f64);
        match self {
            Self::Rotate(degrees) => {
                let (sin, cos) = degrees.to_radians().sin_cos();
                Warp::around_centre([[cos, -sin], [sin, cos]], [0.0; 2], size)
            }
            Self::ShearX(shear) => Warp([[1.0, shear, 0.0], [0.0, 1.0, 0.0]]),
            Self::ShearY(shear) => Warp([[1.0, 0.0, 0.0], [shear, 1.0, 0.0]]),
            Self::TranslateX(share) => Warp([[1.0, 0.0, share * w], [0.0, 1.0, 0.0]]),
            Self::TranslateY(share) => Warp([[1.0, 0.0, 0.0], [0.0, 1.0, share * h]]),
            _ => Warp([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]),
        }
    }

    /// The number that says how much.
    fn strength(self) -> f64 {
        match self {
            Self::Sharpness(x) | Self::Solarize(x) => x,
            _ => 0.0,
        }
    }

    /// Bits kept of eight.
    fn bits(self) -> u32 {
        match self {
            Self::Posterize(bits) => bits,
            _ => u8::BITS,
        }
    }
}

impl Kind {
    /// Changes pictures whose steps are all of this kind.
    fn apply(self, images: Tensor<4>, steps: &[Step]) -> Tensor<4> {
        let [_, _, h, w] = images.dims();
        let strengths = || steps.iter().map(|step| step.strength()).collect::<Vec<_>>();
        match self {
            Self::Autocontrast => autocontrast(images),
            Self::Equalize => equalize(images),
            Self::Blend => {
                let changes: Vec<_> = steps.iter().map(|step| step.blend()).collect();
                blend(images, &changes)
            }
            Self::Posterize => {
                let bits: Vec<u32> = steps.iter().map(|step| step.bits()).collect();
                posterize(images, &bits)
            }
            Self::Sharpness => sharpness(images, &strengths()),
            Self::Solarize => solarize(images, &strengths()),
            Self::Warp => {
                let warps: Vec<Warp> = steps.iter().map(|step| step.warp([h, w])).collect();
                warp(images, &warps, Interpolation::Nearest, BEYOND)
            }
        }
    }
}

impl RandAugment {
    /// More changes than this leave nothing to see.
    pub const MOST: u64 = 16;
}

impl Augmentation for RandAugment {
    type Drawn = Vec<Step>;

    fn check(&self) -> Result<(), Error> {
        range::count("rand_augment.count", self.count as u64, 1..=Self::MOST)
    }

    fn draw(&self, stream: &mut Stream) -> Vec<Step> {
        (0..self.count)
            .map(|_| {
                let index = stream.below(Step::COUNT);
                Step::new(index, stream.unit())
            })
            .collect()
    }

    fn change(&self, picture: &mut Picture, steps: &Vec<Step>) {
        steps.iter().for_each(|step| step.change(picture));
    }

    fn transform(&self, images: Tensor<4>, drawn: &[Vec<Step>]) -> Tensor<4> {
        (0..self.count).fold(images, |images, slot| {
            let kinds: Vec<_> = drawn.iter().map(|steps| steps[slot].kind()).collect();
            each_group(images, &kinds, |kind, places, part| {
                let steps: Vec<Step> = places.iter().map(|&place| drawn[place][slot]).collect();
                kind.apply(part, &steps)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::warp::tests::{by_the_book, close, noise, values};
    use super::*;
    use crate::rng::{Purpose, stream};

    const SIZE: [usize; 2] = [12, 16];
    const AREA: usize = SIZE[0] * SIZE[1];

    fn changed(images: Tensor<4>, steps: &[&[Step]]) -> Vec<f32> {
        let drawn: Vec<Vec<Step>> = steps.iter().map(|steps| steps.to_vec()).collect();
        values(RandAugment { count: steps[0].len() }.apply(images, &drawn))
    }

    fn luma(image: &[f32], place: usize) -> f64 {
        let plane = |plane: usize| f64::from(image[plane * AREA + place]);
        0.299 * plane(0) + 0.587 * plane(1) + 0.114 * plane(2)
    }

    /// A blend with what `other` gives for each pixel.
    fn blended(image: &[f32], kept: f64, other: impl Fn(usize) -> f64) -> Vec<f32> {
        let one = |(i, x): (usize, &f32)| kept * f64::from(*x) + (1.0 - kept) * other(i % AREA);
        image.iter().enumerate().map(|item| one(item) as f32).collect()
    }

    #[test]
    fn blends_keep_their_share() {
        let image = values(noise([1, SIZE[0], SIZE[1]]));
        let mean = (0..AREA).map(|place| luma(&image, place)).sum::<f64>() / AREA as f64;
        for (step, expected) in [
            (Step::Brightness(0.3), blended(&image, 0.3, |_| 0.0)),
            (Step::Color(0.2), blended(&image, 0.2, |place| luma(&image, place))),
            (Step::Contrast(0.7), blended(&image, 0.7, |_| mean)),
        ] {
            let got = changed(noise([1, SIZE[0], SIZE[1]]), &[&[step]]);
            close(&got, &expected, &format!("{step:?}"));
        }
    }

    #[test]
    fn moves_are_pillows() {
        let image = values(noise([1, SIZE[0], SIZE[1]]));
        let (sin, cos) = 25.0_f64.to_radians().sin_cos();
        for (step, map) in [
            // Pillow's `transform(AFFINE, (a, b, c, d, e, f))`, rows by rows.
            (Step::ShearX(0.21), [[1.0, 0.21, 0.0], [0.0, 1.0, 0.0]]),
            (Step::ShearY(-0.17), [[1.0, 0.0, 0.0], [-0.17, 1.0, 0.0]]),
            (Step::TranslateX(0.2), [[1.0, 0.0, 3.2], [0.0, 1.0, 0.0]]),
            (Step::TranslateY(-0.3), [[1.0, 0.0, 0.0], [0.0, 1.0, -3.6]]),
            // Pillow's `rotate(25)` around (8, 6).
            (
                Step::Rotate(25.0),
                [[cos, -sin, 8.0 - 8.0 * cos + 6.0 * sin], [sin, cos, 6.0 - 8.0 * sin - 6.0 * cos]],
            ),
        ] {
            let got = changed(noise([1, SIZE[0], SIZE[1]]), &[&[step]]);
            let expected = by_the_book(&image, SIZE, Warp(map), Interpolation::Nearest, 0.0);
            close(&got, &expected, &format!("{step:?}"));
        }
    }

    #[test]
    fn each_picture_gets_its_own_steps_in_order() {
        use Step::{Brightness, Identity, Posterize, Solarize, TranslateX};
        let images = noise([4, SIZE[0], SIZE[1]]);
        let steps: [&[Step]; 4] = [
            &[Brightness(0.5), Solarize(0.3)],
            &[Solarize(0.3), Brightness(0.5)],
            &[Identity, Identity],
            &[Posterize(4), TranslateX(0.25)],
        ];
        let together = changed(images.clone(), &steps);
        let own = values(images.clone());
        for (picture, steps) in steps.iter().enumerate() {
            let one = picture * 3 * AREA..(picture + 1) * 3 * AREA;
            let alone = changed(images.clone().narrow(0, picture, 1), &[steps]);
            close(&together[one.clone()], &alone, &format!("{steps:?}"));
            let same = together[one.clone()] == own[one];
            assert_eq!(same, picture == 2, "{steps:?}");
        }
        assert_ne!(together[..3 * AREA], together[3 * AREA..6 * AREA]);
    }

    #[test]
    fn every_change_is_drawn_as_often_and_over_its_whole_range() {
        let op = RandAugment { count: 3 };
        let steps: Vec<Step> =
            (0..7_000).flat_map(|i| op.draw(&mut stream(8, Purpose::Test, 0, i))).collect();
        let count = |kind: &dyn Fn(&Step) -> bool| steps.iter().filter(|step| kind(step)).count();
        let range = |number: &dyn Fn(&Step) -> Option<f64>| {
            let numbers = steps.iter().filter_map(number);
            numbers.fold((0, f64::MAX, f64::MIN), |(n, l, h), x| (n + 1, l.min(x), h.max(x)))
        };
        for (n, low, high, from, to) in [
            spread(
                range(&|s| if let Step::Brightness(x) = s { Some(*x) } else { None }),
                0.05,
                0.95,
            ),
            spread(range(&|s| if let Step::Color(x) = s { Some(*x) } else { None }), 0.05, 0.95),
            spread(range(&|s| if let Step::Contrast(x) = s { Some(*x) } else { None }), 0.05, 0.95),
            spread(
                range(&|s| if let Step::Sharpness(x) = s { Some(*x) } else { None }),
                0.05,
                0.95,
            ),
            spread(range(&|s| if let Step::Rotate(x) = s { Some(*x) } else { None }), -30.0, 30.0),
            spread(range(&|s| if let Step::ShearX(x) = s { Some(*x) } else { None }), -0.3, 0.3),
            spread(range(&|s| if let Step::ShearY(x) = s { Some(*x) } else { None }), -0.3, 0.3),
            spread(
                range(&|s| if let Step::TranslateX(x) = s { Some(*x) } else { None }),
                -0.3,
                0.3,
            ),
            spread(
                range(&|s| if let Step::TranslateY(x) = s { Some(*x) } else { None }),
                -0.3,
                0.3,
            ),
            spread(
                range(&|s| if let Step::Solarize(x) = s { Some(*x) } else { None }),
                0.0,
                256.0 / 255.0,
            ),
        ] {
            let margin = 0.02 * (to - from);
            assert!((1_300..1_700).contains(&n), "{n} of 21,000");
            assert!(low >= from && low < from + margin, "{low} from {from}");
            assert!(high <= to && high > to - margin, "{high} to {to}");
        }
        for n in [
            count(&|s| *s == Step::Autocontrast),
            count(&|s| *s == Step::Equalize),
            count(&|s| *s == Step::Identity),
        ] {
            assert!((1_300..1_700).contains(&n), "{n} of 21,000");
        }
        for bits in 4..8 {
            let n = count(&|s| *s == Step::Posterize(bits));
            assert!((300..450).contains(&n), "{bits} bits: {n} of 21,000");
        }
    }

    /// What was seen beside what is allowed.
    fn spread(
        (n, low, high): (usize, f64, f64),
        from: f64,
        to: f64,
    ) -> (usize, f64, f64, f64, f64) {
        (n, low, high, from, to)
    }
}
