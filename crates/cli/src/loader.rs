//! Batches of a run, prepared on a thread ahead of the trainer.

use kith_core::rng::{Purpose, stream};
use kith_core::sampler::{Shuffle, epoch_order};
use kith_core::trainer::Plan;
use kith_core::trainer::pretrain::Batch;
use kith_data::{Ahead, Error, Split, ahead};

/// Batches that wait for the trainer.
const DEPTH: usize = 2;

/// Sets the streams of labelled pictures apart from those of unlabelled ones.
const LABELLED: u64 = 1 << 32;

/// The order of a split over a run, an epoch at a time.
#[derive(Clone, Debug)]
struct Course {
    split: Split,
    batch: usize,
    shuffle: Shuffle,
    purpose: Purpose,
    plan: Plan,
    epoch: Option<u64>,
    order: Vec<u32>,
}

impl Course {
    fn new(split: &Split, batch: usize, shuffle: Shuffle, purpose: Purpose, plan: Plan) -> Self {
        let (epoch, order) = (None, Vec::new());
        Self { split: split.clone(), batch, shuffle, purpose, plan, epoch, order }
    }

    /// Places in the split of the batch of a step.
    fn places(&mut self, step: u64) -> Vec<u32> {
        let (epoch, within) = (step / self.plan.steps, (step % self.plan.steps) as usize);
        if self.epoch != Some(epoch) {
            self.epoch = Some(epoch);
            self.order = self.epoch_order(epoch);
        }
        self.order[within * self.batch..(within + 1) * self.batch].to_vec()
    }

    /// As many passes over the split as the epoch's steps ask for.
    fn epoch_order(&self, epoch: u64) -> Vec<u32> {
        let needed = self.plan.steps as usize * self.batch;
        let pass = |pass| {
            let stream = stream(self.plan.seed, self.purpose, epoch, pass);
            epoch_order(self.split.len(), self.shuffle, self.batch, stream)
        };
        (0..).flat_map(pass).take(needed).collect()
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
    let mut free = Course::new(unlabelled, counts.0, shuffle, Purpose::UnlabelledOrder, plan);
    let mut taught = Course::new(labelled, known, shuffle, Purpose::LabelledOrder, plan);
    Ok(ahead(first..plan.total(), DEPTH, move |step| -> Result<Batch, Error> {
        let places = free.places(step);
        let images = free.split.read(&places)?;
        let mut numbers: Vec<u64> = free.numbers(&places, 0).collect();
        let places = if known > 0 { taught.places(step) } else { Vec::new() };
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
    let mut course = Course::new(labelled, settings.batch, shuffle, Purpose::LabelledOrder, plan);
    Ok(ahead(first..plan.total(), DEPTH, move |step| -> Result<Batch, Error> {
        let places = course.places(step);
        let images = course.split.read(&places)?;
        let numbers = course.numbers(&places, LABELLED).collect();
        Ok(Batch { labelled: images.clone(), images, numbers, labels: course.labels(&places) })
    }))
}
