//! Which images each step of a run takes, and how often the run has looked at them before.

mod passes;
mod shuffle;

use std::collections::{BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::rng::Purpose;

use passes::{Passes, Waiting};
pub use shuffle::Shuffle;

/// What becomes of the images of a pass that do not fill a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LastBatch {
    /// The next pass fills the batch up.
    #[default]
    Carry,
    /// They are a smaller batch (Keras; `drop_last=False` in `PyTorch`).
    Short,
}

/// Which images may meet in a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Batches {
    /// All.
    #[default]
    Mixed,
    /// Those of one domain, as one camera, scanner or artist: what tells domains apart does not help to
    /// tell the images of such a batch apart, so that a contrast does not teach it. Domains take turns, each
    /// as often as it has images.
    OneDomain,
}

/// One look at an image: what names the random streams of its view.
///
/// No two looks of a run at an image have the same number, whatever epoch, pass or batch they fall
/// into, so that no image is ever seen through the same view twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Visit {
    /// The number of the image in its data set.
    pub image: u64,
    /// How often the run had looked at it before.
    pub number: u64,
}

/// How batches are drawn from one split.
#[derive(Clone, Debug)]
pub struct Sampling {
    /// Images there are.
    pub count: usize,
    /// Images a step.
    pub batch: usize,
    /// How a pass is shuffled.
    pub shuffle: Shuffle,
    /// What becomes of the last images of a pass.
    pub last_batch: LastBatch,
    /// Which images may meet in a batch.
    pub batches: Batches,
    /// Names the streams of the orders.
    pub purpose: Purpose,
}

impl Sampling {
    /// Of a split that is not drawn from.
    pub const NONE: Self = Self {
        count: 0,
        batch: 0,
        shuffle: Shuffle::Full,
        last_batch: LastBatch::Carry,
        batches: Batches::Mixed,
        purpose: Purpose::LabelledOrder,
    };

    /// Batches that are always whole: the next pass fills up what one leaves over.
    pub fn whole(count: usize, batch: usize, shuffle: Shuffle, purpose: Purpose) -> Self {
        let (last_batch, batches) = (LastBatch::Carry, Batches::Mixed);
        Self { count, batch, shuffle, last_batch, batches, purpose }
    }

    /// The sampling, if its images fill a batch; `what` names them and the setting.
    ///
    /// # Errors
    /// [`Error::TooFew`] when they do not.
    pub fn filled(self, what: &'static str) -> Result<Self, Error> {
        match self.count < self.batch {
            true => Err(Error::TooFew { what, expected: self.batch, got: self.count }),
            false => Ok(self),
        }
    }

    /// Steps of one pass, at least one: an epoch where the settings leave its length open.
    pub fn steps(&self) -> u64 {
        let batch = self.batch.max(1);
        let steps = match self.last_batch {
            LastBatch::Carry => self.count / batch,
            LastBatch::Short => self.count.div_ceil(batch),
        };
        steps.max(1) as u64
    }
}

/// The images of one step, by their places in each split.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// Those without labels.
    pub unlabelled: Vec<Place>,
    /// Those with labels.
    pub labelled: Vec<Place>,
}

/// A place in a split, and which look at it this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The place in the split.
    pub index: u32,
    /// How often the run had looked at it before.
    pub number: u64,
}

impl Visit {
    /// The same look at several images.
    pub fn at(number: u64, images: impl IntoIterator<Item = u64>) -> Vec<Self> {
        images.into_iter().map(|image| Self { image, number }).collect()
    }
}

impl Place {
    /// This look at an image that has the number `image` in its data set.
    pub fn visit(self, image: u64) -> Visit {
        Visit { image, number: self.number }
    }
}

/// What steps take from one domain, or from all.
#[derive(Clone, Debug)]
struct Turn {
    /// Through the unlabelled and the labelled images.
    passes: [Passes; 2],
    /// Steps that took from it.
    taken: u64,
}

impl Turn {
    /// Images that say how often its turn comes: the unlabelled ones, if any are drawn.
    fn images(&self) -> usize {
        let [unlabelled, labelled] = self.passes.each_ref().map(|passes| &passes.sampling);
        if unlabelled.batch > 0 { unlabelled.count } else { labelled.count }
    }
}

/// What has to be as many as a batch, where batches are of one domain.
const OF_EACH_DOMAIN: [&str; 2] = [
    "unlabelled images of each domain to fill a batch (pretraining.unlabelled_batch)",
    "labelled images of each domain to fill a batch (pretraining.labelled_batch)",
];

/// The domain of each image of two splits, counted from 0.
pub type Domains = [Vec<u16>; 2];

