//! First layers that stay as they are, and layers with rates of their own.

use std::sync::Arc;

use kith_core::Error;
use kith_core::archive::Archive;
use kith_core::loader::{Loader, MemorySplit};
use kith_core::recipe::Recipe;
use kith_core::trainer::{NoMore, Plan, SelfSupervised, Trainer};
use kith_tests::cpu;
use kith_tests::methods::{METHODS, dataset, small};
use pollster::block_on;

type Pretrainer = Trainer<SelfSupervised>;

const SIDE: usize = 32;
const PLAN: Plan = Plan { side: SIDE, classes: 3, seed: 6, steps: 2, epochs: 3 };
const NORMALISES: &str = "encoder={ kind = \"conv4_pool\" }";

/// A method's recipe in small, changed.
fn changed((name, changes): (&'static str, &[&str]), more: &[&str]) -> Recipe {
    let text = small((name, changes)).to_toml();
    let changes: Vec<String> = more.iter().map(|&change| change.into()).collect();
    Recipe::parse(&text, &changes).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// An encoder of another seed, with statistics that are not those of fresh ones.
fn start(recipe: &Recipe) -> Archive {
    let encoder = recipe.encoder.init(SIDE, 77, &cpu()).expect("an encoder");
    let mut start = Archive::default();
    block_on(start.add("encoder", &encoder)).expect("the CPU reads");
    for (name, tensor) in &mut start.tensors {
        if name.contains("running") {
            tensor.values.iter_mut().for_each(|value| *value += 0.25);
        }
    }
    start
}

fn loader(trainer: &Pretrainer) -> Loader<Arc<MemorySplit>> {
    trainer.loader(&dataset(16, SIDE)).expect("enough images")
}

fn steps(mut trainer: Pretrainer, count: usize) -> Pretrainer {
    let mut loader = loader(&trainer);
    for _ in 0..count {
        let Ok(batch) = loader.batch(trainer.steps());
        block_on(trainer.checked_step(&batch)).expect("finite");
    }
    trainer
}

fn state(trainer: &Pretrainer) -> Archive {
    block_on(trainer.state(NoMore {})).expect("the CPU reads")
}

fn from(recipe: &Recipe) -> Pretrainer {
    Trainer::pretraining_from(&start(recipe), recipe.clone(), PLAN, &cpu()).expect("it suits")
}

#[test]
fn frozen_layers_stay_to_the_bit_in_student_and_teacher() {
    let mut teachers = 0;
    for method in METHODS {
        let recipe = changed(method, &[NORMALISES, "pretraining.freeze=2"]);
        let start = start(&recipe);
        let state = state(&steps(from(&recipe), 3));
        for (name, before) in &start.tensors {
            let is_frozen = recipe.encoder.layer_of(&name["encoder.".len()..]) < 2;
            let copies = state.tensors.iter().filter(|(own, _)| own.ends_with(name.as_str()));
            let copies: Vec<_> = copies.filter(|(own, _)| !own.contains("optimizer")).collect();
            teachers += copies.len() - 1;
            for (own, after) in copies {
                assert_eq!(before == after, is_frozen, "{}: {own}", method.0);
            }
        }
        let remembered = |name: &String| name.starts_with("optimizer.encoder.layers.0");
        assert!(!state.tensors.keys().any(remembered), "{}: nothing to remember", method.0);
    }
    assert!(teachers > 10, "some methods have teachers, whose layers are frozen too");
}

/// What is above frozen layers moves as if those below had moved afterwards.
#[test]
fn the_first_step_of_all_other_layers_is_the_same() {
    for method in METHODS {
        let (whole, frozen) = (changed(method, &[]), changed(method, &["pretraining.freeze=3"]));
        if whole.encoder.normalises() {
            // Frozen layers normalise by other statistics.
            continue;
        }
        let whole = state(&steps(from(&whole), 1));
        let part = state(&steps(from(&frozen), 1));
        let mut moved = 0;
        for (name, expected) in &whole.tensors {
            let Some(own) = name.strip_prefix("encoder.") else { continue };
            if frozen.encoder.layer_of(own) < 3 {
                assert_eq!(part.tensors[name], start(&frozen).tensors[name], "{}", method.0);
                continue;
            }
            moved += 1;
            let pairs = expected.values.iter().zip(&part.tensors[name].values);
            let far = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(far < 1e-6, "{}: {name} is off by {far}", method.0);
        }
        assert_eq!(moved, 4, "{}: a convolution and a dense layer", method.0);
    }
}

#[test]
fn a_stopped_run_with_frozen_layers_goes_on_to_the_same_bits() {
    for method in METHODS.into_iter().filter(|(name, _)| matches!(*name, "byol" | "dino" | "nnclr"))
    {
        let recipe = changed(method, &[NORMALISES, "pretraining.freeze=2"]);
        let whole = state(&steps(from(&recipe), 4));
        let first = steps(from(&recipe), 2);
        let snapshot = block_on(first.snapshot()).expect("the CPU reads");
        let second = Trainer::<SelfSupervised>::from_snapshot(&snapshot, &cpu()).expect("its own");
        assert!(state(&steps(second, 2)).tensors == whole.tensors, "{}", method.0);
    }
}

/// Plain descent moves a layer by its rate: a power of the decay for each layer above it.
#[test]
fn rates_fall_from_the_heads_to_the_first_layer() {
    let descent = "pretraining.optimizer={ kind = \"sgd\", learning_rate = 0.02, momentum = 0.0 }";
    let decay = "pretraining.optimizer.layer_decay=0.5";
    let plain = changed(METHODS[0], &[descent]);
    let before = start(&plain);
    let plain = state(&steps(from(&plain), 1));
    let recipe = changed(METHODS[0], &[descent, decay]);
    let decayed = state(&steps(from(&recipe), 1));
    let mut seen = Vec::new();
    for (name, start) in &before.tensors {
        let layer = recipe.encoder.layer_of(&name["encoder.".len()..]);
        let factor = 0.5_f32.powi(4 - layer as i32);
        let change = |archive: &Archive| -> Vec<f32> {
            let after = &archive.tensors[name].values;
            after.iter().zip(&start.values).map(|(after, before)| after - before).collect()
        };
        let (plain, decayed) = (change(&plain), change(&decayed));
        let largest = plain.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
        assert!(largest > 0.0, "{name} moved");
        let pairs = plain.iter().zip(&decayed);
        let far = pairs.map(|(a, b)| (a * factor - b).abs()).fold(0.0, f32::max);
        assert!(far < 1e-3 * largest + 1e-7, "{name}: off by {far} of {largest}");
        seen.push(layer);
    }
    assert_eq!((seen.iter().min(), seen.iter().max()), (Some(&0), Some(&4)));
    let head = "projection.layers.0.weight";
    assert_eq!(plain.tensors[head], decayed.tensors[head], "heads keep the whole rate");
}

#[test]
fn a_classifier_learns_above_a_frozen_encoder() {
    let more = [NORMALISES, "finetuning.freeze=4", "finetuning.batch=8"];
    let recipe = changed(METHODS[0], &more);
    let start = start(&recipe);
    let trainer = Trainer::supervised(recipe.clone(), PLAN, &cpu()).expect("it suits");
    let mut trainer = trainer.with_encoder(&start).expect("the same encoder");
    let sampling = recipe.finetuning.sampling(16);
    let mut loader = dataset(16, SIDE).loader([sampling.clone(), sampling], 6).unwrap();
    let mut losses = Vec::new();
    for step in 0..20 {
        let Ok(batch) = loader.batch(step);
        let readings = block_on(trainer.checked_step(&batch)).expect("finite");
        losses.push(readings[0].1);
    }
    let state = block_on(trainer.state(NoMore {})).expect("the CPU reads");
    for (name, before) in &start.tensors {
        assert_eq!(&state.tensors[name], before, "{name}");
    }
    let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
    assert!(mean(&losses[15..]) < mean(&losses[..5]), "the classifier learns: {losses:?}");
}

#[test]
fn what_cannot_be_frozen_is_refused() {
    let told = |error: Error| {
        assert_eq!(error.code(), "SETTING");
        error.to_string()
    };
    let recipe = changed(METHODS[0], &["pretraining.freeze=2"]);
    let fresh = Trainer::pretraining(recipe, PLAN, &cpu()).expect_err("nothing learnt yet");
    assert!(told(fresh).contains("fresh weights"));
    let too_many = ["pretraining.freeze=6", "finetuning.freeze=6", "semi.freeze=6"];
    // The encoder is a checkpoint's: a recipe alone does not know how many layers there are.
    let recipe = changed(METHODS[0], &too_many);
    let start = start(&recipe);
    let pretrained = Trainer::pretraining_from(&start, recipe.clone(), PLAN, &cpu()).map(drop);
    let tuned = Trainer::supervised(recipe.clone(), PLAN, &cpu()).expect("fresh weights move");
    let semi = Trainer::semi_supervised(recipe, PLAN, vec![0, 1], &cpu()).expect("likewise");
    for (setting, refused) in [
        ("pretraining.freeze", pretrained),
        ("finetuning.freeze", tuned.with_encoder(&start).map(drop)),
        ("semi.freeze", semi.with_encoder(&start).map(drop)),
    ] {
        let error = told(refused.expect_err("too many"));
        assert!(error.contains(setting) && error.contains("0 to 5"), "{error}");
    }
    let text = small(METHODS[0]).to_toml();
    let rate = "finetuning.optimizer.layer_decay=1.5".to_owned();
    assert!(told(Recipe::parse(&text, &[rate]).expect_err("it rises")).contains("at most 1"));
}
