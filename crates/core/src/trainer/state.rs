//! The state of a run: what it needs to go on as if it had never stopped, but for its images.

use burn::tensor::Device;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

use super::{Plan, SelfSupervised, SemiSupervised, Task, Trainer};
use crate::archive::{Archive, Precision};
use crate::checkpoint::{MOST_SIDE, Stage};
use crate::error::Error;
use crate::metrics::AverageMeter;
use crate::recipe::Recipe;

/// The format that this software writes. A run of format 1 looked at images in another order and drew
/// their views by the epoch: going on with it would be another run.
pub const STATE_FORMAT: u32 = 2;

/// Counters of a trainer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Steps done.
    pub steps: u64,
    /// Steps that the average meter of the running epoch holds.
    pub metered: u64,
}

/// The note beside a state's tensors; `M` is what a front end keeps there besides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State<M> {
    /// Version of this note.
    #[serde(rename = "snapshot", default = "state_format")]
    pub format: u32,
    /// What a checkpoint of the run is called.
    #[serde(default = "pretrained")]
    pub stage: Stage,
    /// What the run is for.
    pub plan: Plan,
    /// What it follows.
    #[serde(deserialize_with = "recipe")]
    pub recipe: Recipe,
    /// How far it is.
    pub counters: Counters,
    /// What else there is.
    #[serde(flatten)]
    pub more: M,
}

/// Nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoMore {}

fn state_format() -> u32 {
    STATE_FORMAT
}

fn pretrained() -> Stage {
    Stage::Pretrained
}

/// A recipe; states of trainings in a terminal once held its text.
fn recipe<'de, D: Deserializer<'de>>(from: D) -> Result<Recipe, D::Error> {
    use serde::de::Error as _;
    let read = match serde_json::Value::deserialize(from)? {
        serde_json::Value::String(text) => Recipe::parse(&text, &[]).map_err(|e| e.to_string()),
        // Through text, so that the code that reads a recipe stands once in a program.
        table => serde_json::from_str(&table.to_string()).map_err(|e| e.to_string()),
    };
    read.map_err(D::Error::custom)
}

impl<M: DeserializeOwned> State<M> {
    /// The note of a state.
    ///
    /// # Errors
    /// [`Error::Metadata`] for a file that is no state, [`Error::Version`] for one of another format,
    /// [`Error::Setting`] for sizes that cannot be.
    pub fn read(archive: &Archive) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Format {
            #[serde(rename = "snapshot", default = "state_format")]
            format: u32,
        }
        let unreadable = |e: serde_json::Error| Error::Metadata {
            reason: format!("not the state of a run: {e}"),
        };
        let Format { format } = serde_json::from_str(&archive.note).map_err(unreadable)?;
        if format != STATE_FORMAT {
            return Err(Error::Version { expected: STATE_FORMAT, got: format });
        }
        let state: Self = serde_json::from_str(&archive.note).map_err(unreadable)?;
        state.recipe.check()?;
        if !(1..=MOST_SIDE).contains(&state.plan.side) {
            return Err(Error::setting("side", "1 to 4096 pixels", state.plan.side));
        }
        Ok(state)
    }
}

impl State<NoMore> {
    /// The note of a state of one kind of training.
    ///
    /// # Errors
    /// Those of [`State::read`]; [`Error::Metadata`] for another kind.
    pub(super) fn of(stage: Stage, archive: &Archive) -> Result<Self, Error> {
        let state = Self::read(archive)?;
        match state.stage == stage {
            true => Ok(state),
            false => {
                let reason =
                    format!("expected the state of a {stage:?} run, got {:?}", state.stage);
                Err(Error::Metadata { reason })
            }
        }
    }
}

impl<T: Task> Trainer<T> {
    /// Everything that going on needs, but for the images; `more` goes into its note.
    ///
    /// # Errors
    /// [`Error::Device`] when reading fails.
    pub async fn state<M: Serialize>(&self, more: M) -> Result<Archive, Error> {
        let mut archive = Archive::default();
        self.task.store_state(&mut archive).await?;
        let metered = self.meter.store(&mut archive).await?;
        let (plan, recipe) = (self.run.plan, self.run.recipe.clone());
        let counters = Counters { steps: self.run.steps, metered };
        let (format, stage) = (STATE_FORMAT, self.stage());
        let state = State { format, stage, plan, recipe, counters, more };
        archive.note = serde_json::to_string(&state).expect("a note is representable in JSON");
        Ok(archive)
    }

    /// [`state`](Self::state) as bytes, with nothing else in its note.
    ///
    /// # Errors
    /// [`Error::Device`] when reading fails, [`Error::NotFinite`] after a step that diverged.
    pub async fn snapshot(&self) -> Result<Vec<u8>, Error> {
        self.state(NoMore {}).await?.to_bytes(Precision::Single)
    }

    /// Goes on where [`state`](Self::state) was taken.
    ///
    /// # Errors
    /// [`Error::MissingTensor`] or [`Error::TensorShape`] when the state is of another run.
    pub fn resume(mut self, archive: &Archive, counters: &Counters) -> Result<Self, Error> {
        self.run.steps = counters.steps;
        self.task.resume(archive, &self.run)?;
        self.meter = AverageMeter::resumed(archive, counters.metered, &self.run.device)?;
        Ok(self)
    }
}

impl Trainer<SelfSupervised> {
    /// The run that [`snapshot`](Self::snapshot) was taken of.
    ///
    /// # Errors
    /// Those of [`Archive::from_bytes`] and [`Self::from_state`].
    pub fn from_snapshot(bytes: &[u8], device: &Device) -> Result<Self, Error> {
        Self::from_state(&Archive::from_bytes(bytes)?, device)
    }

    /// The run that [`state`](Self::state) was taken of.
    ///
    /// # Errors
    /// Those of [`State::read`]; [`Error::Metadata`] for the state of another kind of training.
    pub fn from_state(archive: &Archive, device: &Device) -> Result<Self, Error> {
        let state = State::<NoMore>::of(Stage::Pretrained, archive)?;
        let trainer = Self::pretraining_from(archive, state.recipe, state.plan, device)?;
        trainer.resume(archive, &state.counters)
    }
}

impl Trainer<SemiSupervised> {
    /// The run that [`state`](Self::state) was taken of; `pool` are the numbers of all unlabelled images.
    ///
    /// # Errors
    /// Those of [`State::read`]; [`Error::Metadata`] for the state of another kind of training.
    pub fn from_state(archive: &Archive, pool: Vec<u64>, device: &Device) -> Result<Self, Error> {
        let state = State::<NoMore>::of(Stage::SemiSupervised, archive)?;
        let trainer = Self::semi_supervised(state.recipe, state.plan, pool, device)?;
        trainer.with_network(archive)?.resume(archive, &state.counters)
    }
}
