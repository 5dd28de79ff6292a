//! Where cells are computed: images, features and networks that they share.

use std::collections::BTreeSet;

use kith_core::Device;
use kith_core::archive::Archive;
use kith_core::encoder::Encoder;
use kith_core::image::CHANNELS;
use kith_core::probe::confusion::Confusion;
use kith_core::probe::few_label::draw;
use kith_core::probe::knn::Vote;
use kith_core::probe::linear::{LinearProbe, LinearSettings};
use kith_core::probe::{Features, Labelled};
use kith_core::recipe::Recipe;
use kith_core::trainer::random_encoder;
use kith_data::{Dataset, Split};

use super::cell::{Key, Method};
use super::finetuning::Finetuning;
use crate::checkpoint::Checkpoint;
use crate::failure::Failure;
use crate::inference::{embed, look_up};

/// How neighbours vote. With few labels a wider vote would ask every labelled image.
pub(crate) const VOTE: Vote = Vote::NARROW;

/// Everything that cells share.
pub(crate) struct Bench<'a> {
    recipe: &'a Recipe,
    archive: &'a Archive,
    device: &'a Device,
    dataset: &'a Dataset,
    /// Places of the labelled images that any cell draws, in rising order.
    pool: Vec<u32>,
    pretrained: Set,
    random: Set,
    pixels: Set,
}

/// A data set in two sizes.
#[derive(Clone, Copy)]
pub(crate) struct Images<'a> {
    /// As the encoder sees it.
    pub(crate) dataset: &'a Dataset,
    /// In the size in which pixels are compared.
    pub(crate) small: &'a Dataset,
}

/// Features of the pool and of the test images.
struct Set {
    bank: Features,
    queries: Features,
}

impl<'a> Bench<'a> {
    /// Embeds what the cells need.
    pub(crate) fn new(
        recipe: &'a Recipe,
        checkpoint: &'a Checkpoint,
        Images { dataset, small }: Images<'a>,
        device: &'a Device,
        cells: &[Key],
    ) -> Result<Self, Failure> {
        let Checkpoint { meta, archive, .. } = checkpoint;
        let pool = pool(dataset, cells)?;
        let labelled = dataset.labelled.subset(&pool);
        let set = |encoder: &Encoder| -> Result<Set, Failure> {
            let bank = embed(encoder, &labelled, device)?;
            Ok(Set { bank, queries: embed(encoder, &dataset.test, device)? })
        };
        let pretrained = set(&checkpoint.encoder(device)?)?;
        let random = set(&random_encoder(&meta.recipe, meta.side, meta.seed, device)?)?;
        let bank = pixels(&small.labelled.subset(&pool))?;
        let pixels = Set { bank, queries: pixels(&small.test)? };
        Ok(Self { recipe, archive, device, dataset, pool, pretrained, random, pixels })
    }

    /// Share of the test images told right; none if the user wants to stop.
    pub(crate) fn accuracy(
        &self,
        Key { method, labels, seed }: Key,
    ) -> Result<Option<f64>, Failure> {
        let classes = self.dataset.class_names.len();
        let Self { recipe, dataset, device, .. } = *self;
        let places = draw(self.labels(), classes, labels, seed)?;
        let shares = |predicted: &[u16]| {
            let truth = dataset.test.labels().unwrap_or_default();
            Confusion::count(classes, truth, predicted).accuracy()
        };
        let predicted = match method {
            Method::Linear => self.linear(&self.pretrained, &places)?,
            Method::RandomLinear => self.linear(&self.random, &places)?,
            Method::PixelLinear => self.linear(&self.pixels, &places)?,
            Method::Knn => self.knn(&self.pretrained, &places)?,
            Method::RandomKnn => self.knn(&self.random, &places)?,
            Method::PixelKnn => self.knn(&self.pixels, &places)?,
            Method::Finetuned | Method::Supervised => {
                let start = (method == Method::Finetuned).then_some(self.archive);
                return Finetuning { recipe, dataset, device, start }.accuracy(labels, seed);
            }
        };
        Ok(Some(shares(&predicted)))
    }

    fn labels(&self) -> &[u16] {
        self.dataset.labelled.labels().unwrap_or_default()
    }

    /// The drawn images of a set, and their labels.
    fn drawn(&self, set: &Set, places: &[u32]) -> (Features, Vec<u16>) {
        let at = |place| self.pool.binary_search(place).expect("the pool holds what cells draw");
        let at: Vec<usize> = places.iter().map(at).collect();
        let labels = places.iter().map(|&place| self.labels()[place as usize]).collect();
        (set.bank.select(&at), labels)
    }

    fn linear(&self, set: &Set, places: &[u32]) -> Result<Vec<u16>, Failure> {
        let (bank, labels) = self.drawn(set, places);
        let (classes, settings) = (self.dataset.class_names.len(), LinearSettings::default());
        let images = Labelled { features: &bank, labels: &labels, classes };
        let fitted = pollster::block_on(LinearProbe::fit(images, settings, self.device))?;
        Ok(pollster::block_on(fitted.probe.predict(&set.queries))?)
    }

    fn knn(&self, set: &Set, places: &[u32]) -> Result<Vec<u16>, Failure> {
        let (bank, labels) = self.drawn(set, places);
        let found = look_up(&set.queries, &bank, VOTE.k, self.device)?;
        Ok(found.predictions(&labels, self.dataset.class_names.len(), VOTE))
    }
}

/// Places of the labelled images that any of these cells draws, in rising order.
fn pool(dataset: &Dataset, cells: &[Key]) -> Result<Vec<u32>, Failure> {
    let draws: BTreeSet<(usize, u64)> = cells.iter().map(|cell| (cell.labels, cell.seed)).collect();
    let (labels, classes) = (dataset.labelled.labels(), dataset.class_names.len());
    let mut pool = BTreeSet::new();
    for (count, seed) in draws {
        pool.extend(draw(labels.unwrap_or_default(), classes, count, seed)?);
    }
    Ok(pool.into_iter().collect())
}

/// Pixels in [0, 1] as features.
fn pixels(split: &Split) -> Result<Features, Failure> {
    let places: Vec<u32> = (0..split.len() as u32).collect();
    let images = split.read(&places)?;
    let [height, width] = images.size();
    let values = images.pixels().iter().map(|&byte| f32::from(byte) / f32::from(u8::MAX)).collect();
    Ok(Features { values, dim: CHANNELS * height * width })
}
