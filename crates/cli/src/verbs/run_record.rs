//! What a finished run of pre-training says of itself, so that others can run it again.

use std::collections::BTreeMap;

use kith_core::checkpoint::Stage;
use kith_core::loader::SplitRecord;
use kith_core::replay::{DataRecord, FORMAT, Platform, RunRecord, thinned};
use kith_core::trainer::Plan;
use kith_data::Split;

use crate::args::DataFlags;
use crate::checkpoint;
use crate::eval::frozen::Scores;
use crate::failure::Failure;
use crate::train::context::RunContext;
use crate::train::folder;
use crate::train::record::Record;
use crate::train::splits::Splits;
use crate::train::train_loop::Trained;

/// What a record is of.
pub(super) struct Facts<'a> {
    pub(super) plan: Plan,
    pub(super) data: &'a DataFlags,
    /// The fingerprint of the checkpoint that the run began with.
    pub(super) start: Option<String>,
    /// Scores of the random and of the last encoder.
    pub(super) scores: Option<[&'a Scores; 2]>,
}

/// The record of a run that is over.
pub(super) fn of(
    context: &RunContext<'_>,
    trained: &Trained,
    facts: Facts<'_>,
) -> Result<RunRecord, Failure> {
    let last = checkpoint::open(&context.folder.file(folder::CHECKPOINT))?;
    let losses: Vec<(u64, f32)> = trained.history.iter().filter_map(loss).collect();
    Ok(RunRecord {
        format: FORMAT,
        software: env!("CARGO_PKG_VERSION").into(),
        ran_in: Platform::Terminal,
        device: context.device_reason.to_owned(),
        stage: Stage::Pretrained,
        recipe: context.recipe.to_toml(),
        plan: facts.plan,
        data: data(facts.data, context.splits)?,
        start: facts.start,
        first_losses: trained.first_losses.clone(),
        epoch_losses: thinned(&losses),
        results: results(trained.history.last(), facts.scores),
        weights: Some(last.archive.fingerprint("encoder.")),
    })
}

fn loss(record: &Record) -> Option<(u64, f32)> {
    Some((record.epoch, record.reading("loss")? as f32))
}

/// Which images the splits hold.
pub(super) fn data(flags: &DataFlags, splits: &Splits) -> Result<DataRecord, Failure> {
    let Splits { labelled, validation, unlabelled, test, .. } = splits;
    let named = [
        ("labelled", labelled),
        ("validation", validation),
        ("unlabelled", unlabelled),
        ("test", test),
    ];
    let filled = named.into_iter().filter(|(_, split)| !split.is_empty());
    let record = |(name, split): (&str, &Split)| -> Result<(String, SplitRecord), Failure> {
        Ok((name.to_owned(), SplitRecord::of(split, split.len())?))
    };
    Ok(DataRecord {
        source: flags.data.kind().to_owned(),
        labelled: flags.labelled,
        unlabelled: flags.unlabelled,
        fold: flags.fold,
        splits: filled.map(record).collect::<Result<_, _>>()?,
    })
}

/// Shares that the last epoch's networks tell right, of the test images.
fn results(last: Option<&Record>, scores: Option<[&Scores; 2]>) -> BTreeMap<String, f64> {
    let online = last.and_then(|record| Some(("online probe", record.test?.accuracy)));
    let frozen = scores.into_iter().flat_map(|[random, last]| {
        [
            ("linear probe, random encoder", random.linear),
            ("linear probe", last.linear),
            ("kNN, k 200", last.wide),
            ("kNN, k 20", last.narrow),
        ]
    });
    online.into_iter().chain(frozen).map(|(name, share)| (name.to_owned(), share)).collect()
}
