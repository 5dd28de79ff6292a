//! A few images, many passes: no image is ever seen through the same view twice.

use std::collections::{HashMap, HashSet};

use kith_core::image::Images;
use kith_core::loader::{Batch, MemoryDataset};
use kith_core::recipe::Recipe;
use kith_core::rng::{Purpose, stream};
use kith_core::trainer::{Plan, Trainer};
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
