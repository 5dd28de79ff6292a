//! Augmentations on a GPU give the views of the CPU.

use kith_core::augment::affine::Affine;
use kith_core::augment::blur::Blur;
use kith_core::augment::brightness::{Brightness, BrightnessForm};
use kith_core::augment::color::ColorMatrix;
use kith_core::augment::crop::{Convention, Crop, RatioDraw};
use kith_core::augment::erase::{CutOut, Erase};
use kith_core::augment::flip::Flip;
use kith_core::augment::gamma::Gamma;
use kith_core::augment::grayscale::Grayscale;
use kith_core::augment::jitter::ColorJitter;
use kith_core::augment::morphology::Morphology;
use kith_core::augment::pad_crop::PadCrop;
use kith_core::augment::policy::{Draw, Op, Policy};
use kith_core::augment::rand_augment::RandAugment;
use kith_core::augment::reflect::{Translate, Zoom};
use kith_core::augment::solarize::Solarize;
use kith_core::augment::warp::Interpolation;
use kith_core::rng::{Purpose, stream};
use kith_core::sampler::Visit;
use kith_core::{Device, Tensor, read};
use kith_tests::{cpu, gpu};

const PICTURES: u64 = 40;
const SIDE: usize = 24;
/// Where a sample lies on the edge between two pixels or levels, rounding decides which it takes:
/// that share of samples may differ.
const UNDECIDED: f64 = 2e-3;

/// Waves, so that neighbouring pixels differ little and pictures have dark and light parts.
fn pictures() -> Vec<u8> {
    let plane = |plane: u64| {
        let mut stream = stream(6, Purpose::Test, 0, plane);
        let [down, across, phase] = [0.4, 0.4, 6.0].map(|most| stream.uniform(0.0, most));
        (0..SIDE * SIDE).map(move |place| {
            let (y, x) = ((place / SIDE) as f64, (place % SIDE) as f64);
            (127.5 + 100.0 * (down * y + phase).sin() * (across * x).cos()) as u8
        })
    };
    (0..3 * PICTURES).flat_map(plane).collect()
}

fn views(op: &Op, device: &Device) -> Vec<f32> {
    let visits = Visit::at(1, 0..PICTURES);
    let pixels: Vec<f32> = pictures().into_iter().map(|x| f32::from(x) / 255.0).collect();
    let images = Tensor::<1>::from_floats(&pixels[..], device);
    let images = images.reshape([PICTURES as usize, 3, SIDE, SIDE]);
    let draw = Draw { seed: 2, purpose: Purpose::FirstView, visits: &visits };
    let seen = Policy(vec![op.clone()]).apply(images, draw);
    pollster::block_on(read::read(seen)).expect("the device reads back")
}

fn affine(interpolation: Interpolation) -> Op {
    Op::Affine(Affine {
        probability: 0.7,
        degrees: 40.0,
        translate_x: 0.2,
        translate_y: 0.1,
        scale: [0.7, 1.4],
        shear_x: 20.0,
        shear_y: 10.0,
        fill: 0.25,
        interpolation,
    })
}

fn crop(convention: Convention, ratio_draw: RatioDraw) -> Op {
    Op::Crop(Crop { scale: [0.2, 1.0], ratio: [0.75, 1.33], ratio_draw, convention })
}

#[test]
fn views_on_wgpu_are_those_on_cpu() {
    for op in [
        crop(Convention::CornerAligned, RatioDraw::Uniform),
        crop(Convention::HalfPixel, RatioDraw::LogUniform),
        Op::Translate(Translate { height: 0.3, width: 0.2 }),
        Op::Zoom(Zoom { height: [-0.4, 0.2], width: [-0.2, 0.3] }),
        Op::Blur(Blur { probability: 0.7, kernel: 0.2, sigma: [0.1, 2.0] }),
        Op::Brightness(Brightness { strength: 0.5, form: BrightnessForm::Multiply }),
        Op::Brightness(Brightness { strength: 0.5, form: BrightnessForm::Add }),
        affine(Interpolation::Bilinear),
        affine(Interpolation::Nearest),
        Op::Erase(Erase { probability: 0.5, scale: [0.1, 0.3], ratio: [0.5, 2.0], value: 0.0 }),
        Op::CutOut(CutOut { probability: 0.8, side: 0.5, value: 0.5 }),
        Op::Gamma(Gamma { strength: 0.5 }),
        Op::Morphology(Morphology { probability: 0.6, strength: 1.0 }),
        Op::PadCrop(PadCrop { pad: 0.125 }),
        Op::RandAugment(RandAugment { count: 3 }),
        Op::ColorJitter(ColorJitter {
            probability: 0.8,
            brightness: 0.4,
            contrast: 0.4,
            saturation: 0.4,
            hue: 0.2,
        }),
        Op::ColorMatrix(ColorMatrix { brightness: 0.6, jitter: 0.2 }),
        Op::Flip(Flip { probability: 0.5 }),
        Op::Grayscale(Grayscale { probability: 0.5 }),
        Op::Solarize(Solarize { probability: 0.5, threshold: 0.5 }),
    ] {
        let (expected, got) = (views(&op, &cpu()), views(&op, &gpu()));
        assert_eq!(expected.len(), got.len());
        let far = expected.iter().zip(&got).filter(|(e, g)| (*e - *g).abs() > 1e-3).count();
        let share = far as f64 / expected.len() as f64;
        assert!(share <= UNDECIDED, "{op:?}: {share} of the samples differ");
    }
}
