//! Readers of files get files that were damaged at random: each ends with a value or an error, never with
//! a panic, and never takes more memory than a machine has.
//!
//! `KITH_FUZZ` says how many inputs each reader gets (`make fuzz N=100000`), `KITH_FUZZ_SEED` which. What
//! a reader failed on before lies in `corpus/` and is tried every time.

mod mutate;
mod seeds;
mod targets;

use std::alloc::System;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use cap::Cap;
use kith_core::rng::{Purpose, stream};
use mutate::mutate;
use targets::Target;

/// All memory that the readers may take at once, in bytes: more ends the process.
const MOST_MEMORY: usize = 3 << 30;

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, MOST_MEMORY);

/// Inputs that a test run tries on each reader.
const FEW: u64 = 400;

fn asked(name: &str, otherwise: u64) -> u64 {
    let number = |text: String| text.parse().unwrap_or_else(|e| panic!("{name}={text}: {e}"));
    std::env::var(name).map_or(otherwise, number)
}

/// A folder of its own for each reader, where the input lies that it is given.
struct Bench {
    target: Target,
    folder: tempfile::TempDir,
}

impl Bench {
    /// Whether the reader took the input; fails where it panics.
    fn read(&self, what: &str, input: &[u8]) -> bool {
        // What ends the process at once is found here.
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(self.target.name);
        fs::write(&kept, input).expect("the input can be kept");
        let read = || (self.target.read)(self.folder.path(), input);
        let name = self.target.name;
        catch_unwind(AssertUnwindSafe(read))
            .unwrap_or_else(|_| panic!("{name} panics on {what}, which is {}", kept.display()))
    }
}

#[expect(clippy::print_stdout, reason = "it is what was tried")]
fn tell(name: &str, [inputs, taken]: [u64; 2]) {
    println!("{name}: {inputs} inputs, {taken} of them readable, no panic");
}

fn fuzz(name: &str) {
    let target = Target::named(name);
    let place = Target::ALL.iter().position(|one| one.name == name).unwrap_or_default() as u64;
    let bench = Bench { target, folder: tempfile::tempdir().expect("a folder") };
    let seeds = (target.seeds)();
    for (number, seed) in seeds.iter().enumerate() {
        assert!(bench.read(&format!("seed {number}"), seed), "{name} refuses sound seed {number}");
    }
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/corpus").join(name);
    for entry in fs::read_dir(corpus).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        bench.read(&path.display().to_string(), &fs::read(&path).expect("a file"));
    }
    let (inputs, seed) = (asked("KITH_FUZZ", FEW), asked("KITH_FUZZ_SEED", 1));
    let mut taken = 0;
    for number in 0..inputs {
        let mut random = stream(seed, Purpose::Test, place, number);
        let input = mutate(target.form, &seeds, &mut random);
        taken += u64::from(bench.read(&format!("input {number} of seed {seed}"), &input));
    }
    tell(name, [inputs, taken]);
}

#[test]
fn checkpoints_are_read_or_refused() {
    fuzz("checkpoint");
}

#[test]
fn notes_of_checkpoints_are_read_or_refused() {
    fuzz("note");
}

#[test]
fn states_are_read_or_refused() {
    fuzz("state");
}

#[test]
fn recipes_are_read_or_refused() {
    fuzz("recipe");
}

#[test]
fn changes_of_recipes_are_read_or_refused() {
    fuzz("set");
}

#[test]
fn addresses_of_runs_are_read_or_refused() {
    fuzz("link");
}

#[test]
fn messages_to_workers_are_answered_or_refused() {
    fuzz("message");
}

#[test]
fn tables_of_labels_are_read_or_refused() {
    fuzz("labels");
}

#[test]
fn files_of_the_mnist_family_are_read_or_refused() {
    fuzz("idx");
}

#[test]
fn files_of_cifar_are_read_or_refused() {
    fuzz("cifar");
}

#[test]
fn files_of_stl_10_are_read_or_refused() {
    fuzz("stl10");
}

#[test]
fn tables_are_read_or_refused() {
    fuzz("parquet");
}

#[test]
fn shards_are_read_or_refused() {
    fuzz("tar");
}

#[test]
fn pictures_are_read_or_refused() {
    fuzz("image");
}

#[test]
fn pickles_are_read_or_refused() {
    fuzz("pth");
}

#[test]
fn weights_of_others_are_read_or_refused() {
    fuzz("safetensors");
}