/// The images that each step of a run takes from two splits, which may overlap.
///
/// The steps follow from the seed alone, so that a run that goes on takes what it would have taken.
#[derive(Clone, Debug)]
pub struct Sampler {
    start: Vec<Turn>,
    now: Vec<Turn>,
    step: u64,
    /// For images of the unlabelled split that the labelled one holds too: their places there.
    shared: HashMap<u32, u32>,
}

impl Sampler {
    /// A sampler at the first step. `shared` are the places in the unlabelled split of images that the
    /// labelled one holds too, with their places there.
    pub fn new(
        unlabelled: Sampling,
        labelled: Sampling,
        seed: u64,
        shared: impl IntoIterator<Item = (u32, u32)>,
    ) -> Self {
        let passes = [unlabelled, labelled].map(|sampling| Passes::new(sampling, seed));
        Self::taking_turns(vec![Turn { passes, taken: 0 }], shared)
    }

    /// [`new`](Self::new) with batches of one domain each, for images of such domains.
    ///
    /// # Errors
    /// [`Error::TooFew`] where the images of a domain do not fill a batch.
    pub fn by_domain(
        samplings: [Sampling; 2],
        domains: &Domains,
        seed: u64,
        shared: impl IntoIterator<Item = (u32, u32)>,
    ) -> Result<Self, Error> {
        let drawn = samplings.iter().zip(domains).filter(|(sampling, _)| sampling.batch > 0);
        let all: BTreeSet<u16> = drawn.flat_map(|(_, domains)| domains).copied().collect();
        let turn = |domain: u16| {
            let of = |split: usize| {
                let there = (0..).zip(&domains[split]).filter(|(_, of)| **of == domain);
                let members: Vec<u32> = there.map(|(place, _)| place).collect();
                Passes::of(members, samplings[split].clone(), (seed, u64::from(domain)))
            };
            let passes = [of(0), of(1)];
            for (passes, what) in passes.iter().zip(OF_EACH_DOMAIN) {
                passes.sampling.clone().filled(what)?;
            }
            Ok(Turn { passes, taken: 0 })
        };
        let turns: Result<Vec<Turn>, Error> = all.into_iter().map(turn).collect();
        Ok(Self::taking_turns(turns?, shared))
    }

    fn taking_turns(start: Vec<Turn>, shared: impl IntoIterator<Item = (u32, u32)>) -> Self {
        Self { now: start.clone(), start, step: 0, shared: shared.into_iter().collect() }
    }

    /// The domain whose turn it is: that which is furthest behind its share of the steps.
    fn turn(&mut self) -> Option<&mut Turn> {
        let all: usize = self.now.iter().map(Turn::images).sum();
        let step = i128::from(self.step);
        let behind =
            |turn: &Turn| turn.images() as i128 * step - i128::from(turn.taken) * all as i128;
        // The first of several.
        let next = (0..self.now.len()).rev().max_by_key(|&place| behind(&self.now[place]))?;
        self.now.get_mut(next)
    }

    /// What a step takes.
    pub fn places(&mut self, step: u64) -> Places {
        if step < self.step {
            (self.now, self.step) = (self.start.clone(), 0);
        }
        while self.step < step {
            self.advance();
        }
        self.advance()
    }

    fn advance(&mut self) -> Places {
        self.step += 1;
        let shared = std::mem::take(&mut self.shared);
        let places = self.turn().map_or_else(Places::default, |turn| turn.advance(&shared));
        self.shared = shared;
        places
    }
}

impl Turn {
    /// What a step takes; `shared` are images of the unlabelled split that the labelled one holds too.
    fn advance(&mut self, shared: &HashMap<u32, u32>) -> Places {
        self.taken += 1;
        let [unlabelled, labelled] = &mut self.passes;
        // The labelled ones first: they are fewer, and there may be no others to take.
        let known = labelled.next(|_| false);
        let taken: HashSet<u32> = known.iter().map(|&(place, _)| place).collect();
        let meets = |place| shared.get(&place).is_some_and(|there| taken.contains(there));
        let free = unlabelled.next(meets);
        let places = |drawn: Vec<Waiting>| {
            drawn.into_iter().map(|(index, number)| Place { index, number }).collect()
        };
        Places { unlabelled: places(free), labelled: places(known) }
    }
}

#[cfg(test)]
mod tests {
    use super::shuffle::stored_order;
    use super::*;
    use crate::rng::stream;

    const PURPOSE: Purpose = Purpose::Test;

    fn order(shuffle: Shuffle) -> Vec<u32> {
        shuffle.order(1_000, 5, stream(3, PURPOSE, 0, 0))
    }

    fn sampling(count: usize, batch: usize) -> Sampling {
        let (shuffle, last_batch) = (Shuffle::Full, LastBatch::Carry);
        Sampling { count, batch, shuffle, last_batch, batches: Batches::Mixed, purpose: PURPOSE }
    }

