//! Batches of a run, read from two splits in the order of a sampler.

mod record;
mod memory;

use crate::error::Error;
use crate::image::Images;
use crate::sampler::{Batches, Place, Places, Sampler, Sampling, Visit};

pub use memory::{MemoryDataset, MemorySplit};
pub use record::{LOOKED_AT, SplitRecord};

/// The images of one step.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Those without labels of a person.
    pub unlabelled: Samples,
    /// Those with labels.
    pub labelled: Samples,
}

/// Some images of one split.
#[derive(Clone, Debug)]
pub struct Samples {
    /// The images.
    pub images: Images,
    /// Which look at each of them this is: what names its random streams.
    pub visits: Vec<Visit>,
    /// Their classes, if they have any: a person's, or a teacher's.
    pub labels: Option<Vec<i32>>,
}

impl Samples {
    /// No images, of a height and width.
    ///
    /// # Panics
    /// Never: no bytes are no images.
    pub fn none([height, width]: [usize; 2]) -> Self {
        let images = Images::new(Vec::new(), [0, height, width]).expect("no bytes are no images");
        Self { images, visits: Vec::new(), labels: None }
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.images.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }
}

/// Images of one size by their places, on a disk or in memory.
pub trait ImageSet {
    /// Why images could not be read.
    type Error;

    /// The images at these places.
    ///
    /// # Errors
    /// What a disk may say.
    fn read(&self, places: &[u32]) -> Result<Images, Self::Error>;

    /// The class of the image at a place, if it has one.
    fn class(&self, place: u32) -> Option<u16>;

    /// The number of the image at a place in the whole data set, which names its random streams.
    fn number(&self, place: u32) -> u64;

    /// The domain of the image at a place, counted from 0, if it is known.
    fn domain(&self, _place: u32) -> Option<u16> {
        None
    }

    /// Places of images that another split holds too, with their places there.
    fn shared_with(&self, other: &Self) -> Vec<(u32, u32)>;
}

/// Sets the random streams of labelled images apart from those of unlabelled ones.
pub const LABELLED: u64 = 1 << 32;

/// Two splits with what each step takes from them.
#[derive(Clone, Debug)]
pub struct Loader<S> {
    unlabelled: S,
    labelled: S,
    sampler: Sampler,
    pseudo_labels: Option<Vec<u16>>,
}

impl<S: ImageSet> Loader<S> {
    /// A loader at the first step.
    ///
    /// # Errors
    /// For batches of one domain [`Error::Setting`] where the domain of an image is not known, and
    /// [`Error::TooFew`] where the images of a domain do not fill a batch.
    pub fn new(
        (unlabelled, free): (S, Sampling),
        (labelled, known): (S, Sampling),
        seed: u64,
    ) -> Result<Self, Error> {
        let shared = match (free.batch, known.batch) {
            (0, _) | (_, 0) => Vec::new(),
            _ => unlabelled.shared_with(&labelled),
        };
        let sampler = match free.batches {
            Batches::Mixed => Sampler::new(free, known, seed, shared),
            Batches::OneDomain => {
                let domains = [domains(&unlabelled, &free)?, domains(&labelled, &known)?];
                Sampler::by_domain([free, known], &domains, seed, shared)?
            }
        };
        Ok(Self { unlabelled, labelled, sampler, pseudo_labels: None })
    }

    /// The same with a teacher's class for each unlabelled image.
    #[must_use]
    pub fn with_pseudo_labels(self, labels: Vec<u16>) -> Self {
        Self { pseudo_labels: Some(labels), ..self }
    }

    /// The images of a step.
    ///
    /// # Errors
    /// Those of [`ImageSet::read`].
    pub fn batch(&mut self, step: u64) -> Result<Batch, S::Error> {
        let Places { unlabelled, labelled } = self.sampler.places(step);
        let given = self.pseudo_labels.as_ref().map(|labels| {
            unlabelled.iter().map(|place| i32::from(labels[place.index as usize])).collect()
        });
        let unlabelled = samples(&self.unlabelled, &unlabelled, 0)?;
        let mut known = samples(&self.labelled, &labelled, LABELLED)?;
        let class = |place: &Place| self.labelled.class(place.index).map(i32::from);
        known.labels = labelled.iter().map(class).collect();
        Ok(Batch { unlabelled: Samples { labels: given, ..unlabelled }, labelled: known })
    }
}

/// The domains of the images of a split that are drawn.
fn domains<S: ImageSet>(split: &S, sampling: &Sampling) -> Result<Vec<u16>, Error> {
    let drawn = if sampling.batch > 0 { sampling.count } else { 0 };
    let domains: Option<Vec<u16>> = (0..drawn as u32).map(|place| split.domain(place)).collect();
    let expected = "\"mixed\", or the domain of every image: the gallery has it, a folder in the column domain \
                    of labels.csv, kith-web in the option domains";
    domains.ok_or_else(|| Error::setting("pretraining.batches", expected, "\"one_domain\""))
}

/// Images of a split, without labels; `offset` sets their random streams apart.
fn samples<S: ImageSet>(split: &S, places: &[Place], offset: u64) -> Result<Samples, S::Error> {
    let indices: Vec<u32> = places.iter().map(|place| place.index).collect();
    let named = |place: &Place| place.visit(offset + split.number(place.index));
    let visits = places.iter().map(named).collect();
    Ok(Samples { images: split.read(&indices)?, visits, labels: None })
}
