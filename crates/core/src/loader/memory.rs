//! Images in memory.

use core::convert::Infallible;
use std::collections::HashMap;
use std::sync::Arc;

use super::{ImageSet, Loader, SplitRecord};
use crate::error::Error;
use crate::image::Images;
use crate::sampler::Sampling;

/// Images of one size in memory, with classes or without.
#[derive(Clone, Debug)]
pub struct MemorySplit {
    images: Images,
    labels: Vec<u16>,
    /// Counted from 0; empty where they are not known.
    domains: Vec<u16>,
}

/// A data set in memory, to which images can be added.
#[derive(Clone, Debug)]
pub struct MemoryDataset {
    unlabelled: Arc<MemorySplit>,
    labelled: Arc<MemorySplit>,
}

impl MemorySplit {
    fn none(side: usize) -> Self {
        let images = Images::new(Vec::new(), [0, side, side]).expect("no bytes are no images");
        Self { images, labels: Vec::new(), domains: Vec::new() }
    }

    fn add(&mut self, images: &Images, labels: &[u16]) -> Result<(), Error> {
        self.images = self.images.clone().join(images)?;
        self.labels.extend(labels);
        Ok(())
    }

    fn set_domains(&mut self, domains: Vec<u16>) -> Result<(), Error> {
        let (expected, got) = (self.images.len(), domains.len());
        if got != expected {
            return Err(Error::TooFew { what: "domains, one an image", expected, got });
        }
        self.domains = domains;
        Ok(())
    }
}

impl ImageSet for Arc<MemorySplit> {
    type Error = Infallible;

    fn read(&self, places: &[u32]) -> Result<Images, Infallible> {
        Ok(self.images.select(places))
    }

    fn class(&self, place: u32) -> Option<u16> {
        self.labels.get(place as usize).copied()
    }

    fn number(&self, place: u32) -> u64 {
        u64::from(place)
    }

    fn domain(&self, place: u32) -> Option<u16> {
        self.domains.get(place as usize).copied()
    }

    /// Images are the same where every pixel is.
    fn shared_with(&self, other: &Self) -> Vec<(u32, u32)> {
        let places = |images: &Images| 0..images.len() as u32;
        let there: HashMap<&[u8], u32> =
            places(&other.images).map(|p| (other.images.picture(p as usize), p)).collect();
        let found = |p: u32| Some((p, *there.get(self.images.picture(p as usize))?));
        places(&self.images).filter_map(found).collect()
    }
}

impl MemoryDataset {
    /// No images yet, of `side` pixels.
    pub fn new(side: usize) -> Self {
        let none = || Arc::new(MemorySplit::none(side));
        Self { unlabelled: none(), labelled: none() }
    }

    /// Says of which domain each of the images is that were added, the unlabelled ones and the labelled ones.
    ///
    /// # Errors
    /// [`Error::TooFew`] where there are not as many as images.
    pub fn set_domains(&mut self, unlabelled: Vec<u16>, labelled: Vec<u16>) -> Result<(), Error> {
        Arc::make_mut(&mut self.unlabelled).set_domains(unlabelled)?;
        Arc::make_mut(&mut self.labelled).set_domains(labelled)
    }

    /// Adds unlabelled images.
    ///
    /// # Errors
    /// [`Error::PixelCount`] for images of another size.
    pub fn add(&mut self, images: &Images) -> Result<(), Error> {
        Arc::make_mut(&mut self.unlabelled).add(images, &[])
    }

    /// Adds labelled images, which the online probe learns from.
    ///
    /// # Errors
    /// [`Error::PixelCount`] for images of another size, [`Error::TooFew`] when labels are missing.
    pub fn add_labelled(&mut self, images: &Images, labels: &[u16]) -> Result<(), Error> {
        if labels.len() != images.len() {
            let (what, expected) = ("labels, one an image", images.len());
            return Err(Error::TooFew { what, expected, got: labels.len() });
        }
        Arc::make_mut(&mut self.labelled).add(images, labels)
    }

    /// Unlabelled and labelled images there are.
    pub fn sizes(&self) -> [usize; 2] {
        [self.unlabelled.images.len(), self.labelled.images.len()]
    }

    /// Which images there are, by the names `unlabelled` and `labelled`.
    pub fn records(&self) -> [(String, SplitRecord); 2] {
        [("unlabelled", &self.unlabelled), ("labelled", &self.labelled)].map(|(name, split)| {
            let Ok(record) = SplitRecord::of(split, split.images.len());
            (name.to_owned(), record)
        })
    }

