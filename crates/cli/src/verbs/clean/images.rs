//! Every image of a data set once, with all that is known of it.

use std::path::{Path, PathBuf};

use image::ImageReader;
use kith_core::Device;
use kith_core::encoder::Encoder;
use kith_core::image::Images;
use kith_core::probe::Features;
use kith_data::{Dataset, Split, name_of_path};
use rayon::prelude::*;

use crate::failure::Failure;
use crate::inference::embed;

/// Images by number: files in the order of their paths, others from the labelled to the test images.
pub(super) struct All {
    parts: Vec<(&'static str, Split)>,
    /// The part of every image, and its place there.
    places: Vec<(usize, usize)>,
    /// Classes of images where they are known.
    pub(super) labels: Vec<Option<u16>>,
    /// Names of the classes.
    pub(super) classes: Vec<String>,
    /// Whether the test images are the data's own, not drawn by a seed.
    own_test: bool,
}

/// How many bits of a preference are an image's pixels, and a file's bytes.
const PIXEL_BITS: u32 = 30;
const BYTE_BITS: u32 = 32;

impl All {
    /// Every image; all labels that are known, or with a number asked for, those that are given.
    pub(super) fn of(dataset: &Dataset, asked: Option<usize>) -> Self {
        let parts: Vec<(&'static str, Split)> =
            dataset.all().into_iter().filter(|(_, split)| !split.is_empty()).collect();
        let each = parts.iter().enumerate();
        let mut places: Vec<(usize, usize)> = each
            .flat_map(|(part, (_, split))| (0..split.len()).map(move |place| (part, place)))
            .collect();
        // Files in the order of their paths, whatever split they were drawn for.
        places.sort_by_cached_key(|&(part, place)| {
            parts[part].1.file(place).map(|(_, path)| path.to_owned())
        });
        let label = |&(part, place): &(usize, usize)| match asked {
            None => parts[part].1.known_label(place),
            Some(_) => parts[part].1.label(place),
        };
        let classes = dataset.class_names.clone();
        let labels = places.iter().map(label);
        let known = |label: Option<u16>| label.filter(|&label| usize::from(label) < classes.len());
        let labels = labels.map(known).collect();
        Self { labels, places, parts, classes, own_test: !dataset.draws_test }
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// The split that an image is in.
    pub(super) fn split(&self, image: usize) -> &'static str {
        self.parts[self.places[image].0].0
    }

    /// The same where the data say it themselves; none where it is drawn.
    pub(super) fn own_split(&self, image: usize) -> Option<&'static str> {
        self.own_test.then(|| self.split(image))
    }

    /// What an image is called: its path in the folder, else its split and number there.
    pub(super) fn name(&self, image: usize) -> String {
        let (part, place) = self.places[image];
        let (split, images) = &self.parts[part];
        match (images.file(place), images.name(place)) {
            (Some((_, path)), _) => name_of_path(path),
            (None, Some(name)) => format!("{split}/{} {name}", images.pictures()[place]),
            (None, None) => format!("{split}/{}", images.pictures()[place]),
        }
    }

    /// The name of an image's class.
    pub(super) fn class(&self, image: usize) -> Option<&str> {
        self.labels[image].map(|label| self.classes[usize::from(label)].as_str())
    }

    /// The folder of the images' files; none where they are no files of their own.
    pub(super) fn folder(&self) -> Option<PathBuf> {
        let (_, split) = self.parts.first()?;
        split.file(0).map(|(folder, _)| folder.to_owned())
    }

    /// Features of all images.
    pub(super) fn embed(&self, encoder: &Encoder, device: &Device) -> Result<Features, Failure> {
        let (mut all, mut starts) = (Features::default(), Vec::new());
        for (_, split) in &self.parts {
            starts.push(all.len());
            let part = embed(encoder, split, device)?;
            all.dim = part.dim;
            all.values.extend(part.values);
        }
        let rows: Vec<usize> =
            self.places.iter().map(|&(part, place)| starts[part] + place).collect();
        Ok(all.select(&rows))
    }

    /// Images by their numbers.
    pub(super) fn read(&self, images: &[usize]) -> Result<Images, Failure> {
        let [height, width] = self.parts.first().map_or([1; 2], |(_, split)| split.size());
        let mut pixels = Vec::new();
        for &image in images {
            let (part, place) = self.places[image];
            pixels.extend_from_slice(self.parts[part].1.read(&[place as u32])?.pixels());
        }
        Ok(Images::new(pixels, [images.len(), height, width])?)
    }

    /// Which of two images to rather keep: that of the data's own test images, then the one with more
    /// pixels, then the larger file.
    pub(super) fn preferences(&self) -> Vec<u64> {
        (0..self.len()).into_par_iter().map(|image| self.preference(image)).collect()
    }

    fn preference(&self, image: usize) -> u64 {
        let (part, place) = self.places[image];
        let (split, images) = &self.parts[part];
        let rank = match *split {
            "test" if self.own_test => 2,
            "validation" if self.own_test => 1,
            _ => 0,
        };
        let found = images.file(place).map(|(folder, path)| sizes(&folder.join(path)));
        let [pixels, bytes] = found.unwrap_or_default();
        let bounded = |number: u64, bits: u32| number.min((1 << bits) - 1);
        rank << (PIXEL_BITS + BYTE_BITS)
            | bounded(pixels, PIXEL_BITS) << BYTE_BITS
            | bounded(bytes, BYTE_BITS)
    }
}

/// Pixels of an image file and its bytes; 0 where the file does not tell.
fn sizes(path: &Path) -> [u64; 2] {
    let reader = ImageReader::open(path).and_then(ImageReader::with_guessed_format).ok();
    let size = reader.and_then(|reader| reader.into_dimensions().ok());
    let pixels = size.map_or(0, |(width, height)| u64::from(width) * u64::from(height));
    let bytes = std::fs::metadata(path).map_or(0, |found| found.len());
    [pixels, bytes]
}
