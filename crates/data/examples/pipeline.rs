//! How fast pictures come, and how much memory stays resident: the data pipeline alone.
//!
//! `cargo run --release -p kith-data --example pipeline -- stl10:DIR` reads an epoch as a trainer
//! would; `… -- make-stl10 DIR [pictures]` writes files of STL-10's shape to read, with noise
//! for pictures. Resident memory is read from `/proc`, so it is shown on Linux only.
#![expect(clippy::print_stdout, reason = "it exists to print")]

use std::fs::{self, File};
use std::io::{BufWriter, Error as IoError, Write};
use std::path::Path;
use std::time::Instant;

use kith_core::rng::{Purpose, stream};
use kith_core::sampler::Shuffle;
use kith_data::{Error, Options, Source, Split, prefetch};

const UNLABELLED_BATCH: usize = 500;
const LABELLED_BATCH: usize = 25;
const DEPTH: usize = 2;
const PICTURE_BYTES: usize = 3 * 96 * 96;
/// Pictures of STL-10's unlabelled, training and test files.
const STL10: [usize; 3] = [100_000, 5_000, 8_000];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["make-stl10", directory] => make_stl10(directory.as_ref(), STL10[0])?,
        ["make-stl10", directory, pictures] => make_stl10(directory.as_ref(), pictures.parse()?)?,
        [source] => measure(&source.parse()?)?,
        _ => println!("pipeline SOURCE | pipeline make-stl10 DIR [pictures]"),
    }
    Ok(())
}

/// Reads one epoch in batches and shows how fast they came.
fn measure(source: &Source) -> Result<(), Error> {
    let start = Instant::now();
    let set = source.open(&Options::default())?;
    println!("{source}: opened in {:.3} s", start.elapsed().as_secs_f64());
    let batches = batches(&set.unlabelled, UNLABELLED_BATCH).into_iter();
    let labelled = batches_forever(&set.labelled, LABELLED_BATCH);
    let (many, few) = (set.unlabelled.clone(), set.labelled.clone());
    let prepared = prefetch(batches.zip(labelled), DEPTH, move |(unlabelled, labelled)| {
        Ok::<_, Error>([many.read(&unlabelled)?, few.read(&labelled)?])
    });
    let (start, mut pictures, mut sum) = (Instant::now(), 0, 0u64);
    for images in prepared {
        for images in images? {
            pictures += images.len();
            // One sample of each batch, so that nothing can be left undone.
            sum += u64::from(images.pixels()[images.pixels().len() / 2]);
        }
    }
    let secs = start.elapsed().as_secs_f64();
    println!("{pictures} pictures of {} px in {secs:.2} s (sum {sum})", set.side());
    println!("{:.0} pictures/s, {}", pictures as f64 / secs, peak_memory());
    Ok(())
}

/// A shuffled epoch in batches.
fn batches(split: &Split, batch: usize) -> Vec<Vec<u32>> {
    let order = Shuffle::Full.order(split.len(), batch, stream(1, Purpose::Test, 0, 0));
    order.chunks(batch).map(<[u32]>::to_vec).collect()
}

/// Shuffled batches, over and over.
fn batches_forever(split: &Split, batch: usize) -> impl Iterator<Item = Vec<u32>> + Send + 'static {
    batches(split, batch).into_iter().cycle()
}

/// The process's highest resident memory so far.
fn peak_memory() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    line.unwrap_or("resident memory unknown").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Writes files as STL-10 has them.
fn make_stl10(directory: &Path, unlabelled: usize) -> Result<(), IoError> {
    fs::create_dir_all(directory)?;
    let [_, train, test] = STL10;
    for (name, count) in [("unlabeled_X", unlabelled), ("train_X", train), ("test_X", test)] {
        noise(&directory.join(name).with_extension("bin"), count)?;
    }
    for (name, count) in [("train_y", train), ("test_y", test)] {
        let labels: Vec<u8> = (0..count).map(|i| (i % 10) as u8 + 1).collect();
        fs::write(directory.join(name).with_extension("bin"), labels)?;
    }
    let names: Vec<String> = (0..10).map(|class| format!("class{class}\n")).collect();
    fs::write(directory.join("class_names.txt"), names.concat())?;
    let fold = |fold: usize| (0..1_000).map(|i| format!("{} ", i * 5 + fold % 5)).collect();
    let folds: Vec<String> = (0..10).map(fold).collect();
    fs::write(directory.join("fold_indices.txt"), folds.join("\n"))
}

/// Writes pictures of noise: one block of it, each time with another mask.
fn noise(path: &Path, pictures: usize) -> Result<(), IoError> {
    let mut stream = stream(1, Purpose::Test, 0, 1);
    let block: Vec<u8> = (0..PICTURE_BYTES).map(|_| stream.below(256) as u8).collect();
    let mut file = BufWriter::new(File::create(path)?);
    for _ in 0..pictures {
        let mask = stream.below(256) as u8;
        file.write_all(&block.iter().map(|byte| byte ^ mask).collect::<Vec<_>>())?;
    }
    file.flush()
}
