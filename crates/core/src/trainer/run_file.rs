//! A run on its way from one front end to another: its state, and the images that it learns from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::State;
use crate::archive::Archive;
use crate::checkpoint::{Origin, Stage};
use crate::error::Error;
use crate::image::{CHANNELS, Images};
use crate::loader::MemoryDataset;

/// The tensor of the images, `[n, 3, side, side]`, bytes.
const IMAGES: &str = "images";
/// The version that this software writes.
const VERSION: u32 = 1;
/// Losses of single steps that are kept.
const FIRST: usize = 64;

/// A run, as a file holds it: a state whose note has a [`RunNote`], with one more tensor.
#[derive(Clone, Debug)]
pub struct RunFile {
    /// Its state.
    pub archive: Archive,
    /// What is said of it.
    pub state: State<InFile>,
    /// Its images.
    pub images: Images,
}

/// What a note of a state has besides, in a run file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InFile {
    /// Whose weights it began with; none of fresh ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// What belongs to the images.
    pub run_file: RunNote,
}

/// What belongs to the images of a run file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunNote {
    /// Version of this note.
    pub version: u32,
    /// What people call the images.
    pub dataset: String,
    /// Names of the classes.
    pub class_names: Vec<String>,
    /// The class of every image, if it has one.
    pub classes: Vec<Option<u16>>,
    /// Names of the domains, where they are known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub domain_names: Vec<String>,
    /// The domain of every image, where they are known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub domains: Vec<u16>,
    /// Losses so far.
    pub losses: Losses,
    /// What else the front end that wrote it keeps there.
    #[serde(flatten)]
    pub more: BTreeMap<String, serde_json::Value>,
}

/// Losses of a run: those of its first steps, and means of its epochs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Losses {
    /// Of single steps, from the first on.
    pub first: Vec<f64>,
    /// Means of epochs, from the first on.
    pub epochs: Vec<f64>,
    /// Sum over the running epoch.
    pub sum: f64,
    /// Steps in that sum.
    pub counted: u64,
}

impl Losses {
    /// Takes note of a step, counted from 1; what came before it must be known.
    pub fn add(&mut self, step: u64, loss: f64, epoch: u64) {
        if self.first.len() < FIRST && self.first.len() as u64 + 1 == step {
            self.first.push(loss);
        }
        if self.epochs.len() as u64 * epoch + self.counted + 1 != step {
            return;
        }
        self.sum += loss;
        self.counted += 1;
        if self.counted == epoch {
            self.epochs.push(self.sum / epoch as f64);
            (self.sum, self.counted) = (0.0, 0);
        }
    }
}

impl RunFile {
    /// Reads a run file.
    ///
    /// # Errors
    /// Those of [`Archive::from_bytes`] and [`State::read`]; [`Error::Metadata`] for a state without
    /// images, and for images and classes that do not belong together.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let mut archive = Archive::from_bytes(bytes)?;
        let images = archive.take_bytes(IMAGES).ok_or_else(|| {
            wrong("expected a run file, which holds images, too: save it with the page's “Take it to a terminal”")
        })?;
        let state = State::<InFile>::read(&archive)?;
        let side = state.plan.side;
        let (shape, pixels) = images;
        let &[count, CHANNELS, height, width] = &shape[..] else {
            return Err(wrong(&format!(
                "expected images of [n, 3, {side}, {side}], got {shape:?}"
            )));
        };
        if [height, width] != [side, side] {
            return Err(Error::PictureSize { side, got_height: height, got_width: width });
        }
        state.more.run_file.check(count, state.plan.classes)?;
        let images = Images::new(pixels, [count, side, side])?;
        Ok(Self { archive, state, images })
    }

    /// The bytes of a state with the same images.
    ///
    /// # Errors
    /// Those of [`Archive::to_bytes`].
    pub fn to_bytes(&self, mut state: Archive) -> Result<Vec<u8>, Error> {
        let [height, width] = self.images.size();
        let shape = vec![self.images.len(), CHANNELS, height, width];
        state.put_bytes(IMAGES, shape, self.images.pixels().to_vec());
        state.to_bytes(crate::archive::Precision::Single)
    }

    /// The images, as a trainer takes them.
    ///
    /// # Errors
    /// None for a file that was read.
    pub fn dataset(&self) -> Result<MemoryDataset, Error> {
        let known = |(place, class): (usize, &Option<u16>)| Some((place as u32, (*class)?));
        let classes = self.state.more.run_file.classes.iter().enumerate();
        let (places, labels): (Vec<u32>, Vec<u16>) = classes.filter_map(known).unzip();
        let mut dataset = MemoryDataset::new(self.state.plan.side);
        dataset.add(&self.images)?;
        dataset.add_labelled(&self.images.select(&places), &labels)?;
        let domains = &self.state.more.run_file.domains;
        if !domains.is_empty() {
            let of_labelled = places.iter().map(|&place| domains[place as usize]).collect();
            dataset.set_domains(domains.clone(), of_labelled)?;
        }
        Ok(dataset)
    }

    /// What is trained.
    pub fn stage(&self) -> Stage {
        self.state.stage
    }
}

