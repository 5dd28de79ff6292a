//! An opened dataset: three splits of pictures and what is known about them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use kith_core::recipe::LabelDraw;
use kith_core::square::{Frame, Preprocessing};

use crate::cache::Cache;
use crate::error::Error;
use crate::ignored::Ignored;
use crate::split::Split;

/// How a source is split and sized.
///
/// No source but STL-10 says which of its training pictures are labelled. There `labelled` pictures
/// keep their labels, the same number of every class while they last, and the rest are the
/// unlabelled split.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Height and width of the pictures in pixels; `None` is the source's own: STL-10 96,
    /// CIFAR 32, MNIST family 28, gallery 64, Tiny ImageNet 64, Imagenette 128, others 96.
    pub side: Option<usize>,
    /// How pictures are cut and resized, for encoders that were trained elsewhere; `None` is the
    /// largest square in the middle, resized bilinearly.
    pub preprocessing: Option<Preprocessing>,
    /// One of STL-10's predefined folds of 1,000 labelled pictures, counted from 0.
    pub fold: Option<usize>,
    /// Labelled pictures. `None` is all of STL-10's (or of its fold's) and 5,000 of CIFAR and the
    /// MNIST family. For all others, and for sets of at most 5,000, `None` makes every training
    /// picture labelled *and* unlabelled: there the two splits overlap.
    pub labelled: Option<usize>,
    /// Unlabelled pictures, drawn by the seed; `None` is all that there are.
    pub unlabelled: Option<usize>,
    /// How `labelled` pictures are drawn.
    pub labels: LabelDraw,
    /// Seed of every drawn split. The same seed gives the same splits anywhere.
    pub seed: u64,
    /// Where resized images of large folders are kept; `None` decodes them whenever they are asked
    /// for.
    pub cache: Option<Cache>,
}

impl Options {
    /// The square that pictures become; `own` is the source's own side.
    pub(crate) fn frame(&self, own: usize) -> Frame {
        Frame { side: self.side.unwrap_or(own), preprocessing: self.preprocessing }
    }
}

/// A file that looked like a picture and could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

/// An opened dataset.
///
/// Labels count from 0 into `class_names`. The test split shares no picture with the others.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// A short name: `stl10`, `gallery`, or what the directory is called.
    pub name: String,
    /// The classes in the order of their labels; empty where pictures have no labels.
    pub class_names: Vec<String>,
    /// Pictures to learn labels from; empty where there are no labels.
    pub labelled: Split,
    /// Pictures to learn without labels; it has none, even where they are known.
    pub unlabelled: Split,
    /// Pictures that training never sees, with labels where there are any.
    pub test: Split,
    /// Labelled pictures to choose by, where the source has some of its own.
    pub validation: Option<Split>,
    /// Whether the seed drew the test split: then another seed's training has seen parts of it.
    pub draws_test: bool,
    /// Files that could not be read.
    pub skipped: Vec<Skipped>,
    /// What else was passed over, counted.
    pub ignored: Ignored,
    /// What is worth knowing of how the source was understood, a sentence each.
    pub notes: Vec<String>,
}

impl Dataset {
    /// A dataset of labelled, unlabelled and test pictures, and nothing to say of it.
    pub(crate) fn new(
        name: String,
        class_names: Vec<String>,
        [labelled, unlabelled, test]: [Split; 3],
    ) -> Self {
        Self {
            name,
            class_names,
            labelled,
            unlabelled,
            test,
            validation: None,
            draws_test: false,
            skipped: Vec::new(),
            ignored: Ignored::default(),
            notes: Vec::new(),
        }
    }

    /// The splits by name, without those that are not there.
    pub fn splits(&self) -> Vec<(&'static str, &Split)> {
        let splits = [
            ("labelled", Some(&self.labelled)),
            ("unlabelled", Some(&self.unlabelled)),
            ("validation", self.validation.as_ref()),
            ("test", Some(&self.test)),
        ];
        splits.into_iter().filter_map(|(name, split)| Some((name, split?))).collect()
    }

    /// Every picture once, by the split that it is in: those that are labelled and unlabelled
    /// come with their labels.
    pub fn all(&self) -> Vec<(&'static str, Split)> {
        let shared = self.unlabelled.shares_set(&self.labelled);
        let labelled: BTreeSet<u32> = match shared {
            true => self.labelled.pictures().iter().copied().collect(),
            false => BTreeSet::new(),
        };
        let places = 0..self.unlabelled.len() as u32;
        let pictures = self.unlabelled.pictures();
        let rest: Vec<u32> =
            places.filter(|&place| !labelled.contains(&pictures[place as usize])).collect();
        let once = |(name, split): (&'static str, &Split)| match name {
            "unlabelled" => (name, split.subset(&rest)),
            _ => (name, split.clone()),
        };
        self.splits().into_iter().map(once).collect()
    }

    /// A split by name that must have pictures.
    ///
    /// # Errors
    /// [`Error::EmptySplit`], with the names of those that have some.
    pub fn filled(&self, name: &'static str) -> Result<&Split, Error> {
        let splits = self.splits();
        let found = splits.iter().find(|(known, _)| *known == name).map(|(_, split)| *split);
        found.filter(|split| !split.is_empty()).ok_or_else(|| Error::EmptySplit {
            split: name,
            dataset: self.name.clone(),
            hint: self.hint(&splits),
        })
    }

    fn hint(&self, splits: &[(&'static str, &Split)]) -> String {
        let filled = splits.iter().filter(|(_, split)| !split.is_empty());
        let counts: Vec<String> =
            filled.map(|(name, split)| format!("{name} {}", split.len())).collect();
        let labels = if self.class_names.is_empty() { "; no image has a label" } else { "" };
        match counts.is_empty() {
            true => "no other has any".to_owned(),
            false => format!("images are in {}{labels}", counts.join(", ")),
        }
    }

    /// A line on what was found: images, files passed over, classes, and splits with their sizes.
    pub fn summary(&self) -> String {
        let images: usize = self.all().iter().map(|(_, split)| split.len()).sum();
        let mut words = format!("{}: {images} images", self.name);
        if !self.skipped.is_empty() {
            words += &format!(", {} skipped", self.skipped.len());
        }
        if !self.ignored.is_empty() {
            words += &format!(", passed over: {}", self.ignored.words());
        }
        words += &match self.class_names.len() {
            0 => "; no classes".to_owned(),
            1 => "; 1 class".to_owned(),
            count => format!("; {count} classes"),
        };
        let splits = self.splits();
        let sizes = splits.iter().map(|(name, split)| format!("{} {name}", split.len()));
        words += &format!("; splits: {}", sizes.collect::<Vec<_>>().join(", "));
        if self.draws_test && !self.test.is_empty() {
            words += " (a fifth, held out by the seed)";
        }
        words
    }

    /// Height and width of every picture, in pixels.
    pub fn side(&self) -> usize {
        self.unlabelled.size()[0]
    }
}
