//! Batches of a run, prepared on a thread ahead of the trainer.

use std::collections::HashMap;

use kith_core::recipe::{Finetuning, Pretraining};
use kith_core::rng::Purpose;
use kith_core::sampler::{Course, LastBatch, Place, Places, Sampler, Shuffle, Visit};
use kith_core::semi::SemiSettings;
use kith_core::trainer::Plan;
use kith_core::trainer::pretrain::{Batch, LABELLED};
use kith_data::{Error, Prefetch, Split, prefetch};

/// Batches that wait for the trainer.
const DEPTH: usize = 2;

/// Two splits with what each step takes from them.
struct Loader {
    unlabelled: Split,
    labelled: Split,
    sampler: Sampler,
}

impl Loader {
    fn new(unlabelled: &Split, free: Course, labelled: &Split, known: Course, plan: Plan) -> Self {
        let shared = match (free.batch, known.batch) {
            (0, _) | (_, 0) => Vec::new(),
            _ => shared(unlabelled, labelled),
        };
        let sampler = Sampler::new(free, known, plan.seed, shared);
        Self { unlabelled: unlabelled.clone(), labelled: labelled.clone(), sampler }
    }

    /// The images of a step; `given` are labels of the unlabelled split, if it has any.
    fn batch(&mut self, step: u64, given: Option<&[u16]>) -> Result<Batch, Error> {
        let Places { unlabelled, labelled } = self.sampler.places(step);
        let known = self.labelled.read(&indices(&labelled))?;
        let images = self.unlabelled.read(&indices(&unlabelled))?;
        let images = images.join(&known).expect("splits of a data set have one size");
        let mut visits = visits(&self.unlabelled, &unlabelled, 0);
        visits.extend(self::visits(&self.labelled, &labelled, LABELLED));
        let given =
            given.into_iter().flat_map(|all| unlabelled.iter().map(|p| all[p.index as usize]));
        let own = labelled.iter().filter_map(|place| self.labelled.label(place.index as usize));
        let labels = given.chain(own).map(i32::from).collect();
        Ok(Batch { images, visits, labelled: known, labels })
    }

    /// All batches from step `first` to the end of the plan.
    fn from(mut self, first: u64, plan: Plan, given: Option<Vec<u16>>) -> Prefetch<Batch> {
        prefetch(first..plan.total(), DEPTH, move |step| self.batch(step, given.as_deref()))
    }
}

fn indices(places: &[Place]) -> Vec<u32> {
    places.iter().map(|place| place.index).collect()
}

/// What names the random streams of these places.
fn visits(split: &Split, places: &[Place], offset: u64) -> Vec<Visit> {
    let number = |place: &Place| u64::from(split.pictures()[place.index as usize]);
    places.iter().map(|place| place.visit(offset + number(place))).collect()
}

/// Places of unlabelled images that are among the labelled ones too, and their places there.
fn shared(unlabelled: &Split, labelled: &Split) -> Vec<(u32, u32)> {
    if !unlabelled.shares_set(labelled) {
        return Vec::new();
    }
    let there: HashMap<u32, u32> = (0..).zip(labelled.pictures()).map(|(p, &n)| (n, p)).collect();
    let found = |(place, number)| Some((place, *there.get(number)?));
    (0..).zip(unlabelled.pictures()).filter_map(found).collect()
}

/// A course in which the next pass fills a batch up.
fn course(split: &Split, batch: usize, shuffle: Shuffle, purpose: Purpose) -> Course {
    Course { count: split.len(), batch, shuffle, last_batch: LastBatch::Carry, purpose }
}

/// Batches of pre-training from step `first` to the end of the plan.
pub(crate) fn pretraining(
    unlabelled: &Split,
    labelled: &Split,
    settings: &Pretraining,
    plan: Plan,
    first: u64,
) -> Result<Prefetch<Batch>, kith_core::Error> {
    let [free, known] = settings.courses([unlabelled.len(), labelled.len()], plan.classes)?;
    Ok(Loader::new(unlabelled, free, labelled, known, plan).from(first, plan, None))
}

