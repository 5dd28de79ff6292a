//! A random rotation, shift, scale and shear in one.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::Augmentation;
use super::groups::each_group;
use super::picture::Picture;
use super::warp::{Interpolation, Warp, warp};
use crate::error::Error;
use crate::range;
use crate::rng::Stream;

/// torchvision's `RandomAffine`, applied with a probability.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(tsify::Tsify))]
#[serde(deny_unknown_fields)]
pub struct Affine {
    /// How often, in [0, 1].
    pub probability: f64,
    /// Largest rotation to either side, in degrees, at most 180.
    pub degrees: f64,
    /// Largest shift left or right, as a share of the width; shifts are by whole pixels.
    pub translate_x: f64,
    /// Largest shift up or down, as a share of the height.
    pub translate_y: f64,
    /// Factor of the size, lowest and highest: above 1 enlarges.
    pub scale: [f64; 2],
    /// Largest shear along the width, in degrees, at most [`Affine::MOST_SHEAR`].
    pub shear_x: f64,
    /// Largest shear along the height, in degrees, at most [`Affine::MOST_SHEAR`].
    pub shear_y: f64,
    /// What the parts show that lie outside of the picture, in [0, 1].
    pub fill: f64,
    /// How pixels are made from those around.
    pub interpolation: Interpolation,
}

impl Affine {
    /// Largest shear that leaves something to see, in degrees.
    pub const MOST_SHEAR: f64 = 80.0;
    /// The shears allowed, in words.
    pub const SHEARS: &'static str = "0 to 80";
}

/// What is done to one picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pose {
    /// Clockwise rotation, in radians.
    pub rotation: f64,
    /// Shift to the right and down, as shares of the width and of the height.
    pub shift: [f64; 2],
    /// Factor of the size.
    pub scale: f64,
    /// Shear along the width and along the height, in radians.
    pub shear: [f64; 2],
}

impl Pose {
    /// Which point of a picture of `size` = [h, w] each pixel shows: the inverse of
    /// rotation · shear · scale around the centre, then the shift.
    fn warp(&self, size: [usize; 2]) -> Warp {
        let Self { rotation, shift, scale, shear: [shear_x, shear_y] } = *self;
        let turned = rotation - shear_y;
        let a = turned.cos() / shear_y.cos();
        let b = -turned.cos() * shear_x.tan() / shear_y.cos() - rotation.sin();
        let c = turned.sin() / shear_y.cos();
        let d = -turned.sin() * shear_x.tan() / shear_y.cos() + rotation.cos();
        // The determinant of [[a, b], [c, d]] is 1.
        let inverse = [[d / scale, -b / scale], [-c / scale, a / scale]];
        let [h, w] = size.map(|pixels| pixels as f64);
        let [x, y] = [(shift[0] * w).round(), (shift[1] * h).round()];
        let back = inverse.map(|[along, across]| -along * x - across * y);
        Warp::around_centre(inverse, back, size)
    }
}

impl Augmentation for Affine {
    /// What is done, or nothing for a picture left alone.
    type Drawn = Option<Pose>;

    fn check(&self) -> Result<(), Error> {
        range::share("affine.probability", self.probability)?;
        range::share("affine.translate_x", self.translate_x)?;
        range::share("affine.translate_y", self.translate_y)?;
        range::share("affine.fill", self.fill)?;
        range::interval("affine.scale", self.scale, 0.0)?;
        range::within("affine.degrees", self.degrees, 0.0..=180.0, "0 to 180")?;
        let shears = [("affine.shear_x", self.shear_x), ("affine.shear_y", self.shear_y)];
        shears.into_iter().try_for_each(|(name, got)| {
            range::within(name, got, 0.0..=Self::MOST_SHEAR, Self::SHEARS)
        })
    }

    fn draw(&self, stream: &mut Stream) -> Option<Pose> {
        let chosen = stream.chance(self.probability);
        let mut about = |most: f64| stream.uniform(-most, most);
        let rotation = about(self.degrees).to_radians();
        let shift = [about(self.translate_x), about(self.translate_y)];
        let shear = [about(self.shear_x).to_radians(), about(self.shear_y).to_radians()];
        let scale = stream.uniform(self.scale[0], self.scale[1]);
        chosen.then_some(Pose { rotation, shift, scale, shear })
    }

    fn change(&self, picture: &mut Picture, pose: &Option<Pose>) {
        if let Some(pose) = pose {
            pose.warp(picture.size()).change(picture, self.interpolation, self.fill);
        }
    }

