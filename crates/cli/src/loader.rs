//! Batches of a run, prepared on a thread ahead of the trainer.

use kith_core::rng::Purpose;
use kith_core::sampler::{Course, Shuffle};
use kith_core::semi::SemiSettings;
use kith_core::trainer::Plan;
use kith_core::trainer::pretrain::{Batch, LABELLED};
use kith_data::{Ahead, Error, Split, ahead};

/// Batches that wait for the trainer.
const DEPTH: usize = 2;

/// A split with the order in which a run goes through it.
#[derive(Clone, Debug)]
struct Walk {
    split: Split,
    course: Course,
}

impl Walk {
    fn new(split: &Split, batch: usize, shuffle: Shuffle, purpose: Purpose, plan: Plan) -> Self {
        let named = (plan.seed, purpose);
        let course = Course::new([split.len(), batch], plan.steps, shuffle, named);
        Self { split: split.clone(), course }
    }

    /// Numbers that name the random streams of these places.
    fn numbers(&self, places: &[u32], offset: u64) -> impl Iterator<Item = u64> {
        places.iter().map(move |&p| offset + u64::from(self.split.pictures()[p as usize]))
    }

    fn labels(&self, places: &[u32]) -> Vec<i32> {
        places.iter().filter_map(|&p| self.split.label(p as usize)).map(i32::from).collect()
    }
}

/// Refuses a split that cannot fill one batch.
fn enough(split: &Split, batch: usize, what: &'static str) -> Result<(), kith_core::Error> {
    if split.len() < batch {
        return Err(kith_core::Error::TooFew { what, expected: batch, got: split.len() });
    }
    Ok(())
}

/// Batches of pre-training from step `first` to the end of the plan.
pub(crate) fn pretraining(
    (unlabelled, labelled): (&Split, &Split),
    settings: &kith_core::recipe::Pretraining,
    plan: Plan,
    first: u64,
) -> Result<Ahead<Batch>, kith_core::Error> {
    let counts = (settings.unlabelled_batch, settings.labelled_batch);
    let few = "unlabelled pictures to fill a batch (pretraining.unlabelled_batch)";
    enough(unlabelled, counts.0, few)?;
    let has_labels = plan.classes > 1 && counts.1 > 0;
    if has_labels {
        let few = "labelled pictures to fill a batch (pretraining.labelled_batch)";
        enough(labelled, counts.1, few)?;
    }
    let known = if has_labels { counts.1 } else { 0 };
    let shuffle = settings.shuffle;
    let mut free = Walk::new(unlabelled, counts.0, shuffle, Purpose::UnlabelledOrder, plan);
    let mut taught = Walk::new(labelled, known, shuffle, Purpose::LabelledOrder, plan);
    Ok(ahead(first..plan.total(), DEPTH, move |step| -> Result<Batch, Error> {
        let places = free.course.places(step);
        let images = free.split.read(&places)?;
        let mut numbers: Vec<u64> = free.numbers(&places, 0).collect();
        let places = taught.course.places(step);
        let labelled = taught.split.read(&places)?;
        numbers.extend(taught.numbers(&places, LABELLED));
        let images = images.join(&labelled).expect("splits of a data set have one size");
        Ok(Batch { images, numbers, labelled, labels: taught.labels(&places) })
    }))
}

/// Batches of fine-tuning from step `first` to the end of the plan.
pub(crate) fn finetuning(
    labelled: &Split,
    settings: &kith_core::recipe::Finetuning,
    plan: Plan,
    first: u64,
) -> Result<Ahead<Batch>, kith_core::Error> {
    enough(labelled, settings.batch, "labelled pictures to fill a batch (finetuning.batch)")?;
    let shuffle = settings.shuffle;
    let mut walk = Walk::new(labelled, settings.batch, shuffle, Purpose::LabelledOrder, plan);
    Ok(ahead(first..plan.total(), DEPTH, move |step| -> Result<Batch, Error> {
        let places = walk.course.places(step);
        let images = walk.split.read(&places)?;
        let numbers = walk.numbers(&places, LABELLED).collect();
        Ok(Batch { labelled: images.clone(), images, numbers, labels: walk.labels(&places) })
    }))
}

/// Unlabelled pictures, with labels where a teacher gave them some.
#[derive(Clone, Debug)]
pub(crate) struct Free {
    pub(crate) split: Split,
    pub(crate) labels: Option<Vec<u16>>,
}

/// Batches of semi-supervised training from step `first` to the end of the plan.
pub(crate) fn semi(
    (free, labelled): (Free, &Split),
    settings: &SemiSettings,
    plan: Plan,
    first: u64,
) -> Result<Ahead<Batch>, kith_core::Error> {
    let counts = (settings.unlabelled_batch, settings.labelled_batch);
    enough(&free.split, counts.0, "unlabelled pictures to fill a batch (semi.unlabelled_batch)")?;
    enough(labelled, counts.1, "labelled pictures to fill a batch (semi.labelled_batch)")?;
    let (shuffle, labels) = (settings.shuffle, free.labels);
    let mut free = Walk::new(&free.split, counts.0, shuffle, Purpose::UnlabelledOrder, plan);
    let mut taught = Walk::new(labelled, counts.1, shuffle, Purpose::LabelledOrder, plan);
    Ok(ahead(first..plan.total(), DEPTH, move |step| -> Result<Batch, Error> {
        let places = free.course.places(step);
        let images = free.split.read(&places)?;
        let mut numbers: Vec<u64> = free.numbers(&places, 0).collect();
        let given =
            labels.iter().flat_map(|all| places.iter().map(|&p| i32::from(all[p as usize])));
        let mut labels: Vec<i32> = given.collect();
        let places = taught.course.places(step);
        let labelled = taught.split.read(&places)?;
        numbers.extend(taught.numbers(&places, LABELLED));
        labels.extend(taught.labels(&places));
        let images = images.join(&labelled).expect("splits of a data set have one size");
        Ok(Batch { images, numbers, labelled, labels })
    }))
}
