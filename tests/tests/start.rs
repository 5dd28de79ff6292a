//! A run that begins with an encoder begins with all of it, and so does its teacher.

use std::collections::BTreeMap;

use kith_core::archive::Archive;
use kith_core::trainer::{Plan, Trainer};
use kith_tests::cpu;
use kith_tests::methods::{METHODS, small};
use pollster::block_on;

#[test]
fn student_and_teacher_begin_with_the_encoder_that_is_given() {
    let plan = |seed| Plan { side: 32, classes: 3, seed, steps: 4, epochs: 1 };
    let mut teachers = 0;
    for method in METHODS {
        let recipe = small(method);
        let encoder = recipe.encoder.init(32, 77, &cpu()).expect("an encoder");
        let mut start = Archive::default();
        block_on(start.add("encoder", &encoder)).expect("the CPU reads");
        let of = |seed| {
            let recipe = recipe.clone();
            let trainer = Trainer::pretraining_from(&start, recipe, plan(seed), &cpu());
            let trainer = trainer.unwrap_or_else(|e| panic!("{}: {e}", method.0));
            block_on(trainer.state(BTreeMap::<String, String>::new())).expect("the CPU reads")
        };
        let state = of(3);
        for (name, weights) in &start.tensors {
            let copies = state.tensors.iter().filter(|(own, _)| own.ends_with(name.as_str()));
            let copies: Vec<_> = copies.filter(|(own, _)| !own.contains("optimizer")).collect();
            assert!(!copies.is_empty(), "{}: {name}", method.0);
            teachers += copies.len() - 1;
            for (own, copy) in copies {
                assert_eq!(copy, weights, "{}: {own}", method.0);
            }
        }
        let heads = |archive: &Archive| {
            let is_head = |name: &&String| name.contains("projection") && name.ends_with("weight");
            let names = archive.tensors.keys().filter(is_head);
            names.map(|name| archive.tensors[name].clone()).collect::<Vec<_>>()
        };
        let (one, other) = (heads(&state), heads(&of(4)));
        assert!(one.is_empty() || one != other, "{}: heads are the seed's", method.0);
    }
    assert!(teachers > 10, "some methods have teachers, and these begin with it");
}