/// Batches of fine-tuning from step `first` to the end of the plan.
pub(crate) fn finetuning(
    labelled: &Split,
    settings: &Finetuning,
    plan: Plan,
    first: u64,
) -> Result<Prefetch<Batch>, kith_core::Error> {
    let what = "labelled images to fill a batch (finetuning.batch)";
    let known = settings.course(labelled.len()).filled(what)?;
    let none = labelled.subset(&[]);
    Ok(Loader::new(&none, Course::NONE, labelled, known, plan).from(first, plan, None))
}

/// Unlabelled pictures, with labels where a teacher gave them some.
#[derive(Clone, Debug)]
pub(crate) struct UnlabelledSplit {
    pub(crate) split: Split,
    pub(crate) labels: Option<Vec<u16>>,
}

/// Batches of semi-supervised training from step `first` to the end of the plan.
pub(crate) fn semi(
    free: UnlabelledSplit,
    labelled: &Split,
    settings: &SemiSettings,
    plan: Plan,
    first: u64,
) -> Result<Prefetch<Batch>, kith_core::Error> {
    let shuffle = settings.shuffle;
    let what = "unlabelled images to fill a batch (semi.unlabelled_batch)";
    let few = course(&free.split, settings.unlabelled_batch, shuffle, Purpose::UnlabelledOrder);
    let few = few.filled(what)?;
    let what = "labelled images to fill a batch (semi.labelled_batch)";
    let known = course(labelled, settings.labelled_batch, shuffle, Purpose::LabelledOrder);
    let known = known.filled(what)?;
    let loader = Loader::new(&free.split, few, labelled, known, plan);
    Ok(loader.from(first, plan, free.labels))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use kith_core::recipe::Recipe;
    use kith_data::{Options, Source};

    use super::*;

    const STEPS: u64 = 40;
    const PLAN: Plan = Plan { side: 4, classes: 1836, seed: 1, steps: STEPS, epochs: 1 };

    /// The same images with labels and without.
    fn images(count: u32) -> Split {
        let options = Options { side: Some(4), ..Options::default() };
        let dataset = Source::Gallery.open(&options).expect("it comes with kith");
        dataset.labelled.subset(&(0..count).collect::<Vec<_>>())
    }

    fn recipe() -> Recipe {
        let changes = [
            "pretraining.unlabelled_batch=7",
            "pretraining.labelled_batch=4",
            "finetuning.batch=9",
            "semi.unlabelled_batch=8",
            "semi.labelled_batch=5",
        ];
        Recipe::parse(Recipe::BUILT_IN[0].1, &changes.map(String::from)).expect("a recipe")
    }

    /// All batches of a run of many passes, which no look at an image comes twice in.
    fn batches(made: impl Fn(u64) -> Result<Prefetch<Batch>, kith_core::Error>) -> Vec<Batch> {
        let all: Vec<Batch> = made(0).expect("enough images").map(|b| b.expect("read")).collect();
        let mut seen = HashSet::new();
        for batch in &all {
            assert_eq!(batch.visits.len(), batch.images.len());
            batch.visits.iter().for_each(|&visit| assert!(seen.insert(visit), "{visit:?} again"));
            let images: HashSet<u64> = batch.visits.iter().map(|v| v.image % LABELLED).collect();
            assert_eq!(images.len(), batch.visits.len(), "an image meets itself");
        }
        let rest = made(17).expect("enough images").map(|b| b.expect("read").visits);
        let expected = all[17..].iter().map(|batch| batch.visits.clone());
        assert!(rest.eq(expected), "a run that goes on takes other images");
        all
    }

    #[test]
    fn no_look_at_an_image_comes_twice_and_no_image_meets_itself() {
        let (split, recipe) = (images(16), recipe());
        let semi = recipe.semi.clone().expect("it was changed");
        let free = || UnlabelledSplit { split: split.clone(), labels: None };
        let counts = [
            batches(|first| pretraining(&split, &split, &recipe.pretraining, PLAN, first)).len(),
            batches(|first| finetuning(&split, &recipe.finetuning, PLAN, first)).len(),
            batches(|first| self::semi(free(), &split, &semi, PLAN, first)).len(),
        ];
        assert_eq!(counts, [STEPS as usize; 3]);
    }
}
