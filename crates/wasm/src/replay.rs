//! Runs that can be run again.

use std::collections::BTreeMap;

use js_sys::Uint8Array;
use kith_core::Error;
use kith_core::archive::Archive;
use kith_core::loader::SplitRecord;
use kith_core::replay::{
    Agreement, DataRecord, FIRST_STEPS, FORMAT, Platform, REPEATS, RunRecord, compare, perturbed,
    thinned,
};
use kith_core::trainer::{SelfSupervised, Trainer};
use tsify::Ts;
use wasm_bindgen::prelude::*;

use crate::convert::object;
use crate::engine::Engine;
use crate::fail::{Result, from_core};
use crate::training::Training;

#[wasm_bindgen]
impl Engine {
    /// The run that a record says, at its start; its pictures have to be added.
    ///
    /// # Errors
    /// `RECORD` for what is no record, or one of a run that began with a checkpoint; `RECIPE` and
    /// `SETTING` for a recipe or plan that is not possible.
    pub async fn replay(&self, record: String) -> Result<Training> {
        let record = RunRecord::parse(&record).map_err(from_core)?;
        if record.ran_in != Platform::Browser || record.start.is_some() {
            let reason = "it is of the command line: `kith replay` runs it again";
            return Err(from_core(Error::Record { reason: reason.to_owned() }));
        }
        let recipe = record.recipe().map_err(from_core)?;
        self.able(&recipe).await?;
        let trainer =
            Trainer::pretraining(recipe, record.plan, self.device()).map_err(from_core)?;
        Ok(trainer.into())
    }
}

#[wasm_bindgen]
impl Training {
    /// Whether the pictures are those of a record.
    ///
    /// # Errors
    /// `RECORD` for what is no record, `OTHER_IMAGES`.
    #[wasm_bindgen(js_name = sameImages)]
    pub fn same_images(&self, record: &str) -> Result<()> {
        let record = RunRecord::parse(record).map_err(from_core)?;
        record.data.same_images(&self.splits()).map_err(from_core)
    }

    /// The record of the run, in JSON; with its weights' fingerprint once the last step is done. `device`
    /// says what computes, `dataset` what the pictures are called; losses are those of the first steps, and
    /// means of the epochs so far.
    ///
    /// # Errors
    /// `RECORD` for a run that is no pre-training, `DEVICE` when the device fails.
    pub async fn record(
        &self,
        device: String,
        dataset: String,
        first_losses: Vec<f32>,
        epoch_losses: Vec<f32>,
    ) -> Result<String> {
        let trainer = self.pretraining().map_err(from_core)?;
        let weights = match trainer.steps() >= trainer.plan().total() {
            true => {
                let mut archive = Archive::default();
                trainer.store(&mut archive).await.map_err(from_core)?;
                Some(archive.fingerprint("encoder."))
            }
            false => None,
        };
        let epochs: Vec<(u64, f32)> = (1..).zip(epoch_losses).collect();
        let record = RunRecord {
            format: FORMAT,
            software: env!("CARGO_PKG_VERSION").into(),
            ran_in: Platform::Browser,
            device,
            stage: trainer.stage(),
            recipe: trainer.recipe().to_toml(),
            plan: *trainer.plan(),
            data: DataRecord {
                source: dataset,
                labelled: None,
                unlabelled: None,
                fold: None,
                splits: self.splits(),
            },
            start: None,
            first_losses: first_losses.into_iter().take(FIRST_STEPS).collect(),
            epoch_losses: thinned(&epochs),
            results: BTreeMap::new(),
            weights,
        };
        Ok(record.to_json())
    }
}

impl Training {
    /// The pictures as records say them.
    fn splits(&self) -> BTreeMap<String, SplitRecord> {
        let splits = self.dataset().records().into_iter();
        splits.filter(|(_, split)| split.images > 0).collect()
    }

    /// The run, if it is one of pre-training.
    fn pretraining(&self) -> core::result::Result<&Trainer<SelfSupervised>, Error> {
        let reason = "only runs of pre-training can be run again".to_owned();
        self.self_supervised().ok_or(Error::Record { reason })
    }
}

/// How many runs that begin a rounding error away tell what rounding does.
#[wasm_bindgen]
pub fn repeats() -> u32 {
    REPEATS
}

/// The state of a run at its start, with weights moved by a few units in the last place.
///
/// # Errors
/// Core's codes for what is no state.
#[wasm_bindgen(js_name = perturbedState)]
pub fn perturbed_state(state: &[u8], repeat: u32) -> Result<Uint8Array> {
    let moved = perturbed(state, repeat).map_err(from_core)?;
    Ok(Uint8Array::from(moved.as_slice()))
}

/// How far losses agree with recorded ones; `repeats` are those of perturbed runs, one after another, each
/// as long as `here`.
///
/// # Errors
/// None that a caller can cause.
#[wasm_bindgen(js_name = compareLosses)]
pub fn compare_losses(recorded: &[f32], here: &[f32], repeats: &[f32]) -> Result<Ts<Agreement>> {
    let repeats: Vec<Vec<f32>> = repeats.chunks(here.len().max(1)).map(<[f32]>::to_vec).collect();
    object(&compare(recorded, here, &repeats))
}

/// Checks a record, and gives it with every field, in JSON.
///
/// # Errors
/// `RECORD` for what is none; `RECIPE` and `SETTING` for one whose recipe cannot be.
#[wasm_bindgen(js_name = checkedRecord)]
pub fn checked_record(record: &str) -> Result<String> {
    RunRecord::parse(record).map(|record| record.to_json()).map_err(from_core)
}
