//! A phase of semi-supervised training.

use std::path::PathBuf;

use kith_core::archive::Archive;
use kith_core::checkpoint::Meta;
use kith_core::model::Model;
use kith_core::probe::Features;
use kith_core::semi::SemiSettings;
use kith_core::semi::pseudo::PseudoLabels;
use kith_core::trainer::Plan;
use kith_core::trainer::semi::SemiTrainer;
use kith_data::Split;

use crate::failure::Failure;
use crate::files::FileError;
use crate::folder::{self, Folder};
use crate::loader::{self, Free};
use crate::start;
use crate::training::{Setting, Trained, train};

/// Pictures that a teacher labels at a time.
const AT_A_TIME: usize = 256;

/// What a phase starts from.
#[derive(Clone, Copy)]
pub(crate) enum Beginning<'a> {
    /// Fresh weights.
    Fresh,
    /// A checkpoint's encoder, with a fresh classifier.
    Encoder(&'a (Meta, Archive)),
    /// A checkpoint's encoder and classifier.
    Network(&'a (Meta, Archive)),
}

impl Beginning<'_> {
    fn fingerprint(self) -> Option<String> {
        match self {
            Beginning::Fresh => None,
            Beginning::Encoder(start) | Beginning::Network(start) => {
                start::fingerprint(Some(start))
            }
        }
    }
}

/// The network of a run's folder to go on with: the best where images were kept aside to choose it by,
/// else the last.
pub(crate) fn chosen_network(folder: &Folder, setting: &Setting<'_>) -> PathBuf {
    let name = match setting.material.validation.is_empty() {
        true => folder::CHECKPOINT,
        false => folder::BEST,
    };
    folder.file(name)
}

/// Trains on labelled and unlabelled pictures to the end, or goes on to it. Labels of the latter come
/// from the network in the folder of a teacher, or in every step from the network that learns.
pub(crate) fn learn(
    setting: &Setting<'_>,
    seed: u64,
    (start, teacher): (Beginning<'_>, Option<&Folder>),
) -> Result<Trained, Failure> {
    let mut settings = setting.recipe.semi.clone().unwrap_or_default();
    let free = match teacher {
        Some(teacher) => labelled_by(teacher, &settings, setting)?,
        None => Free { split: setting.material.unlabelled.clone(), labels: None },
    };
    settings.unlabelled_batch = settings.unlabelled_batch.min(free.split.len());
    let plan = plan(&settings, setting, seed, free.split.len());
    let learner = learner(setting, plan, start, &free.split)?;
    train((learner, start.fingerprint()), setting, |learner| {
        loader::semi((free, &setting.material.labelled), &settings, plan, learner.steps())
    })
}

/// Steps and epochs of a phase on so many unlabelled pictures.
pub(crate) fn plan(
    settings: &SemiSettings,
    setting: &Setting<'_>,
    seed: u64,
    pictures: usize,
) -> Plan {
    let pass = (pictures / settings.unlabelled_batch.max(1)) as u64;
    Plan {
        side: setting.material.side,
        classes: setting.material.classes(),
        seed,
        steps: settings.steps.unwrap_or(pass).max(1),
        epochs: settings.epochs,
    }
}

/// A trainer at its start.
pub(crate) fn learner(
    setting: &Setting<'_>,
    plan: Plan,
    start: Beginning<'_>,
    free: &Split,
) -> Result<SemiTrainer, Failure> {
    let pool = free.pictures().iter().map(|&picture| u64::from(picture)).collect();
    let learner = SemiTrainer::new(setting.recipe, plan, pool, setting.device)?;
    Ok(match start {
        Beginning::Fresh => learner,
        Beginning::Encoder((_, archive)) => learner.with_encoder(archive)?,
        Beginning::Network((_, archive)) => learner.with_network(archive)?,
    })
}

/// The unlabelled pictures that a teacher is sure of, with the classes that it gives them.
fn labelled_by(
    teacher: &Folder,
    settings: &SemiSettings,
    setting: &Setting<'_>,
) -> Result<Free, Failure> {
    let path = chosen_network(teacher, setting);
    let bytes = std::fs::read(&path).map_err(|e| FileError::new(&path, e))?;
    let model = Model::open(&bytes, setting.device).map_err(Failure::of(&path))?;
    let pictures = &setting.material.unlabelled;
    let places: Vec<u32> = (0..pictures.len() as u32).collect();
    let mut all = Features::default();
    for chunk in places.chunks(AT_A_TIME) {
        let found = pollster::block_on(model.classify(&pictures.read(chunk)?))?;
        all.dim = found.dim;
        all.values.extend(found.values);
    }
    let labels = PseudoLabels::balanced(&all, settings.threshold);
    if labels.places.is_empty() {
        return Err(Failure::UnsureTeacher { threshold: settings.threshold });
    }
    let believed: usize = labels.believed.iter().sum();
    setting.say.note(&format!(
        "the teacher is sure of {believed} of {} pictures; {} after balancing the classes",
        pictures.len(),
        labels.places.len()
    ));
    Ok(Free { split: pictures.subset(&labels.places), labels: Some(labels.labels) })
}
