//! A folder of image files: found, laid out, decoded once, and split.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use crate::divide::{by_class, hold_out};
use crate::file::name_of_directory;
use crate::labels::Labels;
use crate::layout::{Item, Layout, Part, lay_out};
use crate::printable::printable;
use crate::scan::{Place, Scanned, Watch, scan};
use crate::split::{Metadata, Split};
use crate::storage::Storage;
use crate::training::Training;
use crate::walk::{Found, walk};
use crate::{Dataset, Error, Options};
use kith_core::square::Frame;

/// Side of the images where none is asked for, in pixels: STL-10's.
const SIDE: usize = 96;

/// Opens a folder: finds its images, decodes each once, and holds a fifth of every class out for
/// testing where the folder has no test images of its own.
///
/// Folders called `train`, `val` and `test` are splits, with a folder for each class in them; else
/// the first-level folders are classes. `labels.csv` says classes in place of folders. Images
/// that are of no class are only learnt from without a label, and a single class tells nothing
/// apart, so its images have none either. Linked folders are entered; hidden files and what systems
/// and programs leave are passed over. Everything passed over is counted.
pub(crate) fn open(
    directory: &Path,
    options: &Options,
    watch: Watch<'_>,
) -> Result<Dataset, Error> {
    if !directory.is_dir() {
        return Err(Error::NotADirectory { path: directory.to_owned() });
    }
    let mut walk = walk(directory)?;
    let labels = walk.labels.as_deref().map(Labels::read).transpose()?;
    let mut layout = lay_out(walk.files, labels.as_ref(), &mut walk.ignored)?;
    if layout.items.is_empty() {
        let nothing = walk.ignored.is_empty();
        let ignored = if nothing { "nothing".to_owned() } else { walk.ignored.words() };
        return Err(Error::EmptyFolder { path: directory.to_owned(), ignored });
    }
    let frame = options.frame(SIDE);
    let place = Place { directory, frame, cache: options.cache.as_ref() };
    let files: Vec<Found> = layout.items.iter().map(|item| item.file.clone()).collect();
    let scanned = scan(place, &files, watch)?;
    let Scanned { storage, readable, skipped, notes } = scanned;
    let mut readable = readable.into_iter();
    layout.items.retain(|_| readable.next().unwrap_or_default());
    let mut dataset = split(directory, layout, (storage, frame.side.into()), options)?;
    dataset.notes.splice(0..0, walk.notes.into_iter().chain(notes));
    Ok(Dataset { skipped, ignored: walk.ignored, ..dataset })
}

/// Names of the classes; where there are fewer than two, the images lose theirs.
fn class_names(items: &mut [Item]) -> Result<Vec<String>, Error> {
    let names: BTreeSet<&String> = items.iter().filter_map(|item| item.class.as_ref()).collect();
    let limit = usize::from(u16::MAX);
    if names.len() > limit {
        return Err(Error::TooMany { what: "classes", got: names.len(), limit });
    }
    if names.len() > 1 {
        return Ok(names.into_iter().cloned().collect());
    }
    items.iter_mut().for_each(|item| item.class = None);
    Ok(Vec::new())
}

/// The splits of images that can all be read.
fn split(
    directory: &Path,
    mut layout: Layout,
    (storage, frame): (Storage, Frame),
    options: &Options,
) -> Result<Dataset, Error> {
    let items = &mut layout.items;
    let single = items.iter().find_map(|item| item.class.clone());
    let class_names = class_names(items)?;
    if options.labelled.is_some() && class_names.is_empty() {
        let (path, got) = (directory.to_owned(), usize::from(single.is_some()));
        return Err(Error::OneClass { path, got });
    }
    layout.notes.extend(single.filter(|_| class_names.is_empty()).map(|single| {
        format!(
            "{single} is the only class and tells nothing apart: the images have no labels; if it \
             is a folder whose own folders are classes or splits, give that one"
        )
    }));
    let metadata = Arc::new(metadata(items, &class_names));
    let parts = Parts::of(items, (&metadata.labels, class_names.len()), options.seed);
    layout.notes.extend(parts.note);
    let storage = Arc::new(storage);
    let labelled = metadata.labels.len() as u32;
    let made = |images: Vec<u32>| {
        // Images with a label come first.
        let with = images.iter().all(|&image| image < labelled);
        let split = Split::unlabelled(storage.clone(), metadata.clone(), images, frame);
        if with { split.with_labels() } else { split }
    };
    let (test, validation) = (made(parts.test), parts.validation.map(made));
    let training = Training {
        storage: storage.clone(),
        metadata: metadata.clone(),
        labelled: parts.labelled,
        loose: parts.loose,
        classes: class_names.len(),
        frame,
    };
    let [labelled, unlabelled] = training.split(options.labelled, options)?;
    Ok(Dataset {
        validation,
        draws_test: parts.draws_test,
        notes: layout.notes,
        ..Dataset::new(name_of_directory(directory), class_names, [labelled, unlabelled, test])
    })
}

/// What is known of every image.
fn metadata(items: &[Item], class_names: &[String]) -> Metadata {
    let label = |class: &String| {
        class_names.binary_search(class).expect("the class of an image is among the classes") as u16
    };
    Metadata {
        labels: items.iter().filter_map(|item| item.class.as_ref()).map(label).collect(),
        names: items.iter().map(|item| printable(&item.file.path)).collect(),
        ..Metadata::default()
    }
}

/// Numbers of the images of every split, each in rising order.
struct Parts {
    labelled: Vec<u32>,
    loose: Vec<u32>,
    validation: Option<Vec<u32>>,
    test: Vec<u32>,
    draws_test: bool,
    note: Option<String>,
}

impl Parts {
    /// Labels are those of the images that have some, which come first.
    fn of(items: &[Item], (labels, classes): (&[u16], usize), seed: u64) -> Self {
        let numbers = |wanted: &dyn Fn(&Item) -> bool| -> Vec<u32> {
            (0..items.len() as u32).filter(|&i| wanted(&items[i as usize])).collect()
        };
        let part = |part: Part| numbers(&move |item| item.part == part);
        let (validation, test) = (part(Part::Validation), part(Part::Test));
        let mut this = Self {
            labelled: numbers(&|item| item.part == Part::Train && item.class.is_some()),
            loose: numbers(&|item| {
                item.part == Part::Unlabelled || item.part == Part::Train && item.class.is_none()
            }),
            validation: None,
            test,
            draws_test: false,
            note: None,
        };
        match (validation.is_empty(), this.test.is_empty()) {
            (false, false) => this.validation = Some(validation),
            (false, true) => {
                this.test = validation;
                this.note = Some("there are no test images: the validation images test".to_owned());
            }
            (true, false) => {}
            (true, true) => this.draw_test((labels, classes), seed),
        }
        this
    }

    /// Holds a fifth of the training images out.
    fn draw_test(&mut self, (labels, classes): (&[u16], usize), seed: u64) {
        self.draws_test = true;
        if classes == 0 {
            (self.loose, self.test) = hold_out(&[std::mem::take(&mut self.loose)], seed);
        } else {
            let members = by_class(&self.labelled, |image| labels[image as usize], classes);
            (self.labelled, self.test) = hold_out(&members, seed);
        }
    }
}

#[cfg(test)]
mod tests;
