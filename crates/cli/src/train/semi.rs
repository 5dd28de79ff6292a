//! A phase of semi-supervised training.

use std::path::PathBuf;

use kith_core::model::Model;
use kith_core::probe::Features;
use kith_core::semi::SemiSettings;
use kith_core::semi::pseudo_labels::PseudoLabels;
use kith_core::trainer::{Plan, SemiSupervised, Trainer};
use kith_data::Split;

use crate::failure::Failure;
use crate::files::FileError;
use crate::inference::in_batches;
use crate::train::context::RunContext;
use crate::train::folder::{self, Folder};
use crate::train::initial_weights::InitialWeights;
use crate::train::loader::{self, UnlabelledSplit};
use crate::train::train_loop::{Trained, train};

/// The network of a run's folder to go on with: the best where images were kept aside to choose it by,
/// else the last.
pub(crate) fn chosen_network(folder: &Folder, context: &RunContext<'_>) -> PathBuf {
    let name = match context.splits.validation.is_empty() {
        true => folder::CHECKPOINT,
        false => folder::BEST,
    };
    folder.file(name)
}

/// Trains on labelled and unlabelled images to the end, or goes on to it. Labels of the latter come
/// from the network in the folder of a teacher, or in every step from the network that learns.
pub(crate) fn learn(
    context: &RunContext<'_>,
    start: InitialWeights<'_>,
    teacher: Option<&Folder>,
) -> Result<Trained, Failure> {
    let mut settings = context.recipe.semi.clone().unwrap_or_default();
    let free = match teacher {
        Some(teacher) => labelled_by(teacher, &settings, context)?,
        None => UnlabelledSplit { split: context.splits.unlabelled.clone(), labels: None },
    };
    settings.unlabelled_batch = settings.unlabelled_batch.min(free.split.len());
    let plan = plan(&settings, context, free.split.len());
    let trainer = trainer(context, plan, start, &free.split)?;
    train(trainer, start.fingerprint(), context, |trainer| {
        loader::semi(free, &context.splits.labelled, &settings, plan, trainer.steps())
    })
}

/// Steps and epochs of a phase on so many unlabelled images.
pub(crate) fn plan(settings: &SemiSettings, context: &RunContext<'_>, images: usize) -> Plan {
    let size = [context.splits.side, context.splits.classes()];
    Plan::semi(settings, size, context.seed, images)
}

/// A trainer at its start.
pub(crate) fn trainer(
    context: &RunContext<'_>,
    plan: Plan,
    start: InitialWeights<'_>,
    free: &Split,
) -> Result<Trainer<SemiSupervised>, Failure> {
    let pool = free.pictures().iter().map(|&image| u64::from(image)).collect();
    let trainer = Trainer::semi_supervised(context.recipe.clone(), plan, pool, context.device)?;
    Ok(match start {
        InitialWeights::Fresh => trainer,
        InitialWeights::Encoder(start) => trainer.with_encoder(&start.archive)?,
        InitialWeights::Network(start) => trainer.with_network(&start.archive)?,
    })
}

/// The unlabelled images that a teacher is sure of, with the classes that it gives them.
fn labelled_by(
    teacher: &Folder,
    settings: &SemiSettings,
    context: &RunContext<'_>,
) -> Result<UnlabelledSplit, Failure> {
    let path = chosen_network(teacher, context);
    let bytes = std::fs::read(&path).map_err(|e| FileError::new(&path, e))?;
    let model = Model::open(&bytes, context.device).map_err(Failure::of(&path))?;
    let images = &context.splits.unlabelled;
    let mut all = Features::default();
    in_batches(images.len(), |places| {
        let found = pollster::block_on(model.classify(&images.read(places)?))?;
        all.dim = found.dim;
        all.values.extend(found.values);
        Ok(Some(()))
    })?;
    let labels = PseudoLabels::balanced(&all, settings.threshold);
    if labels.places.is_empty() {
        return Err(Failure::UnsureTeacher { threshold: settings.threshold });
    }
    let passed: usize = labels.passed.iter().sum();
    context.console.note(&format!(
        "the teacher is sure of {passed} of {} pictures; {} after balancing the classes",
        images.len(),
        labels.places.len()
    ));
    Ok(UnlabelledSplit { split: images.subset(&labels.places), labels: Some(labels.labels) })
}
