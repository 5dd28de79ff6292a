//! Batches of pre-training from pictures in memory.

use super::Plan;
use super::pretrain::{Batch, LABELLED};
use crate::error::Error;
use crate::image::Images;
use crate::recipe::Pretraining;
use crate::rng::Purpose;
use crate::sampler::Course;

/// Pictures in memory, in the order in which a run goes through them.
#[derive(Clone, Debug)]
pub struct Feed {
    unlabelled: Images,
    labelled: Images,
    labels: Vec<i32>,
}

/// The orders of a feed's pictures over a run: unlabelled and labelled.
#[derive(Clone, Debug)]
pub struct Courses([Course; 2]);

impl Feed {
    /// No pictures yet, of `side` pixels.
    ///
    /// # Panics
    /// Never: no bytes are no pictures.
    pub fn new(side: usize) -> Self {
        let none = Images::new(Vec::new(), [0, side, side]).expect("no bytes are no pictures");
        Self { unlabelled: none.clone(), labelled: none, labels: Vec::new() }
    }

    /// Adds unlabelled pictures.
    ///
    /// # Errors
    /// [`Error::PixelCount`] for pictures of another size.
    pub fn add(&mut self, images: &Images) -> Result<(), Error> {
        self.unlabelled = self.unlabelled.clone().join(images)?;
        Ok(())
    }

    /// Adds labelled pictures, which the online probe learns from.
    ///
    /// # Errors
    /// [`Error::PixelCount`] for pictures of another size, [`Error::TooFew`] when labels are
    /// missing.
    pub fn add_labelled(&mut self, images: &Images, labels: &[u16]) -> Result<(), Error> {
        if labels.len() != images.len() {
            let (what, expected) = ("labels, one a picture", images.len());
            return Err(Error::TooFew { what, expected, got: labels.len() });
        }
        self.labelled = self.labelled.clone().join(images)?;
        self.labels.extend(labels.iter().map(|&label| i32::from(label)));
        Ok(())
    }

    /// Unlabelled and labelled pictures there are.
    pub fn sizes(&self) -> [usize; 2] {
        [self.unlabelled.len(), self.labelled.len()]
    }

    /// The orders in which a run goes through these pictures.
    ///
    /// # Errors
    /// [`Error::TooFew`] when they cannot fill one batch.
    pub fn courses(&self, settings: &Pretraining, plan: &Plan) -> Result<Courses, Error> {
        let free = (&self.unlabelled, settings.unlabelled_batch, Purpose::UnlabelledOrder);
        let known = if plan.classes > 1 { settings.labelled_batch } else { 0 };
        let taught = (&self.labelled, known, Purpose::LabelledOrder);
        let course = |(images, batch, purpose): (&Images, usize, Purpose)| {
            let (what, got) = ("pictures to fill a batch", images.len());
            if got < batch {
                return Err(Error::TooFew { what, expected: batch, got });
            }
            Ok(Course::new([got, batch], plan.steps, settings.shuffle, (plan.seed, purpose)))
        };
        Ok(Courses([course(free)?, course(taught)?]))
    }

    /// The pictures of a step.
    ///
    /// # Panics
    /// Never: all pictures have one size.
    pub fn batch(&self, Courses([free, taught]): &mut Courses, step: u64) -> Batch {
        let (places, known) = (free.places(step), taught.places(step));
        let labelled = self.labelled.select(&known);
        let images = self.unlabelled.select(&places).join(&labelled).expect("of one size");
        let numbers = places.iter().map(|&place| u64::from(place));
        let numbers = numbers.chain(known.iter().map(|&place| LABELLED + u64::from(place)));
        let labels = known.iter().map(|&place| self.labels[place as usize]).collect();
        Batch { images, numbers: numbers.collect(), labelled, labels }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::Recipe;

    fn feed(free: usize, known: usize) -> Feed {
        let pictures = |count: usize| {
            let pixels = (0..count).flat_map(|k| [k as u8; 12]).collect();
            Images::new(pixels, [count, 2, 2]).unwrap()
        };
        let mut feed = Feed::new(2);
        feed.add(&pictures(free)).unwrap();
        let labels: Vec<u16> = (0..known as u16).collect();
        feed.add_labelled(&pictures(known), &labels).unwrap();
        feed
    }

    fn settings() -> Pretraining {
        let changes =
            ["unlabelled_batch=4", "labelled_batch=2"].map(|c| format!("pretraining.{c}"));
        Recipe::parse(Recipe::BUILT_IN[0].1, &changes).unwrap().pretraining
    }

    const PLAN: Plan = Plan { side: 2, classes: 3, seed: 1, steps: 2, epochs: 1 };

    #[test]
    fn labelled_pictures_come_last_and_once_more() {
        let feed = feed(9, 3);
        let mut courses = feed.courses(&settings(), &PLAN).unwrap();
        let batch = feed.batch(&mut courses, 1);
        assert_eq!((batch.images.len(), batch.labelled.len()), (6, 2));
        for (place, &label) in batch.labels.iter().enumerate() {
            assert_eq!(batch.images.picture(4 + place), batch.labelled.picture(place));
            assert_eq!(i32::from(batch.labelled.picture(place)[0]), label);
            assert_eq!(batch.numbers[4 + place], LABELLED + label as u64);
        }
    }

    #[test]
    fn too_few_pictures_are_refused() {
        for (free, known) in [(3, 3), (9, 1)] {
            let error = feed(free, known).courses(&settings(), &PLAN).expect_err("too few");
            assert_eq!(error.code(), "TOO_FEW");
        }
    }
}
