//! What a training step of a recipe holds in memory, measured with small batches.

use std::fmt::{self, Display, Formatter};

use kith_core::Device;
use kith_core::image::{CHANNELS, Images};
use kith_core::loader::MemoryDataset;
use kith_core::recipe::Recipe;
use kith_core::sampler::Batches;
use kith_core::trainer::{Plan, Trainer};
use serde::Serialize;

use crate::args::{FIT_SIDE, FitFlags, RecipeFlags};
use crate::failure::Failure;
use crate::peak_memory::{PeakMemory, installed};
use crate::train::advice::{batch_of, in_parts};
use crate::verbs::session;

/// Batches that are measured, for each part that a batch is sent in.
const MEASURED: [usize; 2] = [16, 48];
/// Steps of a measurement: the optimizer's moments are there from the second one on.
const STEPS: u64 = 2;
/// Classes of the labelled images.
const CLASSES: u16 = 10;
/// Share of the machine's memory that a run should take at most: others need some, too.
const SHARE: f64 = 0.9;
const GB: f64 = 1e9;

/// What a step takes.
#[derive(Debug, Serialize)]
pub(super) struct Fit {
    recipe: String,
    side: usize,
    /// Images of the recipe's batch, without the labelled ones beside them.
    batch: usize,
    /// What the process holds at most while it trains with that batch, in bytes, about.
    bytes: u64,
    /// Batches that were measured, and bytes.
    measured: Vec<(usize, u64)>,
    /// Memory of the machine, or what this process may take of it, in bytes.
    memory: Option<u64>,
    /// The largest batch that fits, about.
    largest: Option<usize>,
    /// In how many parts the batch would fit, where it does not as it is and may be sent in parts.
    accumulate: Option<usize>,
}

/// Memory over batches: a line.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Line {
    base: f64,
    each: f64,
}

impl Line {
    fn through([(a, held_a), (b, held_b)]: [(usize, u64); 2]) -> Self {
        let each = (held_b as f64 - held_a as f64).max(0.0) / (b - a) as f64;
        Self { base: held_a as f64 - each * a as f64, each }
    }

    fn at(self, batch: f64) -> f64 {
        self.base + self.each * batch
    }

    /// The largest batch that a memory holds.
    fn within(self, memory: f64) -> usize {
        ((memory - self.base) / self.each.max(1.0)).max(0.0) as usize
    }
}

/// Measures on the CPU; nothing where the system does not tell what a process holds.
pub(super) fn measure(flags: &FitFlags) -> Result<Option<Fit>, Failure> {
    let name = flags.recipe.as_deref().unwrap_or(Recipe::DEFAULT).to_owned();
    let side = flags.side.unwrap_or(FIT_SIDE);
    let recipe = session::recipe(&RecipeFlags { recipe: name, changes: flags.changes.clone() })?;
    let parts = recipe.pretraining.accumulate.max(1);
    let mut measured = Vec::new();
    for size in MEASURED {
        let Some(bytes) = held(&recipe, size * parts, side)? else { return Ok(None) };
        measured.push((size * parts, bytes));
    }
    let line = Line::through([measured[0], measured[1]]);
    let (_, batch) = batch_of(&recipe);
    let memory = installed();
    let usable = memory.map(|memory| SHARE * memory as f64);
    let fits = |parts: usize| usable.is_none_or(|most| line.at((batch / parts) as f64) <= most);
    let allowed = |parts: &usize| in_parts(&recipe, *parts).is_some();
    let accumulate = (!fits(1)).then(|| (2..=batch).find(|parts| fits(*parts))).flatten();
    Ok(Some(Fit {
        recipe: recipe.name.clone(),
        side,
        batch,
        bytes: line.at(batch as f64) as u64,
        measured,
        memory,
        largest: usable.map(|most| line.within(most)),
        accumulate: accumulate.filter(allowed),
    }))
}

/// What the process holds at most during steps of such a batch, of noise.
fn held(recipe: &Recipe, batch: usize, side: usize) -> Result<Option<u64>, Failure> {
    let mut recipe = recipe.clone();
    // Noise is of no domain, and takes as much memory.
    recipe.pretraining.batches = Batches::Mixed;
    match recipe.pretraining.unlabelled_batch {
        0 => recipe.pretraining.labelled_batch = batch,
        _ => recipe.pretraining.unlabelled_batch = batch,
    }
    let known = recipe.pretraining.labelled_batch;
    let mut dataset = MemoryDataset::new(side);
    dataset.add(&noise(batch, side)?)?;
    let labels: Vec<u16> = (0..known).map(|k| k as u16 % CLASSES).collect();
    dataset.add_labelled(&noise(known, side)?, &labels)?;
    let classes = usize::from(CLASSES);
    let plan = Plan { side, classes, seed: 0, steps: STEPS, epochs: 1 };
    let mut trainer = Trainer::pretraining(recipe, plan, &Device::flex())?;
    let mut loader = trainer.loader(&dataset)?;
    let watch = PeakMemory::watch();
    for step in 0..STEPS {
        let Ok(batch) = loader.batch(step);
        pollster::block_on(trainer.checked_step(&batch))?;
    }
    Ok(watch.and_then(|watch| watch.bytes()))
}

fn noise(count: usize, side: usize) -> Result<Images, kith_core::Error> {
    let sample = |k: usize| (k.wrapping_mul(2_654_435_761) >> 13) as u8;
    Images::new((0..count * CHANNELS * side * side).map(sample).collect(), [count, side, side])
}

impl Display for Fit {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { recipe, side, batch, bytes, measured, memory, .. } = self;
        let gb = |bytes: u64| format!("{:.1} GB", bytes as f64 / GB);
        let of = memory.map_or_else(String::new, |memory| format!(" of {}", gb(memory)));
        let sizes: Vec<String> = measured.iter().map(|(size, _)| size.to_string()).collect();
        write!(
            f,
            "step       {recipe}, {batch} images of {side} pixels: about {}{of} on the CPU (from batches of {})",
            gb(*bytes),
            sizes.join(" and ")
        )?;
        let Some(largest) = self.largest else { return Ok(()) };
        if largest >= *batch {
            return write!(f, "\n           fits; so would about {largest} images");
        }
        write!(f, "\n           does not fit: about {largest} images do")?;
        match self.accumulate {
            Some(parts) => write!(f, ", or all of them with --set pretraining.accumulate={parts}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_a_line_over_batches() {
        let line = Line::through([(16, 300), (48, 620)]);
        assert_eq!((line.at(0.0), line.at(100.0)), (140.0, 1140.0));
        assert_eq!((line.within(1140.0), line.within(100.0)), (100, 0));
    }

    #[test]
    fn what_does_not_fit_is_said_with_what_would() {
        let fit = |memory, largest, accumulate| Fit {
            recipe: "simclr".into(),
            side: 96,
            batch: 256,
            bytes: 3_000_000_000,
            measured: vec![(16, 1), (48, 2)],
            memory,
            largest,
            accumulate,
        };
        let said = fit(Some(2_000_000_000), Some(150), Some(2)).to_string();
        assert!(said.contains("about 3.0 GB of 2.0 GB"), "{said}");
        assert!(
            said.ends_with(
                "about 150 images do, or all of them with --set pretraining.accumulate=2"
            )
        );
        let said = fit(Some(8_000_000_000), Some(700), None).to_string();
        assert!(said.ends_with("fits; so would about 700 images"), "{said}");
        assert!(!fit(None, None, None).to_string().contains("fit"));
    }
}
