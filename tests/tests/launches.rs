//! How many kernels a training step launches on a GPU. Each costs the host some 30 µs, for which a fast
//! card waits where batches are small.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cubecl::logging::{LaunchObservation, LaunchObserver};
use kith_core::Tensor;
use kith_core::encoder::EncoderSettings;
use kith_core::head::HeadSettings;
use kith_core::precision::TrainingPrecision;
use kith_core::recipe::Recipe;
use kith_core::trainer::{Plan, Trainer};
use kith_tests::gpu;

#[derive(Default)]
struct Count(AtomicUsize);

impl LaunchObserver for Count {
    fn launched(&self, _: &'static str) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Launches of the third step: the first ones have moments to begin, and kernels to compile.
fn launches(encoder: EncoderSettings, precision: TrainingPrecision) -> usize {
    const SIDE: usize = 40;
    const BATCH: usize = 4;
    let mut recipe = Recipe::built_in("keras-simclr").expect("it is built in");
    recipe.encoder = encoder;
    recipe.precision = precision;
    recipe.projection = Some(HeadSettings::new(vec![8], 8));
    let plan = Plan { side: SIDE, classes: 0, seed: 0, steps: 3, epochs: 1 };
    let mut trainer = Trainer::pretraining(recipe, plan, &gpu()).expect("the side suits it");
    let view = |shift: f32| {
        let count = BATCH * 3 * SIDE * SIDE;
        let numbers: Vec<f32> = (0..count).map(|k| (k as f32 * 0.7 + shift).sin()).collect();
        Tensor::<1>::from_floats(numbers.as_slice(), &gpu()).reshape([BATCH, 3, SIDE, SIDE])
    };
    let views = [view(0.0), view(1.0)];
    let mut step = || {
        let readings = trainer.learn(&views, &[-1; BATCH], None).expect("all is here").read();
        pollster::block_on(readings).expect("the device reads back");
    };
    step();
    step();
    let count = Arc::new(Count::default());
    let observed = LaunchObservation::new(count.clone());
    step();
    drop(observed);
    count.0.load(Ordering::Relaxed)
}

#[test]
fn a_step_launches_few_kernels_on_wgpu() {
    use TrainingPrecision::{Full, Mixed};
    let (conv4, resnet) = ("kind = 'conv4'\nwidth = 8", "kind = 'resnet'\ndepth = 18\nwidth = 8");
    for (encoder, precision, most) in [(conv4, Full, 350), (conv4, Mixed, 375), (resnet, Full, 990)]
    {
        let found = launches(toml::from_str(encoder).expect("it is an encoder"), precision);
        assert!(
            found <= most,
            "{encoder}, {precision:?}: {found} launches a step, expected at most {most}"
        );
    }
}