impl RunNote {
    /// Refuses what does not belong to so many images and classes.
    fn check(&self, images: usize, classes: usize) -> Result<(), Error> {
        let Self { version, class_names, classes: of_images, domain_names, domains, .. } = self;
        if *version != VERSION {
            return Err(wrong(&format!("expected a run file of version {VERSION}, got {version}")));
        }
        if of_images.len() != images {
            let got = of_images.len();
            return Err(wrong(&format!("expected the classes of {images} images, got {got}")));
        }
        if class_names.len() != classes {
            let got = class_names.len();
            return Err(wrong(&format!("expected the names of {classes} classes, got {got}")));
        }
        if !domains.is_empty() && domains.len() != images {
            let got = domains.len();
            return Err(wrong(&format!("expected the domains of {images} images, got {got}")));
        }
        if let Some(domain) = domains.iter().find(|it| usize::from(**it) >= domain_names.len()) {
            let names = domain_names.len();
            return Err(wrong(&format!("expected domains below {names}, got {domain}")));
        }
        match of_images.iter().flatten().find(|class| usize::from(**class) >= classes) {
            Some(class) => Err(wrong(&format!("expected classes below {classes}, got {class}"))),
            None => Ok(()),
        }
    }
}

fn wrong(reason: &str) -> Error {
    Error::Metadata { reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_kept_as_they_come_and_after_a_gap_no_more() {
        let mut losses = Losses::default();
        for step in 1..=5 {
            losses.add(step, step as f64, 2);
        }
        assert_eq!(losses.first, [1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(
            (losses.epochs.as_slice(), losses.sum, losses.counted),
            (&[1.5, 3.5][..], 5.0, 1)
        );
        losses.add(7, 7.0, 2);
        assert_eq!((losses.first.len(), losses.counted), (5, 1));
    }

    #[test]
    fn classes_that_do_not_belong_to_the_images_are_refused() {
        let note = |classes: Vec<Option<u16>>| RunNote {
            version: VERSION,
            dataset: "leaves".into(),
            class_names: vec!["ash".into(), "oak".into()],
            classes,
            domain_names: Vec::new(),
            domains: Vec::new(),
            losses: Losses::default(),
            more: BTreeMap::new(),
        };
        assert!(note(vec![Some(0), None, Some(1)]).check(3, 2).is_ok());
        for (note, images, classes, said) in [
            (note(vec![None; 2]), 3, 2, "the classes of 3 images, got 2"),
            (note(vec![None; 3]), 3, 4, "the names of 4 classes, got 2"),
            (note(vec![Some(2), None, None]), 3, 2, "classes below 2, got 2"),
            (RunNote { version: 9, ..note(vec![None; 3]) }, 3, 2, "of version 1, got 9"),
        ] {
            let error = note.check(images, classes).expect_err(said).to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
