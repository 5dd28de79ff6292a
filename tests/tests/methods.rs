//! What all methods promise: a stopped run goes on to the same bits, and a GPU learns what the CPU does.

use kith_core::recipe::Recipe;
use kith_core::trainer::{Plan, Trainer};
use kith_tests::methods::{Bounds, METHODS, PLAN, Run, small};
use kith_tests::{cpu, gpu};

/// Teacher, queue, centre, prototypes and what the optimizer remembers among it.
#[test]
fn a_stopped_run_goes_on_to_the_same_bits() {
    for method in METHODS {
        let (name, recipe) = (method.0, small(method));
        let mut whole = Run::start(&recipe, &[cpu()]);
        let expected = whole.steps(6);
        let mut first = Run::start(&recipe, &[cpu()]);
        let mut got = first.steps(3);
        let mut second = first.copied(&recipe, &cpu());
        got.extend(second.steps(3));
        assert_eq!(got, expected, "{name}");
        let (got, expected) = (second.state(), whole.state());
        let differ = |tensor: &&String| got.tensors.get(*tensor) != expected.tensors.get(*tensor);
        let names: Vec<&String> = expected.tensors.keys().filter(differ).collect();
        assert!(names.is_empty(), "{name}: {names:?} differ");
        assert_eq!(got.tensors.len(), expected.tensors.len(), "{name}");
    }
}

#[test]
fn what_the_cpu_learns_is_learnt_on_wgpu() {
    let mut all = Vec::new();
    let bounds = Bounds { loss: 1e-3, tensor: 2e-3, number: 2e-5 };
    for method in METHODS {
        let (name, recipe) = (method.0, small(method));
        let mut on_cpu = Run::start(&recipe, &[cpu()]);
        for step in 1..=3 {
            // Each step from the same weights: which neighbour is the nearest may hang on the last bit.
            let mut on_gpu = on_cpu.copied(&recipe, &gpu());
            let far = on_cpu.far_from(&mut on_gpu, 1, bounds);
            all.extend(far.into_iter().map(|far| format!("{name}, step {step}: {far}")));
        }
    }
    assert!(all.is_empty(), "{all:#?}");
}

#[test]
fn every_method_moves_its_encoder() {
    for method in METHODS {
        let (name, recipe) = (method.0, small(method));
        let mut run = Run::start(&recipe, &[cpu()]);
        let before = run.state();
        let losses = run.steps(2);
        let after = run.state();
        let moved = before.tensors.iter().filter(|(tensor, stored)| {
            tensor.starts_with("encoder.") && stored.values != after.tensors[*tensor].values
        });
        assert!(moved.count() > 0, "{name}: nothing of the encoder moved: {losses:?}");
        assert!(losses.iter().all(|loss| loss.is_finite()), "{name}: {losses:?}");
    }
}

#[test]
fn what_a_method_lacks_is_told_before_the_first_step() {
    let supcon = small(("supcon", &[]));
    let plan = Plan { classes: 0, ..PLAN };
    let error = Trainer::pretraining(supcon, plan, &cpu()).expect_err("it has no labels");
    assert_eq!(error.code(), "SETTING");
    assert!(error.to_string().contains("learns from labels"), "{error}");
    let text = Recipe::built_in_text("lejepa").expect("it is built in");
    let views = "pretraining.views=[{ policy = \"flip\", count = 2 }]";
    let changes = [views, "objective.global_views=3"].map(String::from);
    let error = Recipe::parse(text, &changes).expect_err("two views are no three");
    assert!(error.to_string().contains("at least 3 views"), "{error}");
}
