//! A run's begin: a new one, or one that goes on.

use kith_core::archive::Archive;
use kith_core::import::{AnyCheckpoint, Told};
use kith_core::recipe::Recipe;
use kith_core::selftest;
use kith_core::trainer::{Plan, SelfSupervised, SemiSupervised, Trainer};
use tsify::Ts;
use wasm_bindgen::prelude::*;

use super::options::{Kept, PlanOptions};
use super::{AnyTrainer, Training};
use crate::convert::from_object;
use crate::engine::Engine;
use crate::fail::{Result, failure, from_core};

#[wasm_bindgen]
impl Engine {
    /// A new run of pre-training by a recipe's text and changes to it as on the command line. With a file
    /// of weights, a checkpoint or somebody else's, its encoder is where training starts.
    ///
    /// # Errors
    /// `RECIPE` and `SETTING` for a recipe or plan that is not possible, core's codes for a file that
    /// holds no encoder.
    pub async fn pretraining(
        &self,
        toml: String,
        changes: Vec<String>,
        options: Ts<PlanOptions>,
        from: Option<Vec<u8>>,
    ) -> Result<Training> {
        let Begin { recipe, options, start } = self.begin(&toml, &changes, &options, from)?;
        self.able(&recipe).await?;
        let plan = Plan::pretraining(
            &recipe.pretraining,
            [options.side, options.classes],
            options.seed,
            [options.pictures, options.labelled],
        );
        let plan = options.length_of(plan);
        let trainer = match &start {
            Some(start) => Trainer::pretraining_from(start.archive(), recipe, plan, self.device()),
            None => Trainer::pretraining(recipe, plan, self.device()),
        };
        let trainer = AnyTrainer::Pretraining(trainer.map_err(from_core)?.into());
        Ok(Training::of(trainer, kept(start)))
    }

    /// A new run of semi-supervised training. With a file of weights, its encoder is where training starts;
    /// no batch is larger than there are pictures of its kind.
    ///
    /// # Errors
    /// `RECIPE` and `SETTING` for a recipe or plan that is not possible, `TOO_FEW` classes, core's codes for
    /// a file that holds no encoder.
    #[wasm_bindgen(js_name = semiSupervised)]
    pub async fn semi_supervised(
        &self,
        toml: String,
        changes: Vec<String>,
        options: Ts<PlanOptions>,
        from: Option<Vec<u8>>,
    ) -> Result<Training> {
        let Begin { mut recipe, options, start } = self.begin(&toml, &changes, &options, from)?;
        self.able(&recipe).await?;
        let images = [options.pictures, options.labelled];
        let settings = recipe.semi.take().unwrap_or_default().within(images);
        let size = [options.side, options.classes];
        let plan = Plan::semi(&settings, size, options.seed, options.pictures);
        recipe.semi = Some(settings);
        let (plan, pool) = (options.length_of(plan), numbers(options.pictures));
        let trainer = Trainer::semi_supervised(recipe, plan, pool, self.device());
        let trainer = match &start {
            Some(start) => trainer.and_then(|trainer| trainer.with_encoder(start.archive())),
            None => trainer,
        };
        let trainer = AnyTrainer::SemiSupervised(trainer.map_err(from_core)?.into());
        Ok(Training::of(trainer, kept(start)))
    }

    /// The run of pre-training whose [`state`](Training::state) was saved; its pictures have to be added
    /// again.
    ///
    /// # Errors
    /// Core's codes for files that are not the state of such a run.
    #[wasm_bindgen(js_name = resumePretraining)]
    pub async fn resume_pretraining(&self, state: Vec<u8>) -> Result<Training> {
        let archive = Archive::from_bytes(&state).map_err(from_core)?;
        let trainer = Trainer::<SelfSupervised>::from_state(&archive, self.device());
        let trainer = trainer.map_err(from_core)?;
        self.able(trainer.recipe()).await?;
        Ok(Training::of(AnyTrainer::Pretraining(trainer.into()), Kept::of(&archive)?))
    }

    /// The semi-supervised run on so many pictures whose [`state`](Training::state) was saved; they have to
    /// be added again.
    ///
    /// # Errors
    /// Core's codes for files that are not the state of such a run.
    #[wasm_bindgen(js_name = resumeSemiSupervised)]
    pub async fn resume_semi_supervised(
        &self,
        state: Vec<u8>,
        pictures: usize,
    ) -> Result<Training> {
        let archive = Archive::from_bytes(&state).map_err(from_core)?;
        let pool = numbers(pictures);
        let trainer = Trainer::<SemiSupervised>::from_state(&archive, pool, self.device());
        let trainer = trainer.map_err(from_core)?;
        self.able(trainer.recipe()).await?;
        Ok(Training::of(AnyTrainer::SemiSupervised(trainer.into()), Kept::of(&archive)?))
    }
}

impl Engine {
    /// Whether the device computes in a recipe's precision what it should.
    pub(crate) async fn able(&self, recipe: &Recipe) -> Result<()> {
        selftest::precision(recipe.precision, self.device()).await.map_err(from_core)
    }
}

/// What a new run is asked for.
struct Begin {
    recipe: Recipe,
    options: PlanOptions,
    /// The file whose encoder it begins with; none for fresh weights.
    start: Option<AnyCheckpoint>,
}

impl Engine {
    /// Reads what a run is asked for. The recipe takes the encoder of the file that it begins with, and
    /// the pictures their side where no other is asked for.
    fn begin(
        &self,
        toml: &str,
        changes: &[String],
        options: &Ts<PlanOptions>,
        from: Option<Vec<u8>>,
    ) -> Result<Begin> {
        let mut recipe = Recipe::parse(toml, changes).map_err(from_core)?;
        let mut options: PlanOptions = from_object(options)?;
        let Some(bytes) = from else { return Ok(Begin { recipe, options, start: None }) };
        let told = options.told.as_deref().map(serde_json::from_str::<Told>).transpose();
        let told = told.map_err(|e| failure("SETTING", &e.to_string()))?;
        let start = AnyCheckpoint::open(&bytes, &options.file, told.as_ref(), self.device());
        let start = start.map_err(from_core)?;
        let meta = start.meta();
        if options.side == 0 {
            options.side = meta.side;
        }
        recipe.encoder = meta.recipe.encoder.clone().at_side(options.side, meta.side);
        Ok(Begin { recipe, options, start: Some(start) })
    }
}

/// What is kept of the file that a run begins with.
fn kept(start: Option<AnyCheckpoint>) -> Kept {
    Kept { origin: start.and_then(|start| start.meta().origin.clone()) }
}

/// The numbers of so many pictures.
fn numbers(pictures: usize) -> Vec<u64> {
    (0..pictures as u64).collect()
}