    fn transform(&self, images: Tensor<4>, drawn: &[Option<Pose>]) -> Tensor<4> {
        let [_, _, h, w] = images.dims();
        let chosen: Vec<Option<()>> = drawn.iter().map(|pose| pose.map(|_| ())).collect();
        each_group(images, &chosen, |(), places, part| {
            let warps: Vec<Warp> = places
                .iter()
                .filter_map(|&place| drawn[place])
                .map(|pose| pose.warp([h, w]))
                .collect();
            warp(part, &warps, self.interpolation, self.fill)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::warp::tests::{by_the_book, close, noise, values};
    use super::*;
    use crate::rng::{Purpose, stream};

    const STILL: Pose = Pose { rotation: 0.0, shift: [0.0; 2], scale: 1.0, shear: [0.0; 2] };

    fn affine(interpolation: Interpolation) -> Affine {
        Affine {
            probability: 0.5,
            degrees: 18.0,
            translate_x: 0.1,
            translate_y: 0.2,
            scale: [0.9, 1.1],
            shear_x: 10.0,
            shear_y: 5.0,
            fill: 0.0,
            interpolation,
        }
    }

    /// Where the point (x, y) of the result comes from.
    fn source(warp: Warp, [x, y]: [f64; 2]) -> [f64; 2] {
        warp.0.map(|[a, b, c]| a * x + b * y + c)
    }

    fn assert_near(got: [f64; 2], expected: [f64; 2]) {
        let far = got.iter().zip(expected).any(|(g, e)| (g - e).abs() > 1e-9);
        assert!(!far, "expected {expected:?}, got {got:?}");
    }

    #[test]
    fn each_part_moves_a_point_as_it_says() {
        let size = [20, 10];
        let quarter = Pose { rotation: core::f64::consts::FRAC_PI_2, ..STILL };
        // Clockwise: what was above the centre (5, 10) is to the right of it.
        assert_near(source(quarter.warp(size), [8.0, 10.0]), [5.0, 7.0]);
        let shifted = Pose { shift: [0.22, -0.1], ..STILL };
        assert_near(source(shifted.warp(size), [5.0, 5.0]), [3.0, 7.0]);
        let doubled = Pose { scale: 2.0, ..STILL };
        assert_near(source(doubled.warp(size), [9.0, 10.0]), [7.0, 10.0]);
        let sheared = Pose { shear: [0.3, 0.0], ..STILL };
        let expected = [5.0 + 4.0 * f64::tan(0.3), 14.0];
        assert_near(source(sheared.warp(size), [5.0, 14.0]), expected);
    }

    #[test]
    fn pictures_are_warped_as_drawn_or_left_alone() {
        for interpolation in [Interpolation::Nearest, Interpolation::Bilinear] {
            let op = affine(interpolation);
            let images = noise([6, 8, 8]);
            let drawn: Vec<_> =
                (0..6).map(|i| op.draw(&mut stream(1, Purpose::Test, 0, i))).collect();
            assert!(drawn.iter().any(Option::is_some) && drawn.iter().any(Option::is_none));
            let got = values(op.apply(images.clone(), &drawn));
            let own = values(images);
            for (picture, pose) in drawn.iter().enumerate() {
                let one = picture * 192..(picture + 1) * 192;
                let still = &own[one.clone()];
                let warped =
                    |pose: &Pose| by_the_book(still, [8, 8], pose.warp([8, 8]), interpolation, 0.0);
                let expected = pose.as_ref().map_or_else(|| still.to_vec(), warped);
                close(&got[one], &expected, "an affine view");
            }
        }
    }

    #[test]
    fn draws_fill_their_ranges() {
        let op = Affine { probability: 1.0, ..affine(Interpolation::Bilinear) };
        let poses: Vec<Pose> =
            (0..2_000).filter_map(|i| op.draw(&mut stream(2, Purpose::Test, 0, i))).collect();
        let most = |of: &dyn Fn(&Pose) -> f64| poses.iter().map(of).fold(f64::MIN, f64::max);
        for (name, got, bound) in [
            ("rotation", most(&|p| p.rotation.to_degrees().abs()), 18.0),
            ("shift", most(&|p| p.shift[0].abs()), 0.1),
            ("shift down", most(&|p| p.shift[1].abs()), 0.2),
            ("shear", most(&|p| p.shear[0].to_degrees().abs()), 10.0),
            ("shear down", most(&|p| p.shear[1].to_degrees().abs()), 5.0),
            ("scale", most(&|p| (p.scale - 1.0).abs()), 0.1),
        ] {
            assert!(got <= bound && got > 0.98 * bound, "{name}: {got} of {bound}");
        }
    }
}
