//! Some pictures of a dataset, read a batch at a time.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kith_core::image::{CHANNELS, Images};
use kith_core::loader::ImageSet;
use kith_core::rng::{Purpose, stream};
use kith_core::square::Frame;
use rayon::prelude::*;

use crate::Error;
use crate::storage::Storage;

/// Batches smaller than this are read on one thread: starting others would take longer.
const PARALLEL_FROM: usize = 32;

/// What is known about stored pictures, by their number. Empty where unknown.
#[derive(Debug, Default)]
pub(crate) struct Metadata {
    /// Classes, counted from 0.
    pub(crate) labels: Vec<u16>,
    /// What each picture shows.
    pub(crate) groups: Vec<u32>,
    /// The domain of each picture, counted from 0, where it is known.
    pub(crate) domains: Vec<Option<u16>>,
    /// What each picture is called.
    pub(crate) names: Vec<String>,
    /// The folder that pictures are files of, where each is a file of its own.
    pub(crate) folder: Option<PathBuf>,
    /// The path of each picture in that folder.
    pub(crate) paths: Vec<PathBuf>,
}

/// Some pictures of a dataset. Cloning is cheap, threads may share it.
///
/// Pictures are counted from 0 within the split; [`pictures`](Split::pictures) tells their numbers
/// in the set they were drawn from.
#[derive(Clone)]
pub struct Split {
    storage: Arc<Storage>,
    metadata: Arc<Metadata>,
    pictures: Arc<[u32]>,
    labels: Option<Arc<[u16]>>,
    frame: Frame,
}

impl Split {
    /// Stored pictures without labels, in a frame.
    pub(crate) fn unlabelled(
        storage: Arc<Storage>,
        metadata: Arc<Metadata>,
        pictures: Vec<u32>,
        frame: impl Into<Frame>,
    ) -> Self {
        let (pictures, frame) = (pictures.into(), frame.into());
        Self { storage, metadata, pictures, labels: None, frame }
    }

    /// The same with the labels of the metadata; none where there are none.
    pub(crate) fn with_labels(mut self) -> Self {
        let all = &self.metadata.labels;
        if !all.is_empty() {
            self.labels = Some(self.pictures.iter().map(|&p| all[p as usize]).collect());
        }
        self
    }

    /// Number of pictures.
    pub fn len(&self) -> usize {
        self.pictures.len()
    }

    /// Whether there is no picture.
    pub fn is_empty(&self) -> bool {
        self.pictures.is_empty()
    }

    /// Height and width of every picture, in pixels.
    pub fn size(&self) -> [usize; 2] {
        [self.frame.side; 2]
    }

    /// The number of every picture in the set that the split was drawn from, counted from 0: in
    /// the training files, the test files, or all of the folder or gallery.
    pub fn pictures(&self) -> &[u32] {
        &self.pictures
    }

    /// The label of every picture, if there are any.
    pub fn labels(&self) -> Option<&[u16]> {
        self.labels.as_deref()
    }

    /// The label of a picture, if there are any. `index` must be in the split.
    pub fn label(&self, index: usize) -> Option<u16> {
        self.labels.as_ref().map(|labels| labels[index])
    }

    /// The label of a picture where it is known, also if this split does not give it: most data have
    /// more labels than are learnt from. `index` must be in the split.
    pub fn known_label(&self, index: usize) -> Option<u16> {
        let known = self.metadata.labels.get(self.pictures[index] as usize);
        self.label(index).or(known.copied())
    }

    /// The folder of a picture and its path in it, where it is a file of its own. `index` must be in
    /// the split.
    pub fn file(&self, index: usize) -> Option<(&Path, &Path)> {
        let path = self.metadata.paths.get(self.pictures[index] as usize);
        self.metadata.folder.as_deref().zip(path.map(PathBuf::as_path))
    }

    /// What every picture shows, if that is known: pictures of one group show the same thing.
    ///
    /// In the gallery a group is an emoji, whoever drew it.
    pub fn groups(&self) -> Option<Vec<u32>> {
        let groups = &self.metadata.groups;
        let group = |&picture: &u32| groups[picture as usize];
        (!groups.is_empty()).then(|| self.pictures.iter().map(group).collect())
    }

    /// What a picture is called, if it has a name: its path in the folder, or its emoji's name.
    /// `index` must be in the split.
    pub fn name(&self, index: usize) -> Option<&str> {
        self.metadata.names.get(self.pictures[index] as usize).map(String::as_str)
    }

