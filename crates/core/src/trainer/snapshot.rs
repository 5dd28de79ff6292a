//! A pre-training run as bytes that it can go on from.

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::pretrain::Pretrainer;
use super::{Counters, Plan};
use crate::archive::{Archive, Precision};
use crate::checkpoint::MOST_SIDE;
use crate::error::Error;
use crate::recipe::Recipe;

/// The format that this software writes. A run of format 1 looked at images in another order and drew
/// their views by the epoch: going on with it would be another run.
const FORMAT: u32 = 2;

/// The note beside a snapshot's tensors.
#[derive(Serialize, Deserialize)]
struct Note {
    snapshot: u32,
    plan: Plan,
    recipe: Recipe,
    counters: Counters,
}

impl Pretrainer {
    /// Everything that going on needs, but for the pictures.
    ///
    /// # Errors
    /// [`Error::Device`] when reading fails, [`Error::NotFinite`] after a step that diverged.
    pub async fn snapshot(&self) -> Result<Vec<u8>, Error> {
        let mut archive = Archive::default();
        let counters = self.store_state(&mut archive).await?;
        let (plan, recipe) = (*self.plan(), self.recipe().clone());
        let note = Note { snapshot: FORMAT, plan, recipe, counters };
        archive.note = serde_json::to_string(&note).expect("a note is representable in JSON");
        archive.to_bytes(Precision::Single)
    }

    /// The run that [`snapshot`](Self::snapshot) was taken of.
    ///
    /// # Errors
    /// Those of [`Archive::from_bytes`]; [`Error::Metadata`] for a file that is no snapshot.
    pub fn from_snapshot(bytes: &[u8], device: &Device) -> Result<Self, Error> {
        let archive = Archive::from_bytes(bytes)?;
        let note: Note = serde_json::from_str(&archive.note)
            .map_err(|e| Error::Metadata { reason: format!("not a snapshot of a run: {e}") })?;
        if note.snapshot != FORMAT {
            return Err(Error::Version { expected: FORMAT, got: note.snapshot });
        }
        note.recipe.check()?;
        if !(1..=MOST_SIDE).contains(&note.plan.side) {
            let (name, got) = ("side", note.plan.side.to_string());
            return Err(Error::Setting { name, expected: "1 to 4096 pixels", got });
        }
        Self::new(note.recipe, note.plan, device)?.resume(&archive, &note.counters)
    }
}
