//! Which images each step of a run takes, and how often the run has looked at them before.

mod shuffle;

use std::collections::{HashMap, HashSet, VecDeque};

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::rng::{Purpose, stream};

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
        purpose: Purpose::LabelledOrder,
    };

    /// Batches that are always whole: the next pass fills up what one leaves over.
    pub fn whole(count: usize, batch: usize, shuffle: Shuffle, purpose: Purpose) -> Self {
        Self { count, batch, shuffle, last_batch: LastBatch::Carry, purpose }
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

/// An image that waits for its place in a batch: its place in the split, and the pass.
type Waiting = (u32, u64);

/// One pass after the other, each through every image once.
#[derive(Clone, Debug)]
struct Passes {
    sampling: Sampling,
    seed: u64,
    /// Passes that were begun.
    begun: u64,
    waiting: VecDeque<Waiting>,
}

impl Passes {
    fn new(sampling: Sampling, seed: u64) -> Self {
        Self { sampling, seed, begun: 0, waiting: VecDeque::new() }
    }

    /// Adds a pass. An image that waits already is not added again, so that no more wait than there
    /// are.
    fn begin_pass(&mut self) {
        let Sampling { count, batch, shuffle, purpose, .. } = self.sampling;
        let pass = self.begun;
        let order = shuffle.order(count, batch, stream(self.seed, purpose, pass, 0));
        let there: HashSet<u32> = self.waiting.iter().map(|&(place, _)| place).collect();
        let new = order.into_iter().filter(|place| !there.contains(place));
        self.waiting.extend(new.map(|place| (place, pass)));
        self.begun += 1;
    }

    /// The next batch. An image that the batch holds already, or that `taken` names, waits for a
    /// later one, unless there are too few others.
    fn next(&mut self, taken: impl Fn(u32) -> bool) -> Vec<Waiting> {
        let Sampling { count, batch, last_batch, .. } = self.sampling;
        if batch == 0 || count == 0 {
            return Vec::new();
        }
        let free = (0..count as u32).filter(|&place| !taken(place)).take(batch).count();
        let (mut drawn, mut held) = (Vec::with_capacity(batch), HashSet::new());
        let mut at = 0;
        while drawn.len() < batch {
            // With fewer images than places some have to come twice, through other views.
            let spare = free == batch || drawn.len() < free;
            at = if spare { at } else { 0 };
            let over = at == self.waiting.len();
            if over && last_batch == LastBatch::Short && !drawn.is_empty() {
                break;
            }
            if over {
                self.begin_pass();
            }
            let (place, _) = self.waiting[at];
            if spare && (held.contains(&place) || taken(place)) {
                at += 1;
                continue;
            }
            held.insert(place);
            drawn.extend(self.waiting.remove(at));
        }
        drawn
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

/// The images that each step of a run takes from two splits, which may overlap.
///
/// The steps follow from the seed alone, so that a run that goes on takes what it would have taken.
#[derive(Clone, Debug)]
pub struct Sampler {
    start: [Passes; 2],
    now: [Passes; 2],
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
        let start = [unlabelled, labelled].map(|sampling| Passes::new(sampling, seed));
        let shared = shared.into_iter().collect();
        Self { now: start.clone(), start, step: 0, shared }
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
        let [unlabelled, labelled] = &mut self.now;
        // The labelled ones first: they are fewer, and there may be no others to take.
        let known = labelled.next(|_| false);
        let taken: HashSet<u32> = known.iter().map(|&(place, _)| place).collect();
        let meets = |place| self.shared.get(&place).is_some_and(|there| taken.contains(there));
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

    const PURPOSE: Purpose = Purpose::Test;

    fn order(shuffle: Shuffle) -> Vec<u32> {
        shuffle.order(1_000, 5, stream(3, PURPOSE, 0, 0))
    }

    fn sampling(count: usize, batch: usize) -> Sampling {
        let (shuffle, last_batch) = (Shuffle::Full, LastBatch::Carry);
        Sampling { count, batch, shuffle, last_batch, purpose: PURPOSE }
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
            assert!(sampler.now.iter().all(|passes| passes.waiting.len() <= 12));
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