    /// Batches of a run, drawn so. They hold the images that there are now.
    ///
    /// # Errors
    /// Those of [`Loader::new`].
    pub fn loader(
        &self,
        [unlabelled, labelled]: [Sampling; 2],
        seed: u64,
    ) -> Result<Loader<Arc<MemorySplit>>, Error> {
        let splits = (self.unlabelled.clone(), self.labelled.clone());
        Loader::new((splits.0, unlabelled), (splits.1, labelled), seed)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::loader::{Batch, LABELLED};
    use crate::rng::Purpose;
    use crate::sampler::{Batches, LastBatch, Shuffle};

    fn dataset(unlabelled: usize, labelled: usize) -> MemoryDataset {
        let images = |count: usize| {
            let pixels = (0..count).flat_map(|k| [k as u8; 12]).collect();
            Images::new(pixels, [count, 2, 2]).unwrap()
        };
        let mut dataset = MemoryDataset::new(2);
        dataset.add(&images(unlabelled)).unwrap();
        let labels: Vec<u16> = (0..labelled as u16).collect();
        dataset.add_labelled(&images(labelled), &labels).unwrap();
        dataset
    }

    /// Four unlabelled and two labelled images a step.
    fn loader(dataset: &MemoryDataset) -> Loader<Arc<MemorySplit>> {
        let [unlabelled, labelled] = dataset.sizes();
        let sampling = |count, batch, purpose| {
            let (shuffle, last_batch) = (Shuffle::Full, LastBatch::Carry);
            let batches = Batches::Mixed;
            Sampling { count, batch, shuffle, last_batch, batches, purpose }
        };
        let unlabelled = sampling(unlabelled, 4, Purpose::UnlabelledOrder);
        let labelled = sampling(labelled, 2, Purpose::LabelledOrder);
        dataset.loader([unlabelled, labelled], 1).unwrap()
    }

    fn batch(loader: &mut Loader<Arc<MemorySplit>>, step: u64) -> Batch {
        let Ok(batch) = loader.batch(step);
        batch
    }

    #[test]
    fn labelled_images_come_with_their_labels_and_names_of_their_own() {
        let Batch { unlabelled, labelled } = batch(&mut loader(&dataset(9, 3)), 1);
        assert_eq!((unlabelled.len(), labelled.len()), (4, 2));
        assert_eq!(unlabelled.labels, None);
        for (place, &label) in labelled.labels.expect("they have labels").iter().enumerate() {
            assert_eq!(i32::from(labelled.images.picture(place)[0]), label);
            assert_eq!(labelled.visits[place].image, LABELLED + label as u64);
        }
    }

    #[test]
    fn batches_of_one_domain_need_domains() {
        let mut dataset = dataset(0, 0);
        let images = |k: u8| Images::new(vec![k; 4 * 12], [4, 2, 2]).unwrap();
        let sampling = |count| {
            let whole = Sampling::whole(count, 4, Shuffle::Full, Purpose::UnlabelledOrder);
            [Sampling { batches: Batches::OneDomain, ..whole }, Sampling::NONE]
        };
        dataset.add(&images(7)).unwrap();
        dataset.add(&images(2)).unwrap();
        let error = dataset.set_domains(vec![1; 7], Vec::new()).expect_err("eight images");
        assert_eq!(error.code(), "TOO_FEW", "{error}");
        dataset.set_domains([[7; 4], [2; 4]].concat(), Vec::new()).unwrap();
        let mut loader = dataset.loader(sampling(8), 1).expect("domains are known");
        for step in 0..6 {
            let Batch { unlabelled, .. } = batch(&mut loader, step);
            let first = unlabelled.images.picture(0)[0];
            assert_eq!(first, [2, 7][step as usize % 2]);
            assert!((0..4).all(|k| unlabelled.images.picture(k)[0] == first));
        }
        dataset.add(&images(0)).unwrap();
        let error = dataset.loader(sampling(12), 1).expect_err("four have no domain");
        assert_eq!(error.code(), "SETTING");
        assert!(error.to_string().contains("pretraining.batches"), "{error}");
    }

    #[test]
    fn a_teachers_labels_go_with_their_images() {
        let mut loader = loader(&dataset(9, 3)).with_pseudo_labels((0..9).map(|k| 2 * k).collect());
        let Batch { unlabelled, .. } = batch(&mut loader, 0);
        for (place, label) in unlabelled.labels.expect("given").into_iter().enumerate() {
            assert_eq!(label, 2 * i32::from(unlabelled.images.picture(place)[0]));
        }
    }

    #[test]
    fn images_of_many_passes_are_named_anew_and_do_not_meet_themselves() {
        // The three labelled images are the first three of the unlabelled ones.
        let mut loader = loader(&dataset(7, 3));
        let mut names = HashSet::new();
        for step in 0..300 {
            let Batch { unlabelled, labelled } = batch(&mut loader, step);
            let colours: HashSet<u8> = [&unlabelled, &labelled]
                .into_iter()
                .flat_map(|samples| (0..samples.len()).map(|k| samples.images.picture(k)[0]))
                .collect();
            assert_eq!(colours.len(), 6, "step {step}: an image meets itself");
            for visit in unlabelled.visits.iter().chain(&labelled.visits) {
                assert!(names.insert(*visit), "{visit:?} again");
            }
        }
    }
}
