//! Damage that is guided: of what it made, libFuzzer keeps the inputs that ran code of kith's which none
//! before them ran, and damages those.
//!
//! `make fuzz-guided READER=tar SECONDS=60`: `KITH_FUZZ_READER` says which reader, the command line is
//! libFuzzer's. An input may take so much memory, and no more than libFuzzer's time. The reader `planted`
//! has a fault, which must be found: a campaign that does not find it proves nothing about others.
#![no_main]

#[expect(dead_code, reason = "random campaigns draw among the seeds, libFuzzer has its own inputs")]
mod mutate;
mod seeds;
mod targets;

use std::alloc::System;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use cap::Cap;
use kith_core::rng::{Purpose, stream};
use libfuzzer_sys::{Corpus, fuzz_mutator, fuzz_target, fuzzer_mutate};
use mutate::{Form, damaged, within};
use targets::Target;

/// What an input may take, in bytes.
const MOST_MEMORY: usize = 256 << 20;
/// The same for an image: its pixels alone may take 256 MiB, which decoders hold twice while they turn them
/// into another kind.
const MOST_IMAGE_MEMORY: usize = 640 << 20;

/// What is damaged further took no longer: an image of a few bytes may have as many pixels as any may have.
const MOST_TIME: Duration = Duration::from_millis(50);

/// Sound inputs with more bytes would make a campaign slow.
const MOST_SEED: usize = 128 << 10;

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

const PLANTED: Target = Target {
    name: "planted",
    form: Form::Bytes,
    seeds: || vec![b"nothing that helps".to_vec()],
    read: planted,
};

/// Panics behind two words, of which the second is looked at only behind the first: chance alone would need
/// some 2^64 inputs.
fn planted(_: &Path, input: &[u8]) -> bool {
    let Some((word, rest)) = input.split_first_chunk::<4>() else { return false };
    let found = word == b"kith";
    assert!(!(found && rest.starts_with(b"fail")), "planted");
    found
}

/// A reader with its folder and sound inputs.
struct Bench {
    target: Target,
    folder: tempfile::TempDir,
    seeds: Vec<Vec<u8>>,
}

impl Bench {
    fn asked() -> &'static Self {
        static BENCH: OnceLock<Bench> = OnceLock::new();
        BENCH.get_or_init(|| {
            let name = std::env::var("KITH_FUZZ_READER").expect("KITH_FUZZ_READER names a reader");
            let target = if name == PLANTED.name { PLANTED } else { Target::named(&name) };
            let folder = tempfile::tempdir().expect("a folder");
            Self { target, folder, seeds: (target.seeds)() }
        })
    }
}

/// A panic ends the process, but for those that are errors.
fn end_at_panics() {
    drop(std::panic::take_hook());
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !kith_data::is_guarded() {
            print(panic);
            std::process::abort();
        }
    }));
}

/// Puts the sound inputs where libFuzzer looks for some: into the folder that is its first. What it makes is
/// as long as the longest of these, or 4 kB.
#[expect(clippy::print_stdout, reason = "it is what was tried")]
fn offer_seeds() {
    let words = || std::env::args().skip(1);
    let Some(folder) = words().map(PathBuf::from).find(|path| path.is_dir()) else { return };
    let seeds = &Bench::asked().seeds;
    let short: Vec<_> = seeds.iter().filter(|seed| seed.len() <= MOST_SEED).collect();
    assert!(!short.is_empty(), "a sound input has at most {MOST_SEED} bytes");
    if short.len() < seeds.len() {
        println!("{} of {} sound inputs have at most {MOST_SEED} bytes", short.len(), seeds.len());
    }
    for (number, seed) in short.into_iter().enumerate() {
        fs::write(folder.join(format!("seed-{number}")), seed).expect("a seed can be written");
    }
}

fuzz_target!(
    init: {
        end_at_panics();
        offer_seeds();
    },
    |input: &[u8]| -> Corpus {
        let bench = Bench::asked();
        let most = if bench.target.name == "image" { MOST_IMAGE_MEMORY } else { MOST_MEMORY };
        MEMORY.set_limit(MEMORY.allocated() + most).expect("more than is taken");
        let folder: &Path = bench.folder.path();
        let start = Instant::now();
        (bench.target.read)(folder, input);
        if start.elapsed() > MOST_TIME { Corpus::Reject } else { Corpus::Keep }
    }
);

/// libFuzzer's damage, or that of the random campaigns.
fn changed(bytes: &[u8], most: usize, seed: u32) -> Vec<u8> {
    let mut random = stream(u64::from(seed), Purpose::Test, 1, 0);
    if random.chance(0.3) {
        return damaged(bytes, &Bench::asked().seeds, &mut random);
    }
    let length = bytes.len();
    // libFuzzer ends where there is no room at all.
    let most = most.max(length).max(1);
    let mut room = vec![0; most];
    room[..length].copy_from_slice(bytes);
    let length = fuzzer_mutate(&mut room, length, most);
    room.truncate(length);
    room
}

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    MEMORY.set_limit(usize::MAX).expect("all memory");
    let form = if seed % 4 == 0 { Form::Bytes } else { Bench::asked().target.form };
    let input = &data[..size];
    let outer = max_size.saturating_sub(size);
    let new = within(form, input, |bytes| changed(bytes, bytes.len() + outer, seed));
    let length = new.len().min(max_size);
    data[..length].copy_from_slice(&new[..length]);
    length
});
