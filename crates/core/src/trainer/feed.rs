//! Batches of pre-training from pictures in memory.

use std::collections::HashMap;

use super::Plan;
use super::pretrain::{Batch, LABELLED};
use crate::error::Error;
use crate::image::Images;
use crate::recipe::Pretraining;
use crate::sampler::{Place, Places, Sampler};

/// Pictures in memory, in the order in which a run goes through them.
#[derive(Clone, Debug)]
pub struct Feed {
    unlabelled: Images,
    labelled: Images,
    labels: Vec<i32>,
}

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

    /// The images that each step of a run takes.
    ///
    /// # Errors
    /// [`Error::TooFew`] when they cannot fill one batch.
    pub fn sampler(&self, settings: &Pretraining, plan: &Plan) -> Result<Sampler, Error> {
        let [unlabelled, labelled] = settings.courses(self.sizes(), plan.classes)?;
        Ok(Sampler::new(unlabelled, labelled, plan.seed, self.shared()))
    }

    /// Places of unlabelled images that are among the labelled ones too, pixel by pixel, and their
    /// places there.
    fn shared(&self) -> Vec<(u32, u32)> {
        let places = |images: &Images| 0..images.len() as u32;
        let there: HashMap<&[u8], u32> =
            places(&self.labelled).map(|p| (self.labelled.picture(p as usize), p)).collect();
        let found = |p: u32| Some((p, *there.get(self.unlabelled.picture(p as usize))?));
        places(&self.unlabelled).filter_map(found).collect()
    }

    /// The images of a step.
    ///
    /// # Panics
    /// Never: all images have one size.
    pub fn batch(&self, sampler: &mut Sampler, step: u64) -> Batch {
        let Places { unlabelled, labelled } = sampler.places(step);
        let select = |images: &Images, places: &[Place]| {
            images.select(&places.iter().map(|place| place.index).collect::<Vec<_>>())
        };
        let known = select(&self.labelled, &labelled);
        let images = select(&self.unlabelled, &unlabelled).join(&known).expect("of one size");
        let named = |offset: u64| move |place: &Place| place.visit(offset + u64::from(place.index));
        let visits =
            unlabelled.iter().map(named(0)).chain(labelled.iter().map(named(LABELLED))).collect();
        let labels = labelled.iter().map(|place| self.labels[place.index as usize]).collect();
        Batch { images, visits, labelled: known, labels }
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
        let mut sampler = feed.sampler(&settings(), &PLAN).unwrap();
        let batch = feed.batch(&mut sampler, 1);
        assert_eq!((batch.images.len(), batch.labelled.len()), (6, 2));
        for (place, &label) in batch.labels.iter().enumerate() {
            assert_eq!(batch.images.picture(4 + place), batch.labelled.picture(place));
            assert_eq!(i32::from(batch.labelled.picture(place)[0]), label);
            assert_eq!(batch.visits[4 + place].image, LABELLED + label as u64);
        }
    }

    #[test]
    fn images_of_many_passes_are_named_anew_and_do_not_meet_themselves() {
        // The three labelled images are the first three of the unlabelled ones.
        let feed = feed(7, 3);
        let mut sampler = feed.sampler(&settings(), &PLAN).unwrap();
        let mut names = std::collections::HashSet::new();
        for step in 0..300 {
            let batch = feed.batch(&mut sampler, step);
            let colours: std::collections::HashSet<u8> =
                (0..batch.images.len()).map(|place| batch.images.picture(place)[0]).collect();
            assert_eq!(colours.len(), 6, "step {step}: an image meets itself");
            batch.visits.iter().for_each(|&visit| assert!(names.insert(visit), "{visit:?} again"));
        }
    }

    #[test]
    fn too_few_pictures_are_refused() {
        for (free, known) in [(3, 3), (9, 1)] {
            let error = feed(free, known).sampler(&settings(), &PLAN).expect_err("too few");
            assert_eq!(error.code(), "TOO_FEW");
        }
    }
}
