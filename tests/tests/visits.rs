//! A few images, many passes: no image is ever seen through the same view twice.

use std::collections::{HashMap, HashSet};

use kith_core::encoder::EncoderSettings;
use kith_core::image::Images;
use kith_core::loader::{Batch, MemoryDataset};
use kith_core::recipe::Recipe;
use kith_core::rng::{Purpose, stream};
use kith_core::trainer::{Plan, SelfSupervised, Trainer};
use kith_tests::cpu;

const SIDE: usize = 31;
const IMAGES: usize = 6;
const STEPS: u64 = 12;

fn images() -> Images {
    let mut noise = stream(3, Purpose::Test, 0, 0);
    let pixels = (0..IMAGES * 3 * SIDE * SIDE).map(|_| noise.below(256) as u8).collect();
    Images::new(pixels, [IMAGES, SIDE, SIDE]).expect("as many as there are")
}

/// As a page trains on a visitor's own images: one epoch of many passes, two views a look.
#[test]
fn every_view_of_an_image_differs() {
    let changes = [
        "encoder.width=4",
        "projection.hidden=[4]",
        "projection.output=4",
        "objective.queue=8",
        "pretraining.unlabelled_batch=4",
        "pretraining.labelled_batch=0",
    ];
    let text = Recipe::built_in_text("quick").expect("built in");
    let recipe = Recipe::parse(text, &changes.map(String::from)).expect("a recipe");
    let plan = Plan { side: SIDE, classes: 0, seed: 1, steps: STEPS, epochs: 1 };
    let mut dataset = MemoryDataset::new(SIDE);
    dataset.add(&images()).expect("of one size");
    let trainer = Trainer::pretraining(recipe, plan, &cpu()).expect("the plan suits");
    let mut loader = trainer.loader(&dataset).expect("enough images");
    let mut views: HashMap<u64, HashSet<Vec<u8>>> = HashMap::new();
    for step in 0..STEPS {
        let Ok(Batch { unlabelled: batch, .. }) = loader.batch(step);
        for view in trainer.views(&batch.images, &batch.visits) {
            let seen =
                pollster::block_on(Images::from_device(view)).expect("the device reads back");
            for (place, visit) in batch.visits.iter().enumerate() {
                let fresh =
                    views.entry(visit.image).or_default().insert(seen.picture(place).to_vec());
                assert!(fresh, "step {step}: image {} is seen as before", visit.image);
            }
        }
    }
    let counts: Vec<usize> = views.values().map(HashSet::len).collect();
    assert_eq!((counts.len(), counts.iter().sum::<usize>()), (IMAGES, 2 * 4 * STEPS as usize));
    assert!(counts.iter().all(|&count| count >= 14), "{counts:?}");
}

/// A recipe whose second view is smaller and drawn by another policy.
fn of_two_sizes(encoder: &str) -> Recipe {
    let changes = [
        format!("encoder={{kind=\"{encoder}\"}}"),
        r#"pretraining.views=[{ policy = "simclr-small", count = 1 }, { policy = "flip", side = 16 }]"#
            .to_owned(),
        "pretraining.unlabelled_batch=4".to_owned(),
        "pretraining.labelled_batch=0".to_owned(),
    ];
    let text = Recipe::built_in_text("simclr").expect("built in");
    Recipe::parse(text, &changes).expect("a recipe")
}

const PLAN: Plan = Plan { side: SIDE, classes: 0, seed: 1, steps: 4, epochs: 1 };

#[test]
fn views_of_two_sizes_are_learnt_from_and_a_stopped_run_goes_on() {
    let mut dataset = MemoryDataset::new(SIDE);
    dataset.add(&images()).expect("of one size");
    let start =
        || Trainer::pretraining(of_two_sizes("conv4_pool"), PLAN, &cpu()).expect("it suits");
    let mut loader = start().loader(&dataset).expect("enough images");
    let mut step = |trainer: &mut Trainer<SelfSupervised>| {
        let Ok(batch) = loader.batch(trainer.steps());
        let Batch { unlabelled, .. } = &batch;
        let sides: Vec<usize> = trainer
            .views(&unlabelled.images, &unlabelled.visits)
            .iter()
            .map(|view| view.dims()[3])
            .collect();
        assert_eq!(sides, [SIDE, 16]);
        pollster::block_on(trainer.checked_step(&batch)).expect("finite")
    };
    let mut whole = start();
    let expected: Vec<_> = (0..4).map(|_| step(&mut whole)).collect();
    let mut first = start();
    let mut got: Vec<_> = (0..2).map(|_| step(&mut first)).collect();
    let snapshot = pollster::block_on(first.snapshot()).expect("the device reads back");
    let mut second =
        Trainer::<SelfSupervised>::from_snapshot(&snapshot, &cpu()).expect("its own snapshot");
    got.extend((0..2).map(|_| step(&mut second)));
    assert_eq!(got, expected);
}

#[test]
fn an_encoder_of_one_size_refuses_views_of_another() {
    let mut recipe = of_two_sizes("conv4_pool");
    recipe.encoder = EncoderSettings::Conv4 { width: 4 };
    let error = Trainer::pretraining(recipe, PLAN, &cpu()).expect_err("one side alone");
    assert_eq!(error.code(), "SETTING");
    assert!(error.to_string().contains("pretraining.views.side = 16"), "{error}");
}