    /// Pictures in the order of their `indices`, `[indices.len(), 3, height, width]`.
    ///
    /// Every index must be in the split; one may come repeatedly.
    ///
    /// # Errors
    /// [`Error::Unreadable`] or [`Error::Changed`] when a file behind the split can no longer be
    /// read.
    pub fn read(&self, indices: &[u32]) -> Result<Images, Error> {
        let picture_bytes = CHANNELS * self.frame.side * self.frame.side;
        let mut pixels = vec![0; indices.len() * picture_bytes];
        let take = |(target, &index): (&mut [u8], &u32)| {
            self.storage.take(self.pictures[index as usize], target, self.frame)
        };
        let few = if self.storage.is_slow() { 2 } else { PARALLEL_FROM };
        if indices.len() < few {
            pixels.chunks_exact_mut(picture_bytes).zip(indices).try_for_each(take)?;
        } else {
            pixels.par_chunks_exact_mut(picture_bytes).zip(indices).try_for_each(take)?;
        }
        let shape = [indices.len(), self.frame.side, self.frame.side];
        Ok(Images::new(pixels, shape).expect("the buffer was made for this shape"))
    }

    /// Whether both splits count their [`pictures`](Self::pictures) in the same set.
    pub fn shares_set(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.storage, &other.storage)
    }

    /// Indices drawn from the split by a seed, at most `count`.
    pub fn sample(&self, count: usize, seed: u64) -> Vec<u32> {
        let mut indices: Vec<u32> = (0..self.len() as u32).collect();
        stream(seed, Purpose::Show, 0, 0).shuffle(&mut indices);
        indices.truncate(count);
        indices
    }

    /// The pictures of some indices, in that order, as a split of their own. Every index must be
    /// in this split.
    pub fn subset(&self, indices: &[u32]) -> Self {
        let labels = self.labels.as_ref();
        Self {
            pictures: indices.iter().map(|&i| self.pictures[i as usize]).collect(),
            labels: labels.map(|labels| indices.iter().map(|&i| labels[i as usize]).collect()),
            ..self.clone()
        }
    }
}

impl fmt::Debug for Split {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Split")
            .field("len", &self.len())
            .field("side", &self.frame.side)
            .field("labelled", &self.labels.is_some())
            .finish_non_exhaustive()
    }
}

impl ImageSet for Split {
    type Error = Error;

    fn read(&self, places: &[u32]) -> Result<Images, Error> {
        Self::read(self, places)
    }

    fn class(&self, place: u32) -> Option<u16> {
        self.label(place as usize)
    }

    fn number(&self, place: u32) -> u64 {
        u64::from(self.pictures()[place as usize])
    }

    fn domain(&self, place: u32) -> Option<u16> {
        self.metadata.domains.get(self.pictures()[place as usize] as usize).copied().flatten()
    }

    /// Images of one data set are the same where their numbers are.
    fn shared_with(&self, other: &Self) -> Vec<(u32, u32)> {
        if !self.shares_set(other) {
            return Vec::new();
        }
        let there: HashMap<u32, u32> =
            (0..).zip(other.pictures()).map(|(place, &number)| (number, place)).collect();
        let found = |(place, number)| Some((place, *there.get(number)?));
        (0..).zip(self.pictures()).filter_map(found).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hundred grey pictures, each as bright as its number.
    fn hundred(side: usize) -> Split {
        let pixels = (0..100).flat_map(|p| [p; 4]).collect();
        let storage = Storage::Memory { pixels, planes: 1, size: [2, 2] };
        let labels = (0..100).map(|p| p % 7).collect();
        let metadata = Metadata { labels, ..Metadata::default() };
        Split::unlabelled(storage.into(), metadata.into(), (0..100).collect(), side).with_labels()
    }

    #[test]
    fn pictures_come_in_the_order_of_the_indices_however_many() {
        let split = hundred(3);
        for count in [1, 7, PARALLEL_FROM, 99] {
            let indices: Vec<u32> = (0..count as u32).map(|i| i * 37 % 100).collect();
            let images = split.read(&indices).unwrap();
            assert_eq!((images.len(), images.size()), (count, [3, 3]));
            for (place, &index) in indices.iter().enumerate() {
                assert!(images.picture(place).iter().all(|&p| u32::from(p) == index));
            }
        }
    }

    #[test]
    fn a_subset_counts_anew_and_keeps_its_labels() {
        let subset = hundred(2).subset(&[50, 3, 99]).subset(&[2, 0]);
        assert_eq!(subset.pictures(), [99, 50]);
        assert_eq!(subset.labels(), Some(&[99 % 7, 50 % 7][..]));
        assert_eq!(subset.label(1), Some(1));
        assert_eq!(subset.read(&[0]).unwrap().picture(0)[0], 99);
    }

    #[test]
    fn nothing_is_read_for_no_index() {
        assert!(hundred(2).read(&[]).unwrap().is_empty());
    }
}