    fn sampler(unlabelled: Sampling) -> Sampler {
        Sampler::new(unlabelled, Sampling::NONE, 1, [])
    }

    #[test]
    fn every_image_comes_once_a_pass() {
        for shuffle in [Shuffle::Full, Shuffle::Window, Shuffle::Buffer(30)] {
            let mut seen = order(shuffle);
            assert_ne!(seen, (0..1_000).collect::<Vec<_>>());
            seen.sort_unstable();
            assert_eq!(seen, (0..1_000).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_buffer_never_reaches_ahead_of_itself_in_the_stored_order() {
        let mut stored: Vec<u32> = (0..1_000).collect();
        stored_order(&mut stored);
        for (shuffle, size) in [(Shuffle::Window, 50), (Shuffle::Buffer(30), 30)] {
            for (place, image) in order(shuffle).into_iter().enumerate() {
                let at = stored.iter().position(|&there| there == image).unwrap();
                assert!(at < place + size, "{shuffle:?}: {image} at {place}, stored at {at}");
            }
        }
    }

    #[test]
    fn a_buffer_of_sorted_classes_is_mixed_from_the_start() {
        // Ten classes of a hundred images, one after the other.
        let first = order(Shuffle::Window).into_iter().take(25);
        let classes: HashSet<u32> = first.map(|image| image / 100).collect();
        assert!(classes.len() > 5, "the first 25 images are of {} classes", classes.len());
    }

    #[test]
    fn a_buffer_that_holds_all_images_is_a_full_shuffle() {
        assert_eq!(order(Shuffle::Buffer(1_000)), order(Shuffle::Full));
        assert_eq!(order(Shuffle::Buffer(5_000)), order(Shuffle::Full));
        assert!(Shuffle::Buffer(0).check().is_err() && Shuffle::Buffer(1).check().is_ok());
    }

    #[test]
    fn every_look_at_an_image_has_a_number_of_its_own() {
        for (count, batch, steps) in [(10, 4, 25), (7, 7, 9), (40, 16, 78), (5, 12, 11)] {
            let mut sampler = sampler(sampling(count, batch));
            let seen: Vec<Place> = (0..steps).flat_map(|s| sampler.places(s).unlabelled).collect();
            assert_eq!(seen.len(), batch * steps as usize);
            let names: HashSet<_> = seen.iter().map(|v| (v.index, v.number)).collect();
            assert_eq!(names.len(), seen.len(), "{count} images in batches of {batch}");
            let most = seen.iter().map(|v| v.number).max().unwrap();
            assert!(most as usize <= seen.len() / count + 1, "{most} passes");
        }
    }

    #[test]
    fn a_batch_holds_an_image_twice_only_if_there_are_fewer_images_than_places() {
        for (count, batch) in [(10, 4), (10, 7), (9, 8), (8, 8)] {
            let mut sampler = sampler(sampling(count, batch));
            for step in 0..200 {
                let places = sampler.places(step).unlabelled;
                let images: HashSet<u32> = places.iter().map(|v| v.index).collect();
                assert_eq!(images.len(), batch, "{count} images, step {step}: {places:?}");
            }
        }
        let few = sampler(sampling(3, 8)).places(0).unlabelled;
        let images: HashSet<u32> = few.iter().map(|v| v.index).collect();
        assert_eq!((few.len(), images.len()), (8, 3));
    }

    #[test]
    fn every_image_is_seen_equally_often() {
        let mut sampler = sampler(sampling(10, 4));
        let mut counts = [0; 10];
        (0..50)
            .flat_map(|s| sampler.places(s).unlabelled)
            .for_each(|v| counts[v.index as usize] += 1);
        assert!(counts.iter().all(|count| (19..=21).contains(count)), "{counts:?}");
    }

    #[test]
    fn a_run_that_goes_on_takes_what_it_would_have_taken() {
        let new = || Sampler::new(sampling(10, 4), sampling(6, 3), 1, (0..6).map(|p| (p, p + 2)));
        let mut whole = new();
        let steps: Vec<Places> = (0..40).map(|step| whole.places(step)).collect();
        for first in [1, 17, 39] {
            assert_eq!(new().places(first), steps[first as usize]);
        }
        assert_eq!(whole.places(5), steps[5], "also when asked again");
    }

    #[test]
    fn an_image_does_not_meet_itself_among_the_labelled_ones() {
        // Also where few have labels: five of twelve, so that three are always left out.
        for (known, batch) in [(12, 4), (5, 4)] {
            let shared = (0..known as u32).map(|place| (11 - place, place));
            let mut sampler = Sampler::new(sampling(12, 5), sampling(known, batch), 3, shared);
            let mut seen = [0; 12];
            for step in 0..120 {
                let Places { unlabelled, labelled } = sampler.places(step);
                let taken: HashSet<u32> = labelled.iter().map(|v| v.index).collect();
                assert_eq!((unlabelled.len(), taken.len()), (5, 4));
                let meets = |place: &Place| taken.contains(&(11 - place.index));
                assert!(!unlabelled.iter().any(meets), "step {step}");
                unlabelled.iter().for_each(|place| seen[place.index as usize] += 1);
            }
            assert!(sampler.now[0].passes.iter().all(|passes| passes.waiting.len() <= 12));
            let equal = known < 12 || seen.iter().all(|count| (46..=54).contains(count));
            assert!(equal && seen.iter().all(|count| *count > 10), "{seen:?}");
        }
    }

    #[test]
    fn where_all_are_taken_images_come_all_the_same() {
        let mut sampler = Sampler::new(sampling(4, 3), sampling(4, 2), 3, (0..4).map(|p| (p, p)));
        for step in 0..9 {
            let Places { unlabelled, labelled } = sampler.places(step);
            let images: HashSet<u32> =
                unlabelled.iter().chain(&labelled).map(|v| v.index).collect();
            assert_eq!((unlabelled.len(), labelled.len(), images.len()), (3, 2, 4));
        }
    }

    /// 24 unlabelled and 8 labelled images; those of each split by turns of 1, 1 and 2 are of domains 3, 5
    /// and 9.
    fn of_domains(batch: [usize; 2]) -> Result<Sampler, Error> {
        let domains = [24, 8].map(|count| (0..count).map(|k| [3, 5, 9, 9][k % 4]).collect());
        let samplings = [sampling(24, batch[0]), sampling(8, batch[1])];
        Sampler::by_domain(samplings, &domains, 1, (0..8).map(|place| (place, place)))
    }

    #[test]
    fn batches_are_of_one_domain_and_domains_take_turns_by_their_share() {
        let mut sampler = of_domains([3, 1]).expect("there are enough");
        let (mut turns, mut seen) = ([0; 4], [0; 24]);
        for step in 0..64 {
            let Places { unlabelled, labelled } = sampler.places(step);
            let all: Vec<u32> = unlabelled.iter().chain(&labelled).map(|at| at.index).collect();
            let [domain, ..] = all[..] else { panic!("four images") };
            let of = |place: u32| [0, 1, 2, 2][place as usize % 4];
            assert!(all.iter().all(|&place| of(place) == of(domain)), "step {step}: {all:?}");
            assert_eq!(all.iter().collect::<HashSet<_>>().len(), 4, "step {step}: {all:?}");
            turns[of(domain)] += 1;
            unlabelled.iter().for_each(|at| seen[at.index as usize] += 1);
        }
        assert_eq!(turns, [16, 16, 32, 0]);
        assert!(seen.iter().all(|count| (6..=10).contains(count)), "{seen:?}");
    }

    #[test]
    fn a_run_with_batches_of_one_domain_goes_on_with_what_it_would_have_taken() {
        let new = || of_domains([3, 1]).expect("there are enough");
        let mut whole = new();
        let steps: Vec<Places> = (0..40).map(|step| whole.places(step)).collect();
        for first in [1, 17, 39] {
            assert_eq!(new().places(first), steps[first as usize]);
        }
    }

    #[test]
    fn a_domain_that_fills_no_batch_is_refused() {
        let refused = |batch| of_domains(batch).expect_err("too few").to_string();
        assert!(
            refused([7, 1]).contains("unlabelled images of each domain"),
            "{}",
            refused([7, 1])
        );
        assert!(refused([6, 3]).contains("labelled images of each domain"), "{}", refused([6, 3]));
        of_domains([6, 2]).expect("enough of the smallest");
    }

    #[test]
    fn one_domain_is_all_images() {
        let domains = [vec![0; 10], vec![0; 6]];
        let samplings = [sampling(10, 4), sampling(6, 3)];
        let [free, known] = samplings.clone();
        let mut mixed = Sampler::new(free, known, 1, []);
        let mut one = Sampler::by_domain(samplings, &domains, 1, []).expect("enough");
        (0..30).for_each(|step| assert_eq!(mixed.places(step), one.places(step)));
    }

    #[test]
    fn the_last_batch_of_a_pass_may_be_short() {
        let sampling = Sampling { last_batch: LastBatch::Short, ..sampling(10, 4) };
        assert_eq!(sampling.steps(), 3);
        let mut sampler = sampler(sampling);
        for pass in 0..3 {
            let sizes = [0, 1, 2].map(|step| sampler.places(3 * pass + step).unlabelled.len());
            assert_eq!(sizes, [4, 4, 2]);
        }
        let seen = sampler.places(7).unlabelled;
        assert!(seen.iter().all(|visit| visit.number == 2));
    }
}
